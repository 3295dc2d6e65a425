"""What a view is: JSON, and arrays that a header announces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Json = dict[str, Any]
Packed = tuple[Json, list[npt.NDArray[Any]]]
"""A header, and the arrays that it announces under "arrays"."""


def packed(header: Json, *arrays: npt.NDArray[Any]) -> Packed:
    """A header with the shapes and types of its arrays."""
    announced = [{"shape": list(a.shape), "dtype": a.dtype.name} for a in arrays]
    return {**header, "arrays": announced}, list(arrays)


def finite_json(value: Any) -> Any:
    """The value for strict JSON: NaN and infinities become text.

    Examples
    --------
    >>> finite_json({"a": [1.5, float("nan")]})
    {'a': [1.5, 'nan']}
    """
    if isinstance(value, Mapping):
        return {str(k): finite_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite_json(v) for v in value]
    if isinstance(value, np.generic):
        return finite_json(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
