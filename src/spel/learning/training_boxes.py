"""The boxes that a detector is learned from: annotations of any format, or strokes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from spel.errors import FormatError, plural
from spel.io.annotation.annotations import Annotations, ImageBoxes
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
    return _without_repeats(annotations, report), folder


def _without_repeats(annotations: Annotations, report: Report) -> Annotations:
    """Each box once: the second of two equal boxes would count as an object that is not found."""
    images = tuple(one.without_repeats() for one in annotations.images)
    repeats = sum(map(len, annotations.images)) - sum(map(len, images))
    if repeats:
        report(
            f"{plural(repeats, 'box')} of the same class at the same place as another; each place "
            "is learned once"
        )
    return replace(annotations, images=images)


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
