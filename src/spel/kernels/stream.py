"""Programs of the native engine: stages that stream rows through ring buffers.

A program is built stage by stage, then run on images. Every stage makes rows when another stage
needs them, and only the rows of the outputs are written to memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.kernels.engine import native, places

Array = npt.NDArray[Any]
Size = Sequence[int]

BORDERS = {"constant": 1, "edge": 2, "reflect": 3, "symmetric": 4, "wrap": 5}
ACTIVATIONS = (
    "identity",
    "relu",
    "leaky_relu",
    "elu",
    "sigmoid",
    "tanh",
    "gelu",
    "softplus",
    "hard_sigmoid",
    "abs",
    "square",
    "silu",
    "hard_swish",
)
SPACES = ("lab", "labnorm2-png", "labnorm2-rgba", "labnorm2-jpeg", "labnorm2-direct")
POOLS = {  # how rows are combined, and how the reduction ends
    "max": (0, 3),
    "min": (1, 3),
    "mean": (2, 1),
    "full_mean": (2, 2),
}


@dataclass(frozen=True)
class Stage:
    """A producer of rows in a program.

    Attributes
    ----------
    index : int
    channels : int
    size : (planes, rows, cols)
    """

    index: int
    channels: int
    size: tuple[int, int, int]


@dataclass(frozen=True)
class Buffer:
    """Memory of a node of the engine: a ring of `rows` rows of `row_bytes` bytes.

    Attributes
    ----------
    kind : str
        What the node does; "" for a node that became part of the node before it.
    rows, row_bytes : int
    work : float
        Approximate number of operations for one image.
    """

    kind: str
    rows: int
    row_bytes: int
    work: float

    @property
    def bytes(self) -> int:
        """Size of the ring in memory."""
        return self.rows * self.row_bytes


class Program:
    """Stages that are added one by one; then a constant program that several threads may run."""

    def __init__(self) -> None:
        self._native = native.Program()
        self._outputs: list[Stage] = []
        self._finished = False

    # -- stages ------------------------------------------------------------------------------

    def source(self, channels: int, size: Size) -> Stage:
        """An image of each run; the images are in the order of these calls."""
        index = self._native.source(channels, tuple(size))
        return Stage(index, channels, _size(size))

    def convolve(
        self,
        of: Stage,
        displacements: npt.ArrayLike,
        weights: Array,
        bias: Array,
        *,
        start: Size,
        stride: Size,
        border: str,
        fill: npt.ArrayLike,
        size: Size,
        groups: int = 1,
    ) -> Stage:
        """Correlate with weights (K, n, C / groups); an activation after it is done in its pass."""
        around = places(displacements)
        weights = np.ascontiguousarray(weights, dtype=np.float32)
        bias = np.ascontiguousarray(bias, dtype=np.float32)
        index = self._native.convolve(
            of.index,
            (around.ctypes.data, len(around)),
            weights.ctypes.data,
            bias.ctypes.data,
            len(bias),
            tuple(start),
            tuple(stride),
            tuple(size),
            BORDERS[border],
            np.asarray(fill, dtype=np.float32).ravel().tolist(),
            0,
            0.0,
            *([groups] if groups > 1 else []),
        )
        return Stage(index, len(bias), _size(size))

    def pool(
        self,
        of: Stage,
        displacements: npt.ArrayLike,
        kind: str,
        *,
        start: Size,
        stride: Size,
        size: Size,
    ) -> Stage:
        """Largest, smallest or mean of the adjacents inside the image; kinds: `POOLS`."""
        around = places(displacements)
        index = self._native.pool(
            of.index,
            (around.ctypes.data, len(around)),
            *POOLS[kind],
            tuple(start),
            tuple(stride),
            tuple(size),
        )
        return Stage(index, of.channels, _size(size))

    def divide_by_norm(
        self, of: Stage, displacements: npt.ArrayLike, *, across_channels: bool
    ) -> Stage:
        """Divide by the root of the sum of squares over the adjacents."""
        around = places(displacements)
        index = self._native.divide_by_norm(
            of.index, (around.ctypes.data, len(around)), bool(across_channels)
        )
        return Stage(index, of.channels, of.size)

    def activate(self, of: Stage, kind: str, parameter: float) -> Stage:
        """A function of every value."""
        index = self._native.activate(of.index, ACTIVATIONS.index(kind), float(parameter))
        return Stage(index, of.channels, of.size)

    def residue(self, image: Stage, normalized: Stage) -> Stage:
        """``max(0, image - normalized)``."""
        return Stage(
            self._native.residue(image.index, normalized.index), image.channels, image.size
        )

    def affine(
        self, of: Stage, *, subtract: npt.ArrayLike, multiply: npt.ArrayLike, add: npt.ArrayLike
    ) -> Stage:
        """``(x - subtract) * multiply + add`` per channel, with each step rounded."""
        parts = [
            np.broadcast_to(np.asarray(p, dtype=np.float32), (of.channels,)).tolist()
            for p in (subtract, multiply, add)
        ]
        return Stage(self._native.affine(of.index, *parts), of.channels, of.size)

    def mix(self, of: Stage, terms: Sequence[Sequence[tuple[int, float]]], scale: float) -> Stage:
        """For each output channel, (channel, weight) terms added one by one, times a scale."""
        index = self._native.mix(of.index, [list(t) for t in terms], float(scale))
        return Stage(index, len(terms), of.size)

    def concatenate(self, parts: Sequence[Stage]) -> Stage:
        """The channels of several stages, one after the other."""
        index = self._native.concatenate([p.index for p in parts])
        return Stage(index, sum(p.channels for p in parts), parts[0].size)

    def join(self, parts: Sequence[Stage], *, product: bool = False) -> Stage:
        """Sum or product of several stages, from the first to the last; one channel serves all."""
        index = self._native.join([p.index for p in parts], product)
        return Stage(index, max(p.channels for p in parts), parts[0].size)

    def clip(self, of: Stage, low: float, high: float) -> Stage:
        """Values brought between two."""
        return Stage(self._native.clip(of.index, low, high), of.channels, of.size)

    def channel_slopes(self, of: Stage, slopes: Array) -> Stage:
        """Values that are not positive times the slope of their channel."""
        index = self._native.channel_slopes(of.index, slopes.tolist())
        return Stage(index, of.channels, of.size)

    def pad(self, of: Stage, *, start: Size, size: Size, border: str, fill: npt.ArrayLike) -> Stage:
        """The image on a grid of `size` whose spel 0 stands on spel `start` of it."""
        values = np.asarray(fill, dtype=np.float32).ravel().tolist()
        index = self._native.pad(of.index, tuple(start), tuple(size), BORDERS[border], values)
        return Stage(index, of.channels, _size(size))

    def interleave(
        self, parts: Sequence[Stage], part_of: Sequence[int], *, factor: Size, size: Size
    ) -> Stage:
        """Spel p is spel ``p // factor`` of one part; `part_of` says which, by ``p % factor``."""
        numbers = [p.index for p in parts]
        index = self._native.interleave(numbers, list(part_of), tuple(factor), tuple(size))
        return Stage(index, parts[0].channels, _size(size))

    def softmax(self, of: Stage) -> Stage:
        """Exponentials over their sum, over the channels of each spel."""
        return Stage(self._native.softmax(of.index), of.channels, of.size)

    def recolor(self, of: Stage, space: str, white: float) -> Stage:
        """Red, green and blue in 0..white, the first three channels, to one of `SPACES`."""
        index = self._native.recolor(of.index, SPACES.index(space), float(white))
        return Stage(index, 3, of.size)

    def argmax(self, of: Stage) -> Stage:
        """Number of the channel with the largest value."""
        return Stage(self._native.argmax(of.index), 1, of.size)

    # -- running -----------------------------------------------------------------------------

    def finish(self, *outputs: Stage) -> None:
        """State which stages are written to memory; after this the program is constant."""
        for stage in outputs:
            self._native.output(stage.index)
        self._outputs = list(outputs)
        self._native.finish()
        self._finished = True

    @property
    def size(self) -> int:
        """Number of the engine's nodes so far."""
        return int(self._native.size())

    @property
    def steps(self) -> int:
        """Number of rows of the tallest output; a run makes a range of them."""
        return int(self._native.steps())

    def rows_read(self, first: int, last: int, source: int = 0) -> tuple[int, int]:
        """Rows [low, high) of a source from which the output rows [first, last) are made."""
        low, high = self._native.rows_read(source, first, last)
        return low, high + 1

    def run(
        self,
        images: Sequence[Array],
        outs: Sequence[Array],
        threads: int = 1,
        *,
        steps: tuple[int, int] | None = None,
        first_rows: tuple[int, int] = (0, 0),
        timed: bool = False,
    ) -> list[int]:
        """Make the outputs, or the rows of a range of steps; nanoseconds per node if timed.

        Parameters
        ----------
        images, outs : five-axis arrays (batch, channel, plane, row, col)
            One per source, and one per output, of float32 or of uint8, which takes the values
            rounded to 0..255. They are not checked here.
        steps : (first, last), optional
        first_rows : (int, int)
            The rows that row 0 of the images and of the outs stands for.
        """
        if not all(out.size for out in outs):
            return []
        first, last = steps or (0, self.steps)
        nanoseconds: list[int] = self._native.run(
            images, outs, first_rows, first, last, max(1, threads), timed
        )
        return nanoseconds

    @property
    def buffers(self) -> list[Buffer]:
        """The memory of each node of the engine; a stage has one or several nodes."""
        return [Buffer(*node) for node in self._native.nodes()]


def _size(size: Size) -> tuple[int, int, int]:
    planes, rows, cols = size
    return int(planes), int(rows), int(cols)
