"""``spel learn``: a network from strokes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared
from spel.cli.spaces import space_option
from spel.cli.stroke_options import stroke_options
from spel.cli.types import PATH, SEED, AlarmRate


@click.command("learn")
@click.argument("arch", metavar="ARCH", type=PATH)
@click.option("--images", "images", type=PATH, required=True, help="Folder of images.")
@stroke_options
@click.option("--out", type=PATH, required=True, help="Network file.")
@space_option("auto", words=" if ARCH is an arch.json; auto follows libift")
@click.option("--center", is_flag=True, help="First subtract the median colour of each image.")
@click.option(
    "--method",
    type=click.Choice(["cluster", "points"]),
    default="cluster",
    help="FLIM-Cluster, or FLIM-BoFP.",
)
@click.option(
    "--delineation",
    type=click.Choice(["watershed", "trees", "growcut", "none"]),
    help="What moves the borders of objects to the edges of the image. [default: watershed, or "
    "none if the saliency is sharp]",
)
@click.option(
    "--sharp/--no-sharp",
    default=True,
    help="Whether colours may make the saliency of several objects as sharp as the image, if they "
    "distinguish the strokes as well as the network does.",
)
@click.option(
    "--cut",
    is_flag=True,
    help="With --objects any-size: cut each mask once more by the colours that object and "
    "background have in that image, which is better on photographs; such images are read whole.",
)
@click.option("--encoder", is_flag=True, help="Learn the encoder only: no decoder, no objects.")
@click.option(
    "--objects",
    type=click.Choice(["many", "one", "any-size"]),
    default="many",
    help="What an image holds: objects like the marked ones, at most one of them, or objects of "
    "any size and shape.",
)
@click.option(
    "--class",
    "class_names",
    metavar="LABEL=NAME",
    multiple=True,
    help="Name of the strokes with that label; may be repeated.",
)
@click.option(
    "--decoder",
    type=click.Choice(["linear", "lm", "lm-balanced", "lt", "pb", "mb"]),
    default="linear",
    help="For several classes: linear scores and their softmax, or a published decoder, each class "
    "against the rest.",
)
@click.option(
    "--undecided",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="For several classes: pixels whose most probable class is less probable are undecided.",
)
@click.option(
    "--all-marked/--not-all-marked",
    default=None,
    help="Whether every object of a marked image is marked; then whatever else looks like one "
    "counts as background. [default: --not-all-marked, unless --objects one]",
)
@click.option(
    "--false-alarm-rate",
    type=AlarmRate(),
    help="Largest share of images without an object in which one may be found, learned by "
    "cross-validation over the marked images; auto keeps the most marked objects for the fewest "
    "backgrounds. [default: a fixed step below the marked objects]",
)
@click.option(
    "--scales",
    type=(float, float),
    default=(1.0, 1.0),
    metavar="LOW HIGH",
    help="Sizes of objects over those of the marked ones: 0.5 1 finds objects of half the size "
    "and more false alarms; state a rate with it.",
)
@click.option(
    "--average-border",
    is_flag=True,
    help="Put the border of an object half way between the edges of the image and its saliency.",
)
@click.option(
    "--check-strokes",
    is_flag=True,
    help="Print the cross-validated effect of each stroke on the other marked images, and warn of "
    "those that hurt; it takes one learning per stroke.",
)
@click.option("--truncated", is_flag=True, help="Also look for objects that the image border cuts.")
@click.option("--seed", type=SEED, default=42, help="Seed of the clustering.")
@click.option("--report", type=PATH, help="Picture of what was learned.")
@click.option(
    "--tile",
    type=click.IntRange(1),
    help="Read TIFF, NumPy and OME-Zarr images in blocks of this side, where strokes lie, so that "
    "they need not fit in memory. [default: those that are too large to be read whole]",
)
@image_options
@shared
def command(
    arch: Path,
    images: Path,
    markers: Path,
    out: Path,
    report: Path | None,
    tile: int | None,
    reading: Reading,
    settings: Settings,
    **options: Any,
) -> None:
    """Learn a network from strokes drawn on a few images, without backpropagation.

    Strokes of one label, beside the background's, give one saliency. Strokes of several labels, or
    of labels that are all classes, give a probability per class.

    ARCH is an arch.json (libift, FLIM-Builder, pyflim), a LIDS module JSON, or a network file with
    unlearned layers. Only images that have a marker file are read.
    """
    from spel.atomic import check_place
    from spel.cli import learn_run
    from spel.io import write
    from spel.learning.sheet import learning_sheet

    for path in filter(None, (out, report)):
        check_place(path)
    options["class_names"] = learn_run.names_of_classes(options["class_names"])
    marked = learn_run.read_marked_images(
        images, markers, options["labels"], settings, reading, tile
    )
    pictured = [] if report is None else learn_run.whole_images(marked, "--report")
    network = learn_run.architecture(arch, marked, settings, options)
    learner = learn_run.learn_encoder if options["encoder"] else learn_run.learn_whole
    learned = learner(network, marked, settings, options)
    learned.save(out)
    click.echo(out)
    if options["check_strokes"]:
        learn_run.check_each_stroke(network, marked, settings, options)
    if report is not None:
        write(report, learning_sheet(learned, pictured, marked.markers, marked.names))
        click.echo(report)
