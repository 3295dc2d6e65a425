"""``spel learn-restore``: learn to undo noise, reduction or blur from one's own pictures."""

from __future__ import annotations

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared
from spel.cli.types import SEED


@click.command("learn-restore")
@click.argument("pictures", metavar="PICTURE...", nargs=-1, required=True)
@click.option(
    "--task",
    required=True,
    metavar="TASK",
    help="denoise:SIGMA (of 255), enlarge:FACTOR (2, 3 or 4), or deblur:SIGMA (in pixels).",
)
@click.option("--out", required=True, metavar="FILE", help="Restorer to write (.safetensors).")
@click.option(
    "--anchors",
    type=click.IntRange(1, 1024),
    help="Number of hyperplanes of a stage. [default: 64 against noise, else 256]",
)
@click.option(
    "--stages",
    type=click.IntRange(1, 8),
    help="Each goes on from what the stage before restored. [default: 3 against noise, else 2]",
)
@click.option("--seed", type=SEED, default=0, help="Seed of the clustering.")
@image_options
@shared
def command(
    pictures: tuple[str, ...],
    task: str,
    out: str,
    anchors: int | None,
    stages: int | None,
    seed: int,
    reading: Reading,
    settings: Settings,
) -> None:
    """Learn a restorer from clean pictures: files, folders or patterns.

    The pictures are made noisy, small or blurred; k-means finds anchors among their patches, and
    each anchor gets the hyperplane that gives the clean pixels best. Of many or large pictures the
    middle is enough, and memory stays bounded.
    """
    from spel.atomic import check_place
    from spel.cli.progress import Progress
    from spel.cli.ranges import FileReader
    from spel.io.sources import expand
    from spel.synthesis import Task, learn_restorer, luma
    from spel.synthesis.learn_restorer import enough, middle

    check_place(out)
    what = Task.parse(task)
    read, planes = FileReader(settings, reading), []
    paths = list(expand(pictures))
    numbers, side = enough(len(paths), what)
    paths = [paths[number] for number in numbers]
    with Progress(len(paths), settings.progress, unit="pictures") as progress:
        for path in paths:
            planes.append(middle(luma(*read.picture(path)), side))
            progress.step()
    say = settings.say
    learned = learn_restorer(planes, what, anchors=anchors, stages=stages, seed=seed, say=say)
    learned.save(out)
    click.echo(out)
