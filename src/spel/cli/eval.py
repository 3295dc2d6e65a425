"""``spel eval``: results against the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from spel.cli.messages import ExitCode, say
from spel.cli.options import Settings, shared
from spel.cli.types import Gate


@click.command("eval")
@click.argument("results", metavar="RESULTS")
@click.argument("truth", metavar="TRUTH")
@click.option(
    "--iou",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="Overlap from which an answer is right.",
)
@click.option(
    "--worst", type=click.IntRange(0), default=10, show_default=True, help="Images listed."
)
@click.option("--only-answered", is_flag=True, help="Leave out images that have no result.")
@click.option(
    "--fail-under",
    "gates",
    type=Gate(),
    multiple=True,
    help="Leave with 6 if a figure (recall, precision, r50, r30, mean_iou, ap) is below; may be "
    "repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="All figures and images as one JSON object.")
@shared
def command(
    results: str,
    truth: str,
    iou: float,
    worst: int,
    only_answered: bool,
    gates: tuple[tuple[str, float], ...],
    as_json: bool,
    settings: Settings,
) -> None:
    """Compare RESULTS (a run's folder or its results.jsonl) with TRUTH (COCO annotations).

    Where TRUTH is a folder, RESULTS is a folder of masks, compared by name: Dice, IoU, F-beta
    (beta^2 = 0.3), precision and recall on images with an object, false alarms on those without.

    Recall and precision over all answers, the share of images whose best answer reaches IoU 0.5
    and 0.3 (r50, r30), mean IoU, AP, and the worst images first.
    """
    from spel.errors import ParameterError
    from spel.jobs import EvaluateJob

    if Path(truth).is_dir():
        from spel.jobs.masks import evaluate_masks

        found: Any = evaluate_masks(results, truth)
    else:
        found = EvaluateJob(level=iou, only_answered=only_answered)(results, truth)
    figures = found.to_dict()
    click.echo(json.dumps(figures) if as_json else found.text(worst))
    code = ExitCode.GOOD
    for name, least in gates:
        value = figures.get(name, "")
        if not isinstance(value, (int, float)) and value is not None:
            known = [k for k, v in figures.items() if isinstance(v, float)]
            raise ParameterError(
                f"--fail-under {name}: no such figure; expected {', '.join(known)}"
            )
        if value is None or value < least:
            say(f"{name} is {'unknown' if value is None else f'{value:.4f}'}, below {least:g}")
            code = ExitCode.QUALITY_GATE
    raise SystemExit(code)
