"""``spel fit``: a classifier from images in class folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.options import Settings, shared

if TYPE_CHECKING:
    from spel.learning.classifier import FitJob, Labelled


@click.command("fit")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Model to be written.")
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
    help="What tells an image's class: its folder, or its name before the first '_'.",
)
@click.option("--kernels", type=click.IntRange(1), default=100, show_default=True)
@click.option(
    "--size", type=click.IntRange(1, 99), default=6, show_default=True, help="Of patches."
)
@click.option(
    "--test",
    type=click.FloatRange(0, 0.9),
    default=0.25,
    show_default=True,
    help="Part of each class that is kept aside and judged; the written model learns from all.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@shared
def command(folder: Path, out: Path, settings: Settings, **options: Any) -> None:
    """Learn to tell classes of images apart, without backpropagation in the encoder.

    FOLDER holds one folder of images per class. A part of each class is kept aside first, and the
    figures on it are told; then the model learns from all images and is written to one file.
    """
    import spel
    from spel.cli.networks import network
    from spel.learning.classifier import FitJob, labelled
    from spel.sklearn import save

    given = labelled(folder, by=options["by"])
    counts = ", ".join(f"{n} {c}" for c, n in given.counts.items())
    settings.say(f"{len(given.paths)} images: {counts}")
    known = ("patches", "pooled", "flat")
    features = options["features"]
    job = FitJob(
        features if features in known else network(features),
        options["head"],
        options["kernels"],
        options["size"],
        seed=options["seed"],
    )
    images = [spel.read(path) for path in given.paths]
    if options["test"]:
        settings.say(_tried(job, images, given, options["test"], options["seed"]))
    save(job.run(images, given.classes), out)
    click.echo(out)


def _tried(job: FitJob, images: list[Any], given: Labelled, part: float, seed: int) -> str:
    """Figures on a part that was kept aside."""
    import numpy as np

    from spel.errors import ParameterError
    from spel.metrics.classification import confusion

    classes = np.array(given.classes)
    draw = np.random.default_rng(seed)
    aside = np.zeros(len(classes), dtype=bool)
    for name, count in given.counts.items():
        if count < 2:
            raise ParameterError(
                f"class {name!r} has one image, too few to keep a part aside; add images, or judge "
                "elsewhere with --test 0"
            )
        rows = np.flatnonzero(classes == name)
        most = min(max(1, round(part * count)), count - 1)
        aside[draw.permutation(rows)[:most]] = True
    model = job.run([images[i] for i in np.flatnonzero(~aside)], classes[~aside].tolist())
    rest = [images[i] for i in np.flatnonzero(aside)]
    same = len({image.shape for image in images}) == 1
    called = model.predict(np.stack(rest) if same else rest)
    return f"kept aside: {confusion(classes[aside], called).text()}"
