"""``spel detect``: objects in many images."""

from __future__ import annotations

import math
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.options import Settings, shared

if TYPE_CHECKING:
    from spel.decide.detection import AnyDecision
    from spel.io.annotation.results import Result
    from spel.nn import Network
    from spel.run import Shard, Stop

FORMATS = {
    "csv": "results.csv",
    "coco": "results.coco.json",
    "yolo": "results.yolo",
    "voc": "results.voc",
    "geojson": "results.geojson",
    "label-studio": "results.label-studio.json",
}
SAVES = ("overlay", "mask", "saliency")


class Span(click.ParamType):
    """``LOW:HIGH``, either end may be left out."""

    name = "LOW:HIGH"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        low, colon, high = str(value).partition(":")
        try:
            if not colon:
                raise ValueError
            return (float(low) if low else -math.inf, float(high) if high else math.inf)
        except ValueError:
            self.fail(f"{value!r} is no range; give LOW:HIGH, LOW: or :HIGH", param, ctx)


class Words(click.ParamType):
    """Words with commas between them, each from a set."""

    name = "words"

    def __init__(self, known: tuple[str, ...]) -> None:
        self.known = known

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        words = tuple(word.strip() for word in str(value).split(",") if word.strip())
        for word in words:
            if word not in self.known:
                self.fail(f"{word!r}; expected {', '.join(self.known)}", param, ctx)
        return words

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return ",".join(self.known)


@click.command("detect")
@click.argument("net", metavar="NET")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option(
    "--format", "formats", type=Words(tuple(FORMATS)), default="", help="Also write these."
)
@click.option("--save", "saves", type=Words(SAVES), default="", help="Pictures of every image.")
@click.option("--threshold", metavar="VALUE|otsu|p0-p100", help="Saliency above it is object.")
@click.option(
    "--select",
    type=click.Choice(["all", "widest", "largest", "closest"]),
    help="Which components to keep; closest needs --size.",
)
@click.option("--size", metavar="WIDTH,HEIGHT", help="For --select closest, in spels.")
@click.option("--area", type=Span(), help="Keep components of so many spels.")
@click.option("--width", type=Span(), help="Keep boxes so wide.")
@click.option("--height", type=Span(), help="Keep boxes so high.")
@click.option("--aspect", type=Span(), help="Keep boxes of such width / height.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--dask", metavar="local|tcp://...|tls://...", help="Run on a Dask cluster.")
@click.option("--i-trust-this-network", "trust", is_flag=True, help="Allow tcp:// elsewhere.")
@click.option("--shard", metavar="I/N", help="Do only every N-th image, beginning with the I-th.")
@click.option("--fresh", is_flag=True, help="Begin anew instead of going on with what is in --out.")
@click.option("--retry", is_flag=True, help="When going on, do failed images again.")
@click.option(
    "--on-error",
    type=click.Choice(["skip", "stop"]),
    default="skip",
    show_default=True,
    help="Whether a failed image ends the run.",
)
@click.option("--every", default="1", metavar="N|SECONDSs", help="Frames of videos: 5, or 2s.")
@click.option("--tile", type=click.IntRange(1), help="Sides of tiles. [default: whole, if it fits]")
@click.option(
    "--level", type=click.IntRange(0), help="Of a pyramid (TIFF, OME-Zarr); 0 is full size."
)
@click.option("--isolate", is_flag=True, help="Decode in a process of its own with limits.")
@click.option("--max-pixels", type=click.IntRange(1), help="Refuse larger images.")
@click.option("--max-seconds", type=click.FloatRange(0, min_open=True), help="For one image.")
@click.option("--max-memory", type=click.IntRange(1), metavar="MB", help="For one image.")
@shared
def command(
    net: str,
    images: tuple[str, ...],
    out: Path | None,
    formats: tuple[str, ...],
    saves: tuple[str, ...],
    workers: int,
    dask: str | None,
    trust: bool,
    shard: str | None,
    fresh: bool,
    retry: bool,
    on_error: str,
    every: str,
    tile: int | None,
    level: int | None,
    isolate: bool,
    max_pixels: int | None,
    max_seconds: float | None,
    max_memory: int | None,
    settings: Settings,
    **options: Any,
) -> None:
    """Find objects in images, videos, folders, quoted patterns, lists (.txt) and - (a list on
    standard input).

    With --out the folder gets results.jsonl (one line per image), failures.jsonl, manifest.jsonl
    and run.json; a run that was stopped or killed goes on with the same command, and nothing is
    lost or done twice. Without --out the lines go to standard output. The options from --threshold
    to --aspect change the decision that the network carries.

    TIFF, NumPy and OME-Zarr images that are too large to be read whole are read tile by tile.
    Boxes are those of the full size, whatever the level.

    A video gives a line per frame, with its number and seconds; it needs ffmpeg. With --save
    overlay it is written again with the boxes drawn in.
    """
    from spel.cli.networks import network
    from spel.io.sources import expand
    from spel.jobs import DetectJob
    from spel.run import Shard
    from spel.run.dask_ import executor

    found = network(net)
    threads = settings.threads or _share(workers)
    if out is None and (formats or saves or fresh or retry):
        raise click.UsageError("--format, --save, --fresh and --retry need --out DIR")
    job = DetectJob(
        found,
        decision=_decision(found, options),
        threads=threads,
        save=saves,
        folder=str(out or ""),
        tile=tile,
        level=level,
        isolate=isolate,
        every=every,
        place=str(Path(net).absolute()) if dask and Path(net).is_file() else "",
        **({} if max_pixels is None else {"max_pixels": max_pixels}),
    )
    part = Shard() if shard is None else Shard.parse(shard)
    paths = expand(images)
    memory = None if max_memory is None else max_memory << 20
    how: dict[str, Any] = {"workers": workers, "seconds": max_seconds, "memory": memory}
    with ExitStack() as stack:
        if dask is not None:
            if max_seconds is not None or max_memory is not None:
                raise click.UsageError(
                    "--max-seconds and --max-memory are the cluster's own business"
                )
            paths = [path.absolute() for path in paths]
            how["executor"] = stack.enter_context(executor(dask, workers=workers, trust=trust))
        if out is None:
            code = _lines(job, part.of(paths), settings, on_error, **how)
        else:
            how |= {"fresh": fresh, "retry": retry, "on_error": on_error}
            code = _folder(job, paths, out, part, formats, settings, how)
    raise SystemExit(code)


