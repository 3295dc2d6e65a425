"""``spel features``: a table of feature vectors of many images."""

from __future__ import annotations

import click

from spel.cli.options import Settings, shared
from spel.cli.run_options import RunOptions, run_options, words_option
from spel.cli.types import Words

STATISTICS = ("mean", "max", "deviation", "quantiles")


@click.command("features")
@click.argument("net", metavar="NET")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@click.option(
    "--steps",
    type=Words(None),
    default="",
    metavar="STEP,...",
    show_default="the last one",
    help="Steps whose activations are pooled.",
)
@click.option(
    "--statistics",
    type=Words(STATISTICS),
    default="mean,max",
    help="What the features hold of every channel.",
)
@click.option(
    "--parts",
    type=click.IntRange(1, 16),
    multiple=True,
    default=(1,),
    help="Pool over N x N parts of the image; may be repeated.",
)
@run_options(
    words_option(
        "--format", ("npz", "csv"), "Form of the table: results.npz, results.csv. [default: npz]"
    ),
)
@shared
def command(
    net: str,
    images: tuple[str, ...],
    steps: tuple[str, ...],
    statistics: tuple[str, ...],
    parts: tuple[int, ...],
    run: RunOptions,
    settings: Settings,
) -> None:
    """Pool the activations of a network over each image, into one table of feature vectors.

    With --out the folder receives results.jsonl and the table; its rows stand in the order of the
    images. A run that was stopped or killed resumes with the same command. Without --out the lines
    go to standard output.
    """
    from spel.cli.networks import network
    from spel.cli.run_command import RunCommand, check_options, job_fields
    from spel.jobs import FeaturesJob

    check_options(run)
    job = FeaturesJob(network(net), steps, statistics, parts, **job_fields(run, settings, net))
    raise SystemExit(RunCommand(job, run, settings)(images))
