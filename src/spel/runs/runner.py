"""Run a job into a folder, in the order of the sources, and resume it after a crash."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

from spel import __version__, atomic
from spel.errors import ParameterError, TaskError, WriteError
from spel.io.sources import expand
from spel.runs.function_job import FunctionJob
from spel.runs.helping import help_others
from spel.runs.job import Job
from spel.runs.manifest import Manifest
from spel.runs.names import FileNames, OutputFiles
from spel.runs.resume import ResumeState, reconcile, sort_lines
from spel.runs.run_files import RunFiles
from spel.runs.run_writer import NEVER, RunWriter
from spel.runs.scheduler import run_tasks
from spel.runs.shard import Shard
from spel.runs.source_image import Record
from spel.runs.split import End, OnSplit, sources_of, tasks_of_shard, with_parts
from spel.runs.spread import remove_parts
from spel.runs.stop import Stop
from spel.runs.task import Failure, Outcome, Task

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
Function = Callable[[npt.NDArray[Any]], Mapping[str, Any]]
OnResult = Callable[[Record | Failure], None]
OnStart = Callable[[ResumeState, int], None]
OnError = Literal["skip", "stop"]


@dataclass(frozen=True)
class RunReport:
    """Counts of a run.

    Attributes
    ----------
    images, failed, items : int
        Of the whole run, including what was done before an interruption; a frame is an image, and
        items are what the job counts, such as boxes.
    seconds : float
        Duration of this call.
    folder : Path
    failures : tuple of Failure
        Failures of this call.
    resumed : int
        Images that an earlier call had done.
    changed : tuple of str
        Images that an earlier call had done, but whose files have changed; they were done again.
    collected : tuple of Path
        Files that were made of all results.
    """

    images: int
    failed: int
    items: int
    seconds: float
    folder: Path
    failures: tuple[Failure, ...] = ()
    resumed: int = 0
    changed: tuple[str, ...] = ()
    collected: tuple[Path, ...] = ()


def run(
    job: Job | Function,
    sources: Paths,
    out: str | os.PathLike[str],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    on_start: OnStart | None = None,
    on_split: OnSplit | None = None,
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
    job : Job or callable
        A function is a job of its own: it takes the array of an image and returns a mapping of
        plain values for its line, see `spel.runs.FunctionJob`.
    sources : path or paths
        Image files, videos, folders, patterns and lists, see `spel.io.expand`.
    out : path
        Folder; created if it does not exist.
    workers : int
        Processes; 1 without limits computes in this process.
    executor : concurrent.futures.Executor, optional
        Used instead of own processes, such as a Dask client's ``get_executor()``. Paths are made
        absolute then.
    on_start : callable, optional
        Called once with the `ResumeState` and the number of images of the run; a video that is not
        done counts as one image.
    on_split : callable, optional
        Called when a video is opened, with its number of selected frames.
    on_result : callable, optional
        Called with each result or failure when it is written.
    shard : Shard, optional
        Process every n-th image, and every n-th frame of videos, into files named for that shard.
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
        If the folder holds a run of other settings or another run is writing to it, if files of
        images are written to the folder of an image, or `workers` is below 1. A bad image is no
        error.
    WriteError
        If the folder cannot be written, or the disk is full or fails; the same run resumes when
        the cause is removed.
    TaskError
        If an image failed and `on_error` is "stop".
    Interrupted
        If SIGINT (Ctrl-C) or SIGTERM came; the files are complete up to there.

    Examples
    --------
    A job of one's own is one function:

    >>> import numpy as np, spel, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> spel.write(folder + "/a.png", np.full((4, 4), 7, np.uint8))
    >>> def brightness(image):
    ...     return {"mean": float(image.mean())}
    >>> report = spel.run(brightness, folder + "/*.png", folder + "/out")
    >>> report.images, report.failed
    (1, 0)
    >>> line = (report.folder / "results.jsonl").read_text()
    >>> line[line.index('"mean"') :].strip()
    '"mean": 7.0}'
    """
    if workers != int(workers) or workers < 1:
        raise ParameterError(f"run: workers {workers!r}; expected an integer of at least 1")
    job = job if isinstance(job, Job) else FunctionJob(job)
    if isinstance(job, FunctionJob) and (workers, seconds, memory) != (1, None, None):
        job.check_importable()
    part = shard or Shard()
    files = RunFiles(atomic.make_folder(out), part)
    paths = _images(job, sources, files.folder)
    names = [os.fsdecode(path if executor is None else path.absolute()) for path in paths]
    every = job.tasks(names, str(files.folder))
    tasks = tasks_of_shard(every, part)
    order = sources_of(tasks)
    config = {**job.to_dict(), "spel": __version__, "shard": f"{part.index}/{part.count}"}
    limits: dict[str, Any] = {"seconds": seconds, "memory": memory}
    with ExitStack() as stack:
        stop = stack.enter_context(Stop())
        manifest = stack.enter_context(_open_manifest(files, job, config, fresh))
        atomic.remove_leftovers(files.folder, _names(files, tasks))
        if fresh:
            remove_parts(files.folder)
        lines = files.results, files.failures
        state = reconcile(manifest, lines, order, retry=retry, counted=job.counted)
        if on_start is not None:
            on_start(state, order.expected_images(state.done))
        remaining = [task for task in tasks if task.image not in state.done]
        changed = {task.image for task in remaining}
        config["images"] = len(tasks)
        writer = RunWriter(stack, files, manifest, state, config, job.counted, set(changed))
        single = with_parts(remaining, state.done, part, seconds, on_split)
        stack.enter_context(closing(single))
        outcomes = run_tasks(single, workers=workers, executor=executor, stop=stop, **limits)
        _write(_while_sources_last(outcomes, remaining), writer, on_result, on_error)
        if writer.remaining:
            stop.raise_if_requested()
        help_others(every, part, stop, workers=workers, executor=executor, **limits)
        for path in lines:
            sort_lines(path, order)
        collected = job.collect(files, tasks, changed)
    return RunReport(
        writer.done,
        writer.failed,
        writer.items,
        writer.seconds,
        files.folder,
        tuple(writer.failures),
        state.images,
        state.changed,
        tuple(collected),
    )


