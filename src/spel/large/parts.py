"""Components of masks that do not fit into a window; each of them is one object."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.decide import pieces
from spel.decide.pieces import kinds_of, masks_drawn, mean_level, units
from spel.io.large.stored_band import StoredBand
from spel.large.components import Components, components_in
from spel.large.places import Place, lengths, packed, unpacked
from spel.large.tiling import Array, Folder, Lazy, Tiling
from spel.large.view import View
from spel.nn import Network
from spel.nn.blocks import Source, output_in

NO_CLASS = np.int32(-3)
"""The label of what is looked at elsewhere."""


class LargeParts:
    """The components of a label image whose boxes are too large to look for necks in them.

    Attributes
    ----------
    kinds, scores, firsts : lists
        The kind of each, its mean saliency, and its first spel in raster order.
    """

    def __init__(self, view: View, labels: StoredBand) -> None:
        self.labels, self.how, self.kinds, self.firsts = labels, view.how, list[int](), list[int]()
        self._places, self._numbers = view.places, view.labels()
        if prod(labels.shape) > pieces.LARGEST:
            for kind in masks_drawn(np.zeros(0, np.int32), view.how):
                self._find(kind, view.folder)
        self.scores = self._means(view.network, view.tiling) if self.kinds else []

    def _find(self, kind: int, folder: Folder) -> None:
        size = self.labels.shape[:-1]
        box = Adjacency.box(3, ndim=len(size))
        masks = (
            (place, masks_drawn(self.labels[place][..., 0], self.how)) for place in self._places
        )
        tiles = ((place, components_in(box, size, place, own[kind])) for place, own in masks)
        every = Components(box, size, tiles, folder)
        large = np.flatnonzero(np.diff(every.bounds, axis=1)[:, 0].prod(axis=1) > pieces.LARGEST)
        numbers = np.zeros(len(every.bounds) + 1, np.int32)
        numbers[large + 1] = len(self.kinds) + 1 + np.arange(len(large))
        self.kinds += [kind] * len(large)
        self.firsts += every.firsts[large].tolist()
        for place in self._places if len(large) else ():
            own = numbers[every[place]]
            if own.any():
                self._numbers[place] = np.where(own > 0, own, self._numbers[place])

    def _means(self, network: Network, tiling: Tiling) -> list[float]:
        own = [place for place in self._places if self._numbers[place].any()]
        channels = [kinds_of(self.how)[kind].channel for kind in self.kinds]
        work = partial(_sums, network, tiling.source, channels)
        items = Lazy(lambda i: (own[i], packed(self._numbers[own[i]])), len(own))
        totals, counts = [0] * len(self.kinds), [0] * len(self.kinds)
        for numbers, sums, areas in tiling.each(work, items):
            for number, total, area in zip(numbers.tolist(), sums.tolist(), areas.tolist()):
                totals[number - 1] += total
                counts[number - 1] += area
        return [mean_level(total, count) for total, count in zip(totals, counts)]

    def __getitem__(self, window: Place) -> Array:
        """The label image without these components."""
        return np.where(self._numbers[window] > 0, NO_CLASS, self.labels[window])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the label image."""
        return self.labels.shape

    @property
    def packed(self) -> tuple[Array, ...]:
        """The rows of a `spel.large.piece_table.PieceTable`, with empty masks."""
        count, ndim = len(self.kinds), len(self.shape) - 1
        corners = np.zeros((count, ndim), np.int64)
        levels = np.zeros(count, np.int64)
        columns = np.array(self.kinds, np.int64), np.array(self.scores, np.float64), levels
        return *columns, np.array(self.firsts, np.int64), corners, corners, np.zeros(0, np.uint8)

    def masks(self, index: int) -> Iterator[tuple[Place, npt.NDArray[np.bool_]]]:
        """The mask of one, tile by tile."""
        for place in self._places:
            own = self._numbers[place][..., 0] == index + 1
            if own.any():
                yield place, own


def _sums(
    network: Network, source: Source, channels: list[int], item: tuple[Place, bytes]
) -> tuple[Array, Array, Array]:
    """The numbers in a tile, and the sum of the saliency and the area of each."""
    place, data = item
    size = lengths(place)
    own = unpacked(data, np.int32, size)
    output = output_in(network, source, [(s.start, s.stop) for s in place], size)
    numbers = np.unique(own[own > 0])
    sums = [int(units(output[..., channels[n - 1]][own == n]).sum()) for n in numbers]
    areas = [int(np.count_nonzero(own == n)) for n in numbers]
    return numbers, np.array(sums, np.int64), np.array(areas, np.int64)
