"""The objects of an image larger than memory: those of the whole, number by number.

Tiles find the pieces that begin in them, in windows that grow until these are whole. What depends
on all of them comes after: which score best, and which overlap no better one. Delineation looks at
the surroundings of each object, again tile by tile.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.delineate import Delineation
from spel.decide.pieces import Kind, Spacing, kinds_of
from spel.decide.segmentation import Segmentation
from spel.io.large.stored_band import StoredBand
from spel.nn import Network
from spel.nn.blocks import Source
from spel.nn.tiles import sides
from spel.runs.painting import PaintedObjects, Painting
from spel.runs.piece_table import (
    MaskFile,
    PieceTable,
    joined_bits,
    masks_of_tiles,
    pieces_of_mask,
    pieces_of_tile,
)
from spel.runs.tiling import Tiling

Array = npt.NDArray[Any]
Folder = str | os.PathLike[str] | None
Region = tuple[npt.NDArray[np.int64], bytes, npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""A box of the image, its labels, and the numbers and boxes of objects to be delineated."""


def large_objects(
    network: Network,
    tiling: Tiling,
    how: Segmentation,
    features: Source,
    level: float = 0.0,
    spacing: Spacing = None,
    folder: Folder = None,
) -> PaintedObjects:
    """The objects of `SegmentedImage.instances`, bit for bit, without the image in memory.

    Parameters
    ----------
    network : Network
        Without layers over the whole image; its output has the size of the image.
    tiling : Tiling
        The image in the units of the network.
    how : Segmentation
    features : Source
        What the delineation looks at.
    level : float
        Its threshold, for a segmentation without object model and classes.
    spacing : tuple of float, optional
        As `spel.decide.segmented.relative_spacing` gives it.
    folder : path, optional
        On the disk where label images lie until they are written.

    Raises
    ------
    ParameterError
        If what is connected does not fit into a window, see `spel.runs.windows.LARGEST`.
    """
    kinds = kinds_of(how)
    find = partial(pieces_of_tile, network, tiling.source, how, level, spacing)
    pieces = PieceTable(tiling.each(find, tiling.tiles(network)), folder)
    painting, order = _painted(pieces, kinds, tiling.shape[:-1], folder)
    line = how.delineation if any(kind.model is not None for kind in kinds) else None
    if line is not None and line.method != "none":
        lengths = sides(tiling.size, len(painting.size))
        work = _Delineating(features, line, spacing, lengths, apart=True)
        painting, left = _delineated(work, tiling, painting, folder)
        order = [order[number] for number in left]
    return _listed(painting, pieces, how, order)


def delineated_mask(
    network: Network,
    tiling: Tiling,
    how: Segmentation,
    features: Source,
    level: float,
    spacing: Spacing = None,
    folder: Folder = None,
) -> StoredBand:
    """Where the mask of a delineated threshold is not 0: `SegmentedImage.mask`, bit for bit.

    Parameters
    ----------
    network, tiling, how, features, level, spacing, folder
        As for `large_objects`; `how` has a delineation, and neither object model nor classes.

    Raises
    ------
    ParameterError
        If what is connected does not fit into a window, see `spel.runs.windows.LARGEST`.
    """
    assert how.delineation is not None
    whole = replace(how, delineation=None, neck=0.0)
    find = partial(pieces_of_tile, network, tiling.source, whole, level, spacing)
    pieces = PieceTable(tiling.each(find, tiling.tiles(network)), folder)
    rough = Painting(tiling.shape[:-1], folder)
    for number in range(len(pieces)):
        rough.add(*pieces.masks[number])
    lengths = sides(tiling.size, len(rough.size))
    work = _Delineating(features, how.delineation, spacing, lengths, apart=False)
    return _delineated(work, tiling, rough, folder)[0].labels


def objects_of_mask(
    network: Network,
    tiling: Tiling,
    how: Segmentation,
    mask: StoredBand,
    spacing: Spacing = None,
    folder: Folder = None,
) -> PaintedObjects:
    """The objects of what `delineated_mask` gives: `SegmentedImage.instances`, bit for bit.

    Parameters
    ----------
    network, tiling, how, spacing, folder
        As for `delineated_mask`.
    mask : StoredBand

    Raises
    ------
    ParameterError
        If what is connected does not fit into a window, see `spel.runs.windows.LARGEST`.
    """
    find = partial(pieces_of_mask, network, tiling.source, how.neck, spacing)
    windows = masks_of_tiles(mask, tiling.tiles(network))
    pieces = PieceTable(tiling.each(find, windows), folder)
    painting, order = _painted(pieces, kinds_of(how), tiling.shape[:-1], folder)
    return _listed(painting, pieces, how, order)


