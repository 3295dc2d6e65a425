"""The exceptions of spel.

::

    SpelError
    ├── ShapeError(ValueError)            rank, size or channels do not fit
    ├── ParameterError(ValueError)        an option has a value outside its set or range
    ├── NotLearnedError                   a network with weights still to learn was called
    ├── FormatError(ValueError)           a file or text is not what it says
    │   └── ImageReadError                an image file could not be read whole
    ├── WriteError(OSError)               a result could not be written: disk full, no permission
    ├── BackendMissingError(ImportError)  says which extra to install
    ├── UnsupportedLayerError             a backend cannot express this layer exactly
    └── TaskError                         one task of a job failed

    KeyboardInterrupt
    └── Interrupted                       SIGINT or SIGTERM has ended a command or a run

Every message says what happened, where, what was expected and what to do.
"""

from __future__ import annotations

import signal


class SpelError(Exception):
    """Any error that spel raises on purpose."""


class ShapeError(SpelError, ValueError):
    """Rank, size or number of channels do not fit."""


class ParameterError(SpelError, ValueError):
    """An option has a value outside its set or range."""


class NotLearnedError(SpelError):
    """A network whose weights are still to be learned was called."""


class FormatError(SpelError, ValueError):
    """A file or text is not what it says it is."""


class ImageReadError(FormatError):
    """An image file could not be read whole."""


class WriteError(SpelError, OSError):
    """A file could not be written: the disk is full or failed, or the place allows no writing.

    No fault of the input: a run stops there and goes on when the cause is gone.
    """


class BackendMissingError(SpelError, ImportError):
    """An optional package is absent; the message says what to install."""


class UnsupportedLayerError(SpelError):
    """A backend cannot express a layer exactly."""


class TaskError(SpelError):
    """One task of a job failed."""


class Interrupted(KeyboardInterrupt):
    """A signal has ended a command, or a run, which has ended cleanly.

    Attributes
    ----------
    signal : int
        2 for Ctrl-C (SIGINT), 15 for SIGTERM.

    Parameters
    ----------
    number : int
        The signal.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(f"signal {number}")
        self.signal = int(number)


def printable(text: str) -> str:
    """``text`` with control characters and lone surrogates escaped, fit for a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def plural(count: int, noun: str) -> str:
    """A number and a noun.

    Examples
    --------
    >>> plural(1, "image"), plural(2, "image"), plural(0, "box")
    ('1 image', '2 images', '0 boxes')
    """
    if count != 1:
        noun += "es" if noun.endswith(("s", "x", "ch")) else "s"
    return f"{count:,} {noun}" if count >= 10_000 else f"{count} {noun}"
