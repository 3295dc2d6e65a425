"""Run tasks on an executor and collect their results into a folder, in the order of the sources."""

from __future__ import annotations

import json
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

from spel import __version__, atomic
from spel.errors import ParameterError
from spel.io.results import Result, ResultsWriter
from spel.jobs.detect import DetectJob, DetectTask, Failure

RESULTS, FAILURES, RUN = "results.jsonl", "failures.jsonl", "run.json"

Told = Callable[[Result | Failure], None]


@dataclass(frozen=True)
class Report:
    """How a run went.

    Attributes
    ----------
    images, failed, boxes : int
    seconds : float
    folder : Path
    failures : tuple of Failure
    """

    images: int
    failed: int
    boxes: int
    seconds: float
    folder: Path
    failures: tuple[Failure, ...] = ()


def run(
    job: DetectJob,
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    tell: Told | None = None,
) -> Report:
    """Run a job over images into a folder: ``results.jsonl``, ``failures.jsonl``, ``run.json``.

    Lines are written whole, in the order of the sources whatever the workers, each when it is its
    turn: after an interruption the lines written so far stay and ``run.json`` says that it is not
    complete. Results of an earlier run in the folder are replaced.

    Parameters
    ----------
    job : DetectJob
    sources : sequence of paths
        Image files, see `spel.io.sources.expand`.
    out : path
        Made if absent.
    workers : int
        Processes; 1 works in this one.
    executor : concurrent.futures.Executor, optional
        In place of own processes; a Dask client's ``get_executor()`` is one.
    tell : callable, optional
        Gets each result or failure as it is written: for progress.

    Returns
    -------
    Report

    Raises
    ------
    ParameterError
        If the folder cannot be made or written, or `workers` is below 1. A bad image is no error.
    """
    if workers != int(workers) or workers < 1:
        raise ParameterError(f"run: workers {workers!r}; expected an integer of at least 1")
    folder = _emptied(Path(out))
    state = {**job.to_dict(), "spel": __version__, "images": len(sources)}
    atomic.write_text(folder / RUN, _json({**state, "complete": False}))
    began = perf_counter()
    failures: list[Failure] = []
    done = boxes = 0
    try:
        with ExitStack() as stack:
            results = stack.enter_context(ResultsWriter(folder / RESULTS, sync_every=64))
            lines = stack.enter_context(ResultsWriter(folder / FAILURES))
            for answer in answers(job.tasks(sources), workers=workers, executor=executor):
                if isinstance(answer, Failure):
                    failures.append(answer)
                    lines.append_line(json.dumps(answer.to_dict()))
                else:
                    boxes += len(answer)
                    results.append(answer)
                done += 1
                if tell is not None:
                    tell(answer)
    finally:
        seconds = perf_counter() - began
        totals = {
            "complete": done == len(sources),
            "done": done,
            "failed": len(failures),
            "boxes": boxes,
            "seconds": round(seconds, 3),
        }
        atomic.write_text(folder / RUN, _json({**state, **totals}))
    return Report(done, len(failures), boxes, seconds, folder, tuple(failures))


def answers(
    tasks: Sequence[DetectTask], *, workers: int = 1, executor: Executor | None = None
) -> Iterator[Result | Failure]:
    """Answers in the order of the tasks; at most a few per worker are under way."""
    if executor is not None:
        yield from _submitted(executor, tasks, ahead=64)
    elif workers == 1:
        for task in tasks:
            yield task()
    else:
        # Spawned, because a fork copies the locks of the engine's threads as they stand.
        # Ctrl-C is for this process alone: workers that it hits would leave the pool waiting.
        pool = ProcessPoolExecutor(
            workers,
            mp_context=get_context("spawn"),
            initializer=signal.signal,
            initargs=(signal.SIGINT, signal.SIG_IGN),
        )
        try:
            yield from _submitted(pool, tasks, ahead=4 * workers)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _submitted(
    executor: Executor, tasks: Sequence[DetectTask], *, ahead: int
) -> Iterator[Result | Failure]:
    waiting: deque[tuple[DetectTask, Future[Result | Failure]]] = deque()
    try:
        for task in tasks:
            waiting.append((task, executor.submit(task)))
            if len(waiting) >= ahead:
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())
    finally:
        for _, future in waiting:
            future.cancel()


def _outcome(task: DetectTask, future: Future[Result | Failure]) -> Result | Failure:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:
        return Failure(task.image, type(error).__name__, str(error))


def _emptied(folder: Path) -> Path:
    """The folder, without the results of an earlier run."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (RUN, RESULTS, FAILURES):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise ParameterError(
            f"cannot write into {str(folder)!r}: {error.strerror}; choose another folder"
        ) from error
    return folder


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"
