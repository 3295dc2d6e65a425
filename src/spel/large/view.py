"""What tiles are segmented by: an output of the size of the image, and what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from spel.decide.delineate import Spacing
from spel.decide.object_scale import check_scale, size_at
from spel.decide.segmentation import Segmentation
from spel.decide.segmented import relative_spacing, strides_of
from spel.io.large.stored_band import StoredBand
from spel.large.tiling import Folder, Tiling
from spel.nn import Crop, Network, chain
from spel.nn.blocks import InBlocks, Source
from spel.nn.node import INPUT
from spel.nn.resized import Enlarged, Resized
from spel.nn.tiles import Slices
from spel.ops.streamed import threshold_of_parts


@dataclass(frozen=True, eq=False)
class View:
    """The segmentation of an image larger than memory.

    Attributes
    ----------
    network : Network
        Without layers over the whole image; its output has the size of the image.
    tiling : Tiling
        The image in the units of the network.
    features : Source
        What the delineation looks at, of the same size.
    how : Segmentation
    spacing : tuple of float, optional
        As `spel.decide.segmented.relative_spacing` gives it.
    folder : path, optional
        On the disk where label images lie until they are written.
    """

    network: Network
    tiling: Tiling
    features: Source
    how: Segmentation
    spacing: Spacing = None
    folder: Folder = None

    @classmethod
    def of(
        cls, network: Network, tiling: Tiling, how: Segmentation, *, scale: float = 1.0,
        spacing: Sequence[float] = (), folder: Folder = None,
    ) -> View:  # fmt: skip
        """What `spel.decide.segment_image` decides on, where objects are `scale` times as long.

        Raises
        ------
        ShapeError
            If the output has more spels than the image, or a layer needs the whole image.
        """
        view, size = tiling, tiling.shape[:-1]
        if scale != 1:
            small = size_at(size, 1 / check_scale("segment", scale, tiling.shape))
            view, how = replace(tiling, source=Resized(tiling.source, small)), how.scaled(scale)
        more = how, relative_spacing(spacing or None, len(size)), folder
        local, node = view.for_bands(network).resolved(network), how.features
        looks = view.source if node == INPUT else InBlocks(view.source, local.upto(node))
        if local.shape(view.shape)[:-1] == size:
            return cls(local, tiling, looks, *more)
        output: Source = InBlocks(view.source, local)
        if output.shape[:-1] != view.shape[:-1]:
            output = Enlarged(output, view.shape[:-1], strides_of(local))
        if scale != 1:
            output, looks = Resized(output, size), Resized(looks, size)
        same = chain(output=Crop((0,) * len(size), (0,) * len(size)))
        return cls(same, replace(tiling, source=output), looks, *more)

    @property
    def size(self) -> tuple[int, ...]:
        """([planes,] rows, cols) of the image."""
        return self.tiling.shape[:-1]

    @cached_property
    def bands(self) -> Tiling:
        """The image in the tiles that bands need."""
        return self.tiling.for_bands(self.network)

    @cached_property
    def places(self) -> list[Slices]:
        """The tiles of the output, in raster order."""
        return [tile.out for tile in self.tiling.tiles(self.network)]

    @cached_property
    def level(self) -> float:
        """The threshold of the whole image; 0 with classes or an object model."""
        if self.how.classes or self.how.objects is not None:
            return 0.0
        return threshold_of_parts(self.bands.outputs(self.network), self.how.threshold)

    def labels(self) -> StoredBand:
        """An empty label image."""
        return StoredBand((*self.size, 1), np.int32, self.folder)
