"""Tasks in, answers out: in the order of the tasks, with a bounded number under way."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

from spel.errors import TaskError, WriteError
from spel.run.pool import Pool
from spel.run.stop import Stop
from spel.run.task import Answer, Failure, Task, Watched

GRACE = 5.0
"""Seconds that tasks under way get after an interruption."""

_LOST = (
    "the tasks under way were lost, as when a cluster's scheduler ends; what was done is kept; run "
    "it again to go on"
)


def answers(
    tasks: Iterable[Task],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    seconds: float | None = None,
    memory: int | None = None,
    stop: Stop | None = None,
) -> Iterator[Answer]:
    """The answers of tasks, in their order, whatever the workers.

    At most a few tasks per worker are under way, so that memory does not grow with their number. A
    task that raises, hangs over its time or takes its worker down is answered by a `Failure`; only
    a `WriteError` ends it all, for the next task could not write either, and a `TaskError` if the
    executor itself is lost.

    Parameters
    ----------
    tasks : iterable of Task
    workers : int
        Processes; 1 without limits works in this one.
    executor : concurrent.futures.Executor, optional
        In place of own processes; limits are then its own business.
    seconds, memory : float, int, optional
        Limits of one task; they ask for worker processes, even for one worker.
    stop : Stop, optional
        Once asked to stop, no task is begun; those under way are answered if they end soon.
    """
    halted = stop if stop is not None else Stop()
    watched = map(Watched, tasks)
    if executor is not None:
        yield from _submitted(executor, watched, 64, halted)
    elif workers == 1 and seconds is None and memory is None:
        for task in watched:
            if halted.asked:
                return
            yield task()
    else:
        pool = Pool(workers, seconds=seconds, memory=memory)
        try:
            yield from _submitted(pool, watched, 4 * workers, halted)
        except BaseException:
            pool.kill()
            raise
        finally:
            if halted.asked:
                pool.kill()
            pool.shutdown(cancel_futures=True)


def _submitted(
    executor: Executor, tasks: Iterator[Watched], ahead: int, stop: Stop
) -> Iterator[Answer]:
    waiting: deque[tuple[Watched, Future[Answer]]] = deque()

    def lost() -> bool:  # said by executors whose tasks are elsewhere
        return bool(getattr(executor, "lost", False))

    try:
        for task in tasks:
            if stop.asked:
                break
            waiting.append((task, _given(executor, task)))
            if len(waiting) >= ahead:
                answer = _answered(*waiting.popleft(), stop, lost)
                if answer is None:
                    return
                yield answer
        while waiting:
            answer = _answered(*waiting.popleft(), stop, lost)
            if answer is None:
                return
            yield answer
    finally:
        for _, future in waiting:
            future.cancel()


def _given(executor: Executor, task: Watched) -> Future[Answer]:
    try:
        return executor.submit(task)
    except Exception as error:
        raise TaskError(f"{_LOST} ({error or type(error).__name__})") from error


def _answered(
    task: Watched, future: Future[Answer], stop: Stop, lost: Callable[[], bool]
) -> Answer | None:
    """The answer; None if the run was stopped before it came."""
    while True:
        if stop.asked and not future.running() and not future.done():
            future.cancel()
            return None
        with contextlib.suppress(TimeoutError):
            return _outcome(task, future, stop)
        if stop.asked and stop.elapsed > GRACE:
            return None
        if lost() and not future.done():
            raise TaskError(_LOST)


def _outcome(task: Watched, future: Future[Answer], stop: Stop) -> Answer | None:
    try:
        answer: Any = future.result(timeout=0.2)
    except TimeoutError:
        if not future.done():
            raise
        return Answer(Failure(task.image, "TimeoutError", "it took too long"), None, 0.0)
    except CancelledError:
        if stop.asked:
            return None
        raise TaskError(_LOST) from None
    except WriteError:
        raise
    except Exception as error:
        return Answer(Failure.of(task.image, error), None, 0.0)
    return answer if isinstance(answer, Answer) else None
