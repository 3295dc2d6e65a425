"""A network as a graph of standard ONNX operators, before it is written to a file.

Nothing here imports onnx: `Graph` records nodes and constants, `spel.backends.onnx_layers` writes
layers into it, and `spel.backends.onnx_export` turns the record into a model. Inside the graph an
image is ``(batch, channel, ..., row, col)`` float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.backends import geometry
from spel.core.window import REPEATED, Window

OPSET = 18
"""Version of the standard operators that every graph is written in."""

END = np.iinfo(np.int64).max
"""The end of an axis of any length, for a Slice."""

LOWEST = float(np.finfo(np.float32).min)
"""Outside the image for a maximum. Not -inf: onnxsim would merge such a Pad into the MaxPool, with
more padding than its kernel is wide, which ONNX Runtime refuses."""

Array = npt.NDArray[Any]

Recorded = tuple[str, list[str], list[str], dict[str, Any]]
"""A node: its operator, inputs, outputs and attributes."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph: its name, channels and spatial axes (0 for feature vectors)."""

    name: str
    channels: int
    ndim: int

    @property
    def axes(self) -> list[int]:
        """Its spatial axes."""
        return list(range(2, 2 + self.ndim))


Ending = tuple[str, str, tuple[int, ...] | None]


@dataclass(frozen=True)
class Body:
    """A graph inside a node, such as what a Loop repeats; it sees all names before that node.

    Attributes
    ----------
    nodes : list of Recorded
    inputs, outputs : tuple of (name, type, shape)
        The shape is None where it may be any.
    """

    nodes: list[Recorded]
    inputs: tuple[Ending, ...]
    outputs: tuple[Ending, ...]


