"""PARITY and LAW: poolings over boxes of any width, also wider than the row."""

from __future__ import annotations

import numpy as np
import pytest

from spel import Adjacency
from spel.kernels import native, reference

from .draw import Array

EPS = float(np.finfo(np.float32).eps)
STILL = {"start": (0, 0, 0), "stride": (1, 1, 1)}
BOXES = [(1, 1), (2, 3), (4, 1), (5, 7), (6, 8), (9, 9), (11, 13), (25, 5), (51, 7), (127, 3)]
PLACES = [(0, 0), (-3, 40), (60, -9), (1, -45)]


def box(width: int, height: int, place: tuple[int, int]) -> Array:
    displacements = Adjacency.rectangle(width=width, height=height).displacements_3d
    return displacements + np.array([0, *place])


def image(rows: int, cols: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((1, 2, 1, rows, cols)).astype(np.float32)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", BOXES)
def test_boxes_equal_the_reference(isa: str, size: tuple[int, int], place: tuple[int, int]) -> None:
    around = box(*size, place)
    for cols in (7, 161):
        values = image(14, cols, cols)
        holed = np.where(image(14, cols, 1) > 2.2, np.float32(np.nan), values)
        got, meant = np.empty_like(values), np.empty_like(values)
        for source in (values, holed):
            for maximum in (True, False):
                native.extremum(source, around, maximum=maximum, out=got, **STILL)
                reference.extremum(source, around, maximum=maximum, out=meant, **STILL)
                assert np.array_equal(got, meant, equal_nan=True)
        for full in (True, False):
            native.mean_pool(values, around, full=full, out=got, **STILL)
            reference.mean_pool(values, around, full=full, out=meant, **STILL)
            assert np.allclose(got, meant, rtol=0, atol=30 * EPS)


@pytest.mark.parametrize("size", BOXES)
def test_a_part_has_the_bits_of_the_whole(isa: str, size: tuple[int, int]) -> None:
    around = box(*size, (0, 0))
    whole, reach = image(60, 300, 0), np.abs(around).max(axis=0)
    inner = (..., slice(20, 35), slice(101, 140))
    outer = (
        ...,
        slice(20 - reach[1], 35 + reach[1]),
        slice(101 - reach[2], 140 + reach[2]),
    )
    middle = (..., slice(reach[1], reach[1] + 15), slice(reach[2], reach[2] + 39))
    for make in ("mean_pool", "divide_by_norm"):
        part = np.ascontiguousarray(whole[outer])
        results = []
        for source in (whole, part):
            results.append(np.empty_like(source))
            how = {"full": True, **STILL} if make == "mean_pool" else {"across_channels": False}
            getattr(native, make)(source, around, out=results[-1], **how)
        assert np.array_equal(results[0][inner], results[1][middle])
