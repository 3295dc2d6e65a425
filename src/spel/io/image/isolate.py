"""Decoding in a process of its own: a file that crashes, hangs or fills memory costs only itself.

The decoder process gets the open file, not its path, and limits on address space, processor time
and open files. What it sends back is checked as anything from outside is. It guards against
crashes, hangs and memory, which is what damaged files do; it is no jail for code.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import threading
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from spel.errors import ImageReadError, ParameterError

from .header import BYTES_PER_PIXEL, MAX_PIXELS

__all__ = ["Decoder"]

_MIB = 1 << 20
_MESSAGE = 1 << 16
_TYPES = frozenset(
    ["bool", "float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
_START = (
    "import sys; sys.path[:] = {path!r}; "
    "from spel.io.image.isolate import serve; serve(int(sys.argv[1]))"
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
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._owner = 0

    def read(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        page: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> np.ndarray:
        """As :func:`spel.read`; a decoder that dies or takes too long is an ImageReadError."""
        from spel.io.opening import (
            check_options,
            image_error,
            name_of,
            open_binary,
            translating_errors,
        )

        check_options(page, max_pixels)
        memory = self.memory or 64 * _MIB + 18 * max_pixels
        request = {
            "name": name_of(path),
            "page": page,
            "max_pixels": max_pixels,
            "memory": memory,
            "seconds": math.ceil(self.seconds),
        }
        with (
            self._lock,
            translating_errors(path),
            open_binary(path) as file,
            _descriptor(file) as handle,
        ):
            try:
                answer, handles = self._ask(request, handle)
            except TimeoutError:
                self._end()
                raise image_error(
                    path,
                    "",
                    f"the decoder took more than {self.seconds:g} s and was ended",
                    "the file is hostile or far too large; leave it out",
                ) from None
            except (OSError, EOFError):
                raise image_error(
                    path,
                    "",
                    f"the decoder died ({self._end()})",
                    "the file is damaged or hostile; leave it out",
                ) from None
            except BaseException:  # Ctrl-C: the answer would come later, to another question
                self._end()
                raise
            return _accept(path, answer, handles, max_pixels)

    def close(self) -> None:
        """End the process; the next image would start another."""
        with self._lock:
            self._end()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, request: dict[str, Any], handle: int) -> tuple[dict[str, Any], list[int]]:
        channel = self._started()
        channel.settimeout(self.seconds)
        _send(channel, request, [handle])
        data, handles = _receive(channel)
        try:
            if not data:
                raise EOFError
            answer = json.loads(data)
            if not isinstance(answer, dict):
                raise EOFError
        except (ValueError, EOFError):
            _close(handles)
            raise EOFError from None
        return answer, handles

    def _started(self) -> socket.socket:
        if self._owner != os.getpid():  # after a fork the process belongs to the parent
            self._process = self._socket = None
        if self._process is None or self._process.poll() is not None or self._socket is None:
            self._end()
            ours, theirs = socket.socketpair()
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START.format(path=sys.path), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            theirs.close()
            self._socket, self._owner = ours, os.getpid()
        return self._socket

    def _end(self) -> str:
        """End the process; how it ended."""
        process, channel = self._process, self._socket
        self._process = self._socket = None
        if process is None or self._owner != os.getpid():
            return "it was not running"
        with contextlib.suppress(subprocess.TimeoutExpired):
            if channel is not None:  # it goes by itself when nobody talks to it any more
                channel.close()
            process.wait(0.5)
        if process.poll() is None:
            process.kill()
            process.wait()
        code = process.returncode
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self._end()


@contextlib.contextmanager
def _descriptor(file: BinaryIO) -> Any:
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


def _accept(path: Any, answer: dict[str, Any], handles: list[int], max_pixels: int) -> np.ndarray:
    """The array that was sent, if it is one."""
    from spel.errors import printable
    from spel.io.opening import image_error

    try:
        message = answer.get("error")
        if isinstance(message, str):
            raise ImageReadError(printable(message)[:300])
        shape, dtype = answer.get("shape"), answer.get("dtype")
        good = (
            len(handles) == 1
            and isinstance(dtype, str)
            and dtype in _TYPES
            and isinstance(shape, list)
            and len(shape) in (3, 4)
            and all(type(n) is int and 0 < n < 1 << 40 for n in shape)
        )
        size = math.prod(shape) * np.dtype(dtype).itemsize if good else 0  # type: ignore[arg-type]
        if not good or size > BYTES_PER_PIXEL * max_pixels or os.fstat(handles[0]).st_size != size:
            raise image_error(path, "", "the decoder sent no image", "leave the file out")
        array = np.empty(shape, dtype)  # type: ignore[arg-type]
        with open(handles[0], "rb", closefd=False) as file:
            file.seek(0)
            if file.readinto(array.reshape(-1).view(np.uint8).data) != size:
                raise image_error(path, "", "the decoder sent no image", "leave the file out")
        return array
    finally:
        _close(handles)


def _send(channel: socket.socket, message: dict[str, Any], handles: list[int]) -> None:
    data = json.dumps(message).encode() + b"\n"
    sent = socket.send_fds(channel, [data], handles)
    channel.sendall(data[sent:])


def _receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    """One line, nothing at the end, and the descriptor that came with it."""
    data, handles, _, _ = socket.recv_fds(channel, _MESSAGE, 1)
    while data and not data.endswith(b"\n") and len(data) < _MESSAGE:
        more = channel.recv(_MESSAGE)
        if not more:
            return b"", handles
        data += more
    return data, handles


def _close(handles: list[int]) -> None:
    for handle in handles:
        os.close(handle)


# ------------------------------------------------------------------ inside the decoder process


def serve(channel_number: int) -> None:
    """Answer requests until the other side closes."""
    import resource

    from .reader import read_open

    channel = socket.socket(fileno=channel_number)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    while True:
        data, handles = _receive(channel)
        if not data:
            return
        request = json.loads(data)
        _limit(request["memory"], request["seconds"])
        outcome: dict[str, Any]
        sent: list[int] = []
        try:
            with open(handles[0], "rb") as file:
                array = read_open(
                    file, request["name"], page=request["page"], max_pixels=request["max_pixels"]
                )
            sent = [_shared(array)]
            outcome = {"shape": array.shape, "dtype": array.dtype.name}
            del array
        except ImageReadError as error:
            outcome = {"error": str(error)}
        except MemoryError:
            outcome = {
                "error": f"{request['name']}: it needs more memory than allowed; leave it out"
            }
        _send(channel, outcome, sent)
        _close(sent)


def _limit(memory: int, seconds: int) -> None:
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = math.ceil(used.ru_utime + used.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds + 1, hard))
    with contextlib.suppress(OSError, ValueError):  # Linux only: elsewhere the space is not known
        with open("/proc/self/statm") as status:
            pages = int(status.read().split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _shared(array: np.ndarray) -> int:
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


_DECODER: Decoder | None = None
_shared_lock = threading.Lock()


def shared_decoder() -> Decoder:
    """The decoder of ``spel.read(..., isolate=True)``: one for the process."""
    global _DECODER
    with _shared_lock:
        if _DECODER is None:
            _DECODER = Decoder()
            atexit.register(_DECODER.close)
        return _DECODER
