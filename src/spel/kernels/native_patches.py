"""Patches of the engine: turned ones, and groups of like ones; see `reference`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.kernels.engine import native

Real = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


def add_groups(
    source: Real,
    guide: Real,
    marks: Real,
    out: tuple[Real, Real],
    *,
    reach: int,
    step: int,
    count: int,
    power: float,
    rows: tuple[int, int],
    threads: int = 1,
) -> None:
    """What groups of like patches say of each spel, added to sums and weights, see `reference`."""
    planes = [np.ascontiguousarray(plane) for plane in (source, guide, marks)]
    native.add_groups(
        *(plane.ctypes.data for plane in planes), source.shape, (reach, step, count), power,
        rows, *(plane.ctypes.data for plane in out), max(1, threads),
    )  # fmt: skip


def gather_turned(
    plane: Real,
    places: Numbers,
    ways: Numbers,
    means: Real,
    tables: Numbers,
    out: Real,
) -> None:
    """Patches at some places of a plane, each turned in its way, see `reference_turns`."""
    arrays = (places, ways, means, tables)
    native.turned_patches(
        False, plane.ctypes.data, [a.ctypes.data for a in arrays], *out.shape,
        out.ctypes.data, out.strides[0] // out.itemsize,
    )  # fmt: skip


def add_turned(
    patches: Real,
    places: Numbers,
    ways: Numbers,
    means: Real,
    tables: Numbers,
    plane: Real,
) -> None:
    """Patches added to a plane, each turned back, see `reference_turns`."""
    arrays = (places, ways, means, tables)
    native.turned_patches(
        True, plane.ctypes.data, [a.ctypes.data for a in arrays], *patches.shape,
        patches.ctypes.data, patches.shape[1],
    )  # fmt: skip
