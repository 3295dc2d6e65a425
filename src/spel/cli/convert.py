"""``spel convert``: markers, architectures, models and activations between formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import turn_option
from spel.cli.options import Settings, shared
from spel.cli.spaces import SPACES
from spel.cli.stroke_options import labels_option
from spel.cli.types import PATH
from spel.io.annotation.formats import FORMATS


@click.command("convert")
@click.argument("source", metavar="SRC", type=PATH)
@click.argument("target", metavar="DST", type=PATH)
@labels_option
@click.option("--arch", type=PATH, help="arch.json of a model folder.")
@click.option(
    "--space",
    type=click.Choice(SPACES),
    default="labnorm2",
    help="Colour space of the network's input; none takes the channels as they are.",
)
@click.option(
    "--from", "source_form", type=click.Choice(list(FORMATS)), help="Format of the boxes in SRC."
)
@click.option(
    "--to",
    "target_form",
    type=click.Choice(list(FORMATS)),
    help="Format of the boxes in DST. [default: by its name]",
)
@click.option(
    "--images",
    type=PATH,
    help="Folder of the images: their names are taken and their sizes compared.",
)
@click.option("--like", type=PATH, help="COCO data set of a list of results.")
@click.option(
    "--class-names",
    type=PATH,
    help="classes.txt or data.yaml that fixes the numbers of classes in DST.",
)
@turn_option
@click.option("--strict", is_flag=True, help="Refuse SRC if one of its boxes is malformed.")
@shared
def command(
    source: Path,
    target: Path,
    labels: str,
    arch: Path | None,
    space: str,
    settings: Settings,
    **boxes: Any,
) -> None:
    """Convert SRC to DST; the formats follow from both names and the content of SRC.

    \b
    markers       seeds .txt, strokes .json, label image  ->  .txt or .json
    architecture  arch.json, LIDS modules .json           ->  .safetensors (to be learned)
    model         folder of convL-kernels.npy             ->  .safetensors
    network       .safetensors                            ->  folder, or arch.json
    activation    .npy, image                            <->  .mimg
    boxes         COCO or Label Studio .json, .geojson, .csv, results .jsonl,
                  folder of Pascal VOC or YOLO            ->  any of these

    Boxes go to COCO if DST ends in .json, and by its name to .csv, .jsonl and .geojson; --to says
    which format a folder or another .json gets.
    """
    from spel.cli.messages import say
    from spel.io.annotation.conversion import convert_boxes, convert_file, holds_boxes

    if boxes["source_form"] or boxes["target_form"] or holds_boxes(source, target):
        settings.say(convert_boxes(source, target, **boxes, report=say), 1)
    else:
        settings.say(
            convert_file(
                source, target, labels=labels, arch=arch, space=None if space == "none" else space
            ),
            1,
        )
    click.echo(target)
