"""``spel segment``: a mask for every image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spel.cli.options import Settings, shared
from spel.cli.run_options import RunOptions, run_options, tile_option, words_option
from spel.cli.types import AlarmRate, ObjectScale

if TYPE_CHECKING:
    from spel.decide.presence import Rate


@click.command("segment")
@click.argument("net", metavar="NET")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@run_options(
    words_option(
        "--format",
        ("png", "ome-tiff", "ome-zarr"),
        "Form of the masks. [default: png; of tiles: ome-tiff]",
    ),
    words_option(
        "--save",
        ("saliency", "instances", "csv", "coco", "geojson"),
        "Also write NAME.saliency.tif (float32, a channel per class), NAME.instances.tif (the "
        "number of the object on each pixel), or the objects one by one: NAME.objects.csv, .json "
        "(COCO), .geojson.",
    ),
    tile_option,
)
@click.option(
    "--false-alarm-rate",
    type=AlarmRate(),
    help="Largest share of images without an object in which one may be found, or auto; for "
    "networks that were learned with such a rate. [default: the rate of learning]",
)
@click.option(
    "--scale",
    type=ObjectScale(),
    default=1.0,
    metavar="FACTOR",
    help="Length of the objects in these images over that of the marked ones; with auto it is "
    "estimated, one for all images, from at most 20 of them.",
)
@shared
def command(
    net: str,
    images: tuple[str, ...],
    false_alarm_rate: Rate | None,
    scale: float | None,
    run: RunOptions,
    settings: Settings,
) -> None:
    """Write one mask per image: NAME.png in the folder, 255 on objects and 0 elsewhere.

    A network of several classes writes their labels instead, and 255 where none is probable enough.

    IMAGES are files, videos, folders, quoted patterns, lists (.txt) or - (a list on standard
    input). If two images have the same name, the mask of the second one is NAME-2.png. The names
    of the written files go to standard output. Images that are too large to be read whole, or with
    --tile, give pyramids: NAME.ome.tif. With --out NAME.zarr, the mask of one image becomes that
    folder of OME-Zarr. A run that was stopped or killed resumes with the same command.
    """
    from spel.cli.networks import network
    from spel.cli.object_scale import estimated_scale
    from spel.cli.run_command import RunCommand, check_options, job_fields
    from spel.decide import segmentation_of
    from spel.jobs import SegmentJob

    check_options(run, images, needs_folder=True)
    chosen, how = network(net), None
    if false_alarm_rate is not None:
        how = segmentation_of(chosen).at_false_alarm_rate(false_alarm_rate)
    if scale is None:
        scale = estimated_scale(chosen, images, run, settings)
    job = SegmentJob(chosen, segmentation=how, scale=scale, **job_fields(run, settings, net))
    raise SystemExit(RunCommand(job, run, settings)(images))
