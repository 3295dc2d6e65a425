"""Opening files of any kind, and the one line that says why a file was not read."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from spel.errors import ImageReadError, ParameterError, printable

__all__ = [
    "DAMAGED",
    "RAISE_LIMIT",
    "DecodeError",
    "Reading",
    "image_error",
    "open_binary",
    "translating_errors",
]

DAMAGED = "copy or download it again"
"""What to do about a damaged file."""

RAISE_LIMIT = "if you trust the file, raise max_pixels (--max-pixels, where a command has it)"


class DecodeError(Exception):
    """The reason why a file is not read; :func:`translating_errors` adds its name and format."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass
class Reading:
    """What is being read, for the text of an error."""

    format: str = ""


def check_options(page: int | None, max_pixels: int) -> None:
    """Refuse a page or a limit that is out of range.

    Raises
    ------
    ParameterError
    """
    if page is not None and (isinstance(page, bool) or not isinstance(page, int) or page < 0):
        raise ParameterError(
            f"read: page is {page!r}; expected a number of at least 0, or None for all"
        )
    if isinstance(max_pixels, bool) or not isinstance(max_pixels, int) or max_pixels < 1:
        raise ParameterError(f"read: max_pixels is {max_pixels!r}; give a positive whole number")


def check_reduce(reduce: int) -> None:
    """Refuse another factor than those by which JPEG files are decoded smaller.

    Raises
    ------
    ParameterError
    """
    if isinstance(reduce, bool) or reduce not in (1, 2, 4, 8):
        raise ParameterError(f"reduce {reduce!r}; expected 1, 2, 4 or 8")


@contextlib.contextmanager
def open_binary(path: str | os.PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """Open a plain file for reading; an open binary file is passed on, and stays open.

    Raises
    ------
    DecodeError
        If there is no such file, or it is a folder, a device or a pipe.
    ParameterError
        If it is neither a path nor an open binary file.
    """
    if hasattr(path, "read") and hasattr(path, "seek"):
        if not isinstance(path.read(0), bytes):
            raise ParameterError("read: the file is open as text; open it with mode 'rb'")
        yield path  # type: ignore[misc]
        return
    if not isinstance(path, (str, os.PathLike)):
        raise ParameterError(
            f"read: path of type {type(path).__name__}; expected a path or an open binary file"
        )
    try:
        handle = _open_plain(path)
    except (OSError, ValueError) as error:
        raise _unopened(os.fsdecode(path), error) from None
    with os.fdopen(handle, "rb") as file:
        yield file


def _open_plain(path: str | os.PathLike[str]) -> int:
    # Without O_NONBLOCK, opening a pipe to which nobody writes would wait for ever.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise DecodeError("it is a folder", "name a file in it")
        if not stat.S_ISREG(mode):
            raise DecodeError("it is a device, pipe or socket, not a file")
    except BaseException:
        os.close(handle)
        raise
    return handle


def _unopened(name: str, error: OSError | ValueError) -> DecodeError:
    if isinstance(error, PermissionError):
        return DecodeError("it may not be read", "change its permissions")
    if not isinstance(error, FileNotFoundError):
        return DecodeError(
            f"it cannot be opened ({getattr(error, 'strerror', None) or error})", "check the path"
        )
    if "://" in name:
        return DecodeError("there is no such file", "addresses are not opened: download it first")
    if any(mark in name for mark in "*?["):
        return DecodeError(
            "there is no such file", "name one file; spel.io.expand lists those of a pattern"
        )
    return DecodeError("there is no such file", "check the path")


@contextlib.contextmanager
def translating_errors(path: Any) -> Iterator[Reading]:
    """Turn any error of a decoder into one ImageReadError."""
    context = Reading()
    try:
        yield context
    except (ImageReadError, ParameterError, ImportError):
        raise
    except DecodeError as refusal:
        raise image_error(path, context.format, refusal.reason, refusal.remedy) from None
    except MemoryError:
        raise image_error(
            path,
            context.format,
            "it needs more memory than there is",
            "free memory or shrink the image",
        ) from None
    except RecursionError:
        raise image_error(path, context.format, "it is nested too deeply") from None
    except OSError as error:
        if error.errno is None:  # decoders raise this for damaged files
            raise _damaged(path, context.format, error) from error
        raise image_error(
            path, context.format, f"it cannot be read ({error.strerror})", "check the disk"
        ) from error
    except Exception as error:  # decoders raise at least ten kinds of exception on damaged files
        raise _damaged(path, context.format, error) from error


def _damaged(path: Any, kind: str, error: Exception) -> ImageReadError:
    """The refusal of a file about which a decoder complained."""
    reason = f"it is damaged or not supported ({type(error).__name__}: {error})"
    return image_error(path, kind, reason, DAMAGED)


def image_error(path: Any, kind: str, reason: str, remedy: str = "") -> ImageReadError:
    """One line of at most 300 characters: file, format, reason, remedy."""
    name, reason = shown_name(path), printable(reason)
    text = f"{name}: {kind}: " if kind else f"{name}: "
    room = 300 - len(text) - (len(remedy) + 2 if remedy else 0)
    text += reason if len(reason) <= room else reason[: room - 1] + "…"
    return ImageReadError(text + (f"; {remedy}" if remedy else ""))


def shown_name(path: Any) -> str:
    """The name of a path or an open file as `image_error` writes it."""
    name = printable(name_of(path))
    return name if len(name) <= 100 else name[:40] + "…" + name[-59:]


def name_of(path: Any) -> str:
    """The name of a path or an open file, for messages."""
    if isinstance(path, (str, os.PathLike)):
        return os.fsdecode(os.fspath(path)) or "''"
    name = getattr(path, "name", None)
    return name if isinstance(name, str) else "open file"
