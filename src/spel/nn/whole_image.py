"""What looks at the whole image, gathered tile by tile before the last pass; the same bits.

Extremes are the extremes of the tiles' extremes; a percentile is found digit by digit from counts,
Otsu's threshold from its histogram. Each costs one or two passes more over the image, no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.threads import thread_count
from spel.errors import ShapeError
from spel.nn.combine import Threshold
from spel.nn.layer import Image, Layer, Scope, Shape
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.nn.normalize import LinearNormalize
from spel.nn.residue import Residue
from spel.ops.arrays import allocate, as_planar
from spel.ops.threshold import checked_rule, threshold_value

Parts = Callable[[], Iterator[npt.NDArray[Any]]]
"""Begins a pass over the values of an image, part by part."""

_DIGIT = 16
_FEW = 1 << 15
_BINS = 256


@dataclass(frozen=True, eq=False)
class Between(Layer):
    """`LinearNormalize` with extremes that are known before.

    Examples
    --------
    >>> low, high = np.float32([2.0]), np.float32([6.0])
    >>> Between(low, high)(np.array([[[2.0], [4.0]]])).ravel().tolist()
    [0.0, 0.5]
    """

    kind: ClassVar[str] = "between.v1"

    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    axes: int = 2

    def __call__(self, *images: Any) -> Image:
        array = np.asarray(images[0])
        flat = array.ndim == self.axes
        low, high = (self.low[0], self.high[0]) if flat else (self.low, self.high)
        with np.errstate(invalid="ignore", over="ignore"):
            span = high - low
            result = np.subtract(array, low, dtype=np.float32, casting="unsafe")
            result /= np.where(span == 0, np.float32(1), span)
        return result

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0]


@dataclass(frozen=True, eq=False)
class Above(Layer):
    """`Residue` with scales that are known before: one factor per channel for each image."""

    kind: ClassVar[str] = "above.v1"

    layer: Layer | None
    factors: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]

    @property
    def inputs(self) -> int:  # type: ignore[override]
        """One image with an inner layer, two without."""
        return 2 if self.layer is None else 1

    @property
    def scope(self) -> Scope:
        """Of the inner layer."""
        return "spel" if self.layer is None else self.layer.scope

    def __call__(self, *images: Any) -> Image:
        image, other = images if self.layer is None else (images[0], self.layer(images[0]))
        axes = (self.layer.ndim if self.layer is not None else None) or 2
        given, taken = as_planar("residue", image, axes), as_planar("residue", other, axes)
        memory, result = allocate("residue", given, given.channels, given.size, None)
        kernels.residue(
            given.array,
            taken.array,
            factors=(self.factors[0][None], self.factors[1][None]),
            out=memory,
            threads=thread_count(),
        )
        return result

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0]


def settled(network: Network, parts: Callable[[Network | None], Parts]) -> Network:
    """The network with every step over the whole image replaced by what it comes to there.

    Parameters
    ----------
    network : Network
    parts : callable
        Gives the passes over a network's output, of the image itself for None.

    Raises
    ------
    ShapeError
        If a step over the whole image cannot be gathered from parts.
    """
    for node in network.nodes:
        layer = node.layer
        if layer.scope not in ("image", "batch"):
            continue
        befores = [parts(None if i == INPUT else network.upto(i)) for i in node.inputs]
        before = befores[0]
        if isinstance(layer, Residue):
            network = _residue_settled(network, node.name, layer, befores, parts)
        elif isinstance(layer, LinearNormalize) and layer.over == "domain":
            low, high = extremes(before, layer.axes)
            network = network.replace(node.name, Between(low, high, layer.axes))
        elif isinstance(layer, Threshold):
            network = network.replace(node.name, Threshold(threshold(before, layer.at)))
        else:
            raise _unsettled(node.name, layer)
    return network


def _residue_settled(
    network: Network,
    name: str,
    layer: Residue,
    befores: list[Parts],
    parts: Callable[[Network | None], Parts],
) -> Network:
    """A residue whose inner normalization and scales are known."""
    inner, axes = layer.layer, layer.ndim or 2
    if network.ndim == 3 and axes == 2:  # without an inner layer it scales each plane
        raise _unsettled(name, layer)
    if isinstance(inner, LinearNormalize) and inner.over == "domain":
        inner = Between(*extremes(befores[0], inner.axes), inner.axes)
    elif inner is not None and inner.scope in ("image", "batch"):
        raise _unsettled(name, layer)
    if layer.scale is None:
        return network.replace(name, Residue(inner))
    other = befores[-1] if inner is None else parts(network.replace(name, inner).upto(name))
    return network.replace(name, Above(inner, (_factor(befores[0], axes), _factor(other, axes))))


def _factor(parts: Parts, axes: int) -> npt.NDArray[np.float32]:
    _, top = extremes(parts, axes)
    with np.errstate(divide="ignore"):
        return np.where(top > 0, np.float32(1) / top, np.float32(1)).astype(np.float32)


def _unsettled(name: str, layer: Layer) -> ShapeError:
    return ShapeError(
        f"tiles: node {name!r} ({layer.describe()}) reads the whole image, and what it needs "
        "cannot be gathered from tiles; give it an image that fits in memory, or another layer "
        "there"
    )


def extremes(
    parts: Parts, axes: int = 2
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Lowest and highest value of each channel; NaN where there is one."""
    low = high = None
    for part in parts():
        values = part[..., None] if part.ndim == axes else part
        if values.size:
            over = tuple(range(axes))
            a, b = values.min(axis=over), values.max(axis=over)
            low = a if low is None else np.minimum(low, a)
            high = b if high is None else np.maximum(high, b)
    if low is None or high is None:
        none = np.zeros(1, np.float32)
        return none, none
    return low.astype(np.float32), high.astype(np.float32)


