"""Tasks: picklable calls, one per input, whose failure is an answer and not the end of a run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from spel.errors import SpelError, WriteError

_BLOCK = 1 << 20


class Task(Protocol):
    """A picklable call for one input file; what it raises becomes a `Failure`."""

    @property
    def image(self) -> str:
        """Path of the input; a task whose input is no file of its own has an `identity`, too."""

    def __call__(self) -> Any:
        """Do it."""


@dataclass(frozen=True)
class Failure:
    """Why one input gave no result.

    Attributes
    ----------
    image : str
    error : str
        Name of the exception.
    message : str
    """

    image: str
    error: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """As it stands in a line of ``failures.jsonl``."""
        return {"image": self.image, "error": self.error, "message": self.message}

    @classmethod
    def of(cls, image: str, error: BaseException) -> Failure:
        """What an exception says, with its notes, in one line."""
        words = [str(error) or type(error).__name__, *getattr(error, "__notes__", [])]
        return cls(image, type(error).__name__, " ".join("; ".join(words).split()))


@dataclass(frozen=True)
class Identity:
    """What a file was when it was read: enough to see later that it is another one.

    Attributes
    ----------
    bytes, mtime : int
        Size, and time of the last change in nanoseconds.
    digest : str
        Hash of the contents; empty if they were not read.
    """

    bytes: int
    mtime: int
    digest: str = ""

    @classmethod
    def of(cls, path: str | os.PathLike[str], *, contents: bool = True) -> Identity | None:
        """The identity of a plain file, or of a folder of files; None if it cannot be read."""
        try:
            if os.path.isdir(path):
                return _folder(path)
            status = os.stat(path)
            digest = _digest(path) if contents and os.path.isfile(path) else ""
        except OSError:
            return None
        return cls(status.st_size, status.st_mtime_ns, digest)

    def still(self, path: str | os.PathLike[str]) -> bool:
        """Whether the file is the same: by size and time, or by contents if the time moved."""
        now = Identity.of(path, contents=False)
        if now is None or now.bytes != self.bytes:
            return False
        return now.mtime == self.mtime or (bool(self.digest) and _same(path, self.digest))


@dataclass(frozen=True)
class Answer:
    """What a task gave, and what its input was.

    Attributes
    ----------
    outcome : Any
        The task's result, or a `Failure`.
    identity : Identity, optional
        None if the input could not be read.
    ms : float
        Milliseconds that the task took.
    """

    outcome: Any
    identity: Identity | None
    ms: float

    @property
    def failed(self) -> bool:
        return isinstance(self.outcome, Failure)


@dataclass(frozen=True)
class Watched:
    """A task that notes what it read and how long it took, and never raises for a bad input."""

    task: Task

    @property
    def image(self) -> str:
        """Path of the input."""
        return self.task.image

    def __call__(self) -> Answer:
        began = perf_counter()
        given = hasattr(self.task, "identity")
        identity = self.task.identity if given else Identity.of(self.image)  # type: ignore[attr-defined]
        try:
            outcome = self.task()
        except WriteError:  # no fault of this input: the run stops
            raise
        except (SpelError, OSError, MemoryError, ArithmeticError, ValueError) as error:
            outcome = Failure.of(self.image, error)
        return Answer(outcome, identity, round((perf_counter() - began) * 1e3, 3))


Tell = Callable[[Answer], None]


def _same(path: str | os.PathLike[str], digest: str) -> bool:
    try:
        return _digest(path) == digest
    except OSError:
        return False


def _folder(path: str | os.PathLike[str]) -> Identity:
    """Of an image that is a folder: sizes and times of its files, and their names."""
    size = newest = 0
    hashed = hashlib.blake2b(digest_size=16)
    for here, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            place = os.path.join(here, name)
            status = os.lstat(place)
            size, newest = size + status.st_size, max(newest, status.st_mtime_ns)
            told = f"{os.path.relpath(place, path)}\0{status.st_size}\n"
            hashed.update(told.encode("utf-8", "surrogateescape"))
    return Identity(size, newest, hashed.hexdigest())


def _digest(path: str | os.PathLike[str]) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            hashed.update(block)
    return hashed.hexdigest()
