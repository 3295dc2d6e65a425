"""Tasks: picklable calls, one per input; a task that fails gives a result, and the run goes on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

from spel.errors import TaskError, WriteError

OUT_OF_MEMORY = (
    "it takes more memory than allowed; use tiles or a smaller image, or raise the limit "
    "(--max-memory)"
)


class Task(Protocol):
    """A picklable call for one input file; an exception becomes a `Failure`."""

    @property
    def image(self) -> str:
        """Path of the input file."""

    def __call__(self) -> Any:
        """The result."""


@runtime_checkable
class IdentifiedTask(Protocol):
    """A task whose input is no file of its own, such as a frame of a video."""

    @property
    def identity(self) -> Identity | None:
        """Identity of the file that holds the input."""


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

    @property
    def text(self) -> str:
        """The message, with the name of the image if it does not state it."""
        return self.message if self.image in self.message else f"{self.image}: {self.message}"

    @classmethod
    def of(cls, image: str, error: BaseException) -> Failure:
        """The message of an exception and its notes, in one line."""
        if isinstance(error, MemoryError) and not str(error):
            error = MemoryError(OUT_OF_MEMORY)
        words = [str(error) or type(error).__name__, *getattr(error, "__notes__", [])]
        return cls(image, type(error).__name__, " ".join("; ".join(words).split()))


class WorkersLost(TaskError):
    """The workers of a run are gone, and no task can be done."""


class PartError(TaskError):
    """A part of the work on an image failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True)
class Identity:
    """Size, time and hash of a file: enough to see later whether it has changed.

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
                return _folder_identity(path)
            status = os.stat(path)
            digest = _digest(path) if contents and os.path.isfile(path) else ""
        except OSError:
            return None
        return cls(status.st_size, status.st_mtime_ns, digest)

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Whether the file is unchanged: by size and time, or by its hash if the time differs."""
        current = Identity.of(path, contents=False)
        if current is None or current.bytes != self.bytes:
            return False
        if current.mtime == self.mtime:
            return True
        return bool(self.digest) and _has_digest(path, self.digest)


@dataclass(frozen=True)
class Outcome:
    """The result of a task, and the state of its input file.

    Attributes
    ----------
    result : Any
        What the task returned, or a `Failure`.
    identity : Identity, optional
        None if the input could not be read.
    ms : float
        Milliseconds that the task took.
    """

    result: Any
    identity: Identity | None
    ms: float

    @property
    def failed(self) -> bool:
        """Whether the task ended with an error."""
        return isinstance(self.result, Failure)


@dataclass(frozen=True)
class TimedTask:
    """A task with its time and the identity of its input; a bad input gives a `Failure`."""

    task: Task

    @property
    def image(self) -> str:
        """Path of the input."""
        return self.task.image

    def __call__(self) -> Outcome:
        began = perf_counter()
        task = self.task
        identity = task.identity if isinstance(task, IdentifiedTask) else Identity.of(task.image)
        return outcome_of(task.image, task, identity, began)


def outcome_of(
    image: str, call: Callable[[], Any], identity: Identity | None, began: float
) -> Outcome:
    """What a call returns, or why it failed; `began` is the time of `perf_counter` before it."""
    result: Any
    try:
        result = call()
    except (WriteError, WorkersLost):  # not the fault of this input: the run stops
        raise
    except PartError as error:
        result = error.failure
    except Exception as error:  # whatever one input causes costs that input only
        result = Failure.of(image, error)
    return Outcome(result, identity, round((perf_counter() - began) * 1e3, 3))


def _has_digest(path: str | os.PathLike[str], digest: str) -> bool:
    try:
        return _digest(path) == digest
    except OSError:
        return False


def _folder_identity(path: str | os.PathLike[str]) -> Identity:
    """Identity of an image that is a folder: names, sizes and times of its files."""
    size = newest = 0
    hashed = hashlib.blake2b(digest_size=16)
    for here, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            place = os.path.join(here, name)
            status = os.lstat(place)
            size, newest = size + status.st_size, max(newest, status.st_mtime_ns)
            line = f"{os.path.relpath(place, path)}\0{status.st_size}\n"
            hashed.update(line.encode("utf-8", "surrogateescape"))
    return Identity(size, newest, hashed.hexdigest())


def _digest(path: str | os.PathLike[str]) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, partial(hashlib.blake2b, digest_size=16)).hexdigest()
