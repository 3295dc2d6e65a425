"""Extremes and thresholds of values that come in parts, with the same bits as of the whole.

The extremes are those of the extremes of the parts. A percentile is located by counting digits of
16 bits, the upper ones first: two passes over float32 values, four over others. Otsu's threshold
comes from the histogram, in two passes. The memory does not depend on the number of parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.ops.arrays import is_wide
from spel.ops.threshold import (
    MAX_RANGE,
    checked_rule,
    exact,
    interpolate,
    split_rank,
    threshold_value,
)

Parts = Callable[[], Iterator[npt.NDArray[Any]]]
"""Begins a pass over the values of an image, part by part."""

_DIGIT = 16
_DIGITS = 1 << _DIGIT
_FEW = 1 << 15  # Fewer values than this are put together.
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
    """`spel.ops.threshold_value` for values that come in parts, all of one dtype.

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


def _finite(parts: Parts) -> Iterator[npt.NDArray[Any]]:
    for part in parts():
        values = exact(part).reshape(-1)
        finite = np.isfinite(values)
        yield values if finite.all() else values[finite]


# -- Otsu's threshold ----------------------------------------------------------------------------


def _otsu(parts: Parts) -> float:
    from skimage.filters import threshold_otsu

    ends = [(v.min(), v.max()) for v in _finite(parts) if v.size]
    if not ends:
        return float("inf")
    low, high = min(a for a, _ in ends), max(b for _, b in ends)
    if low == high:
        return float(low)
    if low.dtype.kind in "iu" and int(high) - int(low) <= MAX_RANGE:
        histogram = _count_whole_numbers(parts, int(low), int(high))
    else:
        histogram = _count_in_bins(parts, float(low), float(high))
    with np.errstate(over="ignore", invalid="ignore"):  # scikit-image squares the values
        return float(threshold_otsu(hist=histogram))


def _count_whole_numbers(
    parts: Parts, low: int, high: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """How often each number from `low` to `high` occurs, and the numbers."""
    counts = np.zeros(high - low + 1, np.int64)
    for values in _finite(parts):
        counts += np.bincount(values.astype(np.int64) - low, minlength=len(counts))
    return counts, np.arange(low, high + 1)


def _count_in_bins(
    parts: Parts, low: float, high: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """How many values lie in each of 256 equal bins, and the centres of the bins."""
    counts, edges = np.zeros(_BINS, np.int64), np.zeros(_BINS + 1)
    for values in _finite(parts):
        floats = _as_float(values)
        # As numbers of the values' own type: older NumPy rounds the edges by it, as for a whole.
        ends: Any = floats.dtype.type(low), floats.dtype.type(high)
        in_part, edges = np.histogram(floats, bins=_BINS, range=ends)
        counts += in_part
    return counts, (edges[:-1] + edges[1:]) / 2.0


# -- percentiles ---------------------------------------------------------------------------------


def _percentile(parts: Parts, rank: float) -> float:
    """Interpolate between the two values at the rank, which are located digit by digit."""
    counts = _count_digits(parts, 0, {0})[0]
    total = int(counts.sum())
    if total < _FEW:
        return threshold_value(np.concatenate([*_finite(parts), np.zeros(0, np.uint8)]), f"p{rank}")
    first, fraction = split_rank(total, rank)
    kind = next(_as_float(values).dtype for values in _finite(parts) if values.size)
    keys, ranks = [0, 0], [first, min(first + 1, total - 1)]
    for level in range(8 * kind.itemsize // _DIGIT):
        by_key = {0: counts} if level == 0 else _count_digits(parts, level, set(keys))
        for i, (key, place) in enumerate(zip(keys, ranks)):
            ends = np.cumsum(by_key[key])
            digit = int(np.searchsorted(ends, place, side="right"))
            ranks[i] -= int(ends[digit] - by_key[key][digit])
            keys[i] = key << _DIGIT | digit
    return interpolate(_float_of(keys[0], kind), _float_of(keys[1], kind), fraction)


def _count_digits(parts: Parts, level: int, keys: set[int]) -> dict[int, npt.NDArray[np.int64]]:
    """For values whose upper digits are a key, how often each next digit occurs."""
    counts = {key: np.zeros(_DIGITS, np.int64) for key in keys}
    for values in _finite(parts):
        numbers = _sortable(_as_float(values))
        shift = 8 * numbers.itemsize - _DIGIT * (level + 1)
        for key, count in counts.items():
            here = numbers[numbers >> (shift + _DIGIT) == key] if level else numbers
            digits = (here >> shift) & (_DIGITS - 1)
            count += np.bincount(digits.astype(np.int64), minlength=_DIGITS)
    return counts


def _as_float(values: npt.NDArray[Any]) -> npt.NDArray[np.floating[Any]]:
    """The same numbers as float32 or float64; integers below 2**53 are exact in float64."""
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _sortable(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Unsigned integers in the same order as the values, from the bits of these."""
    kind = np.dtype(f"u{values.dtype.itemsize}")
    bits = values.view(kind)
    sign = kind.type(1 << (8 * kind.itemsize - 1))
    return np.where(bits & sign, ~bits, bits | sign)


def _float_of(key: int, kind: np.dtype[Any]) -> Any:
    sign = 1 << (8 * kind.itemsize - 1)
    bits = key ^ sign if key & sign else ~key & (2 * sign - 1)
    return np.array(bits, dtype=f"u{kind.itemsize}").view(kind)[()]
