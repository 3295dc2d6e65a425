"""``spel detect``: objects in many images."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.options import Settings, shared

if TYPE_CHECKING:
    from spel.decide import Decision
    from spel.io.results import Result
    from spel.nn import Network

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
@shared
def command(
    net: str,
    images: tuple[str, ...],
    out: Path | None,
    formats: tuple[str, ...],
    saves: tuple[str, ...],
    workers: int,
    settings: Settings,
    **options: Any,
) -> None:
    """Find objects in images, folders, quoted patterns, lists (.txt) and - (a list on standard
    input).

    With --out the folder gets results.jsonl (one line per image), failures.jsonl and run.json;
    without it the lines go to standard output. The options from --threshold to --aspect change the
    decision that the network carries.
    """
    from spel.cli.networks import network
    from spel.io.sources import expand
    from spel.jobs import DetectJob

    found = network(net)
    threads = settings.threads or _share(workers)
    if out is None and (formats or saves):
        raise click.UsageError("--format and --save need --out DIR")
    job = DetectJob(
        found,
        decision=_decision(found, options),
        threads=threads,
        save=saves,
        folder=str(out or ""),
    )
    raise SystemExit(_detect(job, expand(images), out, formats, workers, settings))


def _detect(
    job: Any,
    paths: list[Path],
    out: Path | None,
    formats: tuple[str, ...],
    workers: int,
    settings: Settings,
) -> int:
    from spel.cli.main import BAD_INPUT, GOOD, SOME_FAILED, say
    from spel.cli.progress import Progress
    from spel.io.convert import write_as
    from spel.io.results import read_results
    from spel.jobs import Failure, answers, run

    boxes = 0
    with Progress(len(paths), settings.progress) as progress:

        def tell(answer: Result | Failure) -> None:
            nonlocal boxes
            bad = isinstance(answer, Failure)
            if bad:
                say(_failed(answer))
            else:
                boxes += len(answer)
                if out is None:
                    click.echo(answer.to_line())
            progress.step(answer.image, failed=bad)

        try:
            if out is None:
                for answer in answers(job.tasks(paths), workers=workers):
                    tell(answer)
            else:
                run(job, paths, out, workers=workers, tell=tell)
        except KeyboardInterrupt as stop:
            where = f"their lines are in {out / 'results.jsonl'}" if out else "their lines are out"
            stop.add_note(f"{progress.done} of {len(paths)} images are done, {where}")
            raise
    if out is not None:
        results = read_results(out / "results.jsonl")
        click.echo(out / "results.jsonl")
        for form in formats:
            write_as(form, out / FORMATS[form], results)
            click.echo(out / FORMATS[form])
    failed = f", {progress.failed} failed" if progress.failed else ""
    settings.say(f"{len(paths)} images, {boxes} boxes{failed}")
    if not progress.failed:
        return GOOD
    return BAD_INPUT if progress.failed == len(paths) else SOME_FAILED


def _failed(failure: Any) -> str:
    message: str = failure.message
    return message if failure.image in message else f"{failure.image}: {message}"


def _share(workers: int) -> int:
    """Threads of each worker, so that all together use the machine once."""
    from spel.core.threads import thread_count

    return max(1, thread_count() // workers)


def _decision(net: Network, options: dict[str, Any]) -> Decision | None:
    """The network's own decision with the given options put in; None if there are none."""
    from spel.decide.detection import chosen_decision

    given = {name: value for name, value in options.items() if value is not None}
    if "threshold" in given:
        given["threshold"] = _threshold(given["threshold"])
    if "size" in given:
        given["size"] = _size(given["size"])
    return chosen_decision(net, None, given) if given else None


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
