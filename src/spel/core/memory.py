"""How much memory this process may take: the machine's, its container's, or its own limit."""

from __future__ import annotations

import os
from functools import lru_cache


@lru_cache(maxsize=1)
def memory_limit() -> int | None:
    """Bytes of memory that this process may take at most; None where the system does not say."""
    limits = [*_machine(), *_container(), *_process()]
    return min(limits, default=None)


def _machine() -> list[int]:
    try:
        return [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, ValueError, OSError):
        return []


def _container() -> list[int]:
    try:
        with open("/sys/fs/cgroup/memory.max") as file:
            text = file.read().strip()
    except OSError:
        return []
    return [int(text)] if text.isdigit() else []


def _process() -> list[int]:
    try:
        import resource
    except ImportError:
        return []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if soft == resource.RLIM_INFINITY else [soft]
