"""``spel texture``: a picture of any size from a sample of a texture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared
from spel.cli.types import SEED, Integers

if TYPE_CHECKING:
    import numpy.typing as npt

SIZE = Integers("ROWS,COLS", (2,), 8, "--size 512,512")


@click.command("texture")
@click.argument("sample", metavar="SAMPLE")
@click.option("--size", type=SIZE, help="Of the picture. [default: that of the sample]")
@click.option(
    "--method",
    type=click.Choice(["joint", "histograms", "quilt"]),
    default="joint",
    help="joint: the joint statistics of a bank's activations; histograms: their values alone; "
    "quilt: patches of the sample, laid over one another and cut.",
)
@click.option(
    "--patch", type=click.IntRange(4), help="Side of a quilt's patches. [default: a quarter]"
)
@click.option(
    "--tileable",
    is_flag=True,
    help="A quilt goes on at its other side; pictures of the other methods always do.",
)
@click.option("--seed", type=SEED, default=0, help="Seed of random choices.")
@click.option("--out", required=True, metavar="FILE", help="Picture to write, of SAMPLE's type.")
@image_options
@shared
def command(
    sample: str,
    size: tuple[int, int] | None,
    method: str,
    patch: int | None,
    tileable: bool,
    seed: int,
    out: str,
    reading: Reading,
    settings: Settings,
) -> None:
    """Make a picture of any size that has the texture of SAMPLE."""
    from spel import write
    from spel.cli.ranges import FileReader
    from spel.errors import ParameterError
    from spel.io.image.writer import check_file, check_type

    check_file(out)
    image, _ = FileReader(settings, reading).picture(sample)
    check_type(out, image.dtype, image.shape[2])
    if method == "quilt":
        how = {"patch": patch, "tileable": tileable, "seed": seed}
        picture = _quilted(image, size, how, settings)
    elif patch is not None:
        raise ParameterError(f"texture: --patch {patch} with --method {method}; give it with quilt")
    else:
        picture = _moved(image, size, {"method": method, "seed": seed}, settings)
    write(out, picture)
    click.echo(out)


def _quilted(
    image: npt.NDArray[Any],
    size: tuple[int, int] | None,
    how: dict[str, Any],
    settings: Settings,
) -> npt.NDArray[Any]:
    from spel.cli.progress import Progress
    from spel.synthesis import quilt

    with Progress(0, settings.progress, unit="patches") as progress:
        quilted = quilt(image, size, **how, on_start=progress.extend, on_patch=progress.step)
    return quilted.picture


def _moved(
    image: npt.NDArray[Any],
    size: tuple[int, int] | None,
    how: dict[str, Any],
    settings: Settings,
) -> npt.NDArray[Any]:
    from spel.cli.progress import Progress
    from spel.synthesis import texture, texture_differences
    from spel.synthesis.texture import ROUNDS

    with Progress(ROUNDS, settings.progress, unit="rounds") as progress:
        picture = texture(image, size, **how, on_round=progress.step)
    differences = texture_differences(image, picture, method=how["method"])
    if differences:
        worst = max(differences, key=lambda name: differences[name])
        mean = sum(differences.values()) / len(differences)
        settings.say(
            f"statistics: {mean:.1%} from the sample's on average, {differences[worst]:.1%} at "
            f"most ({worst})"
        )
    return picture
