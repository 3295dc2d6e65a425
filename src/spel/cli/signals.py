"""SIGINT and SIGTERM: a command ends with one line, and with the exit status of the signal."""

from __future__ import annotations

import signal
from types import FrameType

from spel.errors import Interrupted


def stop_on_signals() -> None:
    """Let SIGINT and SIGTERM raise `Interrupted`, unless the process was started to ignore them.

    By itself, Python dies of SIGTERM without a word and leaves temporary files behind. After some
    KeyboardInterrupts that were handled, it dies of SIGINT in the end instead of leaving with the
    exit code; but not after those of a class below it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)
