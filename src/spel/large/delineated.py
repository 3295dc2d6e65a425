"""Label images of delineated classes and masks, larger than memory: those of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.decide.boxes import one_channel
from spel.decide.delineate import Delineation
from spel.decide.segmentation import UNDECIDED, Segmentation
from spel.errors import ParameterError
from spel.io.large.stored_band import StoredBand
from spel.large import windows
from spel.large.bands import labels_in
from spel.large.borders import Delineating, delineated_objects
from spel.large.components import Components, components_in
from spel.large.flooding import Growth, grown_regions, with_reach
from spel.large.places import Place, common
from spel.large.tiling import Array
from spel.large.view import View

LARGEST = 1 << 22
"""Spels of the largest window in which an object is delineated at once."""


def delineated_labels(view: View) -> StoredBand | None:
    """The labels of delineated classes or of a delineated threshold; None without either."""
    if not view.how.delineates or view.how.objects is not None:
        return None
    return delineated_classes(view) if view.how.classes else delineated_mask(view)


def drawn_labels(view: View) -> StoredBand:
    """The label image of classes, or of a threshold, as it is without delineation."""
    labels, draw = view.labels(), partial(_drawn, view.how, view.level)
    for place, part in zip(view.places, view.tiling.over_tiles(view.network, draw)):
        labels[place] = part
    return labels


def _drawn(how: Segmentation, level: float, place: Place, output: Array) -> Array:
    return labels_in(how, level, output)[..., None]


def delineated_classes(view: View) -> StoredBand:
    """The labels of delineated classes: `SegmentedImage.labels`, bit for bit."""
    assert view.how.delineation is not None
    labels, places = view.labels(), view.places
    regions = view.tiling.over_tiles(view.network, partial(_regions_in, view.how))
    for place, part in zip(places, regions):
        labels[place] = part
    bounds = tuple(slice(0, n) for n in view.size)
    growth = Growth(view.features, view.how.delineation, view.spacing, bounds)
    growth = with_reach(growth, view.tiling, places)
    grown, _ = grown_regions(growth, view.tiling, labels, places, view.folder)
    for place in places:
        own = grown[place]
        labels[place] = np.where(own > 0, own - 1, labels[place]) + UNDECIDED
    return labels


def _regions_in(how: Segmentation, place: Place, output: Array) -> Array:
    """The labels of a tile, counted from 0."""
    return (how.labels(output) - UNDECIDED)[..., None]


def delineated_mask(view: View) -> StoredBand:
    """The mask of a delineated threshold, 0 and 1: `SegmentedImage.mask`, bit for bit.

    An object whose window is larger than `LARGEST` grows tile by tile, if it can; one that cannot,
    and does not fit into memory, is a ParameterError.
    """
    line = view.how.delineation
    assert line is not None
    size, box = view.size, Adjacency.box(3, ndim=len(view.size))
    take = partial(_components_in, box, size, view.level)
    parts = view.tiling.over_tiles(view.network, take)
    rough = Components(box, size, zip(view.places, parts), view.folder)
    work = Delineating(view.features, line, view.spacing, apart=False)
    lengths = np.diff(work.windows(rough.bounds), axis=1)[:, 0]
    grows = not _reasons(line)
    is_large = lengths.prod(axis=1) > (LARGEST if grows else windows.LARGEST)
    numbers = np.arange(1, len(is_large) + 1)
    if not grows and is_large.any():
        raise _too_large(line, rough.bounds[is_large][0])
    mask = view.labels()
    small, order = delineated_objects(
        work, view.tiling, rough, rough.bounds, numbers[~is_large], view.folder
    )
    for index in range(len(order)):
        _add(mask, *small[index])
    for number in numbers[is_large].tolist():
        for place, part in _grown_object(work, view, rough, number):
            _add(mask, place, part)
    return mask


def _components_in(
    adjacency: Adjacency, size: Sequence[int], level: float, place: Place, output: Array
) -> tuple[Array, ...]:
    return components_in(adjacency, size, place, np.asarray(one_channel(output) > level))


def _add(mask: StoredBand, place: Place, part: npt.NDArray[np.bool_]) -> None:
    if part.any():
        mask[place] = mask[place] | part[..., None]


def _grown_object(
    work: Delineating, view: View, rough: Components, number: int
) -> Iterator[tuple[Place, npt.NDArray[np.bool_]]]:
    """The mask of one object, in the tiles of its window."""
    (ends,) = work.windows(rough.bounds[[number - 1]]).tolist()
    bounds = tuple(map(slice, *ends))
    cut = (common(place, bounds) for place in view.places)
    places = [place for place in cut if place is not None]
    growth = Growth(work.features, work.line, work.spacing, bounds, number)
    growth = with_reach(growth, view.tiling, places)
    near = [p for p in places if (rough[growth.around(p)] == number).any()]
    grown, seeds = grown_regions(growth, view.tiling, rough, near, view.folder)
    if seeds != (0, 1):
        yield from ((place, (rough[place] == number)[..., 0]) for place in places)
        return
    cross = Adjacency.cross(1, ndim=len(bounds))
    outside = (
        (p, components_in(cross, grown.shape[:-1], p, grown[p][..., 0] != 2)) for p in places
    )
    around = Components(cross, grown.shape[:-1], outside, view.folder)
    low, high = ends
    is_hole = ((around.bounds[:, 0] > low) & (around.bounds[:, 1] < high)).all(axis=1)
    inside = np.concatenate([[True], is_hole])
    yield from ((place, inside[around[place][..., 0]]) for place in places)


def _reasons(line: Delineation) -> str:
    """Why an object cannot grow tile by tile; empty if it can."""
    reasons = {
        "by Dynamic Trees": line.method == "trees",
        "with its convex hull": line.convex,
        "with an averaged border": line.average,
    }
    return " and ".join(reason for reason, is_so in reasons.items() if is_so)


def _too_large(line: Delineation, bounds: Array) -> ParameterError:
    axes = ("planes", "rows", "columns")[-bounds.shape[1] :]
    place = ", ".join(f"{axis} {a} to {b}" for axis, (a, b) in zip(axes, bounds.T.tolist()))
    return ParameterError(
        f"segment: the object in {place} does not fit into a window of {windows.LARGEST:,} spels, "
        f"and is delineated {_reasons(line)}, which looks at it whole; delineate by watershed or "
        "GrowCut alone, or use a smaller level of the pyramid (--level)"
    )
