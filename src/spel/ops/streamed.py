"""Extremes and thresholds of values that come in parts, with the same bits as of the whole.

Each pass takes something small of every part, wherever the parts are computed, and what it took is
put together in their order. The extremes are those of the extremes of the parts. A percentile is
located by counting digits of 16 bits, the upper ones first: two passes over float32 values, four
over others. Otsu's threshold comes from the histogram, in two passes. The memory does not depend on
the number of parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from spel.ops.arrays import is_wide
from spel.ops.threshold import (
    MAX_RANGE,
    Bins,
    checked_rule,
    exact,
    interpolate,
    split_rank,
    threshold_value,
)

Values = npt.NDArray[Any]
Taken = TypeVar("Taken")


class Parts(Protocol):
    """The values of an image, part by part."""

    def __call__(self, take: Callable[[Values], Taken], /) -> Iterator[Taken]:
        """One pass: what a function, which must be picklable, takes of each part, in order."""


_DIGIT = 16
_DIGITS = 1 << _DIGIT
_FEW = 1 << 15  # Fewer values than this are put together.


def extremes(
    parts: Parts, axes: int = 2
) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.floating[Any]]]:
    """Lowest and highest value of each channel; NaN if the channel holds one."""
    ends = [both for both in parts(partial(_ends_of_channels, axes)) if both]
    if not ends:
        none = np.zeros(1, np.float32)
        return none, none
    low, high = ends[0]
    for a, b in ends[1:]:
        low, high = np.minimum(low, a), np.maximum(high, b)
    kind = np.float64 if is_wide(low) else np.float32
    return low.astype(kind), high.astype(kind)


def _ends_of_channels(axes: int, part: Values) -> tuple[Values, ...]:
    """Lowest and highest value of each channel; nothing if there are no values."""
    values = part[..., None] if part.ndim == axes else part
    if not values.size:
        return ()
    over = tuple(range(axes))
    return values.min(axis=over), values.max(axis=over)


def threshold_of_parts(parts: Parts, rule: float | str) -> float:
    """`spel.ops.threshold_value` for values that come in parts, all of one dtype.

    Examples
    --------
    >>> parts = lambda take: map(take, (np.float32([0, 1, 2]), np.float32([3, 4])))
    >>> threshold_of_parts(parts, "p50"), threshold_of_parts(parts, 7)
    (2.0, 7.0)
    """
    rank = checked_rule(rule)
    if not isinstance(rule, str):
        return float(rank)
    return _percentile(parts, rank) if isinstance(rank, float) else _otsu(parts)


def _finite(part: Values) -> Values:
    values = exact(part).reshape(-1)
    finite = np.isfinite(values)
    return values if finite.all() else values[finite]


# -- Otsu's threshold ----------------------------------------------------------------------------


def _otsu(parts: Parts) -> float:
    from skimage.filters import threshold_otsu

    ends = [both for both in parts(_ends) if both]
    if not ends:
        return float("inf")
    low, high = min(a for a, _ in ends), max(b for _, b in ends)
    if low.dtype.kind in "iu" and int(high) - int(low) <= MAX_RANGE and low < high:
        histogram = _count_whole_numbers(parts, int(low), int(high))
        return float(threshold_otsu(hist=histogram))
    kind = low.dtype if low.dtype.kind == "f" else np.dtype(np.float64)
    bins = Bins(float(low), float(high), kind.str)
    counts = np.zeros(len(bins.edges) - 1, np.int64)
    for (some,) in parts(partial(_in_bins, bins)):
        counts += some
    return bins.otsu(counts)


def _ends(part: Values) -> tuple[Any, ...]:
    """Lowest and highest finite value; nothing if there is none."""
    values = _finite(part)
    return (values.min(), values.max()) if values.size else ()


def _count_whole_numbers(parts: Parts, low: int, high: int) -> tuple[npt.NDArray[np.int64], Values]:
    """How often each number from `low` to `high` occurs, and the numbers."""
    counts = np.zeros(high - low + 1, np.int64)
    for (some,) in parts(partial(_whole_numbers, low, high)):
        counts += some
    return counts, np.arange(low, high + 1)


def _whole_numbers(low: int, high: int, part: Values) -> tuple[Values]:
    numbers = _finite(part).astype(np.int64) - low
    return (np.bincount(numbers, minlength=high - low + 1),)


def _in_bins(bins: Bins, part: Values) -> tuple[Values]:
    return (bins.count(_as_float(_finite(part))),)


# -- percentiles ---------------------------------------------------------------------------------


def _percentile(parts: Parts, rank: float) -> float:
    """Interpolate between the two values at the rank, which are located digit by digit."""
    (counts,), bytes_each = _count_digits(parts, 0, (0,))
    total = int(counts.sum())
    if total < _FEW:
        few = [values for (values,) in parts(_every)]
        return threshold_value(np.concatenate([*few, np.zeros(0, np.uint8)]), f"p{rank}")
    first, fraction = split_rank(total, rank)
    keys, ranks = [0, 0], [first, min(first + 1, total - 1)]
    for level in range(8 * bytes_each // _DIGIT):
        each = _count_digits(parts, level, tuple(keys))[0] if level else [counts, counts]
        for i, (counted, place) in enumerate(zip(each, ranks)):
            ends = np.cumsum(counted)
            digit = int(np.searchsorted(ends, place, side="right"))
            ranks[i] -= int(ends[digit] - counted[digit])
            keys[i] = keys[i] << _DIGIT | digit
    kind = np.dtype(f"f{bytes_each}")
    return interpolate(_float_of(keys[0], kind), _float_of(keys[1], kind), fraction)


def _every(part: Values) -> tuple[Values]:
    """All finite values."""
    return (_finite(part),)


def _count_digits(
    parts: Parts, level: int, keys: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], int]:
    """How often each next digit occurs after each key, by row; and the bytes of a value."""
    counts, bytes_each = np.zeros((len(keys), _DIGITS), np.int64), 4
    for some, size in parts(partial(_digits, level, keys)):
        counts, bytes_each = counts + some, int(size)
    return counts, bytes_each


def _digits(level: int, keys: tuple[int, ...], part: Values) -> tuple[Values, Any]:
    """Of values whose upper digits are a key, how often each next digit occurs."""
    numbers = _sortable(_as_float(_finite(part)))
    shift = 8 * numbers.itemsize - _DIGIT * (level + 1)
    counts = []
    for key in keys:
        here = numbers[numbers >> (shift + _DIGIT) == key] if level else numbers
        digits = (here >> shift) & (_DIGITS - 1)
        counts.append(np.bincount(digits.astype(np.int64), minlength=_DIGITS))
    return np.stack(counts), np.int64(numbers.itemsize)


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
