"""``spel learn-boxes``: a detector from photos with boxes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import Reading, image_options, turn_option
from spel.cli.options import Settings, shared
from spel.cli.types import PATH, SEED
from spel.cli.worker_options import Place, place_options

CONFIG = ("seed", "max_memory", "max_enlargement", "size_margin_below", "adjust", "tilt")
"""Options that are those of `spel.rigid.RigidConfig`."""


def _margin(
    ctx: click.Context, param: click.Parameter, margin: tuple[float, float] | None
) -> tuple[float, float] | None:
    """The option's value, checked before anything is learned."""
    from spel.rigid.windows import check_margin

    return None if margin is None else check_margin(margin)


@click.command("learn-boxes")
@click.argument("truth", metavar="TRUTH", type=PATH)
@click.option(
    "--images",
    type=PATH,
    help="Folder of the photos. [default: images or JPEGImages beside TRUTH, or that of TRUTH]",
)
@turn_option
@click.option(
    "--class",
    "names",
    multiple=True,
    metavar="NAME",
    help="Learn the boxes of this class only; may be repeated. [default: of all]",
)
@click.option("--one-class", is_flag=True, help="Learn the boxes of all classes as one class.")
@click.option(
    "--suppress",
    type=click.Choice(["within", "across"]),
    default="within",
    help="Whether boxes suppress worse ones of their own class only, or of any class.",
)
@click.option("--out", type=PATH, required=True, help="Network file.")
@click.option(
    "--folds",
    type=click.IntRange(0),
    default=0,
    help="Number of parts for cross-validation; 0 does none.",
)
@click.option("--seed", type=SEED, default=0, help="Seed of the random samples.")
@click.option(
    "--max-memory",
    type=click.FloatRange(0, min_open=True),
    default=4.0,
    help="Gigabytes that learning may need, by estimate; more is refused.",
)
@click.option(
    "--max-enlargement",
    type=click.FloatRange(0, min_open=True),
    default=8.0,
    help="Largest factor by which photos are enlarged for small objects; more is refused.",
)
@click.option(
    "--smaller",
    "size_margin_below",
    type=click.FloatRange(1, 8),
    default=1.1,
    help="How many times smaller objects to detect may be than the smallest box. Photos are "
    "enlarged by this factor, in learning and in detection, which takes longer.",
)
@click.option(
    "--adjust",
    is_flag=True,
    help="Learn to move the sides of boxes to the edges of what is found, too. "
    "Detection takes longer.",
)
@click.option(
    "--tilt",
    type=click.FloatRange(0, 45, max_open=True),
    default=0.0,
    metavar="DEGREES",
    help="With --adjust: boxes enclose rectangular objects that are tilted by up to this angle.",
)
@click.option(
    "--margin",
    type=(float, float),
    callback=_margin,
    metavar="X Y",
    help="What detection adds to each side of a box, as a share of its width and of its height, "
    "where boxes are wanted otherwise than they were drawn. Stored in the network.",
)
@place_options
@click.option("--fresh", is_flag=True, help="Discard what was mined before learning was stopped.")
@click.option("--report", type=PATH, help="Picture of what was learned.")
@image_options
@shared
def command(
    truth: Path,
    images: Path | None,
    turn: bool,
    names: tuple[str, ...],
    one_class: bool,
    out: Path,
    place: Place,
    report: Path | None,
    reading: Reading,
    settings: Settings,
    **options: Any,
) -> None:
    """Learn to detect rigid objects (plates, coins, eggs) from photos with boxes.

    TRUTH is a COCO file, a folder of Pascal VOC or YOLO files, an export of Label Studio, GeoJSON
    or CSV; or a folder of marker files, where the bounding box of each object stroke is the box of
    an object. Each class of boxes gets kernels, a calibration and a threshold of its own. The
    kernels are found in closed form, without backpropagation. Use the file with `spel detect`.

    If learning is stopped or killed, the same command goes on from what was mined, which lies
    beside the network file until it is written; the network is the same, bit for bit.
    """
    from dataclasses import replace

    from spel.cli.messages import say
    from spel.cli.progress import Progress
    from spel.cli.ranges import FileReader
    from spel.decide.detection import resolve_decision, with_decision
    from spel.io import write
    from spel.learning.detector import find_photos, learn_from_photos
    from spel.learning.detector_sheet import detector_sheet
    from spel.learning.training_boxes import training_boxes
    from spel.metrics.detection import evaluate
    from spel.rigid import RigidConfig

    if options["tilt"] and not options["adjust"]:
        raise click.UsageError("--tilt is of boxes that are adjusted; give --adjust as well")
    rounds = _rounds(out, report, fresh=options["fresh"])
    read = FileReader(settings, reading, colors=True)
    boxes = training_boxes(truth, images, turn=turn, names=names, one_class=one_class, report=say)
    photos = find_photos(*boxes, report=say)
    line = " ".join(["spel", *sys.argv[1:]])
    config = RigidConfig(**{name: options[name] for name in CONFIG})
    with ExitStack() as stack:
        stack.enter_context(_resumable(rounds))
        progress = stack.enter_context(Progress(len(photos), settings.progress, unit="photos"))
        counting = replace(photos, folder=photos.folder.absolute(), read=progress.counting(read))
        network, answers = learn_from_photos(
            counting,
            config,
            folds=options["folds"],
            suppress=options["suppress"],
            command=line,
            on_step=progress.said_by(settings.say),
            run=None if place.is_here else stack.enter_context(place.open()),
            rounds=rounds,
        )
    if read.whites:
        network = network.with_meta(card={**network.meta["card"], "white": sorted(read.whites)})
    if options["margin"] is not None:
        moved = {"margin": options["margin"]}
        network = with_decision(network, resolve_decision(network, None, moved))
    network.save(out)
    click.echo(out)
    if answers:
        settings.say(f"cross-validation with {options['folds']} folds:")
        click.echo(evaluate(answers).text())
    if report is not None:
        write(report, detector_sheet(network, answers, photos.folder))
        click.echo(report)


@contextmanager
def _resumable(rounds: Path) -> Iterator[None]:
    """Say of learning that was stopped whether it goes on where it was."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        if rounds.exists():
            stopped.add_note(f"the same command goes on from what was mined, in {rounds}")
        raise


def _rounds(out: Path, report: Path | None, *, fresh: bool) -> Path:
    """The file of what is mined, after the places of the output were checked."""
    from spel.atomic import check_place

    for path in filter(None, (out, report)):
        check_place(path)
    rounds = out.with_name(f"{out.name}.rounds")
    if fresh:
        rounds.unlink(missing_ok=True)
    return rounds
