"""Stopping a run: the first Ctrl-C ends it cleanly, the second one at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from spel.errors import Interrupted


class Stop:
    """Whether a run is to stop; inside ``with`` SIGINT and SIGTERM request it.

    Only the main thread receives signals; `request` does the same in any thread.

    Examples
    --------
    >>> with Stop() as stop:
    ...     before = stop.requested
    ...     stop.request()
    >>> before, stop.requested
    (False, True)
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._when = 0.0
        self._previous: dict[int, Any] = {}
        self._interrupts = False

    def request(self, number: int = signal.SIGINT) -> None:
        """Request a clean end."""
        if self.number is None:
            self.number, self._when = int(number), time.monotonic()

    @property
    def requested(self) -> bool:
        """Whether an end was requested, by a signal or by a call of `request`."""
        return self.number is not None

    @property
    def elapsed(self) -> float:
        """Seconds since the request."""
        return time.monotonic() - self._when if self.requested else 0.0

    def raise_if_requested(self) -> None:
        """Raise `Interrupted` if it was requested."""
        if self.number is not None:
            raise Interrupted(self.number)

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """A block that the first signal leaves at once, by raising `Interrupted`."""
        before, self._interrupts = self._interrupts, True
        try:
            yield
        finally:
            self._interrupts = before

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.request(number)
        if self._interrupts:
            raise Interrupted(number)
