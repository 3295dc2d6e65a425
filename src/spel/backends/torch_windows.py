"""Windows over tensors: runs of doubling length, shared among the boxes of an adjacency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from spel.backends import geometry
from spel.backends.torch_deps import F, Tensor, torch
from spel.core.window import Window


def pad(x: Tensor, spans: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """Spels of one value added (or cut off, where negative)."""
    flat = [n for span in reversed(spans) for n in span]
    return F.pad(x, flat, value=value) if any(flat) else x


def bounced(x: Tensor, spans: Sequence[tuple[int, int]], border: str) -> Tensor:
    """The same with the nearest spel ("edge") or the mirrored image ("reflect")."""
    for axis, (before, after) in enumerate(spans, start=2):
        n = x.shape[axis]
        places = torch.arange(-before, n + after, device=x.device)
        if border == "edge" or n == 1:
            places = places.clamp(0, n - 1)
        else:
            period = 2 * (n - 1)
            folded = places.remainder(period)
            places = torch.where(folded < n, folded, period - folded)
        x = x.index_select(axis, places)
    return x


def window_sum(x: Tensor, window: Window) -> Tensor:
    """Sum over the adjacents inside the image."""
    return _over_boxes(x, window, geometry.partition(window.adjacency), torch.add, 0.0)


def window_max(x: Tensor, window: Window) -> Tensor:
    """Largest value among the adjacents inside the image; 0 where there is none."""
    boxes = geometry.cover(window.adjacency)
    best = _over_boxes(x, window, boxes, torch.maximum, float("-inf"))
    if window.border == "valid" or geometry.has_centre(window.adjacency):
        return best
    return torch.where(window_sum(torch.ones_like(x[:1, :1]), window) > 0, best, 0.0)


def _over_boxes(
    x: Tensor,
    window: Window,
    boxes: Sequence[geometry.Box],
    join: Callable[[Tensor, Tensor], Tensor],
    outside: float,
) -> Tensor:
    whole = geometry.lattice(window.adjacency)
    padded = pad(x, geometry.pads(window, whole.low, whole.high), outside)
    counts = [n - (h - lo) for n, lo, h in zip(padded.shape[2:], whole.low, whole.high)]
    rows: dict[int, Tensor] = {}  # horizontal runs, by length: shared by all boxes
    total = None
    for box in boxes:
        width = box.size[-1]
        if width not in rows:
            rows[width] = _run(padded, padded.ndim - 1, width, box.step[-1], join)
        part = rows[width]
        for axis in range(len(box.size) - 1):
            part = _run(part, 2 + axis, box.size[axis], box.step[axis], join)
        index: list[Any] = [slice(None), slice(None)]
        for low, first, count, stride in zip(box.low, whole.low, counts, window.strides):
            index.append(slice(low - first, low - first + max(count, 0), stride))
        part = part[tuple(index)]
        total = part if total is None else join(total, part)
    assert total is not None
    return total


def _run(
    x: Tensor, axis: int, size: int, step: int, join: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Join `size` values `step` apart: O(log size) passes over runs of doubling length."""
    count = x.shape[axis] - (size - 1) * step
    total, done, power, width = None, 0, x, 1
    while width <= size:
        if size & width:
            part = power.narrow(axis, done * step, max(count, 0))
            total = part if total is None else join(total, part)
            done += width
        if 2 * width <= size:
            length = power.shape[axis] - width * step
            power = join(power.narrow(axis, 0, length), power.narrow(axis, width * step, length))
        width *= 2
    assert total is not None
    return total
