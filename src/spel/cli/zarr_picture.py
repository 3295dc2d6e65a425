"""``--out NAME.zarr``: what a run makes of one image, as one folder of OME-Zarr."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import click

from spel.atomic import move_folder
from spel.cli.run_options import RunOptions
from spel.errors import ParameterError, plural
from spel.io.large.forms import ENDINGS, OME_ZARR
from spel.io.large.zarr_pyramid import is_part
from spel.io.sources import expand, is_video_file


def is_picture(out: Path | None) -> TypeGuard[Path]:
    """Whether the output is named as a folder of Zarr, and not as the folder of a run."""
    return out is not None and out.suffix == ".zarr"


def run_folder(out: Path) -> Path:
    """Where the run of such a picture lies until it is whole, so that it can be resumed."""
    return out.with_name(f".{out.name}.run") if is_picture(out) else out


def check_picture(images: Sequence[str], options: RunOptions, saves: int) -> None:
    """Refuse what is more than one picture; so many words of --save make one."""
    name = "" if options.out is None else options.out.name
    paths = expand(images)
    if len(paths) != 1:
        raise click.UsageError(
            f"--out {name} is one picture, and these are {len(paths)} images; give a folder, and "
            "--format ome-zarr"
        )
    if is_video_file(paths[0]):
        raise click.UsageError(
            f"--out {name} is one picture, and {paths[0]} is a video of many; give a folder, and "
            "--format ome-zarr"
        )
    if len(options.saves) > saves or "all" in options.saves:
        raise click.UsageError(
            f"--out {name} is one picture, and --save {','.join(options.saves)} makes more "
            "files; give a folder, and --format ome-zarr"
        )
    if options.shard is not None or set(options.formats) - {OME_ZARR}:
        raise click.UsageError(
            f"--out {name} is one picture of OME-Zarr, without --shard and other --format; give a "
            "folder for those"
        )


def publish(out: Path) -> None:
    """Move the picture of a run to its place, where an earlier one is replaced.

    A run that was killed after the move leaves its folder without a picture, which is removed; one
    that has made several pictures keeps them in its folder.
    """
    folder = run_folder(out)
    made = list(folder.glob(f"*.{ENDINGS[OME_ZARR]}"))
    moving = folder / "moving"
    if len(made) == 1:
        moving.touch()
        move_folder(made[0], out, is_part)
    elif made or not (moving.exists() and out.exists()):
        raise ParameterError(
            f"{out}: one picture was expected, and {folder} holds {plural(len(made), 'picture')}; "
            "give another folder, and --format ome-zarr"
        )
    shutil.rmtree(folder)
