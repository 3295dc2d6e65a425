"""How values are written to memory of another type than theirs: as float32, or as whole bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def store(out: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
    """Write values to `out`: float32, or uint8 rounded half to even.

    As uint8, numbers below 0 become 0, those above 255 become 255, and NaN becomes 0. They are
    rounded to float32 first, as the engine computes them.

    Examples
    --------
    >>> out = np.empty(7, np.uint8)
    >>> store(out, np.array([-1, 0.5, 1.5, 254.6, 300, np.inf, np.nan]))
    >>> out.tolist()
    [0, 0, 2, 255, 255, 255, 0]
    """
    if out.dtype != np.uint8:
        out[...] = values
        return
    with np.errstate(over="ignore"):
        single = np.asarray(values).astype(np.float32)
    bounded = np.fmin(np.fmax(single, 0), 255)  # the 0 of fmax for NaN
    np.rint(bounded, out=bounded)
    out[...] = bounded.astype(np.uint8)
