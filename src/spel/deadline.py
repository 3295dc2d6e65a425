"""The longest time of a call in a process; what it waits for a processor does not count."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from time import monotonic

__all__ = ["Deadline", "processor_use"]

PATIENCE = 10
"""How many times the allowed seconds may pass on the clock if a process waits for a processor."""
LEAST = 0.05
"""Seconds below which nothing is left."""


class Deadline:
    """Ends a process whose call takes too long; a context manager around the call.

    A process that sleeps, as before a file that hangs, is ended when the seconds are over. One that
    computes on a busy machine has not had them then: it gets what is left of them (Linux only).

    Parameters
    ----------
    process : int
        Its number.
    end : callable
        Ends the process.
    seconds : float, optional
        Without them nothing is ended.

    Attributes
    ----------
    is_over : bool
        Whether the process was ended.
    """

    def __init__(self, process: int, end: Callable[[], object], seconds: float | None) -> None:
        self.is_over = False
        self._process, self._end, self._seconds = process, end, seconds
        self._done = threading.Event()

    def __enter__(self) -> Deadline:
        if self._seconds is not None:
            _, spent = processor_use(self._process)
            watch = threading.Thread(target=self._watch, args=(self._seconds, spent), daemon=True)
            watch.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()

    def _watch(self, seconds: float, before: float) -> None:
        end, left = monotonic() + PATIENCE * seconds, seconds
        while not self._done.wait(min(left, threading.TIMEOUT_MAX)):
            computes, spent = processor_use(self._process)
            left = min(seconds - (spent - before), end - monotonic())
            if not computes or left < LEAST:
                self.is_over = True
                self._end()
                return


def processor_use(process: int) -> tuple[bool, float]:
    """Whether a process computes or waits for a processor, and the seconds that it has computed.

    Parameters
    ----------
    process : int
        Its number. Where the system does not tell, the answer is False and 0.

    Examples
    --------
    >>> computes, seconds = processor_use(os.getpid())
    >>> seconds >= 0
    True
    """
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return fields[0] == b"R", ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return False, 0.0
