"""Marker checks that speak: what will harm learning, and what to draw instead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.core.masked import as_unmasked

UNIFORM = 0.02
"""A stroke whose channels deviate by less than this part of the image's deviation is uniform."""


def check_markers(
    markers: Sequence[Markers],
    images: Sequence[npt.ArrayLike] = (),
    *,
    names: Sequence[str] = (),
) -> tuple[str, ...]:
    """Findings about markers, in words, one sentence each with its remedy; empty if all is well.

    Looks for: nothing drawn, one class only, no background anywhere, strokes of different labels
    that touch, strokes too uniform to teach anything, far more spels of one class than of another,
    and images of another size.

    Parameters
    ----------
    markers : sequence of Markers
    images : sequence of (rows, cols[, C]) arrays, optional
        For the checks that look at colours.
    names : sequence of str, optional
        Of the images, for the sentences.

    Examples
    --------
    >>> for finding in check_markers([Markers([(0, 0), (0, 1)], [0, 1], (2, 2))]): print(finding)
    image 0: strokes of labels 0 and 1 touch at (0, 1); leave a gap, so that each stays one stroke
    """
    called = list(names) or [str(number) for number in range(len(markers))]
    found: list[str] = []
    classes = sorted({c for drawn in markers for c in drawn.classes})
    if not classes:
        return ("nothing is drawn; draw at least one stroke on an object and one beside it",)
    if len(classes) == 1 and markers[0].background is not None:
        found.append(
            f"all strokes have label {classes[0]}; a decoder needs strokes of objects and of "
            "background"
        )
    found += _balance(markers)
    for number, (drawn, name) in enumerate(zip(markers, called)):
        if not len(drawn):
            found.append(f"image {name}: no stroke; it teaches nothing")
            continue
        found += _touching(drawn, name)
        if number < len(images):
            image = as_unmasked(images[number], f"image {name}")
            image = image[..., None] if image.ndim == drawn.ndim else image
            if image.shape[:-1] != drawn.size:
                found.append(
                    f"image {name}: markers of {drawn.size} spels on an image of "
                    f"{image.shape[:-1]}; use the image that was marked"
                )
            else:
                found += _uniform(drawn, image, name)
    return tuple(found)


def _balance(markers: Sequence[Markers]) -> list[str]:
    objects = sum(int(drawn.is_object.sum()) for drawn in markers)
    others = sum(len(drawn) for drawn in markers) - objects
    if min(objects, others) and max(objects, others) > 20 * min(objects, others):
        many, few = ("object", "background") if objects > others else ("background", "object")
        return [
            f"{max(objects, others)} {many} spels against {min(objects, others)} of {few}; kernels "
            f"of one class will outnumber the other: draw more {few}"
        ]
    return []


def _touching(drawn: Markers, name: str) -> list[str]:
    labels = np.pad(drawn.image(), 1, constant_values=-1)
    for step in Adjacency.box(3, ndim=drawn.ndim).displacements:
        near = labels[tuple((drawn.points + step + 1).T)]
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


def _uniform(drawn: Markers, image: npt.NDArray[np.generic], name: str) -> list[str]:
    values = image[tuple(drawn.points.T)].astype(np.float64)
    whole = image.reshape(-1, image.shape[-1]).astype(np.float64).std(axis=0).max()
    found = []
    strokes = drawn.strokes()
    for stroke in np.unique(strokes):
        here = strokes == stroke
        if whole > 0 and here.sum() > 3 and values[here].std(axis=0).max() < UNIFORM * whole:
            place = tuple(drawn.points[here][0].tolist())
            found.append(
                f"image {name}: the stroke at {place} is uniform in colour; its kernels will be "
                "all alike: draw across an edge or a texture too"
            )
    return found
