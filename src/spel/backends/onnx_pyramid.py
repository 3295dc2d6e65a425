"""Scale space in a graph: an image, its halvings, and levels and crops of any size from them.

The same as `spel.rigid.pyramid.Pyramid`, in ONNX operators.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from spel.backends.onnx_graph import Graph, Value
from spel.backends.onnx_layers import translate
from spel.backends.onnx_tensor import Tensor, constant, join, stack
from spel.nn import MeanPool
from spel.rigid.octaves import TWO_BY_TWO

Sizes = tuple[int, int]

Pair = tuple[Tensor, Tensor]
"""Of points or scales: along the rows, and along the columns."""


class OnnxPyramid:
    """The halvings of a one-channel image, one after the other in one list of numbers.

    Parameters
    ----------
    graph : Graph
    image : Value
        One image.
    depth : int
        How often it is halved.
    """

    def __init__(self, graph: Graph, image: Value, depth: int) -> None:
        self.graph, self.depth = graph, depth
        planes = [image]
        for _ in range(depth):
            planes.append(translate(MeanPool(TWO_BY_TWO, stride=2), graph, planes[-1]))
        tensors = [Tensor(graph, plane.name, "float32") for plane in planes]
        self.sizes = [stack([tensor.size(axis) for tensor in tensors]) for axis in (2, 3)]
        """Rows and columns of each halving."""
        self.size = stack([tensors[0].size(2), tensors[0].size(3)]).to("float64")
        """Rows and columns of the image."""
        spels = self.sizes[0] * self.sizes[1]
        ends = spels.op("CumSum", constant(graph, 0, "int64"))
        self.starts = ends - spels
        self.spels = join([tensor.reshape(-1) for tensor in tensors])

    def size_at(self, scale: Tensor) -> Tensor:
        """Rows and columns of the image at a scale, as float64."""
        return (self.size * scale).op("Round")

    def level(self, scale: Tensor, halvings: Tensor) -> Value:
        """The image at a scale, computed from one of its halvings."""
        rows, cols = (sizes.at(halvings) for sizes in self.sizes)
        start = self.starts.at(halvings)
        plane = self.spels.part(start, start + rows * cols).reshape(1, 1, rows, cols)
        sizes = join([plane.ints(1, 1), self.size_at(scale).to("int64")])
        name = self.graph.op(
            "Resize", plane.name, "", "", sizes.name,
            mode="linear", antialias=1, exclude_outside=1,
        )  # fmt: skip
        return Value(str(name), 1, 2)

    def crops(self, middles: Pair, scales: Pair, size: Sizes) -> Value:
        """Parts of one size around points (row, col) of the image, each at scales of its own.

        Spels outside the image are 0, as in `Pyramid.crop`.
        """
        powers = constant(self.graph, 2.0 ** np.arange(1, self.depth + 1), "float64")
        # The coarsest halving that is not coarser than the smaller scale.
        smaller = scales[0].minimum(scales[1])
        halvings = (smaller.expand(1) * powers <= 1.0).to("int64").sum(1)
        factor = constant(self.graph, 2.0 ** np.arange(self.depth + 1), "float64").at(halvings)
        axes = zip(middles, scales, size, self.sizes)
        (rows, down), (cols, along) = (
            self._taps(middle / factor, scale * factor, n, sizes.at(halvings))
            for middle, scale, n, sizes in axes
        )
        # (crops, rows, 1) and (crops, 1, cols): the places of what is read.
        row_places = rows * self.sizes[1].at(halvings).expand(1)
        places = (self.starts.at(halvings).expand(1) + row_places).expand(2) + cols.expand(1)
        read = down @ self.spels.at(places) @ along.op("Transpose", perm=[0, 2, 1])
        return Value(read.expand(1).name, 1, 2)

    def _taps(self, middle: Tensor, scale: Tensor, n: int, inside: Tensor) -> tuple[Tensor, Tensor]:
        """What crops of n spels read along one axis: places (crops, k), weights (crops, n, k).

        The weights are triangles as wide as a spel of the crop, at least as one of the halving, as
        in `spel.kernels.resize`.
        """
        step = scale.like(1.0) / scale
        width = step.maximum(1.0)
        low = middle - step * (n / 2)
        first = (low - width).op("Floor")
        reads = 2 * n + 6  # a halving is at most twice as fine as the crop
        spels = first.expand(1) + np.arange(reads)
        centres = low.expand(1) + step.expand(1) * (np.arange(n) + 0.5)
        away = ((spels + 0.5).expand(1) - centres.expand(2)).op("Abs") / width.expand(1, 2)
        weights = (away.like(1.0) - away).maximum(0.0)
        weights = weights / weights.sum(2, keep=True)
        last = (inside - 1).to("float64").expand(1)
        there = ((spels >= 0.0) & (spels <= last)).to("float64")
        places = spels.clip(0.0, last).to("int64")
        return places, (weights * there.expand(1)).to("float32")


def halvings_of(scale: float) -> int:
    """How often an image is halved before it is brought to a scale."""
    return max(0, math.floor(-math.log2(scale) + 1e-12))


def turned(
    graph: Graph, image: Value, turns: Tensor, degrees: Sequence[float], size: Sizes, whole: Sizes
) -> Value:
    """The middle part of images of the size `whole`, each turned by one of some angles.

    As `Pyramid.crop` turns what it has cut upright.
    """
    rows, cols = np.mgrid[: size[0], : size[1]] + 0.5
    down, across = rows - size[0] / 2, cols - size[1] / 2
    grids = []
    for angle in np.deg2rad(degrees):
        c, s = np.cos(angle), np.sin(angle)
        x, y = c * across - s * down, s * across + c * down
        grids.append(np.stack([2 * x / whole[1], 2 * y / whole[0]], axis=-1))
    places = constant(graph, np.array(grids), "float32").at(turns)
    name = graph.op("GridSample", image.name, places.name, mode="bilinear", padding_mode="border")
    return Value(str(name), 1, 2)


def around_turned(size: Sizes, degrees: Sequence[float]) -> Sizes:
    """The size of an upright part that holds a part of some size, turned by any of the angles."""
    rows, cols = size
    sine = max(abs(math.sin(math.radians(angle))) for angle in degrees)
    return rows + 2 * math.ceil(sine * cols / 2), cols + 2 * math.ceil(sine * rows / 2)
