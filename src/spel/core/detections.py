"""Detections: the boxes of one image, and why each is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spel.core.box_arrays import CORNERS, box_array
from spel.core.html import detections_html
from spel.errors import ShapeError


@dataclass(frozen=True)
class Why:
    """Why a box is there: the strongest pixel of its component and what contributed to it.

    Attributes
    ----------
    at : (row, col)
        The pixel with the highest saliency inside the component, in the output of the network.
    saliency, threshold : float
        Its value, and the value that it had to exceed.
    margin : float
        How far the threshold may rise before the component vanishes.
    kernels : tuple of (str, int, float)
        Node, channel and contribution, strongest first.
    spels : tuple of (row, col)
        Input pixels (voxels) of the strongest contribution.
    """

    at: tuple[int, ...]
    saliency: float
    threshold: float
    margin: float
    kernels: tuple[tuple[str, int, float], ...] = ()
    spels: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes detected in one image, best first.

    Attributes
    ----------
    boxes : (n, 4) array of float64
        ``x0 y0 x1 y1`` in pixels of the displayed image, half-open; in a volume (n, 6),
        ``x0 y0 z0 x1 y1 z1``.
    scores : (n,) array of float64
    areas : (n,) array of int64
        Pixels of each component in the output of the network.
    image_size : (rows, cols)
        With planes before them for a volume, as in `components`.
    components : (rows, cols) array of int32, optional
        Component map in the output of the network; box i has the value ``i + 1``.
    why : tuple of Why
        One per box if requested, else empty.
    classes : tuple of str
        Class of each box; empty for a detector of one class.
    left_out : int
        Number of further boxes above the threshold: a decision by windows keeps `max_detections`.

    Examples
    --------
    >>> plates = Detections(np.array([[2, 1, 5, 3]]), np.array([0.9]), np.array([6]), (10, 10))
    >>> len(plates), plates.boxes.tolist()
    (1, [[2.0, 1.0, 5.0, 3.0]])
    """

    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    areas: npt.NDArray[np.int64]
    image_size: tuple[int, ...]
    components: npt.NDArray[np.int32] | None = None
    why: tuple[Why, ...] = ()
    classes: tuple[str, ...] = ()
    left_out: int = 0

    if TYPE_CHECKING:  # lists are taken; the fields hold arrays

        def __init__(
            self,
            boxes: npt.ArrayLike,
            scores: npt.ArrayLike,
            areas: npt.ArrayLike,
            image_size: Sequence[int],
            components: npt.NDArray[np.int32] | None = None,
            why: Sequence[Why] = (),
            classes: Sequence[str] = (),
            left_out: int = 0,
        ) -> None: ...

    def __post_init__(self) -> None:
        size = tuple(int(n) for n in self.image_size)
        if len(size) not in (2, 3):
            raise ShapeError(f"Detections: image_size {size}; expected (rows, cols) or 3 numbers")
        boxes = box_array("Detections: boxes", self.boxes, len(size))
        scores = np.array(self.scores, dtype=np.float64).reshape(-1)
        areas = np.array(self.areas, dtype=np.int64).reshape(-1)
        if not len(boxes) == len(scores) == len(areas):
            raise ShapeError(
                f"Detections: {len(boxes)} boxes, {len(scores)} scores, {len(areas)} areas; "
                "expected one score and one area per box"
            )
        classes = tuple(self.classes)
        if len(classes) not in (0, len(boxes)):
            raise ShapeError(
                f"Detections: {len(boxes)} boxes, {len(classes)} classes; expected one class per "
                "box, or none"
            )
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "image_size", size)
        for name, value in (("boxes", boxes), ("scores", scores), ("areas", areas)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.boxes)

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.float64], float]]:
        return iter(zip(self.boxes, self.scores.tolist(), strict=True))

    def mask(self, index: int) -> npt.NDArray[np.bool_]:
        """Component of box `index` as a mask over the output of the network."""
        if self.components is None:
            raise ShapeError("Detections.mask: these detections carry no component map")
        if not -len(self) <= index < len(self):
            raise IndexError(f"Detections.mask: box {index} of {len(self)}")
        mask: npt.NDArray[np.bool_] = self.components == index % len(self) + 1
        return mask

    def enlarged(self, size: tuple[int, ...], scale: tuple[float, ...]) -> Detections:
        """Those of a level of a pyramid in pixels of the full size, without component map.

        Parameters
        ----------
        size : ([planes,] rows, cols)
            The full size.
        scale : tuple of float
            Length of each axis of the level by that of the full size.

        Examples
        --------
        >>> one = Detections(np.array([[1.0, 2, 3, 4]]), np.ones(1), np.array([4]), (10, 10))
        >>> one.enlarged((20, 40), (0.5, 0.25)).boxes.tolist()
        [[4.0, 4.0, 12.0, 8.0]]
        """
        if set(scale) == {1.0}:
            return self
        boxes = np.clip(self.boxes / (scale[::-1] * 2), 0, size[::-1] * 2)
        areas = (np.asarray(self.areas, np.float64) / np.prod(scale)).astype(np.int64)
        return replace(self, boxes=boxes, areas=areas, image_size=size, components=None, why=())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Detections):
            return NotImplemented
        return (
            self.image_size == other.image_size
            and np.array_equal(self.boxes, other.boxes)
            and np.array_equal(self.scores, other.scores)
            and np.array_equal(self.areas, other.areas)
            and self.classes == other.classes
        )

    __hash__ = None  # type: ignore[assignment]

    def _repr_html_(self) -> str:
        return detections_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON."""
        boxes: list[dict[str, Any]] = [
            {CORNERS[len(self.image_size)]: box.tolist(), "score": score, "area": int(area)}
            for box, score, area in zip(self.boxes, self.scores.tolist(), self.areas)
        ]
        for entry, name in zip(boxes, self.classes):
            entry["class"] = name
        return {"size": list(self.image_size), "boxes": boxes}
