"""``spel apply``: run a network and save its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spel.cli.options import Settings, shared
from spel.cli.run_options import RunOptions, run_options, tile_option, words_option

if TYPE_CHECKING:
    from spel.nn import Network


@click.command("apply")
@click.argument("net", metavar="NET")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--profile",
    is_flag=True,
    help="Also print the plan of the network and the time of each step, for every image.",
)
@click.option(
    "--uint8",
    type=float,
    metavar="FACTOR",
    help="Values times FACTOR, rounded to 0..255, instead of float32: 1 keeps grey levels, 255 "
    "takes 0..1. Larger values become 255, negative ones and NaN 0. [default format: tiff]",
)
@run_options(
    words_option(
        "--format",
        ("png", "npy", "tiff", "ome-tiff", "ome-zarr"),
        "Pictures with their scale, or float32 values. [default: png; of tiles: ome-tiff]",
    ),
    words_option("--save", None, "Steps to save. [default: the last one]", "STEP,...|all"),
    tile_option,
)
@shared
def command(
    net: str,
    images: tuple[str, ...],
    profile: bool,
    uint8: float | None,
    run: RunOptions,
    settings: Settings,
) -> None:
    """Run a network over images and save one, several or all of its steps.

    Pictures state their scale: signed values are blue below zero, white at zero and orange above;
    other values range from black at zero to bright. The names of the written files go to standard
    output. With --out NAME.zarr, one step of one image becomes that folder of OME-Zarr. A run that
    was stopped or killed resumes with the same command.
    """
    from spel.cli.networks import network
    from spel.cli.run_command import RunCommand, check_options, job_fields
    from spel.jobs import ApplyJob

    check_options(run, images, needs_folder=True, saves=1)
    chain = network(net)
    limit: dict[str, Any] = {} if run.max_bytes is None else {"max_bytes": run.max_bytes}
    job = ApplyJob(chain, uint8=uint8, **limit, **job_fields(run, settings, net))
    code = RunCommand(job, run, settings)(images)
    if profile:
        _print_profiles(chain, images, settings)
    raise SystemExit(code)


def _print_profiles(chain: Network, images: tuple[str, ...], settings: Settings) -> None:
    from spel.cli.ranges import ImageReader
    from spel.io.sources import expand
    from spel.nn.profile import profile, report

    read = ImageReader(chain, settings)
    for path in expand(images):
        image = read(path)
        plan = chain.plan(chain.with_channel_axis(image).shape)
        click.echo(f"{path}: {plan}\n\n{report(profile(chain, image))}\n", err=True)