def _lines(job: Any, paths: list[Path], settings: Settings, on_error: str, **how: Any) -> int:
    """Results as lines on standard output."""
    from spel.cli.main import say
    from spel.cli.progress import Progress
    from spel.jobs.video import Ended, expected, unrolled
    from spel.run import Stop, answers

    boxes, tasks = 0, job.tasks(paths)
    total = expected(tasks)
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(total, settings.progress))
        stop = stack.enter_context(Stop())
        each = stack.enter_context(closing(unrolled(tasks, seconds=how["seconds"])))
        for answer in answers(each, stop=stop, **how):
            if isinstance(answer.outcome, Ended):
                continue
            if answer.failed:
                say(_failed(answer.outcome))
            else:
                _say_large(settings, answer.outcome)
                boxes += len(answer.outcome)
                click.echo(answer.outcome.to_line())
            progress.step(answer.outcome.image, failed=answer.failed)
            if answer.failed and on_error == "stop":
                break
        if stop.asked:
            _interrupted(stop, f"{progress.done} of {total} lines are out")
    return _summary(settings, progress.done, boxes, progress.failed)


def _folder(
    job: Any,
    paths: list[Path],
    out: Path,
    part: Shard,
    formats: tuple[str, ...],
    settings: Settings,
    how: dict[str, Any],
) -> int:
    """A run in its folder."""
    from spel.cli.main import say
    from spel.cli.progress import Progress
    from spel.errors import WriteError
    from spel.io.annotation.convert import write_as
    from spel.io.annotation.results import read_results
    from spel.jobs import Failure, run
    from spel.jobs.resume import Kept
    from spel.jobs.video import expected
    from spel.run import Interrupted

    total = expected(part.of(job.tasks(paths)))
    with Progress(total, settings.progress) as progress:

        def begun(kept: Kept) -> None:
            progress.skip(kept.images)
            if kept.images:
                settings.say(f"going on: {kept.images} of {total} images were done before")
            for image in kept.changed:
                settings.say(f"{image} has changed since; it is done again")

        def tell(outcome: Result | Failure) -> None:
            bad = isinstance(outcome, Failure)
            if bad:
                say(_failed(outcome))
            else:
                _say_large(settings, outcome)
            progress.step(outcome.image, failed=bad)

        try:
            report = run(job, paths, out, shard=part, tell=tell, begun=begun, **how)
        except Interrupted as stopped:
            stopped.add_note(
                f"{progress.done} of {total} images are done, their lines are in {out}; the same "
                "command goes on from there"
            )
            raise
        except WriteError as failed:
            failed.add_note("nothing is lost: the same command goes on when that is mended")
            raise
    results = out / part.name("results.jsonl")
    click.echo(results)
    for form in formats:
        path = out / part.name(FORMATS[form])
        write_as(form, path, read_results(results))
        click.echo(path)
    return _summary(settings, report.images, report.boxes, report.failed)


def _say_large(settings: Settings, result: Any) -> None:
    from spel.io.image.header import MAX_PIXELS

    rows, cols = result.size
    if rows * cols > MAX_PIXELS:
        settings.say(f"{result.image}: {rows} x {cols} spels, too many to be read whole: in parts")


def _summary(settings: Settings, images: int, boxes: int, failed: int) -> int:
    from spel.cli.main import BAD_INPUT, GOOD, SOME_FAILED

    words = f", {failed} failed" if failed else ""
    settings.say(f"{images} images, {boxes} boxes{words}")
    if not failed:
        return GOOD
    return BAD_INPUT if failed == images else SOME_FAILED


def _interrupted(stop: Stop, note: str) -> None:
    from spel.run import Interrupted

    stopped = Interrupted(stop.number or 2)
    stopped.add_note(note)
    raise stopped


def _failed(failure: Any) -> str:
    from spel.cli.main import printable

    message, image = printable(failure.message), printable(failure.image)
    return message if image in message else f"{image}: {message}"


def _share(workers: int) -> int:
    """Threads of each worker, so that all together use the machine once."""
    from spel.core.threads import thread_count

    return max(1, thread_count() // workers)


def _decision(net: Network, options: dict[str, Any]) -> AnyDecision | None:
    """The network's own decision with the given options put in; None if there are none."""
    from spel.decide.detection import resolve_decision

    given = {name: value for name, value in options.items() if value is not None}
    if "threshold" in given:
        given["threshold"] = _threshold(given["threshold"])
    if "size" in given:
        given["size"] = _size(given["size"])
    return resolve_decision(net, None, given) if given else None


def _threshold(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _size(text: str) -> tuple[float, ...]:
    try:
        width, height = (float(word) for word in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{text!r}; give WIDTH,HEIGHT as in 90,29", param_hint="--size"
        ) from None
    return width, height
