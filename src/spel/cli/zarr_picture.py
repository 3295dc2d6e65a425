"""``--out NAME.zarr``: what a run makes of one image, as one folder of OME-Zarr."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from spel.atomic import replacing_folder
from spel.errors import ParameterError, plural
from spel.io.large.forms import ENDINGS, OME_ZARR
from spel.io.large.zarr_pyramid import is_part
from spel.io.sources import expand


def is_picture(out: Path | None) -> bool:
    """Whether the output is named as a folder of Zarr, and not as the folder of a run."""
    return out is not None and out.suffix == ".zarr"


def run_folder(out: Path) -> Path:
    """Where the run of such a picture lies until it is whole, so that it can be resumed."""
    return out.with_name(f".{out.name}.run") if is_picture(out) else out


def check_picture(images: Sequence[str], options: dict[str, Any], saves: int) -> None:
    """Refuse what is more than one picture.

    Parameters
    ----------
    images, options
        Of the command.
    saves : int
        Words of --save that make one picture.
    """
    name = options["out"].name
    count = len(expand(images))
    if count != 1:
        raise click.UsageError(
            f"--out {name} is one picture, and these are {count} images; give a folder, and "
            "--format ome-zarr"
        )
    if len(options["saves"]) > saves or "all" in options["saves"]:
        raise click.UsageError(
            f"--out {name} is one picture, and --save {','.join(options['saves'])} makes more "
            "files; give a folder, and --format ome-zarr"
        )
    if options["shard"] is not None or set(options["formats"]) - {OME_ZARR}:
        raise click.UsageError(
            f"--out {name} is one picture of OME-Zarr, without --shard and other --format; give a "
            "folder for those"
        )


def publish(out: Path) -> None:
    """Move the picture of a run to its place, where an earlier one is replaced.

    Raises
    ------
    ParameterError
        If the run has made several, as of the frames of a video; they stay in its folder.
    """
    folder = run_folder(out)
    made = list(folder.glob(f"*.{ENDINGS[OME_ZARR]}"))
    if len(made) != 1:
        raise ParameterError(
            f"{out}: one picture was expected, and {folder} holds {plural(len(made), 'picture')}; "
            "give another folder, and --format ome-zarr"
        )
    with replacing_folder(out, is_part) as place:
        os.replace(made[0], place)
    shutil.rmtree(folder)
