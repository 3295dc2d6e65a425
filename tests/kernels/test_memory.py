"""LAW: memory is used again only when nothing can see it any more."""

from __future__ import annotations

import numpy as np

from spel.kernels import memory

SHAPE = (memory.LARGE // 4, 2)


def test_a_released_block_is_used_again() -> None:
    first = memory.empty(SHAPE)
    place = first.ctypes.data
    del first
    assert memory.empty(SHAPE).ctypes.data == place


def test_a_view_keeps_its_block() -> None:
    held = memory.empty(SHAPE)
    held[...] = 1
    view = held[::2, :1].T
    del held
    others = [memory.empty(SHAPE) for _ in range(3)]
    for other in others:
        other[...] = 2
    assert np.all(view == 1)


def test_little_is_kept() -> None:
    size = memory.MAX_HELD // 4 // 3
    arrays = [memory.empty((size,)) for _ in range(8)]
    del arrays
    assert sum(block.size for block in memory._blocks) <= memory.MAX_HELD


def test_small_and_empty() -> None:
    assert memory.empty((0, 3)).shape == (0, 3)
    assert memory.empty((2, 3)).dtype == np.float32
