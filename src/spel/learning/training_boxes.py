"""The boxes that a detector is learned from: annotations of any format, or strokes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from spel.errors import FormatError, plural
from spel.io.annotation.annotations import Annotations, AnnotationWarning, ImageBoxes
from spel.io.annotation.labels import Report, read_labels
from spel.io.annotation.marker_folder import marked_images
from spel.io.annotation.recognize import images_beside, is_label_folder


def training_boxes(
    truth: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    *,
    turn: bool = False,
    names: Sequence[str] = (),
    one_class: bool = False,
    report: Report,
) -> tuple[Annotations, Path]:
    """The boxes of a file or folder, and the folder of their photos.

    Parameters
    ----------
    truth : path
        Any format of `spel.io.read_labels`, or a folder of strokes.
    images : path, optional
        Folder of the photos; by default the one beside annotations, or the one that strokes lie in.
    turn : bool
        Whether boxes that were drawn on stored images, before their EXIF rotation, are turned.
    names : sequence of str
        Classes to take; all without any.
    one_class : bool
        Whether all classes are one.
    report : callable
        Takes what is to be said of the boxes.

    Raises
    ------
    FormatError
        If the boxes cannot be read.
    """
    place = Path(truth)
    if not place.exists():
        raise FormatError(f"{place}: there is no such file or folder; check the path")
    if place.is_dir() and not is_label_folder(place):
        folder = Path(images or place.parent)
        return boxes_from_strokes(folder, place), folder
    folder = Path(images or images_beside(place))
    annotations = read_labels(place, images=folder, turn=turn, report=report)
    crowds = sum(int(one.crowd.sum()) for one in annotations)
    if crowds:
        report(
            f"{plural(crowds, 'box')} around crowds or difficult objects: what lies there is "
            "learned neither as an object nor as background"
        )
    if names:
        annotations = annotations.only_classes(names)
    if one_class:
        annotations = annotations.as_one_class()
    return annotations, folder


def boxes_to_learn(annotations: Annotations, report: Callable[[str], object]) -> Annotations:
    """The boxes as a detector learns them: each once, and as far as it lies in its photo.

    The second of two equal boxes would count as an object that is not found, and what a detector
    finds lies in the photo.

    Parameters
    ----------
    annotations : Annotations
    report : callable
        Takes what is to be said of boxes that are left out or cut.

    Examples
    --------
    >>> boxes = [[1, 2, 5, 8], [1, 2, 5, 8], [7, 0, 29, 4]]
    >>> truth = Annotations((ImageBoxes("a.png", (10, 20), boxes, ("cat",) * 3),), ("cat",))
    >>> learned = boxes_to_learn(truth, print)
    1 box of the same class at the same place as another; each place is learned once
    1 box reaches beyond its photo; what lies in the photo is learned
    >>> learned.images[0].boxes.tolist()
    [[1.0, 2.0, 5.0, 8.0], [7.0, 0.0, 20.0, 4.0]]
    """
    once = tuple(one.without_repeats() for one in annotations.images)
    repeats = sum(map(len, annotations.images)) - sum(map(len, once))
    if repeats:
        report(
            f"{plural(repeats, 'box')} of the same class at the same place as another; each place "
            "is learned once"
        )
    inside = tuple(one.within() for one in once)
    cut = sum(_differ(before, after) for before, after in zip(once, inside))
    if cut:
        report(
            f"{plural(cut, 'box')} {'reaches' if cut == 1 else 'reach'} beyond "
            f"{'its photo' if cut == 1 else 'their photos'}; what lies in the photo is learned"
        )
    return replace(annotations, images=inside)


def warn_of_boxes(text: str) -> None:
    """What is said of boxes, as a warning."""
    warnings.warn(text, AnnotationWarning, stacklevel=4)


def _differ(before: ImageBoxes, after: ImageBoxes) -> int:
    """How many boxes were cut or left out."""
    places = {tuple(box) for box in after.boxes.tolist()}
    return sum(tuple(box) not in places for box in before.boxes.tolist())


def boxes_from_strokes(
    images: str | os.PathLike[str],
    markers: str | os.PathLike[str],
    convention: str = "auto",
) -> Annotations:
    """Annotations from strokes: the bounding box of each object stroke is the box of an object.

    A stroke from corner to corner of the object, or around it, is enough. Background strokes are
    not used: everything outside the boxes is background.

    Parameters
    ----------
    images : path
        Folder of the images.
    markers : path
        Folder of their strokes.
    convention : str, optional
        The meaning of labels in the files, see `spel.io.annotation.markers`.

    Returns
    -------
    Annotations
        All boxes are of the class "object".
    """
    drawn, paths = marked_images(images, markers, convention)
    annotated = [
        ImageBoxes(paths[name].name, (strokes.size[0], strokes.size[1]), strokes.boxes())
        for name, strokes in drawn.items()
    ]
    return Annotations(tuple(annotated), ("object",))
