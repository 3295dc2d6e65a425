"""A process for calls that may crash, hang or fill memory; it is started again after it ended.

A call costs itself and nothing else: a dead process is one `WorkerDeath`, a call over its time is
one `WorkerTimeout`, and the next call gets a fresh process. The pool of `spel.runs` and the decoder
of `spel.io` are built on it. Calls travel to the process by pickle; from a decoder of files that
are not trusted come only bytes and a file, which nothing unpickles (`Worker.call_for_bytes`).
It guards against crashes, hangs and lack of memory; it does not confine hostile code.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from multiprocessing.connection import Pipe
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from spel.allocator import RESERVE, keep_freed_memory
from spel.deadline import Deadline
from spel.errors import TaskError
from spel.pipes import Wire, inheriting, receive_file, send_file, wire_of

__all__ = ["Worker", "WorkerDeath", "WorkerTimeout", "ending"]

Result = TypeVar("Result")

START = "import sys; sys.path[:] = {path!r}; from spel.worker import serve; serve(int(sys.argv[1]))"
MAX_REPLY = 1 << 16  # bytes of a reply that is not unpickled
MAX_LIMIT = 1 << 62  # the system's numbers end at twice this; more is no limit
LEAVE_SECONDS = 5.0  # that a process gets to end by itself
FILE_FOLLOWS, NO_FILE = b"F", b"N"
PICKLE, BYTES, BYTES_FROM_FILE = "pickle", "bytes", "bytes from file"  # what a call replies


class WorkerDeath(Exception):
    """The process ended before it answered; the message says how."""


class WorkerTimeout(Exception):
    """The call took longer than allowed; the process was ended."""


class Worker:
    """One process, started when first needed; calls of several threads wait for one another.

    Parameters
    ----------
    prepare : callable, optional
        A function of a module, called in each new process before any limit is set, to load the
        libraries that should not count as memory of the first call.
    quiet : bool
        Whether to discard what the process prints.

    Examples
    --------
    >>> with Worker() as worker:
    ...     worker.call(divmod, (7, 2))
    (3, 1)
    """

    def __init__(self, *, prepare: Callable[[], object] | None = None, quiet: bool = False) -> None:
        self._prepare, self._quiet = prepare, quiet
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: Wire | None = None
        _WORKERS.add(self)

    @property
    def pid(self) -> int | None:
        """Number of the living process."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def call(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        seconds: float | None = None,
        memory: int | None = None,
    ) -> Any:
        """The result of ``fn(*args, **kwargs)`` in the process, or the exception that it raised.

        ``memory`` is what the process may take beyond what it has when this limit is first given.
        """
        request = ForkingPickler.dumps((fn, args, kwargs or {}, (seconds, memory), PICKLE))
        with self._lock:
            good, value = self._exchange(request, None, lambda wire: wire.recv(), seconds)
        if good:
            return value
        raise value

    def call_for_bytes(
        self,
        fn: Callable[..., tuple[bytes, int | None]],
        args: tuple[Any, ...],
        take: Callable[[bytes, int | None], Result],
        *,
        file: int | None,
        seconds: float,
        memory: int,
    ) -> Result:
        """What `take` makes of the bytes and the file descriptor of ``fn([descriptor,] *args)``.

        Nothing that the process sends is unpickled. `take` closes the descriptor. The process does
        nothing else until it has returned, so it may write its next file in the same place.
        """
        mode = BYTES if file is None else BYTES_FROM_FILE
        request = ForkingPickler.dumps((fn, args, {}, (seconds, memory), mode))
        with self._lock:
            return take(*self._exchange(request, file, _receive_file, seconds))

    def kill(self) -> None:
        """End the process now; a running call fails with `WorkerDeath`."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Let the process end; the next call would start another."""
        with self._lock:
            self._end()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self._end(now=True)

    def _exchange(
        self,
        request: Any,
        file: int | None,
        receive: Callable[[Wire], Result],
        seconds: float | None,
    ) -> Result:
        process, wire = self._started()
        deadline = Deadline(process.pid, process.kill, seconds)
        try:
            with deadline:
                wire.send_bytes(request)
                if file is not None:
                    send_file(wire, file)
                return receive(wire)
        except (EOFError, OSError) as error:
            how = self._death()
            if deadline.is_over:
                raise WorkerTimeout(f"it took more than {seconds:g} seconds") from None
            raise WorkerDeath(how) from error
        except BaseException:  # Ctrl-C: the reply would come later, to another call
            self._end(now=True)
            raise

    def _started(self) -> tuple[subprocess.Popen[bytes], Wire]:
        if self._process is not None and self._process.poll() is None and self._wire is not None:
            return self._process, self._wire
        self._end(now=True)
        ours, theirs = Pipe()
        with _signals_blocked(), theirs:
            self._process = process = subprocess.Popen(
                [sys.executable, "-c", START.format(path=sys.path), str(theirs.fileno())],
                **inheriting(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=self._output(),
                stderr=subprocess.DEVNULL if self._quiet else None,
            )
        self._wire = ours
        if self._prepare is not None:
            request = ForkingPickler.dumps((self._prepare, (), {}, (None, None), PICKLE))
            self._exchange(request, None, lambda wire: wire.recv(), None)
        return process, ours

    def _output(self) -> int:
        shown = not self._quiet and _has_file(sys.stderr)
        return sys.stderr.fileno() if shown else subprocess.DEVNULL

    def _death(self) -> str:
        """How the process ended, in words; it is cleared away."""
        code = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(LEAVE_SECONDS)
        self._end(now=True)
        return "closed its connection" if code is None else ending(code)

    def _end(self, now: bool = False) -> None:
        process, wire, self._process, self._wire = self._process, self._wire, None, None
        if wire is not None:
            wire.close()  # the process leaves at the end of its input
        if process is not None:
            if now:
                process.kill()
            try:
                process.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _forget(self) -> None:
        """After a fork the process belongs to the parent, and a lock may be held by its threads."""
        self._lock = threading.Lock()
        self._process = None
        if self._wire is not None:
            self._wire.close()
        self._wire = None


def ending(code: int) -> str:
    """How a process ended, in words.

    Examples
    --------
    >>> ending(3), ending(-9)
    ('ended with code 3', 'was killed by SIGKILL')
    """
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"


_WORKERS: weakref.WeakSet[Worker] = weakref.WeakSet()


def _forget_all() -> None:
    for worker in list(_WORKERS):
        worker._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _receive_file(wire: Wire) -> tuple[bytes, int | None]:
    reply = wire.recv_bytes(MAX_REPLY)
    if reply[:1] == FILE_FOLLOWS:
        return reply[1:], receive_file(wire)
    return reply[1:], None


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """A process inherits blocked signals: Ctrl-C is for the run, not for its workers."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _has_file(stream: Any) -> bool:
    try:
        os.fstat(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return False
    return True


# ------------------------------------------------------------------ inside the process


def serve(handle: int) -> None:
    """Answer calls until the other side is gone."""
    limited: int | None = None
    keep_freed_memory()
    with wire_of(handle) as wire:
        while True:
            try:
                fn, args, kwargs, (seconds, memory), mode = wire.recv()
            except (EOFError, OSError):
                return
            except Exception as error:  # a call of a module that cannot be imported here
                reason = f"{type(error).__name__}: {error}"
                wire.send((False, TaskError(f"the task cannot be unpickled: {reason}")))
                continue
            _limit_time(seconds)
            if memory != limited:
                _limit_memory(memory)
                keep_freed_memory(RESERVE if memory is None else memory // 16)
                limited = memory
            if mode != PICKLE:
                _reply_bytes(wire, fn, args, mode)
            elif not _reply(wire, fn, args, kwargs):
                return


def _reply(wire: Wire, fn: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    """Send the result or the exception; returns whether the other side is still there."""
    try:
        reply = (True, fn(*args, **kwargs))
    except Exception as error:
        reply = (False, error)
    try:
        wire.send(reply)
    except OSError:
        return False
    except Exception as error:  # a result that cannot be pickled
        wire.send((False, TaskError(f"the result cannot be pickled: {error}")))
    return True


def _reply_bytes(wire: Wire, fn: Callable[..., Any], args: Any, mode: str) -> None:
    if mode == BYTES:
        reply, out = fn(*args)
    else:
        file: int = receive_file(wire)
        try:
            reply, out = fn(file, *args)
        finally:
            os.close(file)
    wire.send_bytes((NO_FILE if out is None else FILE_FOLLOWS) + reply)
    if out is not None:
        send_file(wire, out)
        os.close(out)


def _limit_time(seconds: float | None) -> None:
    """A limit on processor time, in case nobody is left to end the call."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    spent, cores = used.ru_utime + used.ru_stime, os.cpu_count() or 1
    allowed = math.inf if seconds is None else spent + (seconds + 1) * cores
    soft = math.ceil(allowed) if allowed < MAX_LIMIT else hard
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _limit_memory(memory: int | None) -> None:
    """A limit on the address space beyond what the process has now (Linux only)."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if memory is None:
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
            return
        with open("/proc/self/statm") as sizes:
            now = int(sizes.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (min(now + memory, MAX_LIMIT), hard))
