"""Memory for results: large blocks are used again after their array is gone.

The system clears each page of fresh memory when it is first touched; for a large image that takes
as long as computing it. Therefore a few released blocks are kept.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod
from threading import Lock

import numpy as np
import numpy.typing as npt

LARGE = 1 << 20
MAX_HELD = 160 << 20
"""Smallest size of a block that is kept, and largest sum of all kept blocks, in bytes."""

ALIGNMENT = 64
"""Alignment of the first value, in bytes: a cache line, so that whole lines can be written."""

_blocks: list[npt.NDArray[np.uint8]] = []
_lock = Lock()


def empty(shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """Uninitialized float32 memory, in C order."""
    size = 4 * prod(map(int, shape))
    if not LARGE <= size <= MAX_HELD:
        return np.empty(shape, dtype=np.float32)
    with _lock:
        block = _released(size)
        if block is None:
            block = np.empty(size + ALIGNMENT, dtype=np.uint8)
            _blocks.append(block)
            _forget()
    first = -block.ctypes.data % ALIGNMENT
    return block[first : first + size].view(np.float32).reshape(shape)


def _released(size: int) -> npt.NDArray[np.uint8] | None:
    """A block that no array uses any more, and that is at most a quarter too large."""
    for block, holders in zip(_blocks, _holders(_blocks), strict=True):
        if holders == _UNUSED and size + ALIGNMENT <= block.size <= size + size // 4:
            return block
    return None


def _holders(blocks: list[npt.NDArray[np.uint8]]) -> list[int]:
    """Number of references to each block: every view of a block holds one."""
    return [sys.getrefcount(block) for block in blocks]


def _forget() -> None:
    """Release blocks, the oldest first, until the rest is small; blocks in use live on."""
    while sum(block.size for block in _blocks) > MAX_HELD:
        _blocks.pop(0)


_UNUSED = _holders([np.empty(0, dtype=np.uint8)])[0]
