"""``spel learn-restore``: learn to undo noise, reduction or blur from one's own pictures."""

from __future__ import annotations

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared


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
    default=256,
    help="Number of hyperplanes of a stage.",
)
@click.option(
    "--stages",
    type=click.IntRange(1, 8),
    default=2,
    help="Each goes on from what the stage before restored.",
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of the clustering.")
@image_options
@shared
def command(
    pictures: tuple[str, ...],
    task: str,
    out: str,
    anchors: int,
    stages: int,
    seed: int,
    reading: Reading,
    settings: Settings,
) -> None:
    """Learn a restorer from clean pictures: files, folders or patterns.

    The pictures are made noisy, small or blurred; k-means finds anchors among their patches, and
    each anchor gets the hyperplane that gives the clean pixels best.
    """
    from spel.atomic import check_place
    from spel.cli.progress import Progress
    from spel.cli.ranges import FileReader
    from spel.errors import ParameterError
    from spel.io.sources import expand
    from spel.synthesis import Task, learn_restorer, luma

    check_place(out)
    what = Task.parse(task)
    read, planes = FileReader(settings, reading), []
    paths = list(expand(pictures))
    with Progress(len(paths), settings.progress, unit="pictures") as progress:
        for path in paths:
            image, white = read(path)
            if image.ndim != 3:
                raise ParameterError(f"{path}: a volume; expected a picture, or give --page")
            planes.append(luma(image, white or float(image.max()) or 1.0))
            progress.step()
    options = {"anchors": anchors, "stages": stages, "seed": seed}
    learned = learn_restorer(planes, what, **options, say=settings.say)
    learned.save(out)
    click.echo(out)
