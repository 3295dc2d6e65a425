"""``spel learn-boxes``: a detector from photos with boxes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from spel.cli.options import Settings, shared


@click.command("learn-boxes")
@click.argument("truth", metavar="TRUTH", type=click.Path(path_type=Path))
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="Folder that the file names in TRUTH are relative to. [default: TRUTH's own]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Network file to be written."
)
@click.option(
    "--folds",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Also measure on photos kept aside, in so many folds; 0 does not.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the shifted copies.")
@click.option("--report", type=click.Path(path_type=Path), help="Picture of what was learned.")
@shared
def command(
    truth: Path,
    images: Path | None,
    out: Path,
    folds: int,
    seed: int,
    report: Path | None,
    settings: Settings,
) -> None:
    """Learn to detect a rigid object (a plate, a coin, an egg) from photos with boxes.

    TRUTH is a COCO file, or a folder of marker files: each object stroke's box is an object's. No
    backpropagation: kernels are solved for in closed form. The file goes to `spel detect`.
    """
    from spel.io import write
    from spel.io.annotation.labels import read_coco
    from spel.learning.detector import LearnBoxesJob, boxes_sheet, strokes_as_boxes
    from spel.metrics.detection import evaluate
    from spel.rigid import RigidConfig

    folder = images or truth.parent
    known = strokes_as_boxes(folder, truth) if truth.is_dir() else read_coco(truth)
    line = " ".join(["spel", *sys.argv[1:]])
    job = LearnBoxesJob(RigidConfig(seed=seed), folds, command=line)
    network, answers = job(known, folder, tell=settings.say)
    network.save(out)
    click.echo(out)
    if answers:
        settings.say(f"on photos kept aside, {folds} folds:")
        click.echo(evaluate(answers).text())
    if report is not None:
        write(report, boxes_sheet(network, answers, folder))
        click.echo(report)
