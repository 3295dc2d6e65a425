"""The pieces that tiles find: their numbers in memory, their masks in a file."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.pieces import Spacing, first_margin, kinds_of, open_sides, tile_pieces
from spel.decide.segmentation import Segmentation
from spel.nn import Network
from spel.nn.blocks import Source
from spel.nn.tiles import Tile
from spel.runs.windows import grown

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Window = tuple[slice, ...]
Packed = tuple[Array, ...]
"""Kinds, scores, levels, first spels, first and last corners, and the bits of the masks."""


class MaskFile:
    """Masks in a file without a name, which ends with it; each is pieces by its number."""

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._ends = [0]

    def append(self, bits: Array) -> None:
        """Add the packed bits of a mask."""
        self._file.seek(self._ends[-1])
        self._file.write(bits.tobytes())
        self._ends.append(self._ends[-1] + len(bits))

    def read(self, number: int, shape: tuple[int, ...]) -> Mask:
        """The mask that was added as this number, counted from 0."""
        start, stop = self._ends[number : number + 2]
        self._file.seek(start)
        return unpacked(np.frombuffer(self._file.read(stop - start), np.uint8), shape)


class PieceTable:
    """All pieces of an image, in the order of the tiles.

    Parameters
    ----------
    parts : iterable of Packed
    folder : path, optional
        On the disk where the masks lie; by default that of temporary files.
    """

    def __init__(
        self, parts: Iterable[Packed], folder: str | os.PathLike[str] | None = None
    ) -> None:
        self._masks = MaskFile(folder)
        columns: list[tuple[Array, ...]] = []
        for *numbers, bits in parts:
            columns.append(tuple(numbers))
            starts = np.cumsum([0, *packed_lengths(*numbers[4:])]).tolist()
            for start, stop in pairwise(starts):
                self._masks.append(bits[start:stop])
        joined = [np.concatenate(column) for column in zip(*columns)]
        self.kinds, self.scores, self.levels, self.firsts, self.low, self.high = joined

    def __len__(self) -> int:
        return len(self.kinds)

    def window(self, number: int) -> Window:
        """The part of the image that the mask of a piece covers."""
        return tuple(slice(int(a), int(b)) for a, b in zip(self.low[number], self.high[number]))

    def mask(self, number: int) -> Mask:
        """The mask of a piece, in its window."""
        return self._masks.read(number, tuple((self.high[number] - self.low[number]).tolist()))

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
    values, frame = grown(network, source, tile.out, margin, partial(_open_sides, how, level))
    pieces = list(tile_pieces(values, how, level, frame, spacing))
    levels = [kind.model.levels if kind.model else (0.0,) for kind in kinds_of(how)]
    firsts = [np.ravel_multi_index(piece.first, frame.image_size) for _, piece in pieces]
    corners = [[[s.start, s.stop] for s in piece.window] for _, piece in pieces]
    low, high = np.array(corners, dtype=np.int64).reshape(-1, len(tile.out), 2).transpose(2, 0, 1)
    return (
        np.array([kind for kind, _ in pieces], dtype=np.int64),
        np.array([piece.score for _, piece in pieces], dtype=np.float64),
        np.array([levels[kind].index(piece.level) for kind, piece in pieces], dtype=np.int64),
        np.array(firsts, dtype=np.int64),
        low,
        high,
        joined_bits(piece.mask for _, piece in pieces),
    )


def _open_sides(how: Segmentation, level: float, values: Array, frame: Any) -> Any:
    return open_sides(values, how, level, frame)


def joined_bits(masks: Iterable[Mask]) -> Array:
    """The packed bits of masks, one after the other."""
    return np.concatenate([np.zeros(0, np.uint8), *(np.packbits(mask) for mask in masks)])


def packed_lengths(low: Array, high: Array) -> list[int]:
    """The number of packed bytes of the mask of each window."""
    return [int(n) for n in -(-(high - low).prod(axis=1) // 8)]


def unpacked(bits: Array, shape: tuple[int, ...]) -> Mask:
    """The mask of a shape whose bits were packed."""
    spels = int(np.prod(shape))
    return np.unpackbits(bits, count=spels).astype(bool).reshape(shape)
