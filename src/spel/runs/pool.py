"""Worker processes that are replaced when they die or hang: an executor for hard inputs.

`concurrent.futures.ProcessPoolExecutor` gives up as a whole when one process dies and cannot stop
a task that hangs. Here each process has a thread that watches over it: a dead process is one failed
task, a task over its time is killed, and the next task gets a fresh process.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from spel.errors import ParameterError, TaskError, plural
from spel.worker import Worker, WorkerDeath, WorkerTimeout

Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]

START_SECONDS = 120.0
"""Longest time in which a new process imports what its first task needs."""


class Pool(Executor):
    """Processes for tasks, started when first needed.

    Parameters
    ----------
    workers : int
    seconds : float, optional
        Longest time for one task; a task over it fails with `TaskError`, its process is replaced.
        What a new process needs to begin does not count, nor (on Linux) what a task waits for a
        processor of a busy machine, up to ten times the limit.
    memory : int, optional
        Bytes that a worker may have beyond what it starts with; more gives `MemoryError` in the
        task (Linux only).

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
        self._most, self._limits = workers, (seconds, memory)
        self._watchers: list[_Watcher] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Schedule a picklable call."""
        if self._closed.is_set():
            raise RuntimeError("this pool is shut down; make a new one")
        if len(self._watchers) < self._most:
            self._watch_one_more()
        future: Future[Any] = Future()
        self._queue.put((future, fn, args, kwargs))
        return future

    def _watch_one_more(self) -> None:
        watcher = _Watcher(self._queue, self._closed, *self._limits)
        try:
            watcher.start()
        except RuntimeError as error:  # Python's own, without a kind
            raise TaskError(
                f"the system starts no more than {plural(len(self._watchers), 'worker')} "
                f"({error}); use fewer workers, or allow more memory and processes"
            ) from error
        self._watchers.append(watcher)

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
            watcher.worker.kill()

    def __exit__(self, *error: Any) -> None:
        """End after the scheduled tasks; at once after an error."""
        if error[0] is not None:
            self.kill()
        self.shutdown(cancel_futures=error[0] is not None)

    @property
    def processes(self) -> list[int]:
        """Process numbers of the living workers."""
        return [pid for watcher in self._watchers if (pid := watcher.worker.pid) is not None]


class _Watcher(threading.Thread):
    """Feeds one worker with tasks."""

    def __init__(
        self,
        tasks: queue.SimpleQueue[Work | None],
        closed: threading.Event,
        seconds: float | None,
        memory: int | None,
    ) -> None:
        super().__init__(daemon=True, name="spel worker")
        self._tasks, self._closed, self._seconds, self._memory = tasks, closed, seconds, memory
        self.worker = Worker()

    def run(self) -> None:
        with self.worker:
            while (work := self._tasks.get()) is not None:
                future, fn, args, kwargs = work
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    result = self._call(fn, args, kwargs)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
                del future, work

    def _call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if self._closed.is_set():
            raise TaskError("the run was stopped before this task was done")
        try:
            if self._seconds is not None and self.worker.pid is None:
                self.worker.call(_received, (fn, args, kwargs), seconds=START_SECONDS)
            return self.worker.call(fn, args, kwargs, seconds=self._seconds, memory=self._memory)
        except WorkerTimeout as error:
            raise TaskError(f"{error} and was stopped; allow more time or leave it out") from None
        except WorkerDeath as error:
            raise TaskError(f"its worker {error}; the next task gets a new one") from error


def _received(*task: Any) -> None:
    """A task has reached a process, which has imported what belongs to it."""
