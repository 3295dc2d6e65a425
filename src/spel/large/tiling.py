"""The tiles of an image, and what computes them: this process, or workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from spel.core.intensity import largest_number, white_of_largest
from spel.errors import ShapeError
from spel.io.large.pyramid import BLOCK
from spel.nn import Network
from spel.nn.blocks import Source
from spel.nn.global_layers import resolve_global_layers
from spel.nn.intensity import expected_white, match_white
from spel.nn.tiles import SIZE, Slices, Tile, sides, tiles
from spel.ops.streamed import Parts

Array = npt.NDArray[Any]
Folder = str | os.PathLike[str] | None
Item = TypeVar("Item")
Taken = TypeVar("Taken")


class Mapping(Protocol):
    """Calls a function for each item, and gives the results in order, as `map` does.

    The function and the items are picklable. A result is a tuple of arrays and numbers of NumPy.
    """

    def __call__(
        self, function: Callable[[Item], Taken], items: Iterable[Item], /
    ) -> Iterator[Taken]:
        """The results."""


@dataclass(frozen=True)
class Lazy(Sequence[Item]):
    """Items that are made when they are asked for, so that few of them are in memory.

    Examples
    --------
    >>> list(Lazy(lambda index: index**2, 4))
    [0, 1, 4, 9]
    """

    make: Callable[[int], Item]
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self.length:
            raise IndexError(index)
        return self.make(index)


@dataclass(frozen=True)
class Tiling:
    """An image that is computed tile by tile, by `map` in this process or by workers.

    The size is the side of a tile in pixels of the image, or one per axis.
    """

    source: Source
    size: int | tuple[int, ...] = SIZE
    each: Mapping = map

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the image."""
        return tuple(map(int, self.source.shape))

    def tiles(self, network: Network) -> Iterator[Tile]:
        """The tiles of the output of a network, in raster order."""
        return tiles(network, self.shape, self.size)

    def over_tiles(
        self, network: Network, take: Callable[[Slices, Array], Taken]
    ) -> Iterator[Taken]:
        """What a picklable function takes of each tile of an output, by its place and values."""
        return self.each(partial(_of_tile, network, self.source, take), self.tiles(network))

    def outputs(self, network: Network) -> Parts:
        """The output of a network without layers over the whole image, tile by tile."""

        def parts(take: Callable[[Array], Taken]) -> Iterator[Taken]:
            return self.over_tiles(network, partial(_of_values, take))

        return parts

    @property
    def places(self) -> Iterator[Slices]:
        """The tiles of the image itself, in raster order."""
        lengths = self.shape[: max(2, len(self.shape) - 1)]
        each = sides(self.size, len(lengths))
        for corner in product(*map(range, [0] * len(each), lengths, each)):
            yield tuple(slice(a, min(a + side, n)) for a, side, n in zip(corner, each, lengths))

    def windows(self, take: Callable[[Array], Taken]) -> Iterator[Taken]:
        """What a function takes of each part of the image itself; this method is `Parts`."""
        return self.each(partial(_of_window, self.source, take), self.places)

    def resolved(self, network: Network) -> Network:
        """The network with its layers over the whole image resolved for this image.

        A layer whose values cannot be gathered from tiles is a ShapeError.
        """
        if not network.footprints[network.output].whole:
            return network

        def parts(before: Network | None) -> Parts:
            return self.windows if before is None else self.outputs(before)

        return resolve_global_layers(network, parts)

    def in_units(self, network: Network, white: float | None) -> Tiling:
        """The image in the units that a network expects, see `spel.nn.match_white`.

        Without a white its values are looked through, if the network expects any.
        """
        expected = expected_white(network)
        if expected is None:
            return self
        if white is None:
            parts = list(self.windows(_largest))
            white = white_of_largest(parts[0][0].dtype, max(float(m) for _, m in parts))
        if white is None or white == expected:
            return self
        return replace(self, source=InUnits(network, self.source, white))

    def for_bands(self, network: Network) -> Tiling:
        """Tiles whose bands are rows of stored tiles, or planes; see `axes_of`."""
        axes = axes_of(network, self.source)
        stride = max(1, int(network.footprints[network.output].stride[0]))
        step = stride if axes == 3 else BLOCK * stride
        first, *rest = sides(self.size, axes)
        return replace(self, size=(-(-first // step) * step, *(max(step, side) for side in rest)))


@dataclass(frozen=True)
class InUnits:
    """A source in the units that a network expects, see `spel.nn.match_white`."""

    network: Network
    source: Source
    white: float

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the source."""
        return self.source.shape

    def __getitem__(self, window: Any) -> Any:
        return match_white(self.network, self.source[window], self.white)


def axes_of(network: Network, source: Source) -> int:
    """Axes of an image and of the output of a network for it, without channels.

    That an image does not give an image, or a volume no volume, is a ShapeError.
    """
    axes, shape = len(network.footprints[network.output].stride), network.shape(source.shape)
    if not axes + 1 == len(source.shape) == len(shape):
        page = "; give one plane of a stack (--page)" if len(source.shape) > axes + 1 else ""
        raise ShapeError(
            f"tiles: an image of shape {tuple(source.shape)} gives an output of shape {shape}; "
            "planes give planes and volumes give volumes tile by tile, others are computed whole"
            + page
        )
    return axes


def _of_tile(
    network: Network, source: Source, take: Callable[[Slices, Array], Taken], tile: Tile
) -> Taken:
    return take(tile.out, network(np.asarray(source[tile.read]))[tile.inner])


def _of_values(take: Callable[[Array], Taken], place: Slices, values: Array) -> Taken:
    return take(values)


def _of_window(source: Source, take: Callable[[Array], Taken], window: Sequence[slice]) -> Taken:
    return take(np.asarray(source[tuple(window)]))


def _largest(part: Array) -> tuple[Array, np.float64]:
    """An empty array of the type of the values, and the largest of them."""
    return np.empty(0, part.dtype), np.float64(largest_number(part))  # no view of the part
