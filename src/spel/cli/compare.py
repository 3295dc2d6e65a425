"""``spel compare``: several networks on the same images and masks, in one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.options import Settings, shared

if TYPE_CHECKING:
    from spel.nn import Network


@click.command("compare")
@click.argument("nets", metavar="NET...", nargs=-1, required=True)
@click.option("--images", type=click.Path(path_type=Path), required=True, help="Folder of images.")
@click.option("--masks", type=click.Path(path_type=Path), required=True, help="Their true masks.")
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

    Images without a true mask are left out. The always-empty answer comes first, as two empty masks
    agree wholly. Saliencies are judged too: MAE, weighted F-beta, S- and E-measure.
    """
    from spel.cli.networks import network
    from spel.decide import Segmentation
    from spel.jobs.masks import _by_name
    from spel.learning.decoders import table

    true, given = _by_name(masks), _by_name(images)
    names = [name for name in given if name in true]
    figures: dict[str, dict[str, float]] = {"(always empty)": _figures(None, names, given, true)}
    for name in nets:
        for decision in decisions or ("own",):
            how = Segmentation() if decision == "otsu" else None
            title = name if len(decisions) < 2 else f"{name}, {decision}"
            settings.say(f"{title} on {len(names)} images")
            figures[title] = _figures(network(name), names, given, true, how)
    click.echo(json.dumps(figures) if as_json else table(figures))


def _figures(
    net: Network | None, names: list[str], given: Any, true: Any, how: Any = None
) -> dict[str, float]:
    from time import perf_counter

    import numpy as np

    import spel
    from spel.decide import segment
    from spel.jobs.masks import MaskEvaluation
    from spel.metrics import saliency as measures
    from spel.metrics.segmentation import overlap

    found, rows = {}, []
    took = 0.0
    for name in names:
        image, mask = spel.read(given[name]), spel.read(true[name])[..., 0] != 0
        began = perf_counter()
        answer = np.zeros_like(mask) if net is None else segment(net, image, how)
        took += perf_counter() - began
        found[name] = overlap(answer, mask)
        output = None if net is None else net(image)
        if output is not None and output.shape == (*mask.shape, 1) and mask.any():
            unit = spel.ops.linear_normalize(output)
            rows.append(
                [
                    measures.mean_absolute_error(unit, mask),
                    measures.weighted_f_beta(unit, mask),
                    measures.s_measure(unit, mask),
                    measures.e_measure(unit, mask),
                ]
            )
    figures = {k: v for k, v in MaskEvaluation(found).to_dict().items() if v is not None}
    kept = {
        k: figures[k] for k in ("dice", "iou", "f_beta", "false_alarms", "dice_all") if k in figures
    }
    if rows:
        kept.update(zip(("MAE", "wF", "S", "E"), np.mean(rows, axis=0).tolist()))
    return {**kept, "ms": 1000 * took / max(len(names), 1)}
