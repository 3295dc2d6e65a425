"""How many threads the engine may use: set for a block of code, never globally."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from spel.errors import ParameterError

_scoped: ContextVar[int | None] = ContextVar("spel_threads", default=None)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let the engine use `count` threads inside the block; results do not change by a bit.

    Parameters
    ----------
    count : int
        At least 1. Without a block: ``SPEL_THREADS``, or the cores this process may use.

    Raises
    ------
    ParameterError
        If `count` is below 1.

    Examples
    --------
    >>> with threads(2):
    ...     thread_count()
    2
    """
    if int(count) != count or count < 1:
        raise ParameterError(f"threads {count!r}: expected an integer of at least 1")
    token = _scoped.set(int(count))
    try:
        yield
    finally:
        _scoped.reset(token)


def thread_count() -> int:
    """Number of threads that the engine may use here."""
    count = _scoped.get()
    if count is not None:
        return count
    text = os.environ.get("SPEL_THREADS", "")
    if text:
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise ParameterError(f"SPEL_THREADS={text!r}: expected an integer of at least 1")
        return int(text)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
