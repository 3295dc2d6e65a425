"""``spel eval``: results against the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import turn_option
from spel.cli.messages import ExitCode, say
from spel.cli.options import Settings, refuse_options, shared
from spel.cli.types import Gate


@click.command("eval")
@click.argument("results", metavar="RESULTS")
@click.argument("truth", metavar="TRUTH")
@click.option(
    "--iou",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    help="Least overlap of a correct detection.",
)
@click.option("--worst", type=click.IntRange(0), default=10, help="Images to list.")
@click.option("--only-answered", is_flag=True, help="Leave out images without a result.")
@click.option(
    "--images",
    type=click.Path(),
    help="Folder of the images, for annotations that do not state their sizes.",
)
@turn_option
@click.option("--any-class", is_flag=True, help="Do not compare classes.")
@click.option("--classes", is_flag=True, help="Compare label images class by class.")
@click.option("--instances", is_flag=True, help="Compare label images object by object.")
@click.option(
    "--fail-under",
    "gates",
    type=Gate(),
    multiple=True,
    help="Exit with 6 if a figure (recall, precision, r50, r30, mean_iou, ap, coco_ap) is lower; "
    "may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="All figures and images as one JSON object.")
@shared
def command(
    results: str,
    truth: str,
    iou: float,
    worst: int,
    only_answered: bool,
    images: str | None,
    turn: bool,
    any_class: bool,
    classes: bool,
    instances: bool,
    gates: tuple[tuple[str, float], ...],
    as_json: bool,
    settings: Settings,
) -> None:
    """Compare RESULTS with TRUTH.

    RESULTS is the folder of a run or its results.jsonl; TRUTH is a COCO file. Both may also be
    Pascal VOC or YOLO folders, Label Studio exports, GeoJSON or CSV, and RESULTS a COCO list of
    results. Printed are recall and precision over all answers, the share of images whose best
    answer reaches IoU 0.5 and 0.3 (r50, r30), mean IoU, AP, AP and AR as COCO computes them,
    recall, precision and AP of each class, and the worst images first. An answer
    must have the class of the true box.

    If both are folders of masks, these are compared by name: Dice, IoU, F-beta (beta^2 = 0.3),
    precision and recall on images with an object, false alarms on those without. A true mask
    without an answer counts as missed. With --classes, label images are compared label by label;
    with --instances, where every number but 0 is an object, object by object: AP at IoU .5 to .95,
    F1 at .5, panoptic quality, aggregated Jaccard index and the error of the count.
    """
    from spel.errors import ParameterError
    from spel.evaluation import evaluate_boxes
    from spel.io.annotation.recognize import is_label_folder

    if Path(truth).is_dir() and not is_label_folder(truth):
        refuse_options(
            ("iou", "images", "turn", "any_class"),
            f"compares boxes, and {truth} is a folder of masks; leave it out, or name boxes",
        )
        judge = _judge(classes, instances)
        evaluation: Any = judge(results, truth, only_answered=only_answered)
    elif classes or instances:
        raise ParameterError(
            f"--{'classes' if classes else 'instances'} compares folders of label images, and "
            f"{truth} holds boxes, which are always compared one by one and by class"
        )
    else:
        evaluation = evaluate_boxes(
            results,
            truth,
            level=iou,
            only_answered=only_answered,
            classes=not any_class,
            turn=turn,
            images=images,
            report=say,
        )
    figures = evaluation.to_dict()
    click.echo(json.dumps(figures) if as_json else evaluation.text(worst))
    code = ExitCode.GOOD
    for name, least in gates:
        value = figures.get(name, "")
        if not isinstance(value, (int, float)) and value is not None:
            names = [key for key, figure in figures.items() if isinstance(figure, float)]
            raise ParameterError(
                f"--fail-under {name}: no such figure; expected {', '.join(names)}"
            )
        if value is None or value < least:
            say(f"{name} is {'unknown' if value is None else f'{value:.4f}'}, below {least:g}")
            code = ExitCode.QUALITY_GATE
    raise SystemExit(code)


def _judge(classes: bool, instances: bool) -> Any:
    """What compares two folders of masks or label images."""
    from spel.errors import ParameterError
    from spel.evaluation import evaluate_classes, evaluate_instance_masks, evaluate_masks

    if classes and instances:
        raise ParameterError("--classes and --instances: one number is a class or an object")
    if instances:
        return evaluate_instance_masks
    return evaluate_classes if classes else evaluate_masks
