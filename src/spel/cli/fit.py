"""``spel fit``: a classifier from images in class folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spel.cli.options import Settings, shared


@click.command("fit")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Model file.")
@click.option(
    "--features",
    default="patches",
    show_default=True,
    metavar="patches|pooled|flat|NET",
    help="Kernels learned from patches, statistics of colours, pixels, or a network's activations.",
)
@click.option(
    "--head",
    type=click.Choice(["ridge", "kernel", "svm", "mlp"]),
    default="ridge",
    show_default=True,
    help="Classifier over the features.",
)
@click.option(
    "--by",
    type=click.Choice(["folder", "prefix"]),
    default="folder",
    show_default=True,
    help="The class of an image is its folder, or its name up to the first '_'.",
)
@click.option(
    "--kernels",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Number of kernels of --features patches.",
)
@click.option(
    "--size",
    type=click.IntRange(1, 99),
    default=6,
    show_default=True,
    help="Side of the patches.",
)
@click.option(
    "--test",
    type=click.FloatRange(0, 0.9),
    default=0.25,
    show_default=True,
    help="Fraction of each class that is held out and evaluated; the model learns from all images.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of random choices.")
@shared
def command(folder: Path, out: Path, settings: Settings, **options: Any) -> None:
    """Learn to classify images, without backpropagation in the encoder.

    FOLDER holds one folder of images per class. First a part of each class is held out, and the
    figures on it are printed; then the model learns from all images and is written to one file.
    """
    import spel
    from spel.cli.networks import network
    from spel.learning.classifier import ClassifierConfig, hold_out, labelled_images
    from spel.sklearn import save

    labelled = labelled_images(folder, by=options["by"])
    counts = ", ".join(f"{count} {name}" for name, count in labelled.counts.items())
    settings.say(f"{len(labelled.paths)} images: {counts}")
    features = options["features"]
    config = ClassifierConfig(
        features if features in ("patches", "pooled", "flat") else network(features),
        options["head"],
        options["kernels"],
        options["size"],
        seed=options["seed"],
    )
    images = [spel.read(path) for path in labelled.paths]
    if options["test"]:
        figures = hold_out(config, images, labelled.classes, options["test"], options["seed"])
        settings.say(f"held out: {figures.text()}")
    save(config.fit(images, labelled.classes), out)
    click.echo(out)
