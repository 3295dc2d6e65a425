"""Decoding in a worker process, which gets the open file and limits on memory and time."""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from typing import Any, BinaryIO

import numpy.typing as npt

from spel.errors import ParameterError
from spel.io.isolation import MIB, Isolation, Reply, Sent, reply
from spel.io.opening import (
    check_options,
    check_reduce,
    image_error,
    name_of,
    open_binary,
    translating_errors,
)

from .decoding import describe_open, read_all_of_open, read_open
from .header import BYTES_PER_PIXEL, MAX_PIXELS, ImageInfo

__all__ = ["Decoder", "shared_decoder"]


class Decoder:
    """A process that decodes images; it is started when first needed, and again if it dies.

    Parameters
    ----------
    seconds : float
        Longest time for one image.
    memory : int, optional
        Address space in bytes that one image may take; by default 64 MiB and 18 bytes for each of
        ``max_pixels``, which suffices for every ordinary file.

    Raises
    ------
    ParameterError
        If a limit is out of range, or the system cannot isolate.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from spel.io import Decoder, write
    >>> name = tempfile.mkdtemp() + "/a.png"
    >>> write(name, np.array([[7, 9]], np.uint8))
    >>> with Decoder() as decoder:
    ...     decoder.read(name)[:, :, 0]
    array([[7, 9]], dtype=uint8)
    """

    def __init__(self, *, seconds: float = 30.0, memory: int | None = None) -> None:
        self._isolation = Isolation(seconds)
        if memory is not None and memory < 64 * MIB:
            raise ParameterError(f"isolate: memory is {memory!r}; give at least {64 * MIB} bytes")
        self.memory = memory

    @property
    def seconds(self) -> float:
        """Longest time for one image."""
        return self._isolation.seconds

    @property
    def pid(self) -> int | None:
        """Number of the running process, if there is one."""
        return self._isolation.worker.pid

    def read(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        page: int | None = None,
        max_pixels: int = MAX_PIXELS,
        reduce: int = 1,
    ) -> npt.NDArray[Any]:
        """As :func:`spel.read`; a decoder that dies or takes too long is an ImageReadError."""
        check_options(page, max_pixels)
        check_reduce(reduce)
        return self.array(path, read_in_worker, (page, reduce), max_pixels)

    def read_with_info(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        page: int | None = None,
        max_pixels: int = MAX_PIXELS,
        reduce: int = 1,
        colors: bool = False,
    ) -> tuple[npt.NDArray[Any], ImageInfo]:
        """As :func:`spel.io.image.reader.read_with_info`, by one call of the process."""
        check_options(page, max_pixels)
        check_reduce(reduce)
        fields, array = self._pixels(path, read_all_in_worker, (page, reduce, colors), max_pixels)
        return array, _info(path, fields.get("info"))

    def array(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        fn: Callable[..., Reply],
        options: tuple[Any, ...],
        max_pixels: int,
    ) -> npt.NDArray[Any]:
        """What ``fn(handle, name, *options, max_pixels)`` makes of the file in the worker."""
        return self._pixels(path, fn, options, max_pixels)[1]

    def _pixels(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        fn: Callable[..., Reply],
        options: tuple[Any, ...],
        max_pixels: int,
    ) -> tuple[dict[str, Any], npt.NDArray[Any]]:
        """The fields and the array that the worker sends."""
        with translating_errors(path), open_binary(path) as file, _descriptor(file) as handle:
            fields, array = self._isolation.call(
                path,
                fn,
                (name_of(path), *options, max_pixels),
                file=handle,
                memory=self.memory or 64 * MIB + 18 * max_pixels,
                max_bytes=BYTES_PER_PIXEL * max_pixels,
            )
            if array is None:
                raise image_error(path, "", "the decoder sent no image", "leave the file out")
            return fields, array

    def describe(
        self, path: str | os.PathLike[str] | BinaryIO, *, max_pixels: int = MAX_PIXELS
    ) -> ImageInfo:
        """As :func:`spel.io.describe`."""
        check_options(None, max_pixels)
        with translating_errors(path), open_binary(path) as file, _descriptor(file) as handle:
            header, _ = self._isolation.call(
                path,
                describe_in_worker,
                (name_of(path), max_pixels),
                file=handle,
                memory=self.memory or 64 * MIB + 18 * MAX_PIXELS,
            )
            return _info(path, header)

    def close(self) -> None:
        """End the process; the next image would start another."""
        self._isolation.worker.close()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@contextlib.contextmanager
def _descriptor(file: BinaryIO) -> Iterator[int]:
    """A descriptor of the file; a file without one is copied to an unnamed file."""
    try:
        handle = file.fileno()
    except (OSError, AttributeError):
        handle = -1
    if handle >= 0:
        yield handle
        return
    with tempfile.TemporaryFile() as copy:
        file.seek(0)
        while piece := file.read(MIB):
            copy.write(piece)
        copy.flush()
        yield copy.fileno()


def _info(path: Any, sent: Any) -> ImageInfo:
    """The header that the worker sent."""
    if not (isinstance(sent, dict) and _is_info(sent)):
        raise image_error(path, "", "the decoder sent no header", "leave the file out")
    return ImageInfo(**{**sent, "spacing": tuple(sent["spacing"])})


def _is_info(fields_sent: dict[str, Any]) -> bool:
    """Whether the fields are those of an `ImageInfo`, each of its type."""
    example = {**asdict(ImageInfo("", 1, 1, 1)), "spacing": []}  # as JSON has it
    return set(fields_sent) == {field.name for field in fields(ImageInfo)} and all(
        type(fields_sent[name]) is type(value) for name, value in example.items()
    )


# ------------------------------------------------------------------ inside the worker


def read_in_worker(handle: int, name: str, page: int | None, reduce: int, max_pixels: int) -> Reply:
    """Decode an open file."""
    with open(handle, "rb", closefd=False) as file:
        how: dict[str, Any] = {"page": page, "max_pixels": max_pixels, "reduce": reduce}
        return reply(name, lambda: ({}, read_open(file, name, **how)))


def read_all_in_worker(
    handle: int, name: str, page: int | None, reduce: int, colors: bool, max_pixels: int
) -> Reply:
    """Read the header of an open file, and decode it."""

    def make() -> Sent:
        array, info = read_all_of_open(
            file, name, page=page, max_pixels=max_pixels, reduce=reduce, colors=colors
        )
        return {"info": asdict(info)}, array

    with open(handle, "rb", closefd=False) as file:
        return reply(name, make)


def describe_in_worker(handle: int, name: str, max_pixels: int) -> Reply:
    """Read the header of an open file."""
    with open(handle, "rb", closefd=False) as file:
        return reply(name, lambda: (asdict(describe_open(file, name, max_pixels=max_pixels)), None))


# ------------------------------------------------------------------ one for the process

_lock = threading.Lock()
_decoder: Decoder | None = None


def shared_decoder() -> Decoder:
    """The decoder of ``spel.read(..., isolate=True)``: one for the process."""
    global _decoder
    with _lock:
        if _decoder is None:
            _decoder = Decoder()
            atexit.register(_decoder.close)
        return _decoder
