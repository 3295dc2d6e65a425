"""Memory that one image has freed stays with the process for the next one, up to a limit.

By itself, the C library of Linux returns it to the system, which clears every page before it gives
it back: a quarter of the processor time of detecting in photos.
"""

from __future__ import annotations

import ctypes
import sys

RESERVE = 128 << 20
"""Bytes at the end of the heap that a process keeps at most."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_MAPPED = 32 << 20  # larger blocks are returned at once, as the C library does by itself


def keep_freed_memory(most: int = RESERVE) -> None:
    """Let this process keep what it frees; without effect where the C library has no such setting.

    Parameters
    ----------
    most : int
        Bytes, at most `RESERVE`.
    """
    if sys.platform != "linux":
        return
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _MAPPED)
        set_option(_TRIM_THRESHOLD, min(most, RESERVE))
