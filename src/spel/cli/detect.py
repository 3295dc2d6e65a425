"""``spel detect``: objects in many images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spel.cli.options import Settings, shared
from spel.cli.run_options import RunOptions, run_options, tile_option, words_option
from spel.cli.types import Range, Sides, threshold
from spel.io.annotation.formats import FORMATS

if TYPE_CHECKING:
    from spel.decide.detection import AnyDecision
    from spel.nn import Network

EXPORTS = tuple(name for name in FORMATS if name != "jsonl")  # the results themselves are
SAVES = ("overlay", "mask", "saliency")
SIDES = ("width", "height", "depth")


@click.command("detect")
@click.argument("net", metavar="NET")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@click.option("--threshold", metavar="VALUE|otsu|p0-p100", help="Saliency above it is an object.")
@click.option(
    "--select",
    type=click.Choice(["all", "widest", "largest", "closest"]),
    help="Which components to keep; closest needs --size.",
)
@click.option(
    "--size",
    type=Sides(),
    help="Size of the box that --select closest looks for, in pixels.",
)
@click.option(
    "--suppress",
    type=click.Choice(["within", "across"]),
    help="For networks of several classes: whether boxes suppress worse ones of their own class "
    "only, or of any class.",
)
@click.option(
    "--max-detections",
    type=click.IntRange(1),
    help="For networks that slide windows: largest number of boxes in an image (of each class).",
)
@click.option(
    "--margin",
    type=(float, float),
    metavar="X Y",
    help="For networks that slide windows: what is added to each side of a box, as a share of its "
    "width and of its height; -0.05 -0.1 makes boxes tighter.",
)
@click.option(
    "--enlarge",
    type=click.FloatRange(0, min_open=True),
    metavar="FACTOR",
    help="For networks that slide windows: how many times smaller objects may be than those that "
    "were learned; 2 takes about twice as long.",
)
@click.option(
    "--area", type=Range(), help="Keep components whose number of pixels lies in this range."
)
@click.option("--width", type=Range(), help="Keep boxes whose width in pixels lies in this range.")
@click.option(
    "--height", type=Range(), help="Keep boxes whose height in pixels lies in this range."
)
@click.option(
    "--depth",
    type=Range(),
    help="In volumes, keep boxes whose number of planes lies in this range.",
)
@click.option("--aspect", type=Range(), help="Keep boxes whose width / height lies in this range.")
@run_options(
    words_option("--format", EXPORTS, "Also write these files."),
    words_option("--save", SAVES, "Pictures of every image."),
    tile_option,
)
@shared
def command(
    net: str, images: tuple[str, ...], run: RunOptions, settings: Settings, **decision: Any
) -> None:
    """Find objects in images, videos, folders, quoted patterns, lists (.txt) and - (a list on
    standard input).

    With --out the folder receives results.jsonl (one line per image), failures.jsonl,
    manifest.jsonl and run.json. A run that was stopped or killed resumes with the same command;
    no image is lost or done twice. Without --out the lines go to standard output. The options from
    --threshold to --aspect change the decision that the network carries. The boxes of a network of
    several classes carry their class in every format.

    A network with adjacencies of three axes takes volumes, whose boxes are x0 y0 z0 x1 y1 z1. Of
    the formats, only csv can hold them.

    TIFF, NumPy and OME-Zarr images that are too large to be read whole are read tile by tile.
    Boxes are those of the full size, whatever the level.

    A video gives a line per frame, with its number and seconds. With --save overlay, a copy of the
    video with the boxes drawn on it is written.
    """
    from spel.cli.networks import network
    from spel.cli.run_command import RunCommand, check_options, job_fields
    from spel.jobs import DetectJob

    check_options(run)
    learned = network(net)
    job = DetectJob(learned, _decision(learned, decision), **job_fields(run, settings, net))
    raise SystemExit(RunCommand(job, run, settings)(images))


def _decision(net: Network, options: dict[str, Any]) -> AnyDecision | None:
    """The network's own decision with the values of the options; None without such options."""
    from spel.decide.detection import resolve_decision

    values = {name: value for name, value in options.items() if value is not None}
    if "threshold" in values:
        values["threshold"] = threshold(values["threshold"])
    decision = resolve_decision(net, None, values)
    if "size" in values and getattr(decision, "select", None) != "closest":
        raise click.UsageError("--size is the box that --select closest looks for; give both")
    return decision if values else None