def _images(job: Job, sources: Paths, out: Path) -> list[Path]:
    """The images; not beside what the job writes of them: a mask would replace its image."""
    paths = expand(sources, outside=out)
    writes = job.writes_files or job.to_dict().get("save")
    for folder, path in {path.parent: path for path in reversed(paths if writes else [])}.items():
        if os.path.realpath(folder) == os.path.realpath(out):
            raise ParameterError(
                f"run: {out} holds images of the run, such as {path.name}, and what is written "
                "there would replace them; give another folder"
            )
    return paths


def _open_manifest(files: RunFiles, job: Job, config: dict[str, Any], fresh: bool) -> Manifest:
    """The manifest, which any version of spel may have begun."""

    def comparable(settings: dict[str, Any]) -> dict[str, Any]:
        return {**job.comparable(settings), "spel": None}

    return Manifest(files.manifest, config, fresh=fresh, sync_every=NEVER, comparable=comparable)


def _names(files: RunFiles, tasks: Sequence[Task]) -> FileNames:
    """Names of all files that the run may write."""
    outputs = [getattr(task, "files", None) for task in tasks]
    stems = [output.stem for output in outputs if isinstance(output, OutputFiles)]
    return FileNames(files.names, [*stems, files.results.stem])


def _while_sources_last(outcomes: Iterator[Outcome], tasks: Sequence[Task]) -> Iterator[Outcome]:
    """The outcomes, as long as the folders of the sources exist."""
    folders = {folder for task in tasks if os.path.isdir(folder := os.path.dirname(task.image))}
    for outcome in outcomes:
        folder = os.path.dirname(outcome.result.image)
        if outcome.failed and folder in folders and not os.path.isdir(folder):
            raise TaskError(
                f"{folder}: the folder has vanished; nothing is lost, and the same command goes on "
                "when it is back"
            )
        yield outcome


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
            if on_result is not None and not isinstance(result, End):
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
