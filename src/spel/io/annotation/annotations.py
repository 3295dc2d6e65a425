"""Boxes of classes in images: true boxes, or answers of a detector, in any exchange format.

Boxes are ``x0 y0 x1 y1``, half-open, in pixels of the displayed image; ``x0 y0 z0 x1 y1 z1`` in
volumes.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spel.core.box_arrays import box_array, number_array
from spel.errors import ParameterError, ShapeError, printable

__all__ = ["ONE_CLASS", "UNKNOWN_SIZE", "AnnotationWarning", "Annotations", "ImageBoxes"]

ONE_CLASS = "object"
"""The class of boxes if their file names no class."""

UNKNOWN_SIZE = (0, 0)
"""The size of an image if neither a file nor the image itself states it."""


class AnnotationWarning(UserWarning):
    """An entry of an annotation file was left out, or read with an assumption.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", AnnotationWarning)  # nothing may be left out here
    """


@dataclass(frozen=True, eq=False)
class ImageBoxes:
    """The boxes of one image.

    Attributes
    ----------
    image : str
        File name as the annotation file gives it.
    size : (rows, cols)
        Size of the displayed image; (0, 0) if it is unknown, (planes, rows, cols) for a volume.
    boxes : (n, 4) array of float64
        ``x0 y0 x1 y1``, half-open; for a volume (n, 6), ``x0 y0 z0 x1 y1 z1``.
    classes : tuple of str
        One name per box.
    crowd : (n,) array of bool
        True for boxes around a crowd (COCO) or a difficult object (VOC): a detector need not find
        them, and answers inside are not counted as wrong.
    scores, areas : (n,) arrays of float64, optional
        Scores and areas of a detector's answers; None for true boxes.
    orientation : int
        EXIF orientation of the stored image, 1 to 8.
    frame, seconds : int, float, optional
        Number and time of the frame, if the image is one of a video.
    details : mapping
        Fields of the image in its file that have no meaning here (an id, a licence); they are
        written back to the same format.
    box_details : tuple of mapping
        The same for each box, or empty.

    Raises
    ------
    ShapeError, ParameterError
        If the numbers of boxes, classes or crowds differ, or the corners of a box are not in order.

    Examples
    --------
    >>> one = ImageBoxes("a.png", (10, 20), [[1, 2, 5, 8], [7, 0, 9, 4]], ("dog", "cat"))
    >>> len(one), one.only_classes(["cat"]).boxes.tolist()
    (2, [[7.0, 0.0, 9.0, 4.0]])
    """

    image: str
    size: tuple[int, ...]
    boxes: npt.NDArray[np.float64]
    classes: tuple[str, ...] = ()
    crowd: npt.NDArray[np.bool_] = None  # type: ignore[assignment]  # False each, see below
    scores: npt.NDArray[np.float64] | None = None
    areas: npt.NDArray[np.float64] | None = None
    orientation: int = 1
    frame: int | None = None
    seconds: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    box_details: tuple[Mapping[str, Any], ...] = ()

    if TYPE_CHECKING:  # lists are taken; the fields hold arrays

        def __init__(
            self,
            image: str,
            size: Sequence[int],
            boxes: npt.ArrayLike,
            classes: Sequence[str] = (),
            crowd: npt.ArrayLike | None = None,
            scores: npt.ArrayLike | None = None,
            areas: npt.ArrayLike | None = None,
            orientation: int = 1,
            frame: int | None = None,
            seconds: float | None = None,
            details: Mapping[str, Any] = ...,
            box_details: Sequence[Mapping[str, Any]] = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        size = tuple(int(n) for n in self.size)
        boxes = box_array(f"ImageBoxes: {printable(self.image)}: boxes", self.boxes, len(size))
        classes = tuple(self.classes) or (ONE_CLASS,) * len(boxes)
        crowd = np.zeros(len(boxes), np.bool_) if self.crowd is None else np.array(self.crowd, bool)
        if not len(boxes) == len(classes) == len(crowd):
            raise ShapeError(
                f"ImageBoxes: {len(boxes)} boxes, {len(classes)} classes, {len(crowd)} marks of "
                "crowds; expected one of each per box"
            )
        if self.box_details and len(self.box_details) != len(boxes):
            raise ShapeError(
                f"ImageBoxes: details of {len(self.box_details)} boxes for {len(boxes)}; expected "
                "one per box, or none"
            )
        if not all(isinstance(name, str) for name in classes):
            raise ParameterError(f"ImageBoxes: classes {classes!r:.60}; expected names")
        crowd.setflags(write=False)
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "crowd", crowd)
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "size", size)
        for name in ("scores", "areas"):
            values = getattr(self, name)
            if values is not None:
                numbers = number_array(f"ImageBoxes: {name}", values, len(boxes))
                object.__setattr__(self, name, numbers)

    def __len__(self) -> int:
        return len(self.boxes)

    def only_classes(self, names: Collection[str]) -> ImageBoxes:
        """The boxes of some classes."""
        return self._only([one in names for one in self.classes])

    def without_repeats(self) -> ImageBoxes:
        """Each box once: one of the same class at the same place as an earlier box is left out."""
        keys = [*zip(map(tuple, self.boxes.tolist()), self.classes, self.crowd.tolist())]
        first = {key: place for place, key in reversed([*enumerate(keys)])}
        return self._only([first[key] == place for place, key in enumerate(keys)])

    def within(self) -> ImageBoxes:
        """The boxes as far as they lie in the image; as they are where its size is unknown.

        Examples
        --------
        >>> over = ImageBoxes("a.png", (10, 20), [[-3, 2, 25, 8], [20, 0, 25, 5]], ("a", "b"))
        >>> over.within().boxes.tolist()
        [[0.0, 2.0, 20.0, 8.0]]
        """
        if self.size == UNKNOWN_SIZE:
            return self
        boxes = np.clip(self.boxes, 0, np.array(self.size[::-1] * 2, dtype=np.float64))
        low, high = np.split(boxes, 2, axis=1)
        keep = np.all(low < high, axis=1)
        return replace(self._only(list(keep)), boxes=boxes[keep])

    def _only(self, chosen: Sequence[bool]) -> ImageBoxes:
        keep = np.array(chosen, dtype=bool)
        return replace(
            self,
            boxes=self.boxes[keep],
            classes=tuple(one for one, k in zip(self.classes, keep) if k),
            crowd=self.crowd[keep],
            scores=None if self.scores is None else self.scores[keep],
            areas=None if self.areas is None else self.areas[keep],
            box_details=tuple(d for d, k in zip(self.box_details, keep) if k),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ImageBoxes):
            return NotImplemented
        return (
            (self.image, self.size, self.classes) == (other.image, other.size, other.classes)
            and np.array_equal(self.boxes, other.boxes)
            and np.array_equal(self.crowd, other.crowd)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Annotations:
    """The boxes of many images.

    Attributes
    ----------
    images : tuple of ImageBoxes
        The images in the order of the file, including those without boxes.
    classes : tuple of str
        Names of all classes, in the order of their numbers.
    form : str
        The format that they were read from; empty if they were made in Python.
    details, class_details : mapping
        Fields of the file, and of its classes by name, that have no meaning here; they are written
        back to the same format.
    problems : tuple of str
        Sentences about what was left out or assumed while reading, each with its place in the file.

    Examples
    --------
    >>> one = ImageBoxes("photos/a.png", (10, 20), [[1, 2, 5, 8], [7, 0, 9, 4]], ("dog", "cat"))
    >>> truth = Annotations((one,), ("dog", "cat"))
    >>> truth.of("a.png").classes, truth.only_classes(["cat"]).images[0].classes
    (('dog', 'cat'), ('cat',))
    >>> truth.as_one_class().all_classes
    ('object',)
    """

    images: tuple[ImageBoxes, ...]
    classes: tuple[str, ...]
    form: str = ""
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    class_details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)
    problems: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[ImageBoxes]:
        return iter(self.images)

    @property
    def all_classes(self) -> tuple[str, ...]:
        """`classes`, then further names that occur in boxes, sorted: their numbers when written."""
        names = {name for one in self.images for name in one.classes}
        return self.classes + tuple(sorted(names - set(self.classes)))

    def only_classes(self, names: Collection[str]) -> Annotations:
        """The boxes of some classes, on all images.

        Raises
        ------
        ParameterError
            If no box has one of these classes.
        """
        for name in names:
            if all(name not in one.classes for one in self.images):
                raise ParameterError(
                    f"no box has the class {name!r}; expected one of {', '.join(self.all_classes)}"
                )
        return replace(self, images=tuple(one.only_classes(names) for one in self.images))

    def as_one_class(self) -> Annotations:
        """The same boxes, all of one class."""
        images = tuple(replace(one, classes=(ONE_CLASS,) * len(one)) for one in self.images)
        return replace(self, images=images, classes=(ONE_CLASS,))

    def of(self, image: str) -> ImageBoxes:
        """The boxes of one image, by its full name or, if this is unambiguous, the end of its path.

        An annotation whose name has no suffix (YOLO, QuPath) belongs to an image of any suffix.

        Raises
        ------
        KeyError
            If there is no such image, or there are several.
        """
        image = image.replace(os.sep, "/")
        exact = [one for one in self.images if one.image == image]
        if exact:
            return exact[0]
        near = [one for one in self.images if _same_end(image, one.image)]
        if not near:
            stem = str(PurePosixPath(image).with_suffix("")) if image else image
            near = [
                one
                for one in self.images
                if not PurePosixPath(one.image).suffix
                and (one.image == stem or _same_end(stem, one.image))
            ]
        if len(near) != 1:
            reason = "no annotation" if not near else f"{len(near)} annotations"
            raise KeyError(f"{reason} for the image {printable(image)!r}")
        return near[0]


def _same_end(a: str, b: str) -> bool:
    return a.endswith("/" + b) or b.endswith("/" + a)
