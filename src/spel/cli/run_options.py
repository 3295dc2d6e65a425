"""The options of every command that runs a job over many images, said once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from spel.cli.image_options import isolate_option, max_pixels_option, page_option
from spel.cli.types import PATH, Words
from spel.cli.worker_options import trust_option, workers_option

F = TypeVar("F", bound=Callable[..., Any])


def run_options(
    *,
    formats: tuple[str, ...] = (),
    format_help: str = "This command has no other formats.",
    saves: tuple[str, ...] | None = (),
    save_help: str = "This command has no files of single images to save.",
    save_metavar: str | None = None,
) -> Callable[[F], F]:
    """Add the options of a run to a command, which receives them by name.

    Parameters
    ----------
    formats, saves : tuple of str
        What --format and --save take; None for --save takes any words.
    format_help, save_help : str
    save_metavar : str, optional
    """

    def add(function: F) -> F:
        special = (
            click.option(
                "--format",
                "formats",
                type=Words(formats),
                default="",
                show_default=False,
                help=format_help,
            ),
            click.option(
                "--save",
                "saves",
                type=Words(saves),
                default="",
                show_default=False,
                metavar=save_metavar,
                help=save_help,
            ),
        )
        for option in reversed((*BEFORE, *special, *AFTER)):
            function = option(function)
        return function

    return add


BEFORE = (click.option("--out", type=PATH, help="Folder of the run."),)
AFTER = (
    workers_option,
    click.option("--dask", metavar="local|tcp://...|tls://...", help="Run on a Dask cluster."),
    trust_option,
    click.option(
        "--shard", metavar="I/N", help="Process every N-th image and frame only, from the I-th."
    ),
    click.option("--fresh", is_flag=True, help="Discard an earlier run in --out."),
    click.option("--retry", is_flag=True, help="When resuming, process failed images again."),
    click.option(
        "--on-error",
        type=click.Choice(["skip", "stop"]),
        default="skip",
        help="Whether a failed image ends the run.",
    ),
    click.option("--every", default="1", metavar="N|SECONDSs", help="Frames of videos: 5, or 2s."),
    click.option("--tile", type=click.IntRange(1), help="Side of tiles. [default: read whole]"),
    click.option(
        "--level",
        type=click.IntRange(0),
        help="Level of a pyramid (TIFF, OME-Zarr); 0 is full size.",
    ),
    page_option,
    isolate_option,
    max_pixels_option,
    click.option(
        "--max-seconds", type=click.FloatRange(0, 1e6, min_open=True), help="For one image."
    ),
    click.option(
        "--max-memory", type=click.IntRange(1, 1 << 23), metavar="MB", help="For one image."
    ),
)
