"""Images and activations of which only blocks are computed, where their values are asked for.

What a block of an activation reads follows from the footprint of the network, so its values are
those of the whole, bit for bit, and the image need not fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.intensity import largest_number, to_white, white_of_largest
from spel.core.numbers import as_numbers
from spel.core.window import Border
from spel.errors import ShapeError
from spel.nn.global_layers import resolve_global_layers
from spel.nn.layer import Layer
from spel.nn.network import Network
from spel.nn.node import INPUT, Node
from spel.nn.tiles import SIZE, tile_of
from spel.ops.patches import patches
from spel.ops.streamed import Parts

__all__ = [
    "AnyImage",
    "ImageLike",
    "InBlocks",
    "Source",
    "applied",
    "in_blocks",
    "in_memory",
    "is_held",
    "joined",
    "output_in",
    "patches_at",
    "shape_of",
    "values_at",
]

Array = npt.NDArray[Any]
Box = Sequence[tuple[int, int]]
"""First and one past the last spel along each axis."""
Taken = TypeVar("Taken")

SIDES = {2: 512, 3: 64}
"""Side of a block of an image, and of a volume."""


class Source(Protocol):
    """An image that is read by windows: an array, a memory map, a `spel.io.large.LargeImage`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, cols, channels), with planes before them for voxels."""

    def __getitem__(self, window: Any) -> Any:
        """A part of the image, by a slice of each axis."""


@dataclass(frozen=True, eq=False)
class InBlocks:
    """An image that is read by windows, or what a network makes of it, block by block.

    Functions that learn from strokes take it in place of an array, and look at the blocks that
    strokes lie in.

    Parameters
    ----------
    source : array or `spel.io.large.LargeImage`
        (rows, cols, channels), with planes before them for voxels.
    network : Network, optional
        Without layers over the whole image, see `through`. By default the image itself is seen.
    side : int, optional
        Side of a block in spels; by default 512 in images, 64 in volumes.

    Examples
    --------
    >>> from spel.nn import MaxPool, chain
    >>> image = np.arange(100.0).reshape(10, 10, 1)
    >>> seen = InBlocks(image, side=4).through(chain(MaxPool(Adjacency.box(3))))
    >>> seen.shape, seen.at([(0, 0), (8, 3)]).ravel().tolist()
    ((10, 10, 1), [11.0, 94.0])
    """

    source: Source
    network: Network | None = None
    side: int | None = None

    def __post_init__(self) -> None:
        axes = len(self.source.shape) - 1
        if axes not in SIDES:
            raise ShapeError(
                f"InBlocks: an image of shape {tuple(self.source.shape)}; expected (rows, cols, "
                "channels), or planes before them"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the image, or of the activation."""
        shape = tuple(map(int, self.source.shape))
        return shape if self.network is None else tuple(self.network.shape(shape))

    @property
    def size(self) -> tuple[int, ...]:
        """The shape without channels."""
        return self.shape[:-1]

    @property
    def sides(self) -> tuple[int, ...]:
        """Side of a block along each axis."""
        axes = len(self.source.shape) - 1
        return (self.side or SIDES[axes],) * axes

    def part(self, box: Box) -> Array:
        """The values in a box."""
        if self.network is None or self.network.ndim is None:  # each spel by itself
            values = np.asarray(self.source[tuple(slice(a, b) for a, b in box)])
            return values if self.network is None else self.network(values)
        return output_in(self.network, self.source, box, self.sides)

    def __getitem__(self, window: Sequence[slice]) -> Array:
        return self.part([(one.start, one.stop) for one in window])

    def at(self, points: npt.ArrayLike) -> Array:
        """The values at some spels: (n, channels)."""
        places = np.asarray(points, np.int64).reshape(-1, len(self.size))
        return self._gathered(places, None, lambda part, own: part[tuple(own.T)])

    def patches(self, adjacency: Adjacency, points: npt.ArrayLike, border: Border) -> Array:
        """The patches of some spels, as `spel.ops.patches` gives them."""
        places = np.asarray(points, np.int64).reshape(-1, len(self.size))
        return self._gathered(
            places, adjacency, lambda part, own: patches(part, adjacency, at=own, border=border)
        )

    def _gathered(
        self, points: Array, around: Adjacency | None, take: Callable[[Array, Array], Array]
    ) -> Array:
        """What a function takes of the block around each group of points, in their order."""
        reach = [(0, 0)] * len(self.size) if around is None else around.reach
        before, after = np.array(reach).T
        out = None
        for rows in _groups(points, self.sides):
            own = points[rows]
            low = np.maximum(own.min(axis=0) + np.minimum(before, 0), 0)
            high = np.minimum(own.max(axis=0) + np.maximum(after, 0) + 1, self.size)
            values = take(self.part(list(zip(low.tolist(), high.tolist()))), own - low)
            if out is None:
                out = np.empty((len(points), values.shape[-1]), values.dtype)
            out[rows] = values
        if out is None:
            channels = self.shape[-1] * (1 if around is None else len(around))
            return np.empty((0, channels), np.float32)
        return out

    def through(self, layer: Layer) -> InBlocks:
        """What a layer, or a network, makes of it; values over the whole image are gathered first.

        Raises
        ------
        ShapeError
            If a layer reads the whole image, and its values cannot be gathered from parts.
        """
        if self.network is None:
            network = layer if isinstance(layer, Network) else Network((Node("layer", layer),))
        else:
            name = f"blocks.{len(self.network.nodes)}"
            network = Network((*self.network.nodes, Node(name, layer, (self.network.output,))))
        return replace(self, network=self.resolved(network))

    def joined(self, layer: Layer, *others: InBlocks) -> InBlocks:
        """What a layer makes of this activation and others of the same image."""
        nodes: list[Node] = []
        ends = []
        for number, one in enumerate((self, *others)):
            own = () if one.network is None else one.network.nodes
            names = {node.name: f"{number}.{node.name}" for node in own}
            for node in own:
                inputs = tuple(names.get(name, INPUT) for name in node.inputs)
                nodes.append(Node(names[node.name], node.layer, inputs))
            ends.append(nodes[-1].name if own else INPUT)
        return replace(self, network=Network((*nodes, Node("joined", layer, tuple(ends)))))

    def resolved(self, network: Network) -> Network:
        """A network over the image itself, with its layers over the whole image resolved."""
        if not any(node.layer.scope in ("image", "batch") for node in network.nodes):
            return network
        return resolve_global_layers(network, lambda before: replace(self, network=before).parts)

    @property
    def parts(self) -> Parts:
        """Passes over the values, block by block."""

        def each(take: Callable[[Array], Taken], /) -> Iterator[Taken]:
            return (take(self.part(box)) for box in _boxes(self.size, self.sides))

        return each

    def whole(self) -> Array:
        """All values, as an array."""
        return self.part([(0, n) for n in self.size])

    def in_units(self, expected: float, white: float | None = None) -> InBlocks:
        """The image with full intensity `expected`; its own is that of its type by default."""
        own = self.white if white is None else white
        if own is None or own == expected:
            return self
        return replace(self, source=_Scaled(self.source, own, expected))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values."""
        return self.part([(0, 1)] * len(self.size)).dtype

    @property
    def white(self) -> float | None:
        """Full intensity, by type, or by the largest value if the type does not tell."""
        dtype = self.dtype
        stated = dtype.kind in "iu" and dtype.itemsize <= 2
        return white_of_largest(dtype, 0 if stated else max(self.parts(largest_number)))


@dataclass(frozen=True)
class _Scaled:
    """A source in units of another full intensity."""

    source: Source
    white: float
    new: float

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the source."""
        return self.source.shape

    def __getitem__(self, window: Any) -> Any:
        return to_white(self.source[window], self.white, self.new)


