"""Images in any order of memory: the same bits as a contiguous copy of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import spel
from spel import Adjacency, ops
from spel.kernels.stream import Program

ORDERS = ["columns first", "interleaved", "every second", "backwards"]


def laid_out(image: npt.NDArray[np.generic], order: str) -> npt.NDArray[np.generic]:
    """The same image in another order of memory."""
    if order == "columns first":
        return np.ascontiguousarray(image.swapaxes(0, 1)).swapaxes(0, 1)
    if order == "interleaved":
        return np.ascontiguousarray(image)
    wide = np.zeros((2 * image.shape[0], 2 * image.shape[1], image.shape[2]), image.dtype)
    if order == "every second":
        wide[::2, ::2] = image
        return wide[::2, ::2]
    wide[: image.shape[0], : image.shape[1]] = image[::-1, ::-1]
    return wide[image.shape[0] - 1 :: -1, image.shape[1] - 1 :: -1]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", ["u1", "i1", ">u2", "u2", "f4", ">f4", "f8", "?"])
@pytest.mark.parametrize("channels", [1, 3])
def test_order_of_memory_does_not_matter(order: str, dtype: str, channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 120, (83, 141, channels)).astype(dtype)
    other = laid_out(image, order)
    assert np.array_equal(other, image)
    planar = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    plain = np.moveaxis(planar, 0, -1)
    box = Adjacency.rectangle(width=5, height=3)
    for threads in (1, 3):
        with spel.threads(threads):
            for stride in (1, 2, 3):
                expected = ops.max_pool(plain, box, stride=stride)
                assert np.array_equal(ops.max_pool(other, box, stride=stride), expected)
            assert np.array_equal(ops.activate(other, "relu"), ops.activate(plain, "relu"))
            assert np.array_equal(ops.linear_normalize(other), ops.linear_normalize(plain))


def test_batches_of_transposed_images() -> None:
    images = np.random.default_rng(1).random((3, 40, 50, 2), dtype=np.float32)
    turned = np.ascontiguousarray(images.swapaxes(1, 2)).swapaxes(1, 2)
    box = Adjacency.box(3)
    assert np.array_equal(ops.mean_pool(turned, box), ops.mean_pool(images, box))


@pytest.mark.parametrize(("first", "last"), [(0, 9), (5, 40), (30, 61), (60, 64)])
def test_rows_of_a_transposed_image_of_which_only_some_are_at_hand(first: int, last: int) -> None:
    image = np.random.default_rng(2).random((1, 2, 1, 64, 50), dtype=np.float32)
    program = Program()
    source = program.source(2, (1, 64, 50))
    box = Adjacency.box(3).displacements_3d
    options: dict[str, Any] = {"start": (0, 0, 0), "stride": (1, 1, 1), "size": (1, 64, 50)}
    program.finish(program.pool(source, box, "max", **options))
    whole = np.empty_like(image)
    program.run([image], [whole])
    low, high = program.rows_read(first, last)
    rows = np.full((1, 2, 1, 50, high - low + 2), np.nan, np.float32)  # none beside them is read
    rows[..., 1:-1] = image[..., low:high, :].swapaxes(3, 4)
    out = np.empty((1, 2, 1, last - first, 50), np.float32)
    at_hand = rows[..., 1:-1].swapaxes(3, 4)
    program.run([at_hand], [out], steps=(first, last), first_rows=(low, first))
    assert np.array_equal(out, whole[..., first:last, :])
