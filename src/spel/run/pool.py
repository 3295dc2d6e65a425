"""Worker processes that are replaced when they die or hang: an executor for hard inputs.

`concurrent.futures.ProcessPoolExecutor` gives up as a whole when one worker dies and cannot stop a
task that hangs. Here each worker has a thread that watches over it: a dead worker is one failed
task, a task over its time is killed, and the next task gets a fresh process.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection, Pipe
from typing import Any

from spel.errors import ParameterError, TaskError

_START = (
    "import sys; sys.path[:] = {path!r}; from spel.run.pool import serve; "
    "serve(int(sys.argv[1]), {memory!r})"
)
_LEAVE = 5.0
"""Seconds that a worker gets to end by itself."""

Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Pool(Executor):
    """Processes for tasks, started when first needed.

    Parameters
    ----------
    workers : int
    seconds : float, optional
        Longest time for one task; a task over it fails with `TaskError`, its process is replaced.
    memory : int, optional
        Bytes that a worker may have beyond what it starts with; more gives `MemoryError` in the
        task (POSIX only).

    Examples
    --------
    >>> with Pool(1) as pool:
    ...     pool.submit(divmod, 7, 2).result()
    (3, 1)
    """

    def __init__(
        self, workers: int, *, seconds: float | None = None, memory: int | None = None
    ) -> None:
        if workers != int(workers) or workers < 1:
            raise ParameterError(f"workers {workers!r}: expected an integer of at least 1")
        if seconds is not None and not seconds > 0:
            raise ParameterError(f"seconds {seconds!r}: expected a number above 0")
        if memory is not None and memory < 1:
            raise ParameterError(f"memory {memory!r}: expected bytes, at least 1")
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._watchers = [
            _Watcher(self._queue, self._closed, seconds, memory) for _ in range(workers)
        ]
        for watcher in self._watchers:
            watcher.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Schedule a picklable call."""
        if self._closed.is_set():
            raise RuntimeError("this pool is shut down; make a new one")
        future: Future[Any] = Future()
        self._queue.put((future, fn, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the workers end after the scheduled tasks, or at once if those are cancelled."""
        if cancel_futures:
            self._closed.set()
            with contextlib.suppress(queue.Empty):
                while True:
                    work = self._queue.get_nowait()
                    if work is not None:
                        work[0].cancel()
        for _ in self._watchers:
            self._queue.put(None)
        if wait:
            for watcher in self._watchers:
                watcher.join()
        self._closed.set()

    def kill(self) -> None:
        """Stop every worker now; running tasks fail."""
        self._closed.set()
        for watcher in self._watchers:
            watcher.kill()

    @property
    def processes(self) -> list[int]:
        """Process numbers of the living workers."""
        return [pid for watcher in self._watchers if (pid := watcher.pid) is not None]


class _Watcher(threading.Thread):
    """Feeds one process with tasks, and replaces it."""

    def __init__(
        self,
        tasks: queue.SimpleQueue[Work | None],
        closed: threading.Event,
        seconds: float | None,
        memory: int | None,
    ) -> None:
        super().__init__(daemon=True, name="spel worker")
        self._tasks, self._closed, self._seconds, self._memory = tasks, closed, seconds, memory
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: Connection[Any, Any] | None = None

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def run(self) -> None:
        try:
            while (work := self._tasks.get()) is not None:
                future, fn, args, kwargs = work
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    answer = self._asked(fn, args, kwargs)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(answer)
                del future, work
        finally:
            self._end()

    def kill(self) -> None:
        process = self._process
        if process is not None:
            process.kill()

    def _asked(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if self._closed.is_set():
            raise TaskError("the run was stopped before this task was done")
        wire = self._living()
        try:
            wire.send((fn, args, kwargs))
            if not wire.poll(self._seconds):
                self._end(now=True)
                raise TaskError(
                    f"it took more than {self._seconds:g} seconds and was stopped; allow more time "
                    "or leave it out"
                )
            good, value = wire.recv()
        except (EOFError, ConnectionError) as error:
            raise TaskError(f"its worker {self._death()}; the next one goes on") from error
        if good:
            return value
        raise value

    def _living(self) -> Connection[Any, Any]:
        if self._process is not None and self._process.poll() is None and self._wire is not None:
            return self._wire
        self._end(now=True)
        ours, theirs = Pipe()
        start = _START.format(path=sys.path, memory=self._memory)
        # A worker inherits this thread's blocked signals: Ctrl-C is for the run, not for workers.
        with _blocked(), theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", start, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno() if _has_file(sys.stderr) else subprocess.DEVNULL,
            )
        self._wire = ours
        return ours

    def _death(self) -> str:
        """How the process ended, in words; it is cleared away."""
        code = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(_LEAVE)
        self._end(now=True)
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"was killed by {signal.Signals(-code).name}"
        return f"ended with code {code}"

    def _end(self, now: bool = False) -> None:
        process, wire, self._process, self._wire = self._process, self._wire, None, None
        if wire is not None:
            wire.close()  # the worker leaves at the end of its input
        if process is not None:
            if now:
                process.kill()
            try:
                process.wait(_LEAVE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def serve(handle: int, memory: int | None) -> None:
    """The worker's side: answer until the other side is gone."""
    _limit(memory)
    with Connection(handle) as wire:
        while True:
            try:
                fn, args, kwargs = wire.recv()
            except (EOFError, OSError):
                return
            except Exception as error:  # a task of a module that is not to be had here
                told = f"{type(error).__name__}: {error}"
                wire.send((False, TaskError(f"it cannot be read by its worker ({told})")))
                continue
            try:
                answer = (True, fn(*args, **kwargs))
            except Exception as error:
                answer = (False, error)
            try:
                wire.send(answer)
            except OSError:
                return
            except Exception as error:  # an answer that cannot be pickled
                wire.send((False, TaskError(f"its answer cannot travel: {error}")))


def _limit(memory: int | None) -> None:
    if memory is None:
        return
    try:
        import resource
    except ImportError:  # not on Windows
        return
    import spel.decide
    import spel.io.image.reader  # noqa: F401  # loaded libraries count as what the worker starts with

    with open("/proc/self/statm") as sizes:
        now = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))


@contextlib.contextmanager
def _blocked() -> Any:
    if not hasattr(signal, "pthread_sigmask"):
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
