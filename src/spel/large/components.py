"""Connected components of masks larger than memory, numbered as in the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.io.large.stored_band import StoredBand
from spel.large.places import Place
from spel.large.seams import Part, Seams, measures
from spel.large.tiling import Folder


class Components:
    """The components of a mask that comes tile by tile, a label image on the disk of a folder.

    The tiles come in raster order, each with what `components_in` gives for it.

    Attributes
    ----------
    firsts : (n,) array of int64
        The first spel of each component in raster order.
    bounds : (n, 2, ndim) array of int64
        First and one past the last index of each component along each axis.

    Examples
    --------
    >>> mask, box = np.array([[1, 1, 1, 0, 1], [0, 0, 0, 0, 1]], bool), Adjacency.box(3)
    >>> places = [(slice(0, 2), slice(0, 2)), (slice(0, 2), slice(2, 5))]
    >>> tiles = ((place, components_in(box, (2, 5), place, mask[place])) for place in places)
    >>> found = Components(box, (2, 5), tiles)
    >>> found[0:2, 0:5][..., 0].tolist(), found.bounds[1].tolist()
    ([[1, 1, 1, 0, 2], [0, 0, 0, 0, 2]], [[0, 4], [2, 5]])
    """

    def __init__(
        self,
        adjacency: Adjacency,
        size: Sequence[int],
        tiles: Iterable[tuple[Place, Part]],
        folder: Folder = None,
    ) -> None:
        seams = Seams(adjacency, size)
        self._labels = StoredBand((*seams.size, 1), np.int32, folder)
        self.shape = self._labels.shape
        for place, (labels, *part) in tiles:
            if labels.any():
                self._labels[place] = np.where(labels > 0, labels + seams.count, 0)[..., None]
            seams.add(place, tuple(part))
        self._numbers = np.concatenate([[0], seams.numbers()]).astype(np.int32)
        self.firsts = np.full(int(self._numbers.max()), np.iinfo(np.int64).max)
        every = np.concatenate([np.zeros(0, np.int64), *(part["first"] for part in seams.parts)])
        np.minimum.at(self.firsts, self._numbers[1:] - 1, every)
        regions, _ = seams.regions()
        self.bounds = np.stack([regions.low, regions.high], axis=1)

    def __getitem__(self, window: Place) -> npt.NDArray[np.int32]:
        numbers: npt.NDArray[np.int32] = self._numbers[self._labels[window]]
        return numbers


def components_in(
    adjacency: Adjacency, size: Sequence[int], place: Place, mask: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[Any], ...]:
    """The label image of the mask in a tile, and what `Seams` must know of it."""
    labels = ops.label(mask, adjacency)
    return labels, *measures(adjacency, size, place, labels, labels)
