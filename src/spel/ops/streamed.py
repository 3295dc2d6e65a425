"""Extremes and thresholds of values that come in parts, with the same bits as of the whole.

The extremes are those of the extremes of the parts. A percentile is found from counts of the upper
digits of the values, then of their lower digits; Otsu's threshold from the histogram. Each needs
one or two passes over the parts, and memory that does not depend on their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.ops.arrays import is_wide
from spel.ops.threshold import checked_rule, threshold_value

Parts = Callable[[], Iterator[npt.NDArray[Any]]]
"""Begins a pass over the values of an image, part by part."""

_DIGIT = 16
_FEW = 1 << 15
_BINS = 256


def extremes(
    parts: Parts, axes: int = 2
) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.floating[Any]]]:
    """Lowest and highest value of each channel; NaN if the channel holds one."""
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
    kind = np.float64 if is_wide(low) else np.float32
    return low.astype(kind), high.astype(kind)


def threshold_of_parts(parts: Parts, rule: float | str) -> float:
    """`spel.ops.threshold_value` for float32 values that come in parts.

    Examples
    --------
    >>> parts = lambda: iter([np.float32([0, 1, 2]), np.float32([3, 4])])
    >>> threshold_of_parts(parts, "p50"), threshold_of_parts(parts, 7)
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
        found, edges = np.histogram(values, bins=_BINS, range=(float(low), float(high)))
        counts += found
    centers = (edges[:-1] + edges[1:]) / 2.0
    return float(threshold_otsu(hist=(counts, centers)))


def _percentile(parts: Parts, rank: float) -> float:
    """Interpolate between the two values at the rank, found by upper and then lower digits."""
    counts = np.zeros(1 << _DIGIT, np.int64)
    for values in _finite(parts):
        counts += np.bincount(_sortable(values) >> _DIGIT, minlength=1 << _DIGIT)
    total = int(counts.sum())
    if total < _FEW:
        return threshold_value(
            np.concatenate([*_finite(parts), np.zeros(0, np.float32)]), f"p{rank}"
        )
    first, fraction = _split_rank(total, rank)
    ranks = [first, min(first + 1, total - 1)]
    ends = np.cumsum(counts)
    upper = np.searchsorted(ends, ranks, side="right")
    fine = {int(digit): np.zeros(1 << _DIGIT, np.int64) for digit in upper}
    for values in _finite(parts):
        keys = _sortable(values)
        for digit, lower in fine.items():
            here = keys[keys >> _DIGIT == digit] & ((1 << _DIGIT) - 1)
            lower += np.bincount(here, minlength=1 << _DIGIT)
    found = []
    for position, digit in zip(ranks, upper.tolist()):
        rest = position - int(ends[digit] - counts[digit])
        low = int(np.searchsorted(np.cumsum(fine[digit]), rest, side="right"))
        found.append(_float_of(digit << _DIGIT | low))
    return _interpolate(found[0], found[1], fraction)


def _sortable(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Integers in the same order as the values."""
    bits = values.view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.int64)


def _float_of(key: int) -> np.float32:
    bits = key & ~(1 << 31) if key >> 31 else ~key & 0xFFFFFFFF
    return np.uint32(bits).view(np.float32)


def _split_rank(count: int, rank: float) -> tuple[int, float]:
    """Index of the value below the rank, and the fraction of the way to the next value."""
    place = (count - 1) * (rank / 100)
    low = min(int(place), count - 1)
    return low, place - low


def _interpolate(first: Any, second: Any, fraction: float) -> float:
    """Interpolate between two values from the nearer one, as NumPy does."""
    step, kind = second - first, np.float32
    near = second - step * kind(1 - fraction) if fraction >= 0.5 else first + step * kind(fraction)
    return float(near)
