"""``spel compare``: several networks on the same images and masks, in one table."""

from __future__ import annotations

import json
from pathlib import Path

import click

from spel.cli.options import Settings, shared
from spel.cli.types import PATH


@click.command("compare")
@click.argument("nets", metavar="NET...", nargs=-1, required=True)
@click.option("--images", type=PATH, required=True, help="Folder of images.")
@click.option("--masks", type=PATH, required=True, help="Their true masks.")
@click.option(
    "--decision",
    "decisions",
    type=click.Choice(["own", "otsu"]),
    multiple=True,
    help="How a saliency becomes a mask; may be repeated. [default: own]",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object.")
@shared
def command(
    nets: tuple[str, ...],
    images: Path,
    masks: Path,
    decisions: tuple[str, ...],
    as_json: bool,
    settings: Settings,
) -> None:
    """Segment the same images with every NET and print one table.

    The first row is that of masks that are always empty, because two empty masks agree wholly.
    Saliencies are evaluated too: MAE, weighted F-beta, S-measure and E-measure. Images without a
    true mask are left out, and their number is printed.
    """
    from spel.cli.networks import network
    from spel.decide import Segmentation
    from spel.errors import ParameterError
    from spel.evaluation.masks import files_by_name, holds_several
    from spel.evaluation.networks import compare_on_masks
    from spel.learning.decoders import markdown_table

    true, files = files_by_name(masks), files_by_name(images)
    names = [name for name in files if name in true]
    if not names:
        raise ParameterError(
            f"none of the {len(files)} images in {images} has a mask in {masks}; masks are named "
            "after their images"
        )
    if len(names) < len(files):
        settings.say(f"{len(files) - len(names)} of {len(files)} images have no mask: left out")
    several = sum(holds_several(true[name]) for name in names)
    if several:
        settings.say(
            f"{several} of {len(names)} true masks hold several labels, which count as one object; "
            "spel eval --classes compares each label"
        )
    figures = {"(always empty)": compare_on_masks(None, names, files, true)}
    for name in nets:
        for decision in decisions or ("own",):
            segmentation = Segmentation() if decision == "otsu" else None
            title = name if len(decisions) < 2 else f"{name}, {decision}"
            settings.say(f"{title} on {len(names)} images")
            figures[title] = compare_on_masks(network(name), names, files, true, segmentation)
    click.echo(json.dumps(figures) if as_json else markdown_table(figures))
