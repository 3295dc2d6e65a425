"""The work of every command that runs a job: lines to standard output, or a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import default_isolate
from spel.cli.messages import ExitCode, exit_code, say
from spel.cli.options import Settings
from spel.cli.progress import Progress
from spel.cli.ranges import Notes
from spel.cli.run_options import RunOptions
from spel.cli.zarr_picture import check_picture, is_picture, publish, run_folder
from spel.errors import Interrupted, WriteError, plural
from spel.io.image.header import MAX_PIXELS
from spel.io.sources import expand
from spel.runs import Failure, Job, Record, RunReport, Shard, Stop, run, run_tasks
from spel.runs.resume import ResumeState
from spel.runs.split import End, sources_of, tasks_of_shard, with_parts

Line = Callable[[dict[str, Any]], str]

IN_FOLDER = {"formats": "--format", "saves": "--save", "fresh": "--fresh", "retry": "--retry"}
"""Options that only a run into a folder has."""


def job_fields(options: RunOptions, settings: Settings, net: str = "") -> dict[str, Any]:
    """The options that every job takes, as its fields, and the place of its network.

    That is the file of a network, for workers on a cluster; empty if tasks are to carry it.
    """
    on_cluster = options.place.dask is not None and Path(net).is_file()
    return {
        "save": options.saves,
        "formats": ("ome-zarr",) if is_picture(options.out) else options.formats,
        "tile": options.tile,
        "level": options.level,
        "reduce": options.reduce or 1,
        "page": options.page,
        "max_pixels": options.max_pixels,
        "isolate": default_isolate(options.isolate),
        "every": options.every,
        "threads": settings.threads_of_each(options.place.workers),
        **({"place": str(Path(net).absolute()) if on_cluster else ""} if net else {}),
    }


def check_options(
    options: RunOptions,
    images: Sequence[str] = (),
    *,
    needs_folder: bool = False,
    saves: int = 0,
) -> None:
    """Refuse options that cannot be combined, before anything is read.

    A command that writes pictures needs a folder; if it can write one picture of OME-Zarr, it
    names its images, and `saves` is how many words of --save make one.
    """
    if is_picture(options.out):
        if not images:
            raise click.UsageError(
                f"--out {options.out.name} is one picture of OME-Zarr, which spel segment and "
                "spel apply write; give a folder of another name"
            )
        check_picture(images, options, saves)
    if options.out is None:
        if needs_folder:
            raise click.UsageError("Missing option '--out'")
        if flags := [flag for name, flag in IN_FOLDER.items() if getattr(options, name)]:
            raise click.UsageError(f"{' and '.join(flags)}: give the folder of the run with --out")
    if options.place.dask is not None and (options.max_seconds or options.max_memory):
        raise click.UsageError(
            "--max-seconds and --max-memory cannot be combined with --dask; set limits of the "
            "cluster's workers instead"
        )


@dataclass
class RunCommand:
    """A job with the options of its command.

    `line` says how a record becomes a line on standard output, and `on_record` is called with the
    values of each record.
    """

    job: Job
    options: RunOptions
    settings: Settings
    line: Line = json.dumps
    on_record: Callable[[dict[str, Any]], object] | None = None

    def __post_init__(self) -> None:
        self.notes = Notes(self.settings)
        self.progress = Progress(0, self.settings.progress)
        self.folder = Path() if self.options.out is None else run_folder(self.options.out)

    def __call__(self, images: Sequence[str]) -> ExitCode:
        """Run over images, and return the exit code."""
        options = self.options
        shard = Shard() if options.shard is None else Shard.parse(options.shard)
        how: dict[str, Any] = {
            "workers": options.place.workers,
            "seconds": options.max_seconds,
            "memory": options.max_bytes,
        }
        with options.place.executor() as executor, self.progress:
            work = self._print_lines if options.out is None else self._run_in_folder
            return work(images, shard, executor=executor, **how)

    def _print_lines(self, images: Sequence[str], shard: Shard, **how: Any) -> ExitCode:
        paths = [path.absolute() if how["executor"] else path for path in expand(images)]
        tasks = tasks_of_shard(self.job.tasks([str(path) for path in paths], ""), shard)
        items = 0
        self.progress.extend(sources_of(tasks).expected_images(()))
        parts = with_parts(tasks, (), shard, how["seconds"], self._on_split)
        with Stop() as stop, closing(parts) as single:
            for outcome in run_tasks(single, stop=stop, **how):
                result: Record | Failure | End = outcome.result
                if isinstance(result, End):
                    continue
                self._report(result)
                if not isinstance(result, Failure):
                    values = result.to_dict()
                    items += len(values.get(self.job.counted, ()))
                    click.echo(self.line({**values, "ms": outcome.ms}))
                elif self.options.on_error == "stop":
                    break
            if stop.requested:
                stopped = Interrupted(stop.number or 2)
                done = f"{self.progress.done} of {self.progress.total}"
                stopped.add_note(f"{done} lines are written")
                raise stopped
        return self._summary(self.progress.done, items, self.progress.failed)

    def _run_in_folder(self, images: Sequence[str], shard: Shard, **how: Any) -> ExitCode:
        options, progress = self.options, self.progress
        try:
            report = run(
                self.job,
                images,
                self.folder,
                shard=shard,
                on_start=self._on_start,
                on_split=self._on_split,
                on_result=self._on_result,
                fresh=options.fresh,
                retry=options.retry,
                on_error=options.on_error,
                **how,
            )
        except Interrupted as stopped:
            stopped.add_note(
                f"{progress.done} of {progress.total} images are done, and their lines are in "
                f"{self.folder}; the same command resumes there"
            )
            raise
        except WriteError as failed:
            failed.add_note("nothing is lost: the same command resumes when the cause is removed")
            raise
        return self._end(report, shard)

    def _end(self, report: RunReport, shard: Shard) -> ExitCode:
        if is_picture(self.options.out) and not report.failed:
            publish(self.options.out)
            click.echo(self.options.out)
        elif not self.job.writes_files:
            click.echo(report.folder / shard.name("results.jsonl"))
        for path in report.collected:
            click.echo(path)
        return self._summary(report.images, report.items, report.failed)

    def _on_start(self, state: ResumeState, total: int) -> None:
        self.progress.extend(total)
        self.progress.skip(state.images)
        if state.images:
            self.settings.say(f"resuming: {state.images} of {total} images were done before")
        for image in state.changed:
            self.settings.say(f"{image} has changed since; it is done again")

    def _on_split(self, parts: int) -> None:
        self.progress.extend(parts - 1)

    def _on_result(self, result: Record | Failure) -> None:
        self._report(result)
        if not (isinstance(result, Failure) or is_picture(self.options.out)):
            for name in result.to_dict().get("files", ()):
                click.echo(self.folder / name)

    def _report(self, result: Record | Failure) -> None:
        """One image is done: say what failed or was assumed, and show progress."""
        if isinstance(result, Failure):
            say(result.text)
        else:
            values: dict[str, Any] = result.to_dict()
            rows, cols = values.get("size", (0, 0))[-2:]
            if rows * cols > MAX_PIXELS:
                self.settings.say(
                    f"{result.image}: {rows} x {cols} pixels are too many to be read whole; it "
                    "was read in parts"
                )
            self.notes.of_record(result.image, values)
            if left_out := values.get("left_out", 0):
                self.settings.say(
                    f"note: {result.image}: {left_out} more boxes are above the threshold; "
                    "--max-detections keeps more"
                )
            if self.on_record is not None:
                self.on_record(values)
        self.progress.step(result.image, failed=isinstance(result, Failure))

    def _summary(self, images: int, items: int, failed: int) -> ExitCode:
        noun = {"boxes": "box"}.get(self.job.counted, self.job.counted)
        counted = f", {plural(items, noun)}" if noun else ""
        failures = f", {failed} failed" if failed else ""
        self.settings.say(f"{plural(images, 'image')}{counted}{failures}")
        return exit_code(failed, images)
