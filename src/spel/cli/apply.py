"""``spel apply``: run a network and save its steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared

if TYPE_CHECKING:
    from spel.nn import Network


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
    help="Pictures with their scale, or the float32 values.",
)
@click.option(
    "--profile",
    is_flag=True,
    help="Also print the plan of the network and the time of each step, for every image.",
)
@click.option(
    "--max-memory",
    type=click.IntRange(1),
    metavar="MB",
    default=4096,
    show_default=True,
    help="Refuse images whose steps take more.",
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
    max_memory: int,
    reading: Reading,
    settings: Settings,
) -> None:
    """Run a network over images and save one, several or all of its steps.

    Pictures state their scale: signed values are blue below zero, white at zero and orange above;
    other values range from black at zero to bright. The names of the written files go to standard
    output.
    """
    from spel.cli.files import ensure_folder, for_each_file
    from spel.cli.networks import network
    from spel.cli.ranges import ImageReader
    from spel.io.sources import expand
    from spel.jobs.steps import save_steps

    chain = network(net)
    selected = _select_steps(chain, steps)
    paths = expand(images)
    folder, read = ensure_folder(out), ImageReader(chain, settings, reading)

    def save(path: Path, name: str) -> None:
        image = read(path)
        for file in save_steps(
            chain, image, selected, folder / name, kind, max_bytes=max_memory << 20
        ):
            click.echo(file)
        if profile:
            _print_profile(chain, image, path)

    raise SystemExit(for_each_file(paths, save, settings, folder))


def _print_profile(chain: Network, image: Any, path: Path) -> None:
    from spel.nn.profile import profile, report

    plan = chain.plan(chain.with_channel_axis(image).shape)
    click.echo(f"{path}: {plan}\n\n{report(profile(chain, image))}\n", err=True)


def _select_steps(chain: Network, steps: Sequence[str]) -> list[str]:
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