def _painted(
    pieces: PieceTable, kinds: Sequence[Kind], size: tuple[int, ...], folder: Folder
) -> tuple[Painting, list[int]]:
    """The pieces that are objects, painted best first, and their numbers."""
    painting = Painting(size, folder)
    order = _chosen(pieces, kinds, size, folder)
    return painting, [number for number in order if painting.add(*pieces.masks[number])]


def _listed(
    painting: Painting, pieces: PieceTable, how: Segmentation, order: Sequence[int]
) -> PaintedObjects:
    """The painted objects with the scores and classes of their pieces."""
    kinds = kinds_of(how)
    owners = [kinds[pieces.kinds[number]] for number in order]
    scores = [kind.probability(float(pieces.scores[n])) for kind, n in zip(owners, order)]
    names = tuple(kind.one.title for kind in owners) if how.classes else ()
    return PaintedObjects.of(painting, scores, [kind.one.label for kind in owners], names)


def _chosen(
    pieces: PieceTable, kinds: Sequence[Kind], size: tuple[int, ...], folder: Folder
) -> list[int]:
    """The pieces that are objects, best first."""
    chosen = []
    for number, kind in enumerate(kinds):
        ranked = pieces.best_first(number)
        if kind.model is not None and not kind.model.multiple:
            ranked = ranked[:1]
        elif kind.model is not None:
            taken = Painting(size, folder)
            ranked = [one for one in ranked if _is_free(taken, pieces, one)]
        chosen += [(kind.probability(float(pieces.scores[one])), one) for one in ranked]
    chosen.sort(key=lambda pair: -pair[0])
    return [one for _, one in chosen]


def _is_free(taken: Painting, pieces: PieceTable, number: int) -> bool:
    """Whether a piece overlaps no better one; its place is then taken."""
    window, mask = pieces.masks[number]
    if taken.labels[window][..., 0][mask].any():
        return False
    return taken.add(window, mask)


@dataclass(frozen=True, eq=False)
class _Delineating:
    """The delineation of the objects of a region; it is picklable.

    Objects that are not kept apart may take one another's spels.
    """

    features: Source
    line: Delineation
    spacing: Spacing
    sides: tuple[int, ...]
    apart: bool

    def __call__(self, region: Region) -> tuple[Array, Array, Array, Array]:
        """The numbers of the objects, the windows of their masks, and the packed masks."""
        box, compressed, numbers, windows = region
        shape = tuple((box[1] - box[0]).tolist())
        labels = np.frombuffer(zlib.decompress(compressed), np.int32).reshape(shape)
        features = np.asarray(self.features[tuple(slice(a, b) for a, b in box.T.tolist())])
        masks = []
        for number, window in zip(numbers.tolist(), windows - box[0]):
            place = tuple(slice(a, b) for a, b in window.T.tolist())
            own = labels[place] if self.apart else labels[place] * (labels[place] == number)
            masks.append(self.line.refine_label(features[place], own, number, self.spacing))
        return numbers, windows[:, 0], windows[:, 1], joined_bits(masks)


def _delineated(
    work: _Delineating, tiling: Tiling, rough: Painting, folder: Folder
) -> tuple[Painting, list[int]]:
    """The objects with their borders moved, and which of the rough ones are left."""
    masks, numbers = MaskFile(folder), list[int]()
    for some, *masked in tiling.each(work, _regions(work, rough)):
        masks.append(*masked)
        numbers += some.tolist()
    painting, left = Painting(rough.size, folder), []
    for number, place in sorted(zip(numbers, range(len(numbers)))):
        if painting.add(*masks[place]):
            left.append(number - 1)
    return painting, left


def _regions(work: _Delineating, rough: Painting) -> Iterator[Region]:
    """The objects whose lowest corners lie in one tile, with all that their borders depend on."""
    if not len(rough):
        return
    margin = work.line.margin(len(rough.size), work.spacing)
    bounds = rough.bounds
    windows = np.stack(
        [np.maximum(bounds[:, 0] - margin, 0), np.minimum(bounds[:, 1] + margin, rough.size)], 1
    )
    counts = [-(-n // side) for n, side in zip(rough.size, work.sides)]
    tile = np.ravel_multi_index(tuple((bounds[:, 0] // work.sides).T), counts)
    order = np.argsort(tile, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(tile[order])) + 1):
        own = windows[group]
        box = np.stack([own[:, 0].min(axis=0), own[:, 1].max(axis=0)])
        labels = rough.labels[tuple(slice(a, b) for a, b in box.T.tolist())][..., 0]
        yield box, zlib.compress(labels.tobytes(), 1), group + 1, own
