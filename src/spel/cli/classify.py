"""``spel classify``: the class of every image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from spel.cli.options import Settings, shared
from spel.cli.run_options import RunOptions, run_options, words_option
from spel.cli.types import PATH


@click.command("classify")
@click.argument("model", metavar="MODEL", type=PATH)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per image, with all scores.")
@click.option(
    "--truth",
    type=click.Choice(["folder", "prefix"]),
    help="Evaluate too: the true class is the nearest folder of that name above the image, or "
    "the image's name up to the first '_'.",
)
@run_options(words_option("--format", ("csv",), "Also write a table of classes and scores."))
@shared
def command(
    model: Path,
    images: tuple[str, ...],
    as_json: bool,
    truth: str | None,
    run: RunOptions,
    settings: Settings,
) -> None:
    """Classify images with a model that `spel fit` wrote.

    Writes one line per image: the class, a tab, the image. With --out the folder receives
    results.jsonl instead, with all scores, and a run that was stopped or killed resumes with the
    same command. An image that fails is reported on standard error and does not stop the others.
    """
    from spel.cli.run_command import RunCommand, check_options, job_fields
    from spel.jobs import ClassifyJob
    from spel.jobs.classify import model_name
    from spel.learning.class_folders import class_above
    from spel.metrics.classification import confusion
    from spel.sklearn import load

    check_options(run)
    job = ClassifyJob(load(model), model_name(model), **job_fields(run, settings))
    names = [str(name) for name in job.model.classes_]
    truths: list[tuple[str, str]] = []

    def line(values: dict[str, Any]) -> str:
        plain = {name: value for name, value in values.items() if name != "ms"}
        return json.dumps(plain) if as_json else f"{values['class']}\t{values['image']}"

    def compare(values: dict[str, Any]) -> None:
        path = Path(values["image"])
        true = class_above(path, names) if truth == "folder" else path.name.split("_")[0]
        truths.append((true, values["class"]))

    code = RunCommand(job, run, settings, line, compare if truth else None)(images)
    if truths:
        settings.say(confusion(*map(list, zip(*truths))).text())
    raise SystemExit(code)
