"""The borders of objects of an image larger than memory, moved in the window of each object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spel.decide.delineate import Delineation, Spacing
from spel.large.piece_table import MaskFile, joined_bits
from spel.large.places import packed, place_of, unpacked
from spel.large.tiling import Array, Folder, Lazy, Tiling
from spel.nn.blocks import Source
from spel.nn.tiles import sides

Region = tuple[Array, bytes, Array, Array]
"""A box of the image, its labels, and the numbers and boxes of objects to be delineated."""


@dataclass(frozen=True, eq=False)
class Delineating:
    """The delineation of the objects of a region, by what it looks at; it is picklable.

    Objects that are kept `apart` take no spels of one another.
    """

    features: Source
    line: Delineation
    spacing: Spacing
    apart: bool

    def __call__(self, region: Region) -> tuple[Array, Array, Array, Array]:
        """The numbers of the objects, the windows of their masks, and the packed masks."""
        box, compressed, numbers, windows = region
        labels = unpacked(compressed, np.int32, (box[1] - box[0]).tolist())
        features = np.asarray(self.features[place_of(box.T.tolist())])
        masks = []
        for number, window in zip(numbers.tolist(), windows - box[0]):
            place = place_of(window.T.tolist())
            own = labels[place] if self.apart else labels[place] * (labels[place] == number)
            masks.append(self.line.refine_label(features[place], own, number, self.spacing))
        return numbers, windows[:, 0], windows[:, 1], joined_bits(masks)

    def windows(self, bounds: Array) -> Array:
        """What the delineation of objects within bounds looks at: (n, 2, ndim)."""
        size = self.features.shape[:-1]
        margin = self.line.margin(len(size), self.spacing)
        low, high = bounds[:, 0] - margin, bounds[:, 1] + margin
        return np.stack([np.maximum(low, 0), np.minimum(high, size)], axis=1)


def delineated_objects(
    work: Delineating,
    tiling: Tiling,
    rough: Any,
    bounds: Array,
    numbers: Array,
    folder: Folder = None,
) -> tuple[MaskFile, list[int]]:
    """The masks of the objects of these numbers with their borders moved, and the number of each.

    `rough` is the label image of all objects, and `bounds` (n, 2, ndim) are those of all.
    """
    masks, order = MaskFile(folder), list[int]()
    for some, *masked in tiling.each(work, _regions(work, tiling, rough, bounds, numbers)):
        masks.append(*masked)
        order += some.tolist()
    return masks, order


def _regions(
    work: Delineating, tiling: Tiling, rough: Any, bounds: Array, numbers: Array
) -> Lazy[Region]:
    """The objects of each tile, or a long one alone, with all that their borders depend on."""
    windows = work.windows(bounds[numbers - 1])
    lengths = np.array(sides(tiling.size, windows.shape[-1]))
    corners = bounds[numbers - 1][:, 0] // lengths
    long = ((windows[:, 1] - windows[:, 0]) > 2 * lengths).any(axis=1)
    alone = np.where(long, numbers, 0)
    _, group = np.unique(np.column_stack([corners, alone]), axis=0, return_inverse=True)
    order = np.argsort(group.reshape(-1), kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(group.reshape(-1)[order])) + 1)

    def region(index: int) -> Region:
        own = windows[groups[index]]
        box = np.stack([own[:, 0].min(axis=0), own[:, 1].max(axis=0)])
        labels = rough[place_of(box.T.tolist())][..., 0]
        return box, packed(labels), numbers[groups[index]], own

    return Lazy(region, len(groups) if len(numbers) else 0)
