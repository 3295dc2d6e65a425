"""Checks of markers: what will harm learning, and what to draw instead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.instance import check_instance
from spel.core.markers import Markers
from spel.errors import ShapeError
from spel.flim.statistics import checked_names
from spel.nn.blocks import ImageLike, InBlocks, shape_of, values_at

UNIFORM = 0.02
"""A stroke whose deviation is less than this share of the image's deviation is uniform."""


def check_markers(
    markers: Sequence[Markers],
    images: Sequence[ImageLike] = (),
    *,
    names: Sequence[str] = (),
) -> tuple[str, ...]:
    """Sentences about markers that will harm learning, each with its remedy.

    Looks for missing strokes, a single class, touching strokes of different labels, strokes that
    are too uniform to teach anything, far more spels of one class than of another, and images of
    another size.

    Parameters
    ----------
    markers : sequence of Markers
    images : sequence of (rows, cols[, C]) arrays, optional
        One image per markers; without them, the checks of colours and sizes are left out.
    names : sequence of str, optional
        Names of the images, for the sentences.

    Raises
    ------
    ShapeError, ParameterError
        If the number of images or of names differs from that of markers.

    Examples
    --------
    >>> for finding in check_markers([Markers([(0, 0), (0, 1)], [0, 1], (2, 2))]): print(finding)
    image 0: strokes of labels 0 and 1 touch at (0, 1); leave a gap, so that each stays one stroke
    """
    for drawn in markers:
        check_instance("check_markers: markers", drawn, Markers)
    names = checked_names("check_markers", names, len(markers))
    if len(images) not in (0, len(markers)):
        raise ShapeError(
            f"check_markers: {len(images)} images for {len(markers)} markers; give one image per "
            "markers, or none"
        )
    messages: list[str] = []
    classes = sorted({c for drawn in markers for c in drawn.classes})
    if not classes:
        return ("no stroke is drawn; draw at least one on an object and one beside it",)
    if len(classes) == 1 and markers[0].background is not None:
        messages.append(
            f"all strokes have label {classes[0]}; a decoder needs strokes of objects and of "
            "background"
        )
    messages += _balance(markers)
    for number, (drawn, name) in enumerate(zip(markers, names)):
        if not len(drawn):
            messages.append(f"image {name}: no stroke is drawn, so nothing is learned from it")
            continue
        messages += _touching(drawn, name)
        if images:
            image = images[number]
            size = shape_of(image, f"check_markers: image {name}")[: drawn.ndim]
            if size != drawn.size:
                messages.append(
                    f"image {name}: markers of {drawn.size} spels on an image of {size}; use the "
                    "image that was marked"
                )
            else:
                messages += _uniform(drawn, image, name)
    return tuple(messages)


def _balance(markers: Sequence[Markers]) -> list[str]:
    """A sentence if one class has more than 20 times as many spels as the other."""
    objects = sum(int(drawn.is_object.sum()) for drawn in markers)
    others = sum(len(drawn) for drawn in markers) - objects
    if min(objects, others) and max(objects, others) > 20 * min(objects, others):
        many, few = ("object", "background") if objects > others else ("background", "object")
        return [
            f"{max(objects, others)} {many} spels against {min(objects, others)} of {few}; most "
            f"kernels will come from one class: draw more {few}"
        ]
    return []


def _touching(drawn: Markers, name: str) -> list[str]:
    """A sentence if strokes of different labels touch."""
    for step in Adjacency.box(3, ndim=drawn.ndim).displacements:
        other = drawn.at(drawn.points + step)
        near = np.where(other >= 0, drawn.labels[other], -1)
        other = (near >= 0) & (near != drawn.labels)
        if other.any():
            first = int(other.argmax())
            pair = sorted((int(drawn.labels[first]), int(near[first])))
            place = tuple(drawn.points[first].tolist())
            return [
                f"image {name}: strokes of labels {pair[0]} and {pair[1]} touch at {place}; leave "
                "a gap, so that each stays one stroke"
            ]
    return []


def _uniform(drawn: Markers, image: ImageLike, name: str) -> list[str]:
    """A sentence for every stroke of one colour; a large image has the spread of its strokes."""
    values = values_at(image, drawn.points).reshape(len(drawn), -1).astype(np.float64)
    every = values
    if not isinstance(image, InBlocks):
        every = np.asarray(image).reshape(-1, values.shape[1])
    finite = every[np.isfinite(every).all(axis=1)]
    whole = finite.std(axis=0, dtype=np.float64).max() if len(finite) else 0.0
    messages = []
    strokes = drawn.strokes()
    for stroke in np.unique(strokes):
        here = strokes == stroke
        of = values[here]
        if not (whole > 0 and len(of) > 3 and np.isfinite(of).all()):
            continue
        if of.std(axis=0).max() < UNIFORM * whole:
            place = tuple(drawn.points[here][0].tolist())
            messages.append(
                f"image {name}: the stroke at {place} is uniform in colour, so its kernels will "
                "all be alike; draw across an edge or a texture too"
            )
    return messages
