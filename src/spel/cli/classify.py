"""``spel classify``: the class of every image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

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
    help="Judge too: the true class is the image's folder, or its name before the first '_'.",
)
@shared
def command(
    model: Path, images: tuple[str, ...], as_json: bool, truth: str | None, settings: Settings
) -> None:
    """Tell the class of images with a model that `spel fit` wrote.

    One line per image: class, a tab, the image. Images that fail are told on standard error and do
    not stop the others.
    """
    from spel.cli.progress import Progress
    from spel.io.sources import expand
    from spel.jobs.classify import ClassifyJob
    from spel.run import Failure
    from spel.sklearn import load

    job = ClassifyJob(load(model))
    paths = expand(images)
    done: list[Classified] = []
    failed = 0
    with Progress(len(paths), settings.progress) as progress:
        for found in job.run(paths):
            if isinstance(found, Failure):
                failed += 1
                say(found.text)
            else:
                done.append(found)
                line = json.dumps(found.to_dict()) if as_json else f"{found.called}\t{found.image}"
                click.echo(line)
            progress.step(found.image, failed=isinstance(found, Failure))
    if truth and done:
        settings.say(_judged(done, truth))
    raise SystemExit(exit_code(failed, len(paths)))


def _judged(done: list[Classified], truth: str) -> str:
    from spel.metrics.classification import confusion

    paths = [Path(one.image) for one in done]
    true = [p.parent.name if truth == "folder" else p.name.split("_")[0] for p in paths]
    return confusion(true, [one.called for one in done]).text()
