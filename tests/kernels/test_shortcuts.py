"""Shortcuts of convolution give the bits of the way round: last columns, and opposite kernels."""

from __future__ import annotations

import numpy as np
import pytest

from spel.kernels import native

from .draw import Array


@pytest.mark.parametrize("kernels", [1, 7, 12, 13, 32, 41])
def test_the_last_columns_have_the_bits_of_any_others(isa: str, kernels: int) -> None:
    rng = np.random.default_rng(kernels)
    image = rng.standard_normal((1, 2, 1, 5, 50)).astype(np.float32)
    image[..., 2, 20] = np.nan
    displacements = np.array([(0, r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)])
    weights = rng.standard_normal((kernels, 9, 2)).astype(np.float32)
    bias = rng.standard_normal(kernels).astype(np.float32)

    def convolved(columns: int) -> Array:
        out = np.empty((1, kernels, 1, 3, columns), np.float32)
        native.convolve(
            image,
            displacements,
            weights,
            bias,
            start=(0, 1, 1),
            stride=(1, 1, 1),
            border="constant",
            fill=np.zeros(2, np.float32),
            out=out,
        )
        return out

    whole = convolved(48)
    for columns in range(1, 40):
        part = convolved(columns)
        assert np.array_equal(part, whole[..., :columns], equal_nan=True), columns


@pytest.mark.parametrize("columns", [3, 20, 50])
@pytest.mark.parametrize("kernels", [2, 8, 26])
def test_opposite_kernels_have_the_bits_of_each_by_itself(
    isa: str, kernels: int, columns: int
) -> None:
    rng = np.random.default_rng(kernels)
    image = rng.standard_normal((1, 2, 1, 5, columns)).astype(np.float32)
    image[..., 2, 1:] = 0
    displacements = np.array([(0, r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)])
    half = rng.standard_normal((kernels // 2, 9, 2)).astype(np.float32)
    weights, bias = np.concatenate([half, -half]), np.zeros(kernels, np.float32)
    bias[0], bias[kernels // 2] = 0.5, -0.5

    def convolved(which: slice) -> Array:
        out = np.full((1, len(bias[which]), *image.shape[2:]), 7, np.float32)
        where = {"start": (0, 0, 0), "stride": (1, 1, 1), "border": "edge"}
        fill = np.zeros(2, np.float32)
        own = weights[which], bias[which]
        native.convolve(image, displacements, *own, fill=fill, out=out, **where)
        return out

    together, alone = convolved(slice(None)), [convolved(slice(k, k + 1)) for k in range(kernels)]
    assert np.array_equal(together, np.concatenate(alone, axis=1))
