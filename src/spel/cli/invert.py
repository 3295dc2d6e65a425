"""``spel invert``: what a step of a network still knows of an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared

if TYPE_CHECKING:
    import numpy.typing as npt

    from spel.nn import Network

MOST = 20
"""Largest number of images of --like that are read."""


@click.command("invert")
@click.argument("net", metavar="NET")
@click.argument("image", metavar="IMAGE")
@click.option("--step", metavar="NAME|all", help="The step to invert. [default: the last one]")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    help="Picture to write, by its suffix: .png, .jpg, or the float32 values as .tif or .npy.",
)
@click.option(
    "--like",
    metavar="FOLDER",
    help="Other images of the same kind, from which is guessed what a step has lost.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=5,
    help="Rounds of least squares; more of them come closer and take longer.",
)
@image_options
@shared
def command(
    net: str,
    image: str,
    step: str | None,
    out: str,
    like: str | None,
    rounds: int,
    reading: Reading,
    settings: Settings,
) -> None:
    """Write the picture that explains the activation of a step: what the step still knows.

    With --step all, a sheet of the pictures of all steps is written. Steps that cannot be inverted
    are named.
    """
    from spel.cli.networks import network
    from spel.cli.progress import Progress
    from spel.cli.ranges import ImageReader
    from spel.core.intensity import full_intensity, white_of
    from spel.io.image.writer import check_file, write
    from spel.synthesis import invert_steps, inverted_sheet, shown

    check_file(out)
    learned = network(net)
    every = step == "all" and "all" not in learned.names
    names = learned.names if every else (learned.output if step is None else step,)
    read = ImageReader(learned, settings, reading)
    full = learned.with_channel_axis(read(image))
    white = full_intensity(full, read.white or white_of(full))
    others = [] if like is None else [read(path) for path in _others(like, image)]
    with Progress(rounds * len(names), settings.progress, unit="rounds") as progress:
        pictures, refused = invert_steps(
            learned,
            full,
            names,
            bounds=(0.0, white),
            like=others,
            rounds=rounds,
            on_round=progress.step,
        )
    for name, why in refused.items():
        settings.say(f"note: step {name} is left out: {why}")
    if not pictures:
        from spel.errors import UnsupportedLayerError

        raise UnsupportedLayerError(f"no step can be inverted: {next(iter(refused.values()))}")
    for name, picture in pictures.items():
        settings.say(f"{name}: {_remark(learned, name, full, picture)}")
    if every:
        write(out, inverted_sheet(learned, full, pictures, white))
    else:
        values = Path(out).suffix.lower() in (".tif", ".tiff", ".npy")
        write(out, picture if values else shown(picture, white))
    click.echo(out)


def _remark(network: Network, name: str, image: npt.NDArray[Any], picture: npt.NDArray[Any]) -> str:
    """What is said of the picture of a step."""
    from spel.synthesis import likeness, share_of_power

    if picture.max() == picture.min():
        return "says nothing of this image; its picture is the same everywhere"
    share = share_of_power(*(network.select(i, [name])[name] for i in (image, picture)))
    return (
        f"{share:.0%} of the activation explained, "
        f"correlation with the image {likeness(image, picture):.3f}"
    )


def _others(folder: str, image: str) -> list[Path]:
    """At most `MOST` images of a folder, evenly over it, without the inverted one."""
    from spel.errors import ParameterError
    from spel.io.sources import expand, spread

    paths = [path for path in expand(folder) if path.resolve() != Path(image).resolve()]
    if not paths:
        raise ParameterError(f"--like {folder}: no image besides the inverted one; add others")
    return spread(paths, MOST)
