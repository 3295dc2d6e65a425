"""``spel detect``: objects in many images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import isolate_option
from spel.cli.options import Settings, shared
from spel.cli.types import Range, Words
from spel.io.annotation.formats import FORMATS

EXPORTS = tuple(name for name in FORMATS if name != "jsonl")  # the results themselves are
SAVES = ("overlay", "mask", "saliency")


@click.command("detect")
@click.argument("net", metavar="NET")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option(
    "--format",
    "formats",
    type=Words(EXPORTS),
    default="",
    help="Also write these files.",
)
@click.option("--save", "saves", type=Words(SAVES), default="", help="Pictures of every image.")
@click.option("--threshold", metavar="VALUE|otsu|p0-p100", help="Saliency above it is an object.")
@click.option(
    "--select",
    type=click.Choice(["all", "widest", "largest", "closest"]),
    help="Which components to keep; closest needs --size.",
)
@click.option("--size", metavar="WIDTH,HEIGHT", help="For --select closest, in pixels.")
@click.option(
    "--suppress",
    type=click.Choice(["within", "across"]),
    help="For networks of several classes: whether boxes suppress worse ones of their own class "
    "only, or of any class.",
)
@click.option("--area", type=Range(), help="Keep components with this number of pixels.")
@click.option("--width", type=Range(), help="Keep boxes of this width.")
@click.option("--height", type=Range(), help="Keep boxes of this height.")
@click.option("--aspect", type=Range(), help="Keep boxes of this width / height.")
@click.option(
    "--workers", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes."
)
@click.option("--dask", metavar="local|tcp://...|tls://...", help="Run on a Dask cluster.")
@click.option("--i-trust-this-network", "trust", is_flag=True, help="Allow tcp:// to others.")
@click.option("--shard", metavar="I/N", help="Process every N-th image only, from the I-th.")
@click.option("--fresh", is_flag=True, help="Discard an earlier run in --out.")
@click.option("--retry", is_flag=True, help="When resuming, process failed images again.")
@click.option(
    "--on-error",
    type=click.Choice(["skip", "stop"]),
    default="skip",
    show_default=True,
    help="Whether a failed image ends the run.",
)
@click.option("--every", default="1", metavar="N|SECONDSs", help="Frames of videos: 5, or 2s.")
@click.option("--tile", type=click.IntRange(1), help="Side of tiles. [default: read whole]")
@click.option(
    "--level", type=click.IntRange(0), help="Level of a pyramid (TIFF, OME-Zarr); 0 is full size."
)
@isolate_option
@click.option("--max-pixels", type=click.IntRange(1), help="Refuse larger images.")
@click.option("--max-seconds", type=click.FloatRange(0, 1e6, min_open=True), help="For one image.")
@click.option("--max-memory", type=click.IntRange(1, 1 << 23), metavar="MB", help="For one image.")
@shared
def command(net: str, images: tuple[str, ...], settings: Settings, **options: Any) -> None:
    """Find objects in images, videos, folders, quoted patterns, lists (.txt) and - (a list on
    standard input).

    With --out the folder receives results.jsonl (one line per image), failures.jsonl,
    manifest.jsonl and run.json. A run that was stopped or killed resumes with the same command;
    no image is lost or done twice. Without --out the lines go to standard output. The options from
    --threshold to --aspect change the decision that the network carries. The boxes of a network of
    several classes carry their class in every format.

    TIFF, NumPy and OME-Zarr images that are too large to be read whole are read tile by tile.
    Boxes are those of the full size, whatever the level.

    A video gives a line per frame, with its number and seconds. With --save
    overlay a copy with the boxes drawn in is written.
    """
    from spel.cli.detect_run import detect

    raise SystemExit(detect(net, images, options, settings))
