"""``spel apply``: run a network and save its steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared

if TYPE_CHECKING:
    from spel.nn import Network

MOST_CHANNELS = 64
"""Channels of a step that a picture shows."""


@click.command("apply")
@click.argument("net", metavar="NET")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
@click.option(
    "--step",
    "steps",
    metavar="NAME|all",
    multiple=True,
    help="Step to save; may be repeated. [default: the last one]",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["png", "npy", "tiff"]),
    default="png",
    show_default=True,
    help="Pictures with their scale, or the raw float32 values.",
)
@click.option(
    "--profile",
    is_flag=True,
    help="Also say, for every image, how the network runs and what each step takes.",
)
@image_options
@shared
def command(
    net: str,
    images: tuple[str, ...],
    out: Path,
    steps: tuple[str, ...],
    kind: str,
    profile: bool,
    reading: Reading,
    settings: Settings,
) -> None:
    """Run a network over images and save one, several or all of its steps.

    Pictures state their scale: signed values are blue below zero, white at zero and orange above;
    other values go from black at zero to bright. The names of the written files go to standard
    output.
    """
    from spel.cli.files import ensure_folder, for_each_file
    from spel.cli.networks import network
    from spel.io.sources import expand

    chain = network(net)
    wanted = _wanted(chain, steps)
    paths = expand(images)
    folder = ensure_folder(out)

    def save(path: Path, name: str) -> None:
        image = reading.read(path)
        for file in _saved(chain, image, chain.select(image, wanted), folder / name, kind):
            click.echo(file)
        if profile:
            _profiled(chain, image, path)

    raise SystemExit(for_each_file(paths, save, settings, folder))


def _profiled(chain: Network, image: Any, path: Path) -> None:
    from spel.nn.profile import profile, report

    plan = chain.plan(chain.with_channel_axis(image).shape)
    click.echo(f"{path}: {plan}\n\n{report(profile(chain, image))}\n", err=True)


def _wanted(chain: Network, steps: Sequence[str]) -> list[str]:
    from spel.errors import ParameterError

    if "all" in steps and "all" not in chain.names:
        return list(chain.names)
    for name in steps:
        if name not in chain.names:
            raise ParameterError(
                f"--step {name}: the network has no such step; expected all or one of "
                f"{', '.join(chain.names)}"
            )
    return list(dict.fromkeys(steps)) or [chain.output]


def _saved(
    chain: Network, image: Any, done: dict[str, Any], stem: Path, kind: str
) -> Iterator[Path]:
    """Write the steps of one image; their paths."""
    from spel.io import write

    for name, array in done.items():
        number = chain.names.index(name) + 1
        path = stem.with_name(f"{stem.name}.{number:02d}-{name}.{kind}")
        if array.ndim < 3 and kind != "npy":
            path = path.with_suffix(".npy")  # a feature vector is no picture
        if array.ndim < 3:
            _vector(path, array)
        else:
            write(path, _sheet(chain, name, array) if kind == "png" else array)
        yield path
    if kind == "png" and len(done) > 1:
        path = stem.with_name(f"{stem.name}.steps.png")
        write(path, overview(chain, image, done))
        yield path


def _vector(path: Path, array: Any) -> None:
    """A feature vector, whole or not at all."""
    import numpy as np

    from spel.atomic import replacing

    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _sheet(chain: Network, name: str, array: Any) -> Any:
    """One step: all its channels, each with its scale."""
    import numpy as np

    from spel.draw import Tile, shade, sheet

    flat, note = _flat(array)
    channels = min(flat.shape[-1], MOST_CHANNELS)
    tiles = [Tile(shade(flat[..., k]), f"channel {k}") for k in range(channels)]
    shown = f", the first {channels} of {flat.shape[-1]}" if channels < flat.shape[-1] else ""
    columns = int(np.ceil(np.sqrt(channels)))
    return sheet(
        tiles,
        columns=columns,
        tile_width=int(np.clip(flat.shape[1], 240, max(240, 960 // columns))),
        title=name,
        subtitle=f"{chain[name].describe()}; {' x '.join(map(str, array.shape))}{shown}{note}",
    )


def overview(chain: Network, image: Any, done: dict[str, Any]) -> Any:
    """The image and the first channel of every step, in one picture."""
    from spel.draw import Tile, shade, sheet

    tiles = [Tile(image, "image", " x ".join(map(str, image.shape)))]
    for name, array in done.items():
        if array.ndim < 3:
            continue
        flat, note = _flat(array)
        more = f", channel 0 of {flat.shape[-1]}" if flat.shape[-1] > 1 else ""
        words = chain[name].describe()
        number = chain.names.index(name) + 1
        tiles.append(Tile(shade(flat[..., 0]), f"{number}  {name}{more}", words + note))
    return sheet(tiles)


def _flat(array: Any) -> tuple[Any, str]:
    """The image, or the middle plane of a volume, and a word about it."""
    if array.ndim == 4:
        middle = len(array) // 2
        return array[middle], f"; plane {middle} of {len(array)}"
    return array, ""
