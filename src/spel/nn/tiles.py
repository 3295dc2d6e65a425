"""Tiles: boxes of the output of a network, and the parts of the image that they depend on.

The part that a box of the output reads follows from the footprint of the network, its halo
included; nobody states an overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import floor

from spel.errors import ParameterError, ShapeError
from spel.nn.footprint import Footprint
from spel.nn.network import Network

SIZE = 2048
"""Side of a tile of an image."""

VOLUME_SIZE = 160
"""Side of a tile of a volume, which then has as many voxels as a tile of an image has pixels."""

Slices = tuple[slice, ...]
Axis = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Tile:
    """One part of an output.

    Attributes
    ----------
    out : tuple of slice
        Its place in the output.
    read : tuple of slice
        The part of the image that it depends on.
    inner : tuple of slice
        Its place in the output of the network for that part.
    """

    out: Slices
    read: Slices
    inner: Slices


def default_size(shape: Sequence[int]) -> int:
    """Side of the tiles of an image of this shape, ([planes,] rows, cols, channels)."""
    return VOLUME_SIZE if len(shape) == 4 else SIZE


def sides(size: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """The side of a tile along each axis; one number stands for all.

    Raises
    ------
    ParameterError
        If one is below 1, or there is not one for each axis.
    """
    each = tuple(size) if isinstance(size, Sequence) else (size,) * axes
    if len(each) != axes or any(int(side) != side or side < 1 for side in each):
        raise ParameterError(f"tiles: size {size!r}; expected an integer of at least 1")
    return each


def tiles(
    network: Network, shape: Sequence[int], size: int | Sequence[int] = SIZE
) -> Iterator[Tile]:
    """The tiles of the output of a network for an image of this shape, in raster order.

    Parameters
    ----------
    network : Network
    shape : (rows, cols[, channels]), with planes before them for voxels
    size : int or sequence of int
        Side of a tile in pixels of the *image*, without its halo; or one per axis.

    Raises
    ------
    ShapeError
        If a node of the network reads the whole image, or the image does not fit.
    ParameterError
        If the size is below 1.
    """
    field = network.footprints[network.output]
    each = sides(size, len(field.stride))
    if field.whole:
        wide = next(n for n in network.nodes if network.footprints[n.name].whole)
        raise ShapeError(
            f"tiles: node {wide.name!r} ({wide.layer.describe()}) reads the whole image, so the "
            "network cannot run tile by tile; use an image that fits in memory, or another layer "
            "there"
        )
    result = network.shape(tuple(shape))[: len(field.stride)]
    axes = []
    for axis, (n, m, stride) in enumerate(zip(shape, result, field.stride)):
        step = max(1, int(each[axis] // stride))
        firsts = range(0, m, step)
        axes.append([_axis(field, axis, n, first, min(m, first + step)) for first in firsts])
    for parts in product(*axes):
        yield _tile(parts)


def tile_of(network: Network, shape: Sequence[int], box: Sequence[tuple[int, int]]) -> Tile:
    """The tile for a box of the output: its first spel and the one after its last, per axis."""
    field = network.footprints[network.output]
    return _tile([_axis(field, axis, shape[axis], *span) for axis, span in enumerate(box)])


def _tile(axes: Sequence[Axis]) -> Tile:
    return Tile(*(tuple(axis[i] for axis in axes) for i in range(3)))


def _axis(field: Footprint, axis: int, length: int, first: int, last: int) -> Axis:
    """A span of the output, of the image, and of the output for that part of the image."""
    stride, align = field.stride[axis], field.align[axis]
    # On the network's grid, and as far from the image's end: so all branches fit.
    begin = max(0, floor(first * stride) - field.before[axis]) // align * align
    end = min(length, floor((last - 1) * stride) + field.after[axis] + 1)
    end = length - max(0, length - end) // align * align
    shift = int(Fraction(begin) / stride)
    return slice(first, last), slice(begin, end), slice(first - shift, last - shift)
