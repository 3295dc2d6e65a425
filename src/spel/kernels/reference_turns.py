"""The meaning of turned patches, in NumPy, see `reference`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


def gather_turned(
    plane: Real, places: Numbers, ways: Numbers, means: Real, tables: Numbers, out: Real
) -> None:
    """Write the patches (n, length) of a plane, each minus its mean.

    Patch n begins at ``places[n]`` of the flat plane; its spels, in the order of its way, are
    ``tables[ways[n]]`` (ways, length) from there on.
    """
    out[...] = plane.ravel()[places[:, None] + tables[ways]] - means[:, None]


def add_turned(
    patches: Real, places: Numbers, ways: Numbers, means: Real, tables: Numbers, plane: Real
) -> None:
    """Add the patches plus their means to a contiguous plane, each turned back."""
    np.add.at(plane.reshape(-1), places[:, None] + tables[ways], patches + means[:, None])
