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
    from spel.errors import plural
    from spel.evaluation import compare_on_masks, masked_images
    from spel.evaluation.figures import markdown_table
    from spel.evaluation.label_files import holds_several

    pairs, left_out = masked_images(images, masks)
    if left_out:
        settings.say(f"{left_out} of {left_out + len(pairs)} images have no mask: left out")
    several = sum(holds_several(true) for _, true in pairs.values())
    if several:
        settings.say(
            f"{several} of {len(pairs)} true masks hold several labels, which count as one object; "
            "spel eval --classes compares each label"
        )
    figures = {"(always empty)": compare_on_masks(None, pairs)}
    for name in nets:
        for decision in decisions or ("own",):
            segmentation = Segmentation() if decision == "otsu" else None
            title = name if len(decisions) < 2 else f"{name}, {decision}"
            settings.say(f"{title} on {plural(len(pairs), 'image')}")
            figures[title] = compare_on_masks(network(name), pairs, segmentation)
    click.echo(json.dumps(figures) if as_json else markdown_table(figures))
