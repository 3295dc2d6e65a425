"""``spel learn``: a network from strokes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.options import Settings, shared

if TYPE_CHECKING:
    from spel.core.markers import Markers
    from spel.nn import Network


@click.command("learn")
@click.argument("arch", metavar="ARCH", type=click.Path(path_type=Path))
@click.option(
    "--images", "images", type=click.Path(path_type=Path), required=True, help="Folder of images."
)
@click.option(
    "--markers",
    "markers",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of marker files, named after the images.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Network file to be written."
)
@click.option(
    "--labels",
    type=click.Choice(["auto", "from-0", "from-1", "classes"]),
    default="auto",
    show_default=True,
    help="Which label is the background: 0, 1, or none.",
)
@click.option(
    "--space",
    default="labnorm2",
    show_default=True,
    help="Colour space of the input, if ARCH is an arch.json.",
)
@click.option("--center", is_flag=True, help="Subtract each image's median colour first.")
@click.option(
    "--method",
    type=click.Choice(["cluster", "points"]),
    default="cluster",
    show_default=True,
    help="FLIM-Cluster, or FLIM-BoFP.",
)
@click.option("--encoder", is_flag=True, help="Learn the encoder alone: no decoder, no objects.")
@click.option(
    "--all-marked/--not-all-marked",
    default=True,
    show_default=True,
    help="Whether every object of a marked image is marked, so that what else looks like one is "
    "taken for background.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="Of the clustering.")
@click.option("--report", type=click.Path(path_type=Path), help="Picture of what was learned.")
@shared
def command(
    arch: Path,
    images: Path,
    markers: Path,
    out: Path,
    report: Path | None,
    settings: Settings,
    **options: Any,
) -> None:
    """Learn a network from strokes drawn on a few images, without backpropagation.

    ARCH is an arch.json (libift, FLIM-Builder, pyflim), a LIDS module JSON, or a network file with
    layers still to be learned. Only images that have a marker file are read.
    """
    import spel
    from spel.flim import check_markers
    from spel.io.annotation.markers import convention_of, marked_images

    drawn, paths = marked_images(images, markers, options["labels"])
    names = list(drawn)
    arrays = [spel.read(paths[name]) for name in names]
    for name, array, marked in zip(names, arrays, drawn.values()):
        marked.check_fits(array.shape[:-1], f"image {name!r}")
    settings.say(f"{len(names)} marked images; {convention_of(drawn[names[0]])}")
    for finding in check_markers(list(drawn.values()), arrays, names=names):
        settings.say(f"note: {finding}")
    space = options["space"]
    if space == "auto":
        space = _space([paths[name] for name in names], settings)
    network = _architecture(arch, space, options["center"])
    learned = _learned(network, arrays, list(drawn.values()), names, settings, options)
    learned.save(out)
    click.echo(out)
    if report is not None:
        from spel.io import write
        from spel.learning.sheet import learning_sheet

        write(report, learning_sheet(learned, arrays, list(drawn.values()), names))
        click.echo(report)


def _learned(
    network: Network,
    arrays: list[Any],
    drawn: list[Markers],
    names: list[str],
    settings: Settings,
    options: dict[str, Any],
) -> Network:
    from time import perf_counter

    import spel
    from spel.decide import segmentation_of
    from spel.learning.segmenter import advice, learn_segmenter

    began = perf_counter()
    if options["encoder"]:
        learned = spel.learn(
            network,
            arrays,
            drawn,
            names=names,
            seed=options["seed"],
            method=options["method"],
            on_step=settings.say,
        )
        settings.say(f"learned {learned.parameters} weights in {perf_counter() - began:.2f} s")
        return learned
    found = learn_segmenter(
        network,
        arrays,
        drawn,
        names=names,
        seed=options["seed"],
        method=options["method"],
        hard_negatives=options["all_marked"],
        on_step=settings.say,
    )
    model = segmentation_of(found.network).objects
    assert model is not None
    settings.say(
        f"learned {found.network.parameters} weights in {perf_counter() - began:.2f} s; objects of "
        f"about {model.area:.0f} pixels, lowest accepted score {model.min_score:.2f}"
    )
    for sentence in advice(found.network, arrays, drawn, names=names)[:5]:
        settings.say(f"note: {sentence}")
    return found.network


def _space(paths: list[Path], settings: Settings) -> str:
    """libift's colour space for these files; said aloud where they differ."""
    from collections import Counter

    from spel.io.annotation.libift import space_of

    spaces = Counter(space_of(path) for path in paths)
    chosen = spaces.most_common(1)[0][0]
    if len(spaces) > 1:
        settings.say(
            f"note: the files are of types that libift reads as {', '.join(sorted(spaces))}; all "
            f"are taken as {chosen}"
        )
    return chosen


def _architecture(path: Path, space: str, center: bool) -> Network:
    import spel
    from spel.io.annotation.libift import read_arch
    from spel.nn import Center, Color, chain

    if path.suffix.lower() != ".json":
        return spel.load(path)
    if not center:
        return read_arch(path, space=space)
    encoder = read_arch(path, space=None)
    network = chain(color=Color(space), center=Center())  # type: ignore[arg-type]
    return chain(network, encoder).with_meta(**encoder.meta)
