"""The work of ``spel fit``: images in folders or boxes, portions in workers, a model file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from spel.atomic import check_place
from spel.cli.image_options import Reading
from spel.cli.messages import say
from spel.cli.networks import network
from spel.cli.options import Settings, refuse_options
from spel.cli.ranges import FileReader
from spel.cli.worker_options import Place
from spel.errors import Interrupted, ParameterError, plural
from spel.io.annotation.labels import read_labels
from spel.io.annotation.recognize import images_beside, is_label_folder
from spel.learning.class_folders import labelled_images
from spel.learning.classifier import ClassifierConfig, hold_out, split
from spel.learning.crops import labelled_crops
from spel.learning.portions import ExampleFiles
from spel.learning.saved_sums import SavedSums, key_of
from spel.sklearn import save


def fit(
    folder: Path,
    out: Path,
    place: Place,
    options: dict[str, Any],
    reading: Reading,
    settings: Settings,
) -> None:
    """Run the command with the values of its options."""
    check_place(out)
    if options["features"] != "patches":
        refuse_options(
            ("kernels", "size", "max_values"),
            f"is of kernels learned from patches, and --features {options['features']} learns "
            "none; leave it out",
        )
    if options["shares"] and not options["test"]:
        raise ParameterError("fit: --share is judged by a part held out; leave --test 0 out")
    read = FileReader(settings, reading)
    shared = folder if place.dask is None else folder.absolute()
    images, classes = _examples(shared, options, read)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(Counter(classes).items()))
    settings.say(f"{plural(len(images), 'image')}: {counts}")
    config = _config(options)
    config.check_size(images[0].shape)
    settings.say("learning features and classifier" + (", twice" if options["test"] else ""))
    saved = _saved_sums(config, images, classes, out, options)
    threads = settings.threads_of_each(place.workers)
    with place.open() as run:
        part = options["test"], options["seed"]
        judged = partial(hold_out, config, images, classes, *part, run=run, threads=threads)
        try:
            if options["test"]:
                settings.say(f"held out: {judged(saved=saved[0]).text()}")
            for percent in options["shares"]:
                figures = judged(share=percent / 100)
                learned, _ = split(classes, *part, share=percent / 100)
                settings.say(
                    f"from {percent:g} % of the labels ({plural(len(learned), 'image')}), held "
                    f"out: {figures.text()}"
                )
            model = config.fit(images, classes, run=run, threads=threads, saved=saved[1])
        except Interrupted as stopped:
            stopped.add_note("the same command goes on from the sums of the portions that are done")
            raise
    save(model, out, card={"white": sorted(read.whites)})
    for file in filter(None, saved):
        file.remove()
    click.echo(out)


def _examples(
    folder: Path, options: dict[str, Any], read: FileReader
) -> tuple[Sequence[Any], Sequence[str]]:
    """Images that are read on access, or crops in memory, and the class of each."""
    if folder.is_file() or is_label_folder(folder):
        refuse_options(
            ("by",), f"is of folders of classes, and {folder} holds annotations; leave it out"
        )
        place = options["photos"] or images_beside(folder)
        truth = read_labels(folder, images=place, turn=options["turn"], report=say)
        return labelled_crops(truth, place, read=read, report=say)
    refuse_options(("photos", "turn"), f"is of annotations, and {folder} has none; leave it out")
    labelled = labelled_images(folder, by=options["by"])
    read(labelled.paths[0])  # which says what is assumed of its numbers, and so of all
    return ExampleFiles([str(path) for path in labelled.paths], **read.options), labelled.classes


def _config(options: dict[str, Any]) -> ClassifierConfig:
    features = options["features"]
    return ClassifierConfig(
        features if features in ("patches", "pooled", "flat") else network(features),
        options["head"],
        options["kernels"],
        options["size"],
        seed=options["seed"],
        max_values=options["max_values"],
        max_memory=options["max_memory"],
    )


def _saved_sums(
    config: ClassifierConfig, images: Sequence[Any], classes: Sequence[str], out: Path,
    options: dict[str, Any],
) -> tuple[SavedSums | None, SavedSums | None]:  # fmt: skip
    """Files beside the model with the sums of the fit without the held-out part, and of all."""
    if not isinstance(images, ExampleFiles) or config.head != "ridge":
        return None, None
    key = key_of(
        {**config.to_dict(), "test": options["test"], "page": images.page}, images.paths, classes
    )
    first, second = (
        SavedSums(out.with_name(f"{out.name}.{name}-sums"), f"{name} {key}")
        for name in ("held-out", "all")
    )
    if options["fresh"]:
        first.remove()
        second.remove()
    return first, second
