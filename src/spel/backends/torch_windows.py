"""Windows over tensors: runs of doubling length, shared among the boxes of an adjacency.

All that depends on the window alone is worked out when a module is made, as plain numbers: the
forward pass then has no branch that depends on data, and `torch.export` and `torch.compile` can
follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

from spel.backends import geometry
from spel.backends.torch_deps import F, Tensor, as_tensor, nn, torch
from spel.core.window import REPEATED, Window

Spans = Sequence[tuple[int, int]]
Join = Callable[[Tensor, Tensor], Tensor]


def pad(x: Tensor, spans: Spans, value: float = 0.0) -> Tensor:
    """Pixels of one value added before and after each axis, or cut off where a span is negative."""
    added = [max(n, 0) for span in reversed(spans) for n in span]
    if any(added):
        x = F.pad(x, added, value=value)
    for axis, (before, after) in enumerate(spans, start=2):
        cut = max(-before, 0)
        if cut or after < 0:
            length = max(x.shape[axis] - cut - max(-after, 0), 0)
            x = x.narrow(axis, min(cut, x.shape[axis]), length)
    return x


def extend(x: Tensor, spans: Spans, border: str) -> Tensor:
    """The same with pixels of the image: the nearest, mirrored or wrapped around."""
    for axis, (before, after) in enumerate(spans, start=2):
        n = x.shape[axis]
        places = torch.arange(-before, n + after, device=x.device)
        x = x.index_select(axis, _bounced(places, n, border))
    return x


def _bounced(places: Tensor, n: int, border: str) -> Tensor:
    if border == "edge" or n == 1:
        return places.clamp(0, n - 1)
    if border == "wrap":
        return places.remainder(n)
    again = int(border == "symmetric")
    period = 2 * (n - 1 + again)
    place = places.remainder(period)
    return torch.where(place < n, place, period - again - place)


def supplied(x: Tensor, spans: Spans, border: str, fill: Tensor) -> Tensor:
    """The same with what a border supplies; `fill` has one value per channel."""
    if border != "constant":
        return extend(x, spans, border)
    padded = pad(x, spans)
    outside = 1 - pad(torch.ones_like(x[:1, :1]), spans)
    return padded + outside * fill.reshape(1, -1, *[1] * len(spans))


class WindowReduce(nn.Module):
    """Sum or maximum over the adjacents inside the image, at every position of a window."""

    def __init__(self, window: Window, word: str) -> None:
        super().__init__()
        adjacency = window.adjacency
        whole = geometry.bounding_lattice(adjacency)
        boxes = geometry.partition(adjacency) if word == "sum" else geometry.cover(adjacency)
        self.join: Join = torch.add if word == "sum" else torch.maximum
        self.outside = 0.0 if word == "sum" or window.border == "zero" else float("-inf")
        self.border = str(window.border)
        self.spans = geometry.pads(window, whole.low, whole.high)
        self.extent = tuple(high - low for low, high in zip(whole.low, whole.high))
        self.strides = window.strides
        self.boxes = [
            (box.size, box.step, tuple(a - b for a, b in zip(box.low, whole.low))) for box in boxes
        ]

    def forward(self, x: Tensor) -> Tensor:
        if self.border in REPEATED:
            padded = extend(x, self.spans, self.border)
        else:
            padded = pad(x, self.spans, self.outside)
        counts = [max(n - e, 0) for n, e in zip(padded.shape[2:], self.extent)]
        if 0 in counts:
            sizes = [-(-n // stride) for n, stride in zip(counts, self.strides)]
            return x.new_zeros((*x.shape[:2], *sizes))
        rows: dict[int, Tensor] = {}  # Horizontal runs by their length, shared by all boxes.
        parts = []
        for size, step, first in self.boxes:
            if size[-1] not in rows:
                rows[size[-1]] = join_run(padded, padded.ndim - 1, size[-1], step[-1], self.join)
            part = rows[size[-1]]
            for axis in range(len(size) - 1):
                part = join_run(part, 2 + axis, size[axis], step[axis], self.join)
            for axis, (begin, count, stride) in enumerate(zip(first, counts, self.strides), 2):
                part = part.narrow(axis, begin, count)
                if stride > 1:
                    part = part[(slice(None),) * axis + (slice(None, None, stride),)]
            parts.append(part)
        return reduce(self.join, parts)


def join_run(x: Tensor, axis: int, size: int, step: int, join: Join) -> Tensor:
    """Join `size` values `step` apart: O(log size) passes over runs of doubling length."""
    count = x.shape[axis] - (size - 1) * step
    parts, done, power, width = [], 0, x, 1
    while width <= size:
        if size & width:
            parts.append(power.narrow(axis, done * step, count))
            done += width
        if 2 * width <= size:
            length = power.shape[axis] - width * step
            ahead = power.narrow(axis, width * step, length)
            power = join(power.narrow(axis, 0, length), ahead)
        width *= 2
    return reduce(join, parts)


class WindowMax(nn.Module):
    """Largest value among the adjacents inside the image; 0 where there is none."""

    def __init__(self, window: Window) -> None:
        super().__init__()
        self.largest = WindowReduce(window, "max")
        never_empty = window.border != "inside" or geometry.has_centre(window.adjacency)
        self.count = None if never_empty else WindowReduce(window, "sum")

    def forward(self, x: Tensor) -> Tensor:
        best: Tensor = self.largest(x)
        if self.count is None:
            return best
        return torch.where(self.count(torch.ones_like(x[:1, :1])) > 0, best, 0.0)


class Correlation(nn.Module):
    """What a convolution needs of its window: padding by its border, strides, dilation.

    Weights are dense in the adjacency's lattice box; `cells` masks those outside of the adjacency.
    """

    fill: Tensor
    cells: Tensor | None

    def __init__(self, window: Window, channels: int) -> None:
        super().__init__()
        adjacency = window.adjacency
        box = geometry.bounding_lattice(adjacency)
        self.spans = geometry.pads(window, box.low, box.high)
        self.extent = tuple(high - low for low, high in zip(box.low, box.high))
        self.strides, self.step = window.strides, box.step
        mode, fill = window.border_mode(channels)
        self.border = "constant" if window.border == "valid" else mode
        self.filled = self.border != "constant" or (window.border != "valid" and any(fill))
        self.register_buffer("fill", as_tensor(fill), persistent=False)
        full = geometry.is_box(adjacency)
        ones = np.ones((1, len(adjacency), 1), dtype=np.float32)
        cells = None if full else as_tensor(geometry.dense(adjacency, ones))
        self.register_buffer("cells", cells, persistent=False)

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor, groups: int = 1) -> Tensor:
        padded = self._padded(x)
        counts = [n - e for n, e in zip(padded.shape[2:], self.extent)]
        if min(counts) <= 0:
            sizes = [-(-max(n, 0) // s) for n, s in zip(counts, self.strides)]
            return x.new_zeros((len(x), len(weight), *sizes))
        masked = weight if self.cells is None else weight * self.cells
        convolve = F.conv2d if len(self.spans) == 2 else F.conv3d
        return convolve(
            padded, masked, bias, stride=self.strides, dilation=self.step, groups=groups
        )

    def _padded(self, x: Tensor) -> Tensor:
        return (
            supplied(x, self.spans, self.border, self.fill) if self.filled else pad(x, self.spans)
        )