def threshold(parts: Parts, rule: float | str) -> float:
    """`spel.ops.threshold_value` of float32 values that come in parts.

    Examples
    --------
    >>> parts = lambda: iter([np.float32([0, 1, 2]), np.float32([3, 4])])
    >>> threshold(parts, "p50"), threshold(parts, 7)
    (2.0, 7.0)
    """
    rank = checked_rule(rule)
    if not isinstance(rule, str):
        return float(rank)
    return _percentile(parts, rank) if isinstance(rank, float) else _otsu(parts)


def _finite(parts: Parts) -> Iterator[npt.NDArray[np.float32]]:
    for part in parts():
        values = np.asarray(part, np.float32).reshape(-1)
        finite = np.isfinite(values)
        yield values if finite.all() else values[finite]


def _otsu(parts: Parts) -> float:
    from skimage.filters import threshold_otsu

    low, high = np.float32(np.inf), np.float32(-np.inf)
    for values in _finite(parts):
        if values.size:
            low, high = min(low, values.min()), max(high, values.max())
    if low > high:
        return float("inf")
    if low == high:
        return float(low)
    counts = np.zeros(_BINS, np.int64)
    edges: Any = None
    for values in _finite(parts):
        found, edges = np.histogram(values, bins=_BINS, range=(low, high))
        counts += found
    centers = (edges[:-1] + edges[1:]) / 2.0
    return float(threshold_otsu(hist=(counts, centers)))  # type: ignore[no-untyped-call]


def _percentile(parts: Parts, rank: float) -> float:
    """The two values around the rank by their upper digits, then by their lower ones."""
    counts = np.zeros(1 << _DIGIT, np.int64)
    for values in _finite(parts):
        counts += np.bincount(_keys(values) >> _DIGIT, minlength=1 << _DIGIT)
    total = int(counts.sum())
    if total < _FEW:
        return threshold_value(np.concatenate([*_finite(parts), np.float32([])]), f"p{rank}")
    first, share = _place(total, rank)
    ranks = [first, min(first + 1, total - 1)]
    ends = np.cumsum(counts)
    upper = np.searchsorted(ends, ranks, side="right")
    fine = {int(digit): np.zeros(1 << _DIGIT, np.int64) for digit in upper}
    for values in _finite(parts):
        keys = _keys(values)
        for digit, lower in fine.items():
            here = keys[keys >> _DIGIT == digit] & ((1 << _DIGIT) - 1)
            lower += np.bincount(here, minlength=1 << _DIGIT)
    found = []
    for wanted, digit in zip(ranks, upper.tolist()):
        rest = wanted - int(ends[digit] - counts[digit])
        low = int(np.searchsorted(np.cumsum(fine[digit]), rest, side="right"))
        found.append(_value(digit << _DIGIT | low))
    return _between(found[0], found[1], share)


def _keys(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Numbers in the order of the values."""
    bits = values.view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.int64)


def _value(key: int) -> np.float32:
    bits = key & ~(1 << 31) if key >> 31 else ~key & 0xFFFFFFFF
    return np.uint32(bits).view(np.float32)


def _place(count: int, rank: float) -> tuple[int, float]:
    """Index of the value below the rank, and the share of the way to the next."""
    place = (count - 1) * (rank / 100)
    low = min(int(place), count - 1)
    return low, place - low


def _between(first: Any, second: Any, share: float) -> float:
    """On the way from one value to the next, from the nearer end, as NumPy does."""
    step, kind = second - first, np.float32
    near = second - step * kind(1 - share) if share >= 0.5 else first + step * kind(share)
    return float(near)