AnyImage = Array | InBlocks
"""An image or activation in memory, or one that is computed in blocks."""

ImageLike = npt.ArrayLike | InBlocks
"""What functions that learn from strokes take as an image."""


def shape_of(image: ImageLike, name: str = "image") -> tuple[int, ...]:
    """The shape of an image or activation; what holds no numbers is refused."""
    return image.shape if isinstance(image, InBlocks) else as_numbers(image, name).shape


def in_blocks(network: Network, image: AnyImage) -> AnyImage:
    """The image in blocks if it is larger than a tile and no layer reads all of it."""
    if isinstance(image, InBlocks) or image.ndim - 1 not in SIDES:
        return image
    small = int(np.prod(image.shape[:-1])) <= SIZE**2
    wide = any(node.layer.scope in ("image", "batch") for node in network.nodes)
    return image if small or wide else InBlocks(image)


def values_at(image: ImageLike, points: npt.ArrayLike) -> Array:
    """The values of an image or activation at some spels: (n, channels)."""
    if isinstance(image, InBlocks):
        return image.at(points)
    values: Array = np.asarray(image)[tuple(np.asarray(points).T)]
    return values


def patches_at(
    image: ImageLike,
    adjacency: Adjacency,
    points: npt.ArrayLike,
    border: Border = "zero",
) -> Array:
    """The patches of an image or activation at some spels."""
    if isinstance(image, InBlocks):
        return image.patches(adjacency, points, border)
    return patches(image, adjacency, at=points, border=border)


def applied(image: AnyImage, *layers: Layer) -> AnyImage:
    """What layers, one after the other, make of an image or activation; blocks stay blocks."""
    for layer in layers:
        image = image.through(layer) if isinstance(image, InBlocks) else layer(image)
    return image


def joined(layer: Layer, *images: AnyImage) -> AnyImage:
    """What a layer makes of several activations of one image, all in blocks or none."""
    first, *others = images
    if isinstance(first, InBlocks):
        return first.joined(layer, *(one for one in others if isinstance(one, InBlocks)))
    return layer(*images)


def in_memory(image: AnyImage) -> AnyImage:
    """The values as an array, if the image that they come from is one."""
    return image.whole() if isinstance(image, InBlocks) and is_held(image) else image


def is_held(image: AnyImage) -> bool:
    """Whether the image that the values come from is an array in memory."""
    return not isinstance(image, InBlocks) or isinstance(image.source, np.ndarray)


def output_in(network: Network, source: Source, box: Box, sides: Sequence[int]) -> Array:
    """The output of a network in a box, computed in parts of limited sides."""
    out: Array | None = None
    for part in _boxes([b - a for a, b in box], sides):
        place = [(a + first, b + first) for (a, b), (first, _) in zip(part, box)]
        tile = tile_of(network, source.shape, place)
        values = network(np.asarray(source[tile.read]))[tile.inner]
        if out is None:
            out = np.empty((*(b - a for a, b in box), values.shape[-1]), values.dtype)
        out[tuple(slice(a, b) for a, b in part)] = values
    assert out is not None
    return out


def _boxes(size: Sequence[int], sides: Sequence[int]) -> Iterator[Box]:
    """The boxes of limited sides that make up an image, in raster order."""
    spans = [
        [(a, min(a + side, n)) for a in range(0, n, side)]
        for n, side in zip(size, sides, strict=True)
    ]
    return iter(product(*spans))


def _groups(points: Array, sides: Sequence[int]) -> Iterator[npt.NDArray[np.int64]]:
    """The indices of the points of each block, blocks in raster order."""
    if not len(points):
        return
    _, numbers = np.unique(points // np.asarray(sides), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1)
    order = np.argsort(numbers, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
