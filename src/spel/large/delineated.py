"""Label images of delineated classes and masks, larger than memory: those of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.decide.boxes import one_channel
from spel.decide.delineate import Delineation, Spacing
from spel.decide.segmentation import UNDECIDED, Segmentation
from spel.errors import ParameterError
from spel.io.large.stored_band import StoredBand
from spel.large import windows
from spel.large.borders import Delineating, delineated_objects
from spel.large.components import Components, components_in
from spel.large.flooding import Folder, Growth, Place, grown_regions, with_reach
from spel.large.tiling import Tiling
from spel.nn import Network
from spel.nn.blocks import Source

Array = npt.NDArray[Any]

LARGEST = 1 << 22
"""Spels of the largest window in which an object is delineated at once."""


def delineated_classes(
    network: Network,
    tiling: Tiling,
    how: Segmentation,
    features: Source,
    spacing: Spacing = None,
    folder: Folder = None,
) -> StoredBand:
    """The labels of delineated classes: `SegmentedImage.labels`, bit for bit.

    Parameters
    ----------
    network : Network
        Without layers over the whole image; its output has the size of the image.
    tiling : Tiling
        The image in the units of the network.
    how : Segmentation
    features : Source
        What the delineation looks at.
    spacing : tuple of float, optional
        As `spel.decide.segmented.relative_spacing` gives it.
    folder : path, optional
        On the disk where label images lie until they are written.
    """
    assert how.delineation is not None
    places = [tile.out for tile in tiling.tiles(network)]
    labels = StoredBand((*tiling.shape[:-1], 1), np.int32, folder)
    for place, part in zip(places, tiling.over_tiles(network, partial(_regions_in, how))):
        labels[place] = part
    bounds = tuple(slice(0, n) for n in labels.shape[:-1])
    growth = with_reach(Growth(features, how.delineation, spacing, bounds), tiling, places)
    grown, _ = grown_regions(growth, tiling, labels, places, folder)
    for place in places:
        own = grown[place]
        labels[place] = np.where(own > 0, own - 1, labels[place]) + UNDECIDED
    return labels


def _regions_in(how: Segmentation, place: Place, output: Array) -> Array:
    """The labels of a tile, counted from 0."""
    return (how.labels(output) - UNDECIDED)[..., None]


def drawn_labels(
    network: Network, tiling: Tiling, how: Segmentation, level: float, folder: Folder = None
) -> StoredBand:
    """The label image of classes, or of a threshold, as it is without delineation."""
    labels = StoredBand((*tiling.shape[:-1], 1), np.int32, folder)
    places = (tile.out for tile in tiling.tiles(network))
    for place, part in zip(places, tiling.over_tiles(network, partial(_drawn, how, level))):
        labels[place] = part[..., None]
    return labels


def _drawn(how: Segmentation, level: float, place: Place, output: Array) -> Array:
    if how.classes:
        return how.labels(output)
    return np.asarray(one_channel(output) > level).astype(np.int32)


def delineated_mask(
    network: Network,
    tiling: Tiling,
    how: Segmentation,
    features: Source,
    level: float,
    spacing: Spacing = None,
    folder: Folder = None,
) -> StoredBand:
    """The mask of a delineated threshold, 0 and 1: `SegmentedImage.mask`, bit for bit.

    An object whose window is larger than `LARGEST` grows tile by tile, if it can.

    Parameters
    ----------
    network, tiling, how, features, spacing, folder
        As for `delineated_classes`; `how` has neither object model nor classes.
    level : float
        The threshold.

    Raises
    ------
    ParameterError
        If an object does not fit into memory, and the delineation must see it whole.
    """
    assert how.delineation is not None
    places = [tile.out for tile in tiling.tiles(network)]
    size, box = tiling.shape[:-1], Adjacency.box(3, ndim=len(tiling.shape) - 1)
    parts = tiling.over_tiles(network, partial(_components_in, box, size, level))
    rough = Components(box, size, zip(places, parts), folder)
    work = Delineating(features, how.delineation, spacing, apart=False)
    lengths = np.diff(work.windows(rough.bounds), axis=1)[:, 0]
    grows = not _reasons(how.delineation)
    is_large = lengths.prod(axis=1) > (LARGEST if grows else windows.LARGEST)
    numbers = np.arange(1, len(is_large) + 1)
    if not grows and is_large.any():
        raise _too_large(how.delineation, rough.bounds[is_large][0])
    mask = StoredBand(rough.shape, np.int32, folder)
    small, order = delineated_objects(work, tiling, rough, rough.bounds, numbers[~is_large], folder)
    for index in range(len(order)):
        _add(mask, *small[index])
    for number in numbers[is_large].tolist():
        for place, part in _grown_object(work, tiling, rough, number, places, folder):
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
    work: Delineating, tiling: Tiling, rough: Components, number: int, places: Sequence[Place],
    folder: Folder,
) -> Iterator[tuple[Place, npt.NDArray[np.bool_]]]:  # fmt: skip
    """The mask of one object, in the tiles of its window."""
    (ends,) = work.windows(rough.bounds[[number - 1]]).tolist()
    bounds = tuple(map(slice, *ends))
    cut = (
        tuple(slice(max(p.start, b.start), min(p.stop, b.stop)) for p, b in zip(place, bounds))
        for place in places
    )
    places = [place for place in cut if all(span.start < span.stop for span in place)]
    growth = Growth(work.features, work.line, work.spacing, bounds, number)
    growth = with_reach(growth, tiling, places)
    near = [p for p in places if (rough[growth.around(p)] == number).any()]
    grown, seeds = grown_regions(growth, tiling, rough, near, folder)
    if seeds != (0, 1):
        yield from ((place, (rough[place] == number)[..., 0]) for place in places)
        return
    cross = Adjacency.cross(1, ndim=len(bounds))
    outside = (
        (p, components_in(cross, grown.shape[:-1], p, grown[p][..., 0] != 2)) for p in places
    )
    around = Components(cross, grown.shape[:-1], outside, folder)
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
