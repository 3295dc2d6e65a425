"""Run a detection into a folder, in the order of the sources, and resume it after a crash."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spel import __version__, atomic
from spel.errors import ParameterError, TaskError, WriteError
from spel.io.annotation.results import Result
from spel.jobs.detect import DetectTask, detect_tasks
from spel.jobs.detect_job import DetectJob, comparable_config
from spel.jobs.pictures import VIDEO, FileNames
from spel.jobs.resume import ResumeState, reconcile, sort_lines
from spel.jobs.run_files import NEVER, RunFiles, RunWriter
from spel.jobs.video import OnVideo, VideoEnd, VideoTask, sources_of, with_frames
from spel.jobs.video_overlay import write_video_overlay
from spel.runs import Failure, Manifest, Outcome, Shard, Stop, run_tasks

OnResult = Callable[[Result | Failure], None]
OnStart = Callable[[ResumeState, int], None]
OnError = Literal["skip", "stop"]


@dataclass(frozen=True)
class RunReport:
    """Counts of a run.

    Attributes
    ----------
    images, failed, boxes : int
        Of the whole run, including what was done before an interruption; a frame is an image.
    seconds : float
        Duration of this call.
    folder : Path
    failures : tuple of Failure
        Failures of this call.
    resumed : int
        Images that an earlier call had done.
    changed : tuple of str
        Images that an earlier call had done, but whose files have changed; they were done again.
    """

    images: int
    failed: int
    boxes: int
    seconds: float
    folder: Path
    failures: tuple[Failure, ...] = ()
    resumed: int = 0
    changed: tuple[str, ...] = ()


def run(
    job: DetectJob,
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    on_start: OnStart | None = None,
    on_video: OnVideo | None = None,
    on_result: OnResult | None = None,
    shard: Shard | None = None,
    fresh: bool = False,
    retry: bool = False,
    on_error: OnError = "skip",
    seconds: float | None = None,
    memory: int | None = None,
) -> RunReport:
    """Run a job over images into a folder: results, failures, manifest and ``run.json``.

    Lines are written whole and in the order of the sources, for any number of workers. Run again
    with the same settings, it resumes where it was stopped or killed: no image is lost or done
    twice, and the files become the same, byte for byte. Images that have changed since are done
    again; images that are no longer among the sources are removed from the results.

    Parameters
    ----------
    job : DetectJob
    sources : sequence of paths
        Image files and videos, see `spel.io.sources.expand`.
    out : path
        Folder; created if it does not exist.
    workers : int
        Processes; 1 without limits computes in this process.
    executor : concurrent.futures.Executor, optional
        Used instead of own processes, such as a Dask client's ``get_executor()``.
    on_start : callable, optional
        Called once with the `ResumeState` and the number of images of the run; a video that is not
        done counts as one image.
    on_video : callable, optional
        Called when a video is opened, with its number of selected frames.
    on_result : callable, optional
        Called with each result or failure when it is written.
    shard : Shard, optional
        Process every n-th image only, into files named for that shard.
    fresh : bool
        Discard what an earlier run wrote.
    retry : bool
        Process failed images again.
    on_error : {"skip", "stop"}
        Whether a failed image ends the run.
    seconds, memory : optional
        Limits of one image, see `spel.runs.Pool`.

    Returns
    -------
    RunReport

    Raises
    ------
    ParameterError
        If the folder holds a run of other settings or another run is writing to it, or `workers`
        is below 1. A bad image is no error.
    WriteError
        If the folder cannot be written, or the disk is full or fails; the same run resumes when
        the cause is removed.
    TaskError
        If an image failed and `on_error` is "stop".
    Interrupted
        If SIGINT (Ctrl-C) or SIGTERM came; the files are complete up to there.
    """
    if workers != int(workers) or workers < 1:
        raise ParameterError(f"run: workers {workers!r}; expected an integer of at least 1")
    part = shard or Shard()
    files = RunFiles(atomic.make_folder(out), part)
    tasks = part.select(detect_tasks(job, sources))
    order = sources_of(tasks)
    config = {**job.to_dict(), "spel": __version__, "shard": f"{part.index}/{part.count}"}
    with ExitStack() as stack:
        stop = stack.enter_context(Stop())
        manifest = stack.enter_context(
            Manifest(
                files.manifest,
                config,
                fresh=fresh,
                sync_every=NEVER,
                comparable=comparable_config,
            )
        )
        atomic.remove_leftovers(files.folder, FileNames(files.names, tasks if job.save else ()))
        lines = files.results, files.failures
        state = reconcile(manifest, lines, order, retry=retry)
        if on_start is not None:
            on_start(state, order.expected_images(state.done))
        remaining = [task for task in tasks if task.image not in state.done]
        names = {task.image for task in remaining}
        config["images"] = len(tasks)
        writer = RunWriter(stack, files, manifest, state, config, set(names))
        single = stack.enter_context(closing(with_frames(remaining, state.done, seconds, on_video)))
        limits: dict[str, Any] = {"seconds": seconds, "memory": memory}
        outcomes = run_tasks(single, workers=workers, executor=executor, stop=stop, **limits)
        _write(outcomes, writer, on_result, on_error)
        if writer.remaining:
            stop.raise_if_requested()
        for path in lines:
            sort_lines(path, order)
        if "overlay" in job.save:
            _write_overlays(job, tasks, files.results, names)
    return _report(writer, state, files.folder)


def _write(
    outcomes: Iterator[Outcome],
    writer: RunWriter,
    on_result: OnResult | None,
    on_error: OnError,
) -> None:
    """Write all outcomes, and close the files also after an error."""
    try:
        for outcome in outcomes:
            writer.add(outcome)
            result = outcome.result
            if on_result is not None and not isinstance(result, VideoEnd):
                on_result(result)
            if isinstance(result, Failure) and on_error == "stop":
                raise TaskError(
                    f"{result.text}; the run was stopped at the first failure, run it again with "
                    "--on-error skip to go on"
                )
    except BaseException:
        with suppress(WriteError):  # the first error counts
            writer.close()
        raise
    writer.close()


def _write_overlays(
    job: DetectJob, tasks: Sequence[DetectTask | VideoTask], results: Path, changed: set[str]
) -> None:
    """Videos with boxes, for those that this run has read or that have none yet."""
    for task in tasks:
        if isinstance(task, VideoTask):
            path = results.parent / f"{task.name}.{VIDEO}"
            if task.image in changed or not path.exists():
                write_video_overlay(
                    task.image, results, path, every=job.every, max_pixels=job.limit
                )


def _report(writer: RunWriter, state: ResumeState, folder: Path) -> RunReport:
    return RunReport(
        writer.done,
        writer.failed,
        writer.boxes,
        writer.seconds,
        folder,
        tuple(writer.failures),
        state.images,
        state.changed,
    )
