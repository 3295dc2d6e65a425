"""The pieces that tiles find: their numbers in memory, their masks in a file."""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, prod

import numpy as np
import numpy.typing as npt

from spel.decide.frame import Frame, Sides
from spel.decide.pieces import (
    PARTS_MARGIN,
    Masks,
    Piece,
    Spacing,
    first_margin,
    kinds_of,
    masks_drawn,
    open_sides,
    sized_open_sides,
    sized_pieces,
    tile_pieces,
)
from spel.decide.segmentation import Segmentation
from spel.large.parts import LargeParts
from spel.large.places import Place, lengths, packed, place_of, unpacked
from spel.large.tiling import Array, Folder, Lazy
from spel.large.windows import grown
from spel.nn import Network
from spel.nn.blocks import Box, Source, output_in
from spel.nn.tiles import Tile

Mask = npt.NDArray[np.bool_]
Packed = tuple[Array, ...]
"""Kinds, scores, levels, first spels, first and last corners, and the bits of the masks."""
NUMBERS = (np.int64, np.float64, np.int64, np.int64)
"""Types of the first four."""
LabelWindow = tuple[Frame, bytes]
"""A window of a label image, large enough for the pieces of its tile, compressed."""


class MaskFile:
    """Masks of parts of an image in a file without a name, which ends with it."""

    def __init__(self, folder: Folder) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._ends, self._corners = array("q", [0]), array("q")

    def append(self, low: Array, high: Array, bits: Array) -> None:
        """Add masks by the first and last corners of their windows, and their `joined_bits`."""
        self._file.seek(self._ends[-1])
        self._file.write(bits.tobytes())
        counts = -(-(high - low).prod(axis=1) // 8)
        self._ends.extend((self._ends[-1] + counts.cumsum()).tolist())
        self._corners.extend(np.stack([low, high], axis=-1).ravel().tolist())

    def __getitem__(self, number: int) -> tuple[Place, Mask]:
        """The window and the mask of this number, counted from 0."""
        start, stop = self._ends[number : number + 2]
        each = len(self._corners) // (len(self._ends) - 1)
        corners = self._corners[each * number : each * (number + 1)]
        shape = [b - a for a, b in zip(corners[::2], corners[1::2])]
        self._file.seek(start)
        bits = np.frombuffer(self._file.read(stop - start), np.uint8)
        mask = np.unpackbits(bits, count=prod(shape)).astype(bool).reshape(shape)
        return tuple(map(slice, corners[::2], corners[1::2])), mask


class PieceTable:
    """All pieces of an image in the order of the tiles, their masks on the disk of a folder."""

    def __init__(self, parts: Iterable[Packed], folder: Folder = None) -> None:
        self.masks = MaskFile(folder)
        columns: list[tuple[Array, ...]] = [tuple(np.zeros(0, kind) for kind in NUMBERS)]
        for *numbers, low, high, bits in parts:
            columns.append(tuple(numbers))
            self.masks.append(low, high, bits)
        joined = [np.concatenate(column) for column in zip(*columns)]
        self.kinds, self.scores, self.levels, self.firsts = joined

    def __len__(self) -> int:
        return len(self.kinds)

    def best_first(self, kind: int) -> list[int]:
        """The pieces of a kind: by score, level and place."""
        own = np.flatnonzero(self.kinds == kind)
        order = np.lexsort((self.firsts[own], self.levels[own], -self.scores[own]))
        return [int(number) for number in own[order]]


def pieces_of_tile(network: Network, source: Source, how: Segmentation, tile: Tile) -> Packed:
    """What may be an object of a learned size in a tile, see `spel.decide.pieces`."""
    margin = first_margin(how, len(tile.out))
    read = partial(output_in, network, source, sides=lengths(tile.out))
    size = source.shape[: len(tile.out)]

    def sides(output: Array, frame: Frame) -> Sides:
        return sized_open_sides(output, how, frame)

    output, frame = grown(read, size, tile.out, margin, sides)
    return _packed(list(sized_pieces(output, how, frame)), how, frame)


@dataclass(frozen=True, eq=False)
class LabelWindows:
    """The windows of a label image on disk that the pieces of each tile depend on."""

    labels: LargeParts
    how: Segmentation

    def of(self, tiles: Iterable[Tile]) -> Lazy[LabelWindow]:
        """Those of the tiles that have objects, read when they are asked for."""
        own = [tile.out for tile in tiles if any(m.any() for m in self._masks(tile.out).values())]
        return Lazy(lambda index: self._window(own[index]), len(own))

    def _masks(self, window: Place) -> Masks:
        return masks_drawn(self.labels[window][..., 0], self.how)

    def _window(self, tile: Place) -> LabelWindow:
        def read(box: Box) -> Array:
            return self.labels[place_of(box)]

        def sides(labels: Array, frame: Frame) -> Sides:
            return open_sides(masks_drawn(labels[..., 0], self.how), frame)

        labels, frame = grown(read, self.labels.shape[:-1], tile, 2 * PARTS_MARGIN, sides, inf)
        return frame, packed(labels.astype(np.int32))


def pieces_of_labels(
    network: Network, source: Source, how: Segmentation, spacing: Spacing, window: LabelWindow
) -> Packed:
    """The parts of the masks of a label image that belong to a tile."""
    frame, data = window
    labels = unpacked(data, np.int32, frame.size)
    box = [(start, start + n) for start, n in zip(frame.start, frame.size)]
    output = output_in(network, source, box, lengths(frame.tile))
    pieces = tile_pieces(output, how, masks_drawn(labels, how), frame, spacing)
    return _packed(list(pieces), how, frame)


def _packed(pieces: Sequence[tuple[int, Piece]], how: Segmentation, frame: Frame) -> Packed:
    """Pieces with the numbers of their kinds; levels are counted among those of each kind."""
    levels = [kind.model.levels if kind.model else (0.0,) for kind in kinds_of(how)]
    ndim = len(frame.size)
    firsts = [np.ravel_multi_index(piece.first, frame.image_size) for _, piece in pieces]
    corners = [[[s.start, s.stop] for s in piece.window] for _, piece in pieces]
    low, high = np.array(corners, dtype=np.int64).reshape(-1, ndim, 2).transpose(2, 0, 1)
    places = [list(levels[kind]).index(piece.level) for kind, piece in pieces]
    numbers = [kind for kind, _ in pieces], [piece.score for _, piece in pieces], places, firsts
    columns = (np.array(column, dtype=kind) for column, kind in zip(numbers, NUMBERS))
    return (*columns, low, high, joined_bits(piece.mask for _, piece in pieces))


def joined_bits(masks: Iterable[Mask]) -> Array:
    """The packed bits of masks, one after the other."""
    return np.concatenate([np.zeros(0, np.uint8), *(np.packbits(mask) for mask in masks)])
