"""Decoding in a process of its own: a file that crashes, hangs or fills memory costs only itself.

The process gets the open file, not its path, and limits on address space, processor time and open
files. What it sends back is checked as anything from outside is.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.errors import ImageReadError, ParameterError, printable
from spel.io.opening import (
    check_options,
    image_error,
    name_of,
    open_binary,
    translating_errors,
)
from spel.worker import Worker, WorkerDeath, WorkerTimeout

from .decoding import read_open
from .header import BYTES_PER_PIXEL, MAX_PIXELS

__all__ = ["Decoder", "shared_decoder"]

_MIB = 1 << 20
_MAX_FILES = 64
_TYPES = frozenset(
    ["bool", "float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)


class Decoder:
    """A process that decodes images, started when first needed and again after a death.

    Parameters
    ----------
    seconds : float
        Longest time for one image.
    memory : int, optional
        Address space in bytes that one image may take; by default 64 MiB and 18 bytes for each of
        ``max_pixels``, which suffices for every honest file.

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
        if not hasattr(socket, "send_fds"):
            raise ParameterError("isolate: needs Linux or macOS; read without it here")
        if not (isinstance(seconds, (int, float)) and 0 < seconds < math.inf):
            raise ParameterError(f"isolate: seconds is {seconds!r}; give a positive number")
        if memory is not None and memory < 64 * _MIB:
            raise ParameterError(f"isolate: memory is {memory!r}; give at least {64 * _MIB} bytes")
        self.seconds, self.memory = float(seconds), memory
        self._worker = Worker(prepare=load_libraries, quiet=True)

    def read(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        page: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> npt.NDArray[Any]:
        """As :func:`spel.read`; a decoder that dies or takes too long is an ImageReadError."""
        check_options(page, max_pixels)
        memory = self.memory or 64 * _MIB + 18 * max_pixels
        with translating_errors(path), open_binary(path) as file, _descriptor(file) as handle:
            try:
                reply, shared = self._worker.call_with_file(
                    decode_file,
                    (name_of(path), page, max_pixels),
                    file=handle,
                    seconds=self.seconds,
                    memory=memory,
                )
            except WorkerTimeout:
                raise image_error(
                    path,
                    "",
                    f"the decoder took more than {self.seconds:g} s and was ended",
                    "the file is hostile or far too large; leave it out",
                ) from None
            except WorkerDeath as death:
                reason = f"the decoder {death}"
                remedy = "the file is damaged or hostile; leave it out"
                raise image_error(path, "", reason, remedy) from None
            return _accept(path, reply, shared, max_pixels)

    @property
    def pid(self) -> int | None:
        """Number of the living process."""
        return self._worker.pid

    def close(self) -> None:
        """End the process; the next image would start another."""
        self._worker.close()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@contextlib.contextmanager
def _descriptor(file: BinaryIO) -> Iterator[int]:
    """A descriptor of the file; what has none is copied to a nameless file."""
    try:
        handle = file.fileno()
    except (OSError, AttributeError):
        handle = -1
    if handle >= 0:
        yield handle
        return
    with tempfile.TemporaryFile() as copy:
        file.seek(0)
        while piece := file.read(_MIB):
            copy.write(piece)
        copy.flush()
        yield copy.fileno()


def _accept(path: Any, reply: bytes, shared: int | None, max_pixels: int) -> npt.NDArray[Any]:
    """The array that was sent, if it is one."""
    try:
        array = _array(reply, shared, max_pixels)
    finally:
        if shared is not None:
            os.close(shared)
    if array is None:
        raise image_error(path, "", "the decoder sent no image", "leave the file out")
    return array


def _array(reply: bytes, shared: int | None, max_pixels: int) -> npt.NDArray[Any] | None:
    try:
        fields = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    message, shape, dtype = (fields.get(name) for name in ("error", "shape", "dtype"))
    if isinstance(message, str):
        raise ImageReadError(printable(message)[:300])
    if shared is None or not isinstance(dtype, str) or dtype not in _TYPES:
        return None
    if not isinstance(shape, list) or len(shape) not in (3, 4):
        return None
    if not all(type(n) is int and 0 < n < 1 << 40 for n in shape):
        return None
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > BYTES_PER_PIXEL * max_pixels or os.fstat(shared).st_size != size:
        return None
    array = np.empty(shape, dtype)
    with open(shared, "rb", closefd=False) as file:
        file.seek(0)
        if file.readinto(array.reshape(-1).view(np.uint8).data) != size:
            return None
    return array


# ------------------------------------------------------------------ inside the decoder process


def load_libraries() -> None:
    """Load the decoders, so that they do not count as memory of the first image."""
    import imagecodecs  # noqa: F401
    import tifffile  # noqa: F401
    from PIL import Image  # noqa: F401

    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_FILES, hard))


def decode_file(
    handle: int, name: str, page: int | None, max_pixels: int
) -> tuple[bytes, int | None]:
    """Decode an open file: a description of the array and a nameless file of its bytes."""
    try:
        with open(handle, "rb", closefd=False) as file:
            array = read_open(file, name, page=page, max_pixels=max_pixels)
        shared = _shared(array)
    except ImageReadError as error:
        return json.dumps({"error": str(error)}).encode(), None
    except MemoryError:
        text = f"{name}: it needs more memory than allowed; leave it out"
        return json.dumps({"error": text}).encode(), None
    return json.dumps({"shape": array.shape, "dtype": array.dtype.name}).encode(), shared


def _shared(array: npt.NDArray[Any]) -> int:
    """A nameless file with the array's bytes; its descriptor."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("spel")
    else:
        handle, name = tempfile.mkstemp()
        os.unlink(name)
    view = memoryview(array.reshape(-1).view(np.uint8).data)
    while len(view):
        view = view[os.write(handle, view) :]
    return handle


# ------------------------------------------------------------------ one for the process

_lock = threading.Lock()
_shared_decoder: Decoder | None = None


def shared_decoder() -> Decoder:
    """The decoder of ``spel.read(..., isolate=True)``: one for the process."""
    global _shared_decoder
    with _lock:
        if _shared_decoder is None:
            _shared_decoder = Decoder()
            atexit.register(_shared_decoder.close)
        return _shared_decoder
