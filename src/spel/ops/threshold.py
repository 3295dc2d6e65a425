"""Thresholds: a value, Otsu's, or a percentile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.numbers import as_unmasked
from spel.core.threads import thread_count
from spel.errors import ParameterError
from spel.ops.arrays import as_real

Rule = float | str
_LARGE, _SAMPLE, _MARGIN = 1 << 15, 1 << 13, 0.02
_BINS = 256

MAX_RANGE = 1 << 24
"""Whole numbers over a wider range than this are counted in 256 bins for Otsu's rule, as floats."""


def threshold(image: npt.ArrayLike, at: Rule) -> npt.NDArray[np.bool_]:
    """Spels above a threshold: ``image > t``.

    Parameters
    ----------
    image : array of any shape and real dtype
    at : float or str
        A value, "otsu", or a percentile such as "p95".

    Returns
    -------
    array of bool
        Of the image's shape; NaN is never above.

    Raises
    ------
    ParameterError
        For another rule.

    Examples
    --------
    >>> threshold([[1, 2, 3, 4]], 2).tolist()
    [[False, False, True, True]]
    >>> threshold([[0, 0, 1, 9, 9]], "otsu").tolist()
    [[False, False, False, True, True]]
    """
    array = exact(image)
    return _above(array, threshold_value(array, at))


def _above(array: npt.NDArray[Any], value: float) -> npt.NDArray[np.bool_]:
    """``array > value``; whole numbers are compared as they are, without a float of each."""
    mask: npt.NDArray[np.bool_]
    if array.dtype.kind not in "iu" or not np.isfinite(value):
        with np.errstate(over="ignore"):  # what float32 cannot hold is above or below all it can
            mask = array > value
        return mask
    below, limits = floor(value), np.iinfo(array.dtype)
    if not limits.min <= below <= limits.max:
        return np.full(array.shape, below < limits.min)
    mask = array > array.dtype.type(below)
    return mask


def exact(image: npt.ArrayLike) -> npt.NDArray[Any]:
    """The image with every number as it is; integers stay integers, and booleans become 0 and 1."""
    array = as_real("threshold", image)
    original = as_unmasked(image, "threshold")
    if array.dtype == bool:
        return array.view(np.uint8)
    return original if original.dtype.kind in "iu" and original.dtype.itemsize == 8 else array


def threshold_value(image: npt.ArrayLike, at: Rule) -> float:
    """The number that a threshold rule stands for on this image.

    Parameters
    ----------
    image : array of any shape and real dtype
    at : float or str
        A value (returned as it is), "otsu" (a bin for each whole number, or 256 bins over the
        finite values of floats), or "p0" to "p100".

    Returns
    -------
    float
        For an image without finite values, infinity: nothing is above.

    Notes
    -----
    Otsu 1979 by `skimage.filters.threshold_otsu`; percentiles by linear interpolation, as
    `numpy.percentile`. Images of 8 and 16 bits are read once: both follow from their histogram.

    For integers Otsu's threshold is exact: no other one separates the values better. For floats it
    is the middle of a bin, and values of that bin are divided by it. So few levels, or whole
    numbers stored as floats, may fall on the other side; give them as integers.

    Examples
    --------
    >>> threshold_value([0, 1, 2, 3, 4], "p50")
    2.0
    >>> levels = np.arange(10)
    >>> threshold_value(levels, "otsu"), round(threshold_value(levels.astype(float), "otsu"), 2)
    (4.0, 3.99)
    """
    rank = checked_rule(at)
    if isinstance(rank, float) and not isinstance(at, str):
        return rank
    array = exact(image)
    if array.size and array.dtype in (np.uint8, np.int8, np.uint16, np.int16):
        return _of_levels(array, rank)
    finite = np.isfinite(array)
    values = array if finite.all() else array[finite]
    if values.size == 0:
        return float("inf")
    if isinstance(rank, float):
        return _percentile(values, rank)
    from skimage.filters import threshold_otsu

    if values.dtype.kind in "iu" and int(values.max()) - int(values.min()) > MAX_RANGE:
        values = values.astype(np.float64)
    elif values.dtype == np.uint64:  # scikit-image counts with signed numbers
        values = values.astype(np.int64) if int(values.max()) < 1 << 63 else values.astype(float)
    if values.dtype.kind == "f":
        bins = Bins(float(values.min()), float(values.max()), values.dtype.str)
        return bins.otsu(bins.count(values))
    with np.errstate(over="ignore", invalid="ignore"):  # scikit-image squares the values
        return float(threshold_otsu(values))


