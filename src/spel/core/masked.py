"""Arrays from a caller: a mask that would be lost on the way is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError

__all__ = ["as_unmasked"]


def as_unmasked(values: npt.ArrayLike, where: str = "image") -> npt.NDArray[Any]:
    """``values`` as an array.

    Raises
    ------
    ParameterError
        If they are a masked array: `numpy.asarray` drops the mask without a word. If they are rows
        of different lengths.

    Examples
    --------
    >>> as_unmasked([[1, 2]]).shape
    (1, 2)
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ParameterError(
            f"{where}: a masked array given, whose mask would be lost; fill it first, as with "
            "image.filled(0)"
        )
    try:
        return np.asarray(values)
    except ValueError:
        raise ParameterError(f"{where}: rows of different lengths; expected an array") from None
