"""Tasks over workers: results in the order of the tasks, whatever computes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from signal import SIGINT
from time import perf_counter

from spel.errors import Interrupted, SpelError, WriteError
from spel.runs.pool import Pool
from spel.runs.spread import RunParts, SpreadTask
from spel.runs.stop import Stop
from spel.runs.task import Failure, Outcome, Task, TimedTask, WorkersLost, outcome_of

GRACE = 1.0
"""Seconds that running tasks get to finish after an interruption."""

POLL = 0.2
"""Seconds between two looks at an unfinished task."""

EXECUTOR_LOST = (
    "the workers are gone, as when a cluster's scheduler ends: the running tasks are lost, "
    "finished ones are saved; run it again to go on"
)


def run_tasks(
    tasks: Iterable[Task],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    seconds: float | None = None,
    memory: int | None = None,
    stop: Stop | None = None,
    ahead: int | None = None,
) -> Iterator[Outcome]:
    """Run tasks and yield their outcomes, in the order of the tasks.

    At most a few tasks per worker are scheduled ahead, so memory does not grow with the number of
    tasks. A task that raises, exceeds its time or kills its worker gives a `Failure`.

    Parameters
    ----------
    tasks : iterable of Task
    workers : int
        Processes; 1 without limits runs the tasks in this process.
    executor : concurrent.futures.Executor, optional
        Used instead of own processes; `seconds` and `memory` do not apply to it.
    seconds, memory : float, int, optional
        Limits of one task. They require a worker process, even for one worker.
    stop : Stop, optional
        After its request no task begins; running ones get `GRACE` seconds.
    ahead : int, optional
        Tasks that are scheduled at most before the oldest one's outcome is taken: few, where
        outcomes are large. By default 4 for each worker, and 64 for an executor.

    Raises
    ------
    WriteError
        If a task could not write its files: the next one could not either.
    TaskError
        If the executor itself is lost.
    """
    stop = stop if stop is not None else Stop()
    timed = map(TimedTask, tasks)
    if executor is not None:
        yield from _in_order(executor, timed, ahead or 64, stop)
    elif workers == 1 and seconds is None and memory is None:
        yield from _here(timed, stop)
    else:
        with Pool(workers, seconds=seconds, memory=memory) as pool:
            yield from _in_order(pool, timed, ahead or 4 * workers, stop)
            if stop.requested:
                pool.kill()


def _here(tasks: Iterator[TimedTask], stop: Stop) -> Iterator[Outcome]:
    """Run tasks in this process; a signal ends the running task, which then counts as not begun."""
    for task in tasks:
        if stop.requested:
            return
        try:
            with stop.interrupting():
                outcome = _completed(task(), lambda parts: _here(map(TimedTask, parts), stop), stop)
        except Interrupted:
            return
        yield outcome


def _completed(outcome: Outcome, run: RunParts, stop: Stop) -> Outcome:
    """An outcome; if its work is left to all workers, the outcome of that work."""
    work = outcome.result
    if not isinstance(work, SpreadTask):
        return outcome

    def run_all(parts: Iterable[Task]) -> Iterator[Outcome]:
        yield from run(parts)
        stop.raise_if_requested()

    with stop.interrupting():
        call = partial(work.spread, run_all, outcome.identity)
        done = outcome_of(work.image, call, outcome.identity, perf_counter())
    return replace(done, ms=round(outcome.ms + done.ms, 3))


def _in_order(
    executor: Executor, tasks: Iterator[TimedTask], ahead: int, stop: Stop
) -> Iterator[Outcome]:
    """Keep `ahead` tasks scheduled and yield the oldest one's outcome; end if it was stopped."""
    waiting: deque[tuple[TimedTask, Future[Outcome]]] = deque()

    def lost() -> bool:  # executors on other machines have this attribute
        return bool(getattr(executor, "lost", False))

    def oldest() -> Outcome:
        outcome = wait_for(*waiting.popleft(), stop, lost)
        if outcome is None:
            raise Interrupted(stop.number or SIGINT)
        return _completed(outcome, parts, stop)

    def parts(some: Iterable[Task]) -> Iterator[Outcome]:
        return _in_order(executor, map(TimedTask, some), ahead, stop)

    try:
        for task in tasks:
            if stop.requested:
                break
            waiting.append((task, _submit(executor, task)))
            if len(waiting) >= ahead:
                yield oldest()
        while waiting:
            yield oldest()
    except Interrupted:
        return
    finally:
        for _, future in waiting:
            future.cancel()


def _submit(executor: Executor, task: TimedTask) -> Future[Outcome]:
    try:
        return executor.submit(task)
    except SpelError:
        raise
    except Exception as error:
        raise WorkersLost(f"{EXECUTOR_LOST} ({error or type(error).__name__})") from error


def wait_for(
    task: TimedTask, future: Future[Outcome], stop: Stop, lost: Callable[[], bool]
) -> Outcome | None:
    """The outcome of a scheduled task; None if the run was stopped before it came."""
    while True:
        if stop.requested and not future.running() and not future.done():
            future.cancel()
            return None
        with suppress(TimeoutError):
            return _poll(task, future, stop)
        if stop.requested and stop.elapsed > GRACE:
            return None
        if lost() and not future.done():
            raise WorkersLost(EXECUTOR_LOST)


def _poll(task: TimedTask, future: Future[Outcome], stop: Stop) -> Outcome | None:
    """The outcome if it comes within `POLL` seconds, else a TimeoutError."""
    try:
        return future.result(timeout=POLL)
    except TimeoutError:
        if not future.done():
            raise
        return Outcome(Failure(task.image, "TimeoutError", "it took too long"), None, 0.0)
    except CancelledError:
        if stop.requested:
            return None
        raise WorkersLost(EXECUTOR_LOST) from None
    except WriteError:
        raise
    except Exception as error:
        return Outcome(Failure.of(task.image, error), None, 0.0)
