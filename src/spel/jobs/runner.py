"""Run a job over images into a folder, in the order of the images, and go on after a crash."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, Literal

from spel import __version__, atomic
from spel.errors import ParameterError, TaskError, WriteError
from spel.io.annotation.results import Result
from spel.jobs.detect import DetectJob
from spel.jobs.pictures import VIDEO, Pictures
from spel.jobs.resume import NO_LINE, Kept, agreed, ordered
from spel.jobs.video import Asked, Clip, Ended, unrolled
from spel.lines import LineWriter
from spel.run import Entry, Failure, Manifest, Shard, Stop, Task, answers
from spel.run.manifest import checksum
from spel.run.task import Answer

RESULTS, FAILURES, RUN = "results.jsonl", "failures.jsonl", "run.json"
MANIFEST = "manifest.jsonl"
SYNC_SECONDS, SYNC_LINES = 1.0, 64

Told = Callable[[Result | Failure], None]
OnError = Literal["skip", "stop"]


@dataclass(frozen=True)
class Report:
    """How a run went.

    Attributes
    ----------
    images, failed, boxes : int
        Of the whole run, also what was done before it was interrupted; a frame is an image.
    seconds : float
        Of this part.
    folder : Path
    failures : tuple of Failure
        Of this part.
    kept : int
        Images that were done before.
    changed : tuple of str
        Images that were done before but are other files now, and were done again.
    """

    images: int
    failed: int
    boxes: int
    seconds: float
    folder: Path
    failures: tuple[Failure, ...] = ()
    kept: int = 0
    changed: tuple[str, ...] = ()


def run(
    job: DetectJob,
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    tell: Told | None = None,
    begun: Callable[[Kept], None] | None = None,
    shard: Shard | None = None,
    fresh: bool = False,
    retry: bool = False,
    on_error: OnError = "skip",
    seconds: float | None = None,
    memory: int | None = None,
) -> Report:
    """Run a job over images into a folder: results, failures, manifest and ``run.json``.

    Lines are written whole, in the order of the sources whatever the workers, each when it is its
    turn. Run again with the same settings it goes on where it was stopped or killed: nothing is
    lost, nothing is done twice, and the files become the same, byte for byte. Images that changed
    since are done again, those no longer asked for leave the results.

    Parameters
    ----------
    job : DetectJob
    sources : sequence of paths
        Image files and videos, see `spel.io.sources.expand`.
    out : path
        Made if absent.
    workers : int
        Processes; 1 works in this one unless there are limits.
    executor : concurrent.futures.Executor, optional
        In place of own processes; a Dask client's ``get_executor()`` is one.
    tell : callable, optional
        Gets each result or failure as it is written: for progress.
    begun : callable, optional
        Gets what was done before, once.
    shard : Shard, optional
        Do every n-th image only, into files of that shard.
    fresh : bool
        Replace what an earlier run wrote.
    retry : bool
        Do failed images again.
    on_error : {"skip", "stop"}
        Whether a failed image ends the run.
    seconds, memory : optional
        Limits of one image, see `spel.run.Pool`.

    Returns
    -------
    Report

    Raises
    ------
    ParameterError
        If the folder holds a run of other settings or is being written by another run, or `workers`
        is below 1. A bad image is no error.
    WriteError
        If the disk is full or fails, or the folder cannot be written; the same run goes on when the
        cause is gone.
    TaskError
        If an image failed and `on_error` is "stop".
    Interrupted
        If Ctrl-C or a polite kill came; what is written is whole.
    """
    if workers != int(workers) or workers < 1:
        raise ParameterError(f"run: workers {workers!r}; expected an integer of at least 1")
    part = shard or Shard()
    folder = atomic.make_folder(out)
    tasks = part.of(job.tasks(sources))
    asked = Asked.of(tasks)
    config = {**job.to_dict(), "spel": __version__, "shard": f"{part.index}/{part.count}"}
    with ExitStack() as stack:
        stop = stack.enter_context(Stop())
        path = folder / part.name(MANIFEST)
        manifest = stack.enter_context(Manifest(path, config, fresh=fresh, sync_every=1 << 30))
        files = folder / part.name(RESULTS), folder / part.name(FAILURES)
        own = {part.name(RUN), part.name(MANIFEST), *(file.name for file in files)}
        atomic.remove_leftovers(folder, Pictures(own, tasks if job.save else ()))
        kept = agreed(manifest, files, asked, retry=retry)
        if begun is not None:
            begun(kept)
        left = [task for task in tasks if task.image not in kept.done]
        config |= {"images": len(tasks)}
        writer = _Writer(stack, files, manifest, kept, folder / part.name(RUN), config, left)
        each = stack.enter_context(closing(unrolled(left, kept.done, seconds)))
        try:
            for answer in answers(
                each, workers=workers, executor=executor, seconds=seconds, memory=memory, stop=stop
            ):
                outcome = writer.add(answer)
                if tell is not None and not isinstance(outcome, Ended):
                    tell(outcome)
                if answer.failed and on_error == "stop":
                    raise TaskError(
                        f"{_told(outcome)}; the run was stopped at the first failure, run it again "
                        "with on-error skip to go on"
                    )
        except BaseException:
            with suppress(WriteError):  # the first error counts
                writer.close()
            raise
        writer.close()
        if writer.left:
            stop.check()
        for file in files:
            ordered(file, asked)
        if "overlay" in job.save:
            again = {task.image for task in left}
            _overlays(job, [task for task in tasks if isinstance(task, Clip)], files[0], again)
    return writer.report(folder)


class _Writer:
    """Appends outcomes and confirms them, flushing now and then in that order."""

    def __init__(
        self,
        stack: ExitStack,
        files: tuple[Path, Path],
        manifest: Manifest,
        kept: Kept,
        state: Path,
        config: dict[str, Any],
        left: Sequence[Task],
    ) -> None:
        self.results, self.failed_lines = (
            stack.enter_context(LineWriter(path, sync_every=1 << 30)) for path in files
        )
        self.manifest, self.kept, self.state = manifest, kept, state
        self.config, self.left = config, {task.image for task in left}
        self.done = kept.images
        self.failed, self.boxes = kept.failed, kept.boxes
        self.failures: list[Failure] = []
        self.began = perf_counter()
        self._synced, self._pending = monotonic(), 0
        self._save(complete=False)

    def add(self, answer: Answer) -> Result | Failure | Ended:
        outcome: Result | Failure | Ended = answer.outcome
        if isinstance(outcome, Ended):
            self.left.discard(outcome.image)
            end = Entry(outcome.image, False, NO_LINE, answer.identity)
            self.manifest.add(end)
            return outcome
        if isinstance(outcome, Failure):
            line = json.dumps(outcome.to_dict())
            self.failed_lines.append(line)
            self.failures.append(outcome)
            self.failed += 1
        else:
            line = replace(outcome, ms=0.0).to_line()
            self.results.append(line)
            self.boxes += len(outcome)
        entry = Entry(outcome.image, answer.failed, checksum(line), answer.identity, answer.ms)
        self.manifest.add(entry)
        self.left.discard(outcome.image)
        self.done += 1
        self._pending += 1
        if self._pending >= SYNC_LINES or monotonic() - self._synced > SYNC_SECONDS:
            self._sync()
        return outcome

    def close(self) -> None:
        self._sync()
        self._save(complete=not self.left)

    def report(self, folder: Path) -> Report:
        return Report(
            self.done,
            self.failed,
            self.boxes,
            perf_counter() - self.began,
            folder,
            tuple(self.failures),
            self.kept.images,
            self.kept.changed,
        )

    def _sync(self) -> None:
        self.results.flush()
        self.failed_lines.flush()
        self.manifest.flush()
        self._synced, self._pending = monotonic(), 0

    def _save(self, *, complete: bool) -> None:
        totals = {
            "complete": complete,
            "done": self.done,
            "failed": self.failed,
            "boxes": self.boxes,
            "seconds": round(perf_counter() - self.began, 3),
        }
        text = json.dumps({**self.config, **totals}, indent=1, allow_nan=False) + "\n"
        atomic.write_text(self.state, text)


def results_files(folder: Path) -> Iterator[Path]:
    """The results of a run's folder: one file, or one per shard."""
    whole = folder / RESULTS
    if whole.exists():
        yield whole
    yield from sorted(folder.glob("results.*-of-*.jsonl"))


def _overlays(job: DetectJob, clips: Sequence[Clip], results: Path, again: set[str]) -> None:
    """Videos with boxes drawn in, for those that went on now or have none yet."""
    from spel.jobs.video_overlay import annotate

    for clip in clips:
        path = results.parent / f"{clip.name}.{VIDEO}"
        if clip.image in again or not path.exists():
            annotate(clip.image, results, path, every=job.every, max_pixels=job.limit)


def _told(outcome: Result | Failure) -> str:
    if not isinstance(outcome, Failure):
        return outcome.image
    message = outcome.message
    return message if outcome.image in message else f"{outcome.image}: {message}"
