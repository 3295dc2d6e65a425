"""How much memory this process may take: the machine's, its container's, or its own limit."""

from __future__ import annotations

import os
import sys
from functools import lru_cache

from spel.errors import ParameterError


@lru_cache(maxsize=1)
def memory_limit() -> int | None:
    """Bytes of memory that this process may take at most; None where the system does not say."""
    limits = [*_machine(), *_container(), *_process()]
    return min(limits, default=None)


def check_memory(what: str, needed: float, remedy: str) -> None:
    """Refuse work that would take more memory than this process may take, before it begins.

    Parameters
    ----------
    what : str
        Begins the message: "texture: a picture of 9 x 9 spels".
    needed : float
        Bytes.
    remedy : str
        Ends the message: "give a smaller size".

    Raises
    ------
    ParameterError
        With the size that it would take, and what this process may take.

    Examples
    --------
    >>> check_memory("nothing", 0, "give something")
    """
    limit = memory_limit()
    if limit is not None and needed > limit:
        raise ParameterError(
            f"{what} would take {needed / 2**30:,.1f} GiB of memory, this process may take "
            f"{limit / 2**30:,.1f} GiB; {remedy}"
        )


def _machine() -> list[int]:
    if sys.platform == "win32":  # it has no sysconf
        return []
    try:
        return [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (ValueError, OSError):
        return []


def _container() -> list[int]:
    try:
        with open("/sys/fs/cgroup/memory.max") as file:
            text = file.read().strip()
    except OSError:
        return []
    return [int(text)] if text.isdigit() else []


def _process() -> list[int]:
    if sys.platform == "win32":
        return []
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if soft == resource.RLIM_INFINITY else [soft]