@dataclass
class Graph:
    """Nodes and constants in the order in which they were added."""

    nodes: list[Recorded] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    _constant_names: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)
    scope: str = ""
    _names: int = 0

    def fresh(self, kind: str) -> str:
        """A name that nothing else has."""
        self._names += 1
        return f"{self.scope}/{kind}_{self._names - 1}"

    @contextmanager
    def inner(self) -> Iterator[list[Recorded]]:
        """What is added meanwhile, which is no part of this graph but of a `Body`."""
        outer, self.nodes = self.nodes, []
        try:
            yield self.nodes
        finally:
            self.nodes = outer

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node, and return the name of its result, or the names of its results."""
        name = self.fresh(kind)
        names = [name + (f"_{i}" if i else "") for i in range(outputs)]
        self.nodes.append((kind, list(inputs), names, attributes))
        return names[0] if outputs == 1 else names

    def const(self, value: Any, dtype: Any = np.float32) -> str:
        """A constant; equal ones are stored once."""
        array = np.asarray(value, dtype=dtype, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constant_names:
            self._constant_names[key] = f"constant_{len(self.constants)}"
            self.constants[self._constant_names[key]] = array
        return self._constant_names[key]

    def ints(self, *values: int) -> str:
        """A list of whole numbers."""
        return self.const(list(values), np.int64)

    def size(self, x: str, axis: int) -> str:
        """Length of an axis, as a whole number."""
        return str(self.op("Gather", self.op("Shape", x), self.const(axis, np.int64), axis=0))

    # -- windows ---------------------------------------------------------------------------------

    def padded(self, x: str, spans: Sequence[tuple[int, int]], fill: float = 0.0) -> str:
        """Pixels of one value added before and after each axis; negative spans cut off.

        What is cut off is a Slice: the standard allows negative amounts in a Pad, but not every
        runtime takes them.
        """
        before = [max(a, 0) for a, _ in spans]
        after = [max(b, 0) for _, b in spans]
        if any((*before, *after)):
            amounts = self.ints(0, 0, *before, 0, 0, *after)
            x = str(self.op("Pad", x, amounts, self.const(fill), mode="constant"))
        cut = [axis for axis, span in enumerate(spans) if min(span) < 0]
        if cut:
            starts = self.ints(*[max(-spans[axis][0], 0) for axis in cut])
            ends = self.ints(*[spans[axis][1] if spans[axis][1] < 0 else END for axis in cut])
            x = str(self.op("Slice", x, starts, ends, self.ints(*[2 + axis for axis in cut])))
        return x

    def extended(self, x: str, spans: Sequence[tuple[int, int]], border: str) -> str:
        """The same with spels of the image: the nearest, mirrored or wrapped around."""
        zero, one = self.const(0, np.int64), self.const(1, np.int64)
        for axis, (before, after) in enumerate(spans, start=2):
            if not (before or after):
                continue
            n = self.size(x, axis)
            last = self.op("Sub", n, one)
            end = self.op("Add", n, self.const(after, np.int64))
            places = self.op("Range", self.const(-before, np.int64), end, one)
            if border == "edge":
                places = self.op("Min", self.op("Max", places, zero), last)
            elif border == "wrap":
                places = self.op("Mod", places, n)
            else:
                side = last if border == "reflect" else n
                period = self.op("Max", self.op("Mul", side, self.const(2, np.int64)), one)
                folded = self.op("Mod", places, period)
                back = period if border == "reflect" else self.op("Sub", period, one)
                mirrored = self.op("Sub", back, folded)
                places = self.op("Where", self.op("Less", folded, n), folded, mirrored)
            x = self.op("Gather", x, places, axis=axis)
        return x

    def filled(self, x: str, spans: Sequence[tuple[int, int]], fill: Sequence[float]) -> str:
        """The same with one value per channel: zeros, plus the values where no spel is."""
        outside = self.op("Sub", self.const(1.0), self.padded(self.ones(x, len(spans)), spans))
        values = self.const(np.reshape(fill, (1, -1, *[1] * len(spans))))
        return str(self.op("Add", self.padded(x, spans), self.op("Mul", outside, values)))

    def ones(self, x: str, ndim: int) -> str:
        """An image of one channel of ones, as large as x."""
        spels = self.op("Slice", self.op("Shape", x), self.ints(2), self.ints(2 + ndim))
        shape = self.op("Concat", self.ints(1, 1), spels, axis=0)
        return str(self.op("ConstantOfShape", shape, value=np.ones(1, dtype=np.float32)))

    def window_sum(self, x: str, channels: int, window: Window) -> str:
        """Sum over the adjacents inside the image, channel by channel."""
        adjacency = window.adjacency
        box = geometry.bounding_lattice(adjacency)
        x = self._bordered(x, window, box, 0.0)
        full = geometry.dense(adjacency, np.ones((channels, len(adjacency), 1)))
        if not geometry.is_box(adjacency) or len(adjacency) <= 9:
            return self._convolved(x, full, box.step, window.strides, channels)
        for axis, size in enumerate(box.size):  # a box is one line after the other
            line = [size if a == axis else 1 for a in range(len(box.size))]
            step = [box.step[a] if a == axis else 1 for a in range(len(box.size))]
            stride = [s if a == axis else 1 for a, s in enumerate(window.strides)]
            if size > 1 or stride[axis] > 1:
                ones = np.ones((channels, 1, *line), dtype=np.float32)
                x = self._convolved(x, ones, step, stride, channels)
        return x

    def _bordered(
        self, x: str, window: Window, box: geometry.DisplacementBox, outside: float
    ) -> str:
        """The part of the image over which a box slides, with its border around it."""
        spans = geometry.pads(window, box.low, box.high)
        if window.border in REPEATED:
            return self.extended(x, spans, str(window.border))
        return self.padded(x, spans, outside)

    def _convolved(
        self, x: str, weights: Array, step: Sequence[int], stride: Sequence[int], group: int
    ) -> str:
        return str(
            self.op(
                "Conv",
                x,
                self.const(weights),
                kernel_shape=list(weights.shape[2:]),
                dilations=list(step),
                strides=list(stride),
                group=group,
            )
        )

    def inside(self, x: str, window: Window) -> str | None:
        """Number of adjacents inside the image, per position; None if it is the same for all."""
        if window.border != "inside":
            return None
        return self.window_sum(self.ones(x, window.adjacency.ndim), 1, window)

    def window_max(self, x: str, window: Window) -> str:
        """Largest value among the adjacents inside the image; 0 where there is none."""
        ndim = window.adjacency.ndim
        parts = [self._box_max(x, box, window) for box in geometry.cover(window.adjacency)]
        best = parts[0] if len(parts) == 1 else self.op("Max", *parts)
        if window.border != "inside" or geometry.has_centre(window.adjacency):
            return best
        some = self.op("Greater", self.window_sum(self.ones(x, ndim), 1, window), self.const(0.5))
        return str(self.op("Where", some, best, self.const(0.0)))

    def _box_max(self, x: str, box: geometry.DisplacementBox, window: Window) -> str:
        x = self._bordered(x, window, box, 0.0 if window.border == "zero" else LOWEST)
        lines = [axis for axis, size in enumerate(box.size) if size > 1 or window.strides[axis] > 1]
        if int(np.prod(box.size)) <= 9 and lines:
            return str(
                self.op(
                    "MaxPool",
                    x,
                    kernel_shape=list(box.size),
                    dilations=list(box.step),
                    strides=list(window.strides),
                )
            )
        for axis in lines:
            line = [1] * len(box.size)
            step, stride = list(line), list(line)
            line[axis], step[axis] = box.size[axis], box.step[axis]
            stride[axis] = window.strides[axis]
            x = self.op("MaxPool", x, kernel_shape=line, dilations=step, strides=stride)
        return x
