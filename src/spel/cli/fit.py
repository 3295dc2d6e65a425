"""``spel fit``: a classifier from images in class folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import Reading, image_options, turn_option
from spel.cli.options import Settings, shared
from spel.cli.types import PATH, SEED
from spel.cli.worker_options import Place, place_options


@click.command("fit")
@click.argument("folder", metavar="FOLDER", type=PATH)
@click.option("--out", type=PATH, required=True, help="Model file.")
@click.option(
    "--features",
    default="patches",
    metavar="patches|pooled|flat|NET",
    help="Kernels learned from patches, statistics of colours, pixels, or a network's activations.",
)
@click.option(
    "--head",
    type=click.Choice(["ridge", "kernel", "svm", "mlp"]),
    default="ridge",
    help="Classifier over the features.",
)
@click.option(
    "--by",
    type=click.Choice(["folder", "prefix"]),
    default="folder",
    help="The class of an image is its folder, or its name up to the first '_'.",
)
@click.option(
    "--kernels",
    type=click.IntRange(1),
    default=100,
    help="Number of kernels of --features patches.",
)
@click.option("--size", type=click.IntRange(1, 99), default=6, help="Side of the patches.")
@click.option(
    "--max-values",
    type=click.IntRange(1),
    default=2048,
    help="Refuse patches with more values (--size squared times channels).",
)
@click.option(
    "--test",
    type=click.FloatRange(0, 0.9),
    default=0.25,
    help="Fraction of each class that is held out and evaluated; the model learns from all images.",
)
@click.option(
    "--share",
    "shares",
    type=click.FloatRange(0, 100, min_open=True),
    multiple=True,
    metavar="PERCENT",
    help="Also learn from this share of the labels, and print the figures on the part held out; "
    "may be repeated: --share 5 --share 50.",
)
@click.option(
    "--images",
    "photos",
    type=PATH,
    help="Folder of the images, if FOLDER holds annotations. [default: beside it]",
)
@turn_option
@click.option("--seed", type=SEED, default=0, help="Seed of random choices.")
@place_options
@click.option("--fresh", is_flag=True, help="Discard the sums of a fit that was stopped.")
@click.option(
    "--max-memory",
    type=click.FloatRange(0, min_open=True),
    default=4.0,
    help="Gigabytes that a head other than ridge may need, by estimate; more is refused.",
)
@image_options
@shared
def command(
    folder: Path, out: Path, place: Place, reading: Reading, settings: Settings, **options: Any
) -> None:
    """Learn to classify images, without backpropagation in the encoder.

    FOLDER holds one folder of images per class. It may also be annotations (COCO, Pascal VOC, YOLO,
    Label Studio, GeoJSON, CSV): then each box, cut out of its image, is an example of its class.
    First a part of each class is held out, and the
    figures on it are printed; then the model learns from all images and is written to one file.

    The head ridge needs sums over the images only. They are the same bits for any number of
    workers, memory does not grow with the images, and a fit that was stopped or killed goes on
    with the same command, from sums that lie beside the model file until it is written.
    """
    from spel.cli.fit_run import fit

    fit(folder, out, place, options, reading, settings)
