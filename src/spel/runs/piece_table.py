"""The pieces that tiles find: their numbers in memory, their masks in a file."""

from __future__ import annotations

import os
import tempfile
import weakref
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.decide.frame import Frame, Sides
from spel.decide.pieces import (
    PARTS_MARGIN,
    Piece,
    Spacing,
    first_margin,
    kinds_of,
    mask_pieces,
    open_sides,
    tile_pieces,
)
from spel.decide.segmentation import Segmentation
from spel.io.large.stored_band import StoredBand
from spel.nn import Network
from spel.nn.blocks import Box, Source, output_in
from spel.nn.tiles import Tile
from spel.runs.windows import grown

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Window = tuple[slice, ...]
Packed = tuple[Array, ...]
"""Kinds, scores, levels, first spels, first and last corners, and the bits of the masks."""
NUMBERS = (np.int64, np.float64, np.int64, np.int64)
"""Types of the first four."""
MaskWindow = tuple[Frame, bytes]
"""A window of a mask, large enough for the pieces of its tile, and its compressed bits."""


class MaskFile:
    """Masks of parts of an image in a file without a name, which ends with it."""

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._ends, self._corners = array("q", [0]), array("q")

    def append(self, low: Array, high: Array, bits: Array) -> None:
        """Add masks by the first and last corners of their windows, and their `joined_bits`."""
        self._file.seek(self._ends[-1])
        self._file.write(bits.tobytes())
        lengths = -(-(high - low).prod(axis=1) // 8)
        self._ends.extend((self._ends[-1] + lengths.cumsum()).tolist())
        self._corners.extend(np.stack([low, high], axis=-1).ravel().tolist())

    def __getitem__(self, number: int) -> tuple[Window, Mask]:
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
    """All pieces of an image, in the order of the tiles.

    Parameters
    ----------
    parts : iterable of Packed
    folder : path, optional
        On the disk where the masks lie; by default that of temporary files.

    Attributes
    ----------
    masks : MaskFile
        The window and the mask of each.
    """

    def __init__(
        self, parts: Iterable[Packed], folder: str | os.PathLike[str] | None = None
    ) -> None:
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


def pieces_of_tile(
    network: Network, source: Source, how: Segmentation, level: float, spacing: Spacing, tile: Tile
) -> Packed:
    """What may be an object of a tile, see `spel.decide.pieces.tile_pieces`."""
    margin = first_margin(how, len(tile.out))
    read = partial(output_in, network, source, sides=_lengths(tile.out))
    size = source.shape[: len(tile.out)]
    values, frame = grown(read, size, tile.out, margin, partial(_open_sides, how, level))
    levels = [kind.model.levels if kind.model else (0.0,) for kind in kinds_of(how)]
    return _packed(list(tile_pieces(values, how, level, frame, spacing)), levels, frame)


def masks_of_tiles(mask: StoredBand, tiles: Iterable[Tile]) -> Iterator[MaskWindow]:
    """The windows of a stored mask that the pieces of each tile depend on; empty ones are left out.

    Parameters
    ----------
    mask : StoredBand
        One channel; other numbers than 0 are inside.
    tiles : iterable of Tile
    """

    def read(box: Box) -> Mask:
        inside: Mask = mask[tuple(slice(a, b) for a, b in box)] != 0
        return inside

    for tile in tiles:
        if mask[tile.out].any():
            inside, frame = grown(read, mask.shape[:-1], tile.out, 2 * PARTS_MARGIN, _open_mask)
            yield frame, zlib.compress(np.packbits(inside).tobytes(), 1)


def pieces_of_mask(
    network: Network, source: Source, neck: float, spacing: Spacing, window: MaskWindow
) -> Packed:
    """The parts of a mask that belong to a tile, see `spel.decide.pieces.mask_pieces`."""
    frame, data = window
    bits = np.frombuffer(zlib.decompress(data), np.uint8)
    mask = np.unpackbits(bits, count=prod(frame.size)).astype(bool).reshape(frame.size)
    box = [(start, start + n) for start, n in zip(frame.start, frame.size)]
    saliency = output_in(network, source, box, _lengths(frame.tile))[..., 0]
    pieces = mask_pieces(mask, saliency, neck, spacing, frame)
    return _packed([(0, piece) for piece in pieces], [(0.0,)], frame)


def _packed(
    pieces: Sequence[tuple[int, Piece]], levels: Sequence[Sequence[float]], frame: Frame
) -> Packed:
    """Pieces with the numbers of their kinds; levels are counted among those of each kind."""
    ndim = len(frame.size)
    firsts = [np.ravel_multi_index(piece.first, frame.image_size) for _, piece in pieces]
    corners = [[[s.start, s.stop] for s in piece.window] for _, piece in pieces]
    low, high = np.array(corners, dtype=np.int64).reshape(-1, ndim, 2).transpose(2, 0, 1)
    places = [list(levels[kind]).index(piece.level) for kind, piece in pieces]
    numbers = [kind for kind, _ in pieces], [piece.score for _, piece in pieces], places, firsts
    columns = (np.array(column, dtype=kind) for column, kind in zip(numbers, NUMBERS))
    return (*columns, low, high, joined_bits(piece.mask for _, piece in pieces))


def _lengths(tile: Window) -> list[int]:
    return [span.stop - span.start for span in tile]


def _open_sides(how: Segmentation, level: float, values: Array, frame: Frame) -> Sides:
    return open_sides(values, how, level, frame)


def _open_mask(mask: Mask, frame: Frame) -> Sides:
    inside = mask[..., 0]
    return frame.open_sides(inside, Adjacency.box(3, ndim=inside.ndim), PARTS_MARGIN)


def joined_bits(masks: Iterable[Mask]) -> Array:
    """The packed bits of masks, one after the other."""
    return np.concatenate([np.zeros(0, np.uint8), *(np.packbits(mask) for mask in masks)])
