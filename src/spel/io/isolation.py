"""Calls about files that nobody vouches for, in a worker with limits on memory and time.

A file that crashes the worker, hangs or fills memory costs only itself: one `ImageReadError`, and
the next call gets a new worker. Replies of a worker are checked like any other input: JSON, and an
unnamed file with the bytes of an array.
"""

from __future__ import annotations

import json
import math
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.allocator import RESERVE
from spel.errors import ImageReadError, ParameterError, printable
from spel.io.opening import image_error
from spel.worker import Worker, WorkerDeath, WorkerTimeout

__all__ = ["AVAILABLE", "Isolation", "reply"]

AVAILABLE = hasattr(socket, "send_fds")
"""Whether this system can decode in a worker, which is then the default."""

MIB = 1 << 20
_MAX_FILES = 64
_TYPES = frozenset(
    ["bool", "float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
Reply = tuple[bytes, int | None]
Sent = tuple[dict[str, Any], npt.NDArray[Any] | None]


class Isolation:
    """A worker for files; it is started when first needed, and again if it dies.

    Parameters
    ----------
    seconds : float
        Longest time for one call.
    """

    def __init__(self, seconds: float = 30.0) -> None:
        if not AVAILABLE:
            raise ParameterError("isolate: needs Linux or macOS; read without it here")
        if not (isinstance(seconds, (int, float)) and 0 < seconds < math.inf):
            raise ParameterError(f"isolate: seconds is {seconds!r}; give a positive number")
        self.seconds = float(seconds)
        self.worker = Worker(prepare=load_libraries, quiet=True)

    def call(
        self,
        path: Any,
        fn: Callable[..., Reply],
        args: tuple[Any, ...],
        *,
        file: int | None = None,
        memory: int,
        max_bytes: int = 0,
    ) -> Sent:
        """The reply of ``fn`` about the file: fields, and an array of at most ``max_bytes``."""

        def take(data: bytes, shared: int | None) -> Sent:
            fields = _fields(data)
            if shared is None:
                return fields, None
            with open(shared, "rb") as sent:
                return fields, _array(fields, sent, max_bytes) if fields else None

        try:
            fields, array = self.worker.call_for_bytes(
                fn, args, take, file=file, seconds=self.seconds, memory=memory
            )
        except WorkerTimeout:
            raise image_error(
                path,
                "",
                f"the decoder took more than {self.seconds:g} s and was ended",
                "the file is hostile or far too large; leave it out",
            ) from None
        except WorkerDeath as death:
            remedy = "the file is damaged or hostile; leave it out"
            raise image_error(path, "", f"the decoder {death}", remedy) from None
        message = fields.get("error")
        if isinstance(message, str):
            raise ImageReadError(printable(message)[:300])
        return fields, array


def _fields(data: bytes) -> dict[str, Any]:
    """The JSON object that was sent, or an empty one."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _array(fields: dict[str, Any], sent: BinaryIO, max_bytes: int) -> npt.NDArray[Any] | None:
    """The array in the file that was sent, if it is one."""
    shape, dtype = fields.get("shape"), fields.get("dtype")
    if not isinstance(dtype, str) or dtype not in _TYPES:
        return None
    if not isinstance(shape, list) or len(shape) not in (3, 4):
        return None
    if not all(type(n) is int and 0 < n < 1 << 40 for n in shape):
        return None
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > max_bytes or os.fstat(sent.fileno()).st_size != size:
        return None
    array = np.empty(shape, dtype)
    sent.seek(0)
    if sent.readinto(array.reshape(-1).view(np.uint8).data) != size:  # type: ignore[attr-defined]
        return None
    return array


# ------------------------------------------------------------------ inside the worker


def load_libraries() -> None:
    """Load the decoders before the first image, so that their memory is not counted as its."""
    import imagecodecs  # noqa: F401
    import tifffile  # noqa: F401
    from PIL import Image  # noqa: F401

    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_FILES, hard))


def reply(name: str, make: Callable[[], Sent]) -> Reply:
    """The result of ``make``, or its error, as bytes and an unnamed file."""
    try:
        fields, array = make()
        if array is None:
            return json.dumps(fields).encode(), None
        fields = {**fields, "shape": array.shape, "dtype": array.dtype.name}
        return json.dumps(fields).encode(), _shared(array)
    except ImageReadError as error:
        return json.dumps({"error": str(error)}).encode(), None
    except MemoryError:
        text = f"{name}: it needs more memory than allowed; leave it out"
        return json.dumps({"error": text}).encode(), None


def _shared(array: npt.NDArray[Any]) -> int:
    """The descriptor of an unnamed file with the array's bytes.

    On Linux it is one file for all arrays of usual size: the system clears each new page of memory,
    which takes as long as writing it.
    """
    if sys.platform == "linux":
        handle = os.dup(_file_of_arrays()) if array.nbytes <= RESERVE else os.memfd_create("spel")
        os.ftruncate(handle, array.nbytes)
        os.lseek(handle, 0, os.SEEK_SET)
    else:
        with tempfile.TemporaryFile() as file:
            handle = os.dup(file.fileno())
    view = memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    while len(view):
        view = view[os.write(handle, view) :]
    return handle


@cache
def _file_of_arrays() -> int:
    """The file of this process; the other side copies an array before it asks for the next."""
    return os.memfd_create("spel")
