"""The work of ``spel detect``: a job from its options, lines or a folder as its output."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import default_isolate
from spel.cli.messages import ExitCode, exit_code, plural, printable, say
from spel.cli.networks import network
from spel.cli.options import Settings
from spel.cli.progress import Progress
from spel.cli.ranges import IntensityNotes
from spel.cli.types import threshold, width_and_height
from spel.core.threads import thread_count
from spel.decide.detection import AnyDecision, resolve_decision
from spel.errors import WriteError
from spel.io.annotation.formats import FORMATS
from spel.io.annotation.labels import write_as
from spel.io.annotation.results import Result, read_results
from spel.io.image.header import MAX_PIXELS
from spel.io.sources import expand
from spel.jobs import DetectJob, Failure, detect_tasks, run
from spel.jobs.resume import ResumeState
from spel.jobs.run_files import RunFiles
from spel.jobs.video import VideoEnd, sources_of, with_frames
from spel.nn import Network
from spel.runs import Interrupted, Shard, Stop, run_tasks
from spel.runs.dask_ import executor


def detect(
    net: str, images: Sequence[str], options: dict[str, Any], settings: Settings
) -> ExitCode:
    """Run the command with the values of its options."""
    out: Path | None = options["out"]
    _check_combinations(options)
    job = _job(net, options, settings)
    shard = Shard() if options["shard"] is None else Shard.parse(options["shard"])
    paths = expand(images)
    megabytes = options["max_memory"]
    how: dict[str, Any] = {
        "workers": options["workers"],
        "seconds": options["max_seconds"],
        "memory": None if megabytes is None else megabytes << 20,
    }
    with ExitStack() as stack:
        if options["dask"] is not None:
            paths = [path.absolute() for path in paths]
            how["executor"] = stack.enter_context(
                executor(options["dask"], workers=options["workers"], trust=options["trust"])
            )
        if out is None:
            return _print_lines(job, shard.select(paths), settings, options["on_error"], **how)
        how |= {name: options[name] for name in ("fresh", "retry", "on_error")}
        code = _run_in_folder(job, paths, RunFiles(out, shard), settings, **how)
        _write_formats(RunFiles(out, shard), options["formats"])
    return code


def _check_combinations(options: dict[str, Any]) -> None:
    needs_folder = ("formats", "saves", "fresh", "retry")
    if options["out"] is None and any(options[name] for name in needs_folder):
        raise click.UsageError("--format, --save, --fresh and --retry need --out DIR")
    limits = options["max_seconds"], options["max_memory"]
    if options["dask"] is not None and limits != (None, None):
        raise click.UsageError(
            "--max-seconds and --max-memory cannot be combined with --dask; set limits of the "
            "cluster's workers instead"
        )


def _job(net: str, options: dict[str, Any], settings: Settings) -> DetectJob:
    learned = network(net)
    on_cluster = options["dask"] is not None and Path(net).is_file()
    return DetectJob(
        learned,
        decision=_decision(learned, options),
        threads=settings.threads or max(1, thread_count() // options["workers"]),
        save=options["saves"],
        folder=str(options["out"] or ""),
        tile=options["tile"],
        level=options["level"],
        isolate=default_isolate(options["isolate"]),
        every=options["every"],
        place=str(Path(net).absolute()) if on_cluster else "",
        max_pixels=options["max_pixels"],
    )


def _decision(net: Network, options: dict[str, Any]) -> AnyDecision | None:
    """The network's own decision with the values of the options; None without such options."""
    names = ("threshold", "select", "size", "suppress", "area", "width", "height", "aspect")
    values = {name: options[name] for name in names if options[name] is not None}
    if "threshold" in values:
        values["threshold"] = threshold(values["threshold"])
    if "size" in values:
        values["size"] = width_and_height(values["size"])
    decision = resolve_decision(net, None, values)
    return decision if values else None


def _print_lines(
    job: DetectJob, paths: list[Path], settings: Settings, on_error: str, **how: Any
) -> ExitCode:
    """Write results as lines to standard output."""
    note = IntensityNotes(settings)
    boxes, tasks = 0, detect_tasks(job, paths)
    with ExitStack() as stack:
        total = sources_of(tasks).expected_images(())
        progress = stack.enter_context(Progress(total, settings.progress))
        stop = stack.enter_context(Stop())
        single = with_frames(
            tasks, seconds=how["seconds"], on_video=lambda frames: progress.extend(frames - 1)
        )
        stack.enter_context(closing(single))
        for outcome in run_tasks(single, stop=stop, **how):
            result: Result | Failure | VideoEnd = outcome.result
            if isinstance(result, VideoEnd):
                continue
            _report(result, settings, progress, note)
            if isinstance(result, Result):
                boxes += len(result)
                click.echo(result.to_line())
            elif on_error == "stop":
                break
        if stop.requested:
            stopped = Interrupted(stop.number or 2)
            stopped.add_note(f"{progress.done} of {progress.total} lines are written")
            raise stopped
    return _summary(settings, progress.done, boxes, progress.failed)


def _run_in_folder(
    job: DetectJob, paths: list[Path], files: RunFiles, settings: Settings, **how: Any
) -> ExitCode:
    """Run into a folder, with progress."""
    note = IntensityNotes(settings)
    with Progress(0, settings.progress) as progress:

        def on_start(state: ResumeState, total: int) -> None:
            progress.extend(total)
            progress.skip(state.images)
            if state.images:
                settings.say(f"resuming: {state.images} of {total} images were done before")
            for image in state.changed:
                settings.say(f"{image} has changed since; it is done again")

        try:
            report = run(
                job,
                paths,
                files.folder,
                shard=files.shard,
                on_start=on_start,
                on_video=lambda frames: progress.extend(frames - 1),
                on_result=lambda result: _report(result, settings, progress, note),
                **how,
            )
        except Interrupted as stopped:
            stopped.add_note(
                f"{progress.done} of {progress.total} images are done, and their lines are in "
                f"{files.folder}; the same command resumes there"
            )
            raise
        except WriteError as failed:
            failed.add_note("nothing is lost: the same command resumes when the cause is removed")
            raise
    click.echo(files.results)
    return _summary(settings, report.images, report.boxes, report.failed)


def _report(
    result: Result | Failure, settings: Settings, progress: Progress, note: IntensityNotes
) -> None:
    """One image is done: say what failed or was assumed, and show progress."""
    failed = isinstance(result, Failure)
    if isinstance(result, Failure):
        message, image = printable(result.message), printable(result.image)
        say(message if image in message else f"{image}: {message}")
    else:
        rows, cols = result.size
        if rows * cols > MAX_PIXELS:
            settings.say(
                f"{result.image}: {rows} x {cols} pixels are too many to be read whole; it was "
                "read in parts"
            )
        note(result.image, result.white, result.non_finite)
    progress.step(result.image, failed=failed)


def _write_formats(files: RunFiles, formats: Sequence[str]) -> None:
    for form in formats:
        path = files.folder / files.shard.name("results" + FORMATS[form].ending)
        write_as(form, path, read_results(files.results))
        click.echo(path)


def _summary(settings: Settings, images: int, boxes: int, failed: int) -> ExitCode:
    failures = f", {failed} failed" if failed else ""
    settings.say(f"{plural(images, 'image')}, {plural(boxes, 'box')}{failures}")
    return exit_code(failed, images)
