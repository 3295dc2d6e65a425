"""Stopping: the first Ctrl-C ends a run cleanly, the second at once."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """A run was asked to stop by a signal and has come to a clean end.

    Attributes
    ----------
    signal : int
        2 for Ctrl-C, 15 for a polite kill.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(f"signal {number}")
        self.signal = int(number)


class Stop:
    """Whether a run was asked to stop; inside ``with`` it listens to SIGINT and SIGTERM.

    Signals are heard in the main thread only; elsewhere `ask` does the same.

    Examples
    --------
    >>> with Stop() as stop:
    ...     before = stop.asked
    ...     stop.ask()
    >>> before, stop.asked
    (False, True)
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._when = 0.0
        self._before: dict[int, Any] = {}

    def ask(self, number: int = signal.SIGINT) -> None:
        """Ask for a clean end."""
        if self.number is None:
            self.number, self._when = int(number), time.monotonic()

    @property
    def asked(self) -> bool:
        return self.number is not None

    @property
    def elapsed(self) -> float:
        """Seconds since it was asked."""
        return time.monotonic() - self._when if self.asked else 0.0

    def check(self) -> None:
        """Raise `Interrupted` if it was asked."""
        if self.number is not None:
            raise Interrupted(self.number)

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.ask(number)
