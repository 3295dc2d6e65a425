"""``spel fit``: a classifier from images in class folders."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from spel.cli.options import Settings, shared
from spel.cli.types import SEED


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
    "--max-values",
    type=click.IntRange(1),
    default=2048,
    show_default=True,
    help="Refuse patches with more values (--size squared times channels).",
)
@click.option(
    "--test",
    type=click.FloatRange(0, 0.9),
    default=0.25,
    show_default=True,
    help="Fraction of each class that is held out and evaluated; the model learns from all images.",
)
@click.option(
    "--images",
    "photos",
    type=click.Path(path_type=Path),
    help="Folder of the images, if FOLDER holds annotations. [default: beside it]",
)
@click.option(
    "--turn",
    is_flag=True,
    help="Turn boxes that were drawn on stored images, before their EXIF rotation.",
)
@click.option(
    "--seed",
    type=SEED,
    default=0,
    show_default=True,
    help="Of random choices.",
)
@shared
def command(folder: Path, out: Path, settings: Settings, **options: Any) -> None:
    """Learn to classify images, without backpropagation in the encoder.

    FOLDER holds one folder of images per class. It may also be annotations (COCO, Pascal VOC, YOLO,
    Label Studio, GeoJSON, CSV): then each box, cut out of its image, is an example of its class.
    First a part of each class is held out, and the
    figures on it are printed; then the model learns from all images and is written to one file.
    """
    from spel.atomic import check_place
    from spel.cli.messages import say
    from spel.cli.networks import network
    from spel.core.intensity import full_range
    from spel.io import read_with_white
    from spel.io.annotation.labels import images_beside, is_label_folder, read_labels
    from spel.learning.classifier import ClassifierConfig, hold_out, labelled_images
    from spel.learning.crops import labelled_crops
    from spel.sklearn import save

    check_place(out)
    if folder.is_file() or is_label_folder(folder):
        place = options["photos"] or images_beside(folder)
        truth = read_labels(folder, images=place, turn=options["turn"], report=say)
        images, classes = labelled_crops(truth, place)
    else:
        labelled = labelled_images(folder, by=options["by"])
        images = [full_range(*read_with_white(path)) for path in labelled.paths]
        classes = labelled.classes
    counts = ", ".join(f"{count} {name}" for name, count in sorted(Counter(classes).items()))
    settings.say(f"{len(images)} images: {counts}")
    features = options["features"]
    config = ClassifierConfig(
        features if features in ("patches", "pooled", "flat") else network(features),
        options["head"],
        options["kernels"],
        options["size"],
        seed=options["seed"],
        max_values=options["max_values"],
    )
    config.check_size(images[0].shape)
    settings.say("learning features and classifier" + (", twice" if options["test"] else ""))
    if options["test"]:
        figures = hold_out(config, images, classes, options["test"], options["seed"])
        settings.say(f"held out: {figures.text()}")
    save(config.fit(images, classes), out)
    click.echo(out)
