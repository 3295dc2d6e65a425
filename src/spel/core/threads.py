"""How many threads the engine may use: set for a block of code, never globally."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import SupportsIndex

from spel.errors import ParameterError

MAX_THREADS = 1024
"""Largest number of threads: each takes memory of its own, and a mistyped number would take all."""

_scoped: ContextVar[int | None] = ContextVar("spel_threads", default=None)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let the engine use `count` threads inside the block; results do not change by a bit.

    Parameters
    ----------
    count : int
        From 1 to 1024. Without a block: ``SPEL_THREADS``, or the cores this process may use.

    Raises
    ------
    ParameterError
        If `count` is anything else.

    Examples
    --------
    >>> with threads(2):
    ...     thread_count()
    2
    """
    whole = operator.index(count) if isinstance(count, SupportsIndex) else 0
    if not 1 <= whole <= MAX_THREADS:
        raise ParameterError(f"threads {count!r}: expected an integer from 1 to {MAX_THREADS}")
    token = _scoped.set(whole)
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
        # Numbers of very many digits would take Python long to read.
        count = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
        if not 1 <= count <= MAX_THREADS:
            raise ParameterError(
                f"SPEL_THREADS={text[:30]!r}: expected an integer from 1 to {MAX_THREADS}"
            )
        return count
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def blas_in_one_thread() -> Iterator[None]:
    """Let NumPy's and SciPy's products of matrices use one thread each inside the block.

    Their sums then have the same bits on machines of any number of cores, and no thread waits
    busily for the next product, which doubles the processor time of learning. Functions may be
    decorated with it.

    Examples
    --------
    >>> import numpy as np
    >>> with blas_in_one_thread():
    ...     float(np.ones(3) @ np.ones(3))
    3.0
    """
    import scipy.linalg  # noqa: F401 - only libraries that are loaded are limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
