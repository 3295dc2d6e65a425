"""The meaning of means of like spels, in NumPy, see `reference`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Real = npt.NDArray[np.float32]


def like_means(
    source: Real,
    guide: Real,
    *,
    reach: int,
    side: int,
    scale: float,
    rows: tuple[int, int],
    threads: int = 1,
) -> Real:
    """For some rows of a plane, the mean of the spels around each that a guide shows to be like it.

    The guide has ``side // 2`` more spels than the source on every side, so each spel has a patch.
    A spel at most `reach` away along both axes weighs ``max(0, 1 - scale d) ** 4``, with d the sum
    of the square differences of both patches; nothing if d is NaN, and 1 if it is the spel itself.
    """
    values, shown = source.astype(np.float64), guide.astype(np.float64)
    sums, counts = values.copy(), np.ones_like(values)
    height, width = source.shape
    with np.errstate(over="ignore", invalid="ignore"):
        for down in range(reach + 1):
            for right in range(-reach if down else 1, reach + 1):
                left, end = max(0, -right), width - max(0, right)
                if down >= height or left >= end:
                    continue
                own = np.s_[: height - down, left:end]
                other = np.s_[down:, left + right : end + right]
                one = shown[: len(shown) - down, left : end + side - 1]
                another = shown[down:, left + right : end + right + side - 1]
                squares = sliding_window_view(np.square(one - another), (side, side))
                base = np.fmax(0, 1 - scale * squares.sum(axis=(2, 3)))
                sums[own] += base**4 * values[other]
                sums[other] += base**4 * values[own]
                counts[own] += base**4
                counts[other] += base**4
        return np.asarray((sums / counts)[slice(*rows)], dtype=np.float32)
