"""Memory for results: large blocks are used again once their array is gone.

Fresh memory is handed out page by page, each cleared by the system on first touch; for a
large image that takes as long as computing it. A few released blocks are therefore kept.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt

LARGE = 1 << 20
KEPT = 160 << 20
"""Bytes from which blocks are kept, and how many bytes of them at most."""

ALIGNMENT = 64
"""Of the first value, in bytes: a cache line, so that whole lines can be written."""

_blocks: list[npt.NDArray[np.uint8]] = []
_lock = Lock()


def empty(shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """Uninitialized float32 memory, in C order."""
    size = 4 * int(np.prod(shape, dtype=np.int64))
    if not LARGE <= size <= KEPT:
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
    """A block that no array uses any more and that is not much too large."""
    for block, holders in zip(_blocks, _holders(_blocks), strict=True):
        if holders == _UNUSED and size + ALIGNMENT <= block.size <= size + size // 4:
            return block
    return None


def _holders(blocks: list[npt.NDArray[np.uint8]]) -> list[int]:
    """How many references each block has: every view of a block holds one."""
    return [sys.getrefcount(block) for block in blocks]


def _forget() -> None:
    """Drop blocks, the oldest first, until those kept are few; arrays in use keep theirs."""
    while sum(block.size for block in _blocks) > KEPT:
        _blocks.pop(0)


_UNUSED = _holders([np.empty(0, dtype=np.uint8)])[0]
