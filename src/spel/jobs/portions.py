"""Portions of a learner's examples, run in workers: results in order, or the first error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from typing import Any

from spel.errors import TaskError
from spel.runs import Stop, run_tasks
from spel.runs.pool import Pool


@contextmanager
def in_workers(
    workers: int,
    *,
    executor: Executor | None = None,
    stop: Stop | None = None,
) -> Iterator[Callable[[Iterable[Any]], Iterator[Any]]]:
    """A function that runs tasks in so many processes and gives their results in order.

    One worker is this process, and an executor, such as that of a Dask cluster, is used instead of
    own processes. The function raises `TaskError` with the first error of a task, and `Interrupted`
    after a stop.
    """
    request = stop if stop is not None else Stop()

    def run(tasks: Iterable[Any]) -> Iterator[Any]:
        outcomes = run_tasks(tasks, executor=chosen, stop=request, ahead=2 * workers)
        for outcome in outcomes:
            if outcome.failed:
                raise TaskError(outcome.result.text)
            yield outcome.result
        request.raise_if_requested()

    own = workers > 1 and executor is None
    with Pool(workers) if own else nullcontext(executor) as chosen:
        yield run
