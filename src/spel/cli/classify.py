"""``spel classify``: the class of every image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.messages import exit_code, say
from spel.cli.options import Settings, shared

if TYPE_CHECKING:
    from spel.jobs.classify import Classified


@click.command("classify")
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per image, with all scores.")
@click.option(
    "--truth",
    type=click.Choice(["folder", "prefix"]),
    help="Evaluate too: the true class is the image's folder, or its name up to the first '_'.",
)
@image_options
@shared
def command(
    model: Path,
    images: tuple[str, ...],
    as_json: bool,
    truth: str | None,
    reading: Reading,
    settings: Settings,
) -> None:
    """Classify images with a model that `spel fit` wrote.

    Writes one line per image: the class, a tab, the image. An image that fails is reported on
    standard error and does not stop the others.
    """
    from spel.cli.progress import Progress
    from spel.io.sources import expand
    from spel.jobs.classify import ClassifyJob
    from spel.runs import Failure
    from spel.sklearn import load

    job = ClassifyJob(load(model), isolate=reading.isolate, max_pixels=reading.max_pixels)
    paths = expand(images)
    classified: list[Classified] = []
    failed = 0
    with Progress(len(paths), settings.progress) as progress:
        for result in job.run(paths):
            if isinstance(result, Failure):
                failed += 1
                say(result.text)
            else:
                classified.append(result)
                line = f"{result.predicted}\t{result.image}"
                click.echo(json.dumps(result.to_dict()) if as_json else line)
            progress.step(result.image, failed=isinstance(result, Failure))
    if truth and classified:
        settings.say(_figures(classified, truth))
    raise SystemExit(exit_code(failed, len(paths)))


def _figures(classified: list[Classified], truth: str) -> str:
    from spel.metrics.classification import confusion

    paths = [Path(one.image) for one in classified]
    true = [p.parent.name if truth == "folder" else p.name.split("_")[0] for p in paths]
    return confusion(true, [one.predicted for one in classified]).text()
