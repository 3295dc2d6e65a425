"""The objects of an image larger than memory: those of the whole, number by number.

Tiles find the pieces that begin in them, in windows that grow until these are whole. What depends
on all of them comes after: which score best, and which overlap no better one. Delineation looks at
the surroundings of each object, again tile by tile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain

import numpy as np

from spel.decide.pieces import Kind, kinds_of
from spel.decide.segmentation import Segmentation
from spel.errors import ParameterError
from spel.io.large.stored_band import StoredBand
from spel.large import windows
from spel.large.borders import Delineating, delineated_objects
from spel.large.delineated import drawn_labels
from spel.large.painting import PaintedObjects, Painting
from spel.large.parts import LargeParts
from spel.large.piece_table import (
    LabelWindows,
    Packed,
    PieceTable,
    pieces_of_labels,
    pieces_of_tile,
)
from spel.large.tiling import Folder, Tiling
from spel.large.view import View


def large_objects(view: View, drawn: StoredBand | None = None) -> PaintedObjects:
    """The objects of `SegmentedImage.instances`, bit for bit, without the image in memory.

    `drawn` is what `spel.large.delineated` gives: the label image that parts are looked for in.
    What is connected and does not fit into `spel.large.windows.LARGEST` is a ParameterError.
    """
    network, tiling, how, folder = view.network, view.tiling, view.how, view.folder
    kinds, tiles = kinds_of(how), list(tiling.tiles(network))
    parts: list[Iterable[Packed]] = []
    if any(kind.model is not None for kind in kinds):
        find = partial(pieces_of_tile, network, tiling.source, how)
        parts.append(tiling.each(find, tiles))
    large: LargeParts | None = None
    if any(kind.model is None for kind in kinds):
        large = LargeParts(view, drawn_labels(view) if drawn is None else drawn)
        look = partial(pieces_of_labels, network, tiling.source, how, view.spacing)
        parts += [tiling.each(look, LabelWindows(large, how).of(tiles)), [large.packed]]
    pieces = PieceTable(chain.from_iterable(parts), folder)
    count = len(pieces) - (0 if large is None else len(large.kinds))
    painting, order = Painting(view.size, folder), []
    for number in _chosen(pieces, kinds, view.size, folder):
        own = large.masks(number - count) if large and number >= count else None
        if painting.add_parts(own or [pieces.masks[number]]):
            order.append(number)
    line = how.delineation if any(kind.model is not None for kind in kinds) else None
    if line is not None and line.method != "none":
        work = Delineating(view.features, line, view.spacing, apart=True)
        painting, left = _delineated(work, tiling, painting, folder)
        order = [order[number] for number in left]
    return _listed(painting, pieces, how, order)


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


def _delineated(
    work: Delineating, tiling: Tiling, rough: Painting, folder: Folder
) -> tuple[Painting, list[int]]:
    """The objects with their borders moved, and which of the rough ones are left."""
    every, axes = np.arange(1, len(rough) + 1), len(rough.size)
    lengths = np.diff(work.windows(rough.bounds.reshape(-1, 2, axes)), axis=1)[:, 0]
    if (lengths.prod(axis=1) > windows.LARGEST).any():
        raise ParameterError(
            f"segment: an object does not fit into a window of {windows.LARGEST:,} spels, and is "
            "delineated beside objects of a learned size; use a segmentation without delineation, "
            "or a smaller level of the pyramid (--level)"
        )
    masks, numbers = delineated_objects(work, tiling, rough.labels, rough.bounds, every, folder)
    painting, left = Painting(rough.size, folder), []
    for number, place in sorted(zip(numbers, range(len(numbers)))):
        if painting.add(*masks[place]):
            left.append(number - 1)
    return painting, left