@dataclass(frozen=True)
class Bins:
    """256 equal bins of finite floats, as `numpy.histogram` makes them, but several times faster.

    Otsu's rule squares what it counts, and edges are rounded. So where the range is so wide or
    narrow that this fails, the bins are of the values' places in it, from 0 to 1.

    Parameters
    ----------
    low, high : float
        The lowest and the highest value.
    dtype : str
        Of the values: edges are rounded by it.

    Examples
    --------
    >>> bins = Bins(0, 1, "f4")
    >>> counts = bins.count(np.float32([0, 0.1, 1]))
    >>> np.flatnonzero(counts).tolist(), bins.otsu(counts)
    ([0, 25, 255], 0.099609375)
    """

    low: float
    high: float
    dtype: str

    @cached_property
    def edges(self) -> npt.NDArray[np.floating[Any]]:
        """The 257 edges: of the values, or of their places."""
        kind = np.dtype(self.dtype)
        if 1e-9 <= self.high - self.low <= 1e9:
            own = np.linspace(kind.type(self.low), kind.type(self.high), _BINS + 1, dtype=kind)
            if (np.diff(own) > 0).all():
                return own
        return np.linspace(0.0, 1.0, _BINS + 1)

    @property
    def _of_places(self) -> bool:
        return (float(self.edges[0]), float(self.edges[-1])) != (self.low, self.high)

    @property
    def _part(self) -> float:
        """What is taken of each value so that the range is a number."""
        return 1.0 if np.isfinite(self.high - self.low) else 0.25

    def count(self, values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int64]:
        """How many values lie in each bin."""
        if self._of_places and self.low < self.high:
            low, high = self.low * self._part, self.high * self._part
            values = (values.astype(np.float64) * self._part - low) / (high - low)
        return kernels.histogram_in_bins(values, self.edges, thread_count())

    def otsu(self, counts: npt.NDArray[np.int64]) -> float:
        """Otsu's threshold for what was counted."""
        from skimage.filters import threshold_otsu

        if self.low == self.high:
            return self.low
        place = float(threshold_otsu(hist=(counts, (self.edges[:-1] + self.edges[1:]) / 2.0)))
        if not self._of_places:
            return place
        low, high = self.low * self._part, self.high * self._part
        return (low + place * (high - low)) / self._part


def _of_levels(array: npt.NDArray[Any], rank: float | str) -> float:
    """Otsu's threshold or a percentile from how often each level of 8 or 16 bits occurs."""
    lowest = int(np.iinfo(array.dtype).min)
    counts = kernels.histogram(array.view(f"u{array.dtype.itemsize}"), thread_count())
    if lowest:  # negative numbers are the upper half of the unsigned ones
        counts = np.roll(counts, len(counts) // 2)
    occurring = np.flatnonzero(counts)
    first, last = int(occurring[0]), int(occurring[-1])
    if isinstance(rank, float):
        place = (array.size - 1) * (rank / 100)
        ranks = np.searchsorted(np.cumsum(counts), [floor(place), ceil(place)], side="right")
        low, high = (lowest + ranks).astype(float)
        return interpolate(low, high, place - floor(place))
    if first == last:
        return float(lowest + first)
    from skimage.filters import threshold_otsu

    levels = np.arange(lowest + first, lowest + last + 1)
    return float(threshold_otsu(hist=(counts[first : last + 1], levels)))


def _percentile(values: npt.NDArray[Any], rank: float) -> float:
    """``np.percentile`` of finite values: the same number, several times faster for large images.

    A sample gives a lower bound of the percentile, and only the values above it are ordered. Where
    one value, such as the zero of most saliencies, fills the ranks around it, counting is enough.
    """
    n = values.size
    if n < _LARGE or not 50 <= rank < 100 or values.dtype not in (np.float32, np.float64):
        return float(np.percentile(values, rank))
    flat = values.reshape(-1)
    low, fraction = split_rank(n, rank)
    if low + 1 >= n:
        return float(np.percentile(values, rank))
    sample = np.sort(flat[:: n // _SAMPLE])
    bound = sample[int(max(0.0, low / n - _MARGIN) * (sample.size - 1))]
    above = flat > bound
    under = n - int(np.count_nonzero(above))
    if low + 1 < under and low >= np.count_nonzero(flat < bound):
        return float(bound)
    if low < under:
        return float(np.percentile(values, rank))
    first, second = np.partition(flat[above], (low - under, low + 1 - under))[low - under :][:2]
    return interpolate(first, second, fraction)


def split_rank(count: int, rank: float) -> tuple[int, float]:
    """Index of the value below a percentile, and the fraction of the way to the next value."""
    place = (count - 1) * (rank / 100)
    low = min(int(place), count - 1)
    return low, place - low


def interpolate(first: Any, second: Any, fraction: float) -> float:
    """Interpolate in the values' own precision and from the nearer one, as NumPy does."""
    step, kind = second - first, type(first)
    near = second - step * kind(1 - fraction) if fraction >= 0.5 else first + step * kind(fraction)
    return float(near)


def checked_rule(at: Rule) -> float | str:
    """The value, the percentile's rank, or "otsu"; an error that lists the choices otherwise."""
    if isinstance(at, str):
        match = re.fullmatch(r"p(\d{1,3}(?:\.\d+)?)", at)
        if match and float(match[1]) <= 100:
            return float(match[1])
        if at == "otsu":
            return at
    elif isinstance(at, int | float | np.number) and at == at:  # no NaN
        return float(at)
    raise ParameterError(
        f"threshold: rule {at!r}; expected a number, 'otsu', or a percentile from 'p0' to 'p100'"
    )
