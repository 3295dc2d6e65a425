"""``spel cut``: objects cut out of images, along strokes on these images."""

from __future__ import annotations

from pathlib import Path

import click

from spel.cli.options import Settings, shared
from spel.cli.run_options import RunOptions, run_options
from spel.cli.stroke_options import stroke_options


@click.command("cut")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@stroke_options
@run_options()
@shared
def command(
    images: tuple[str, ...], markers: Path, labels: str, run: RunOptions, settings: Settings
) -> None:
    """Cut objects out of images, each along a few strokes on that image; nothing is learned.

    Strokes of an object and of background give a mask: NAME.png in the folder, 255 on the object
    and 0 elsewhere. If the strokes have several labels, all images get these labels.
    Only images that have a marker file are cut. The names of the written files go to standard
    output.
    """
    from spel.cli.run_command import RunCommand, check_options, job_fields
    from spel.errors import FormatError, plural
    from spel.io.annotation.marker_folder import images_by_name
    from spel.io.sources import expand
    from spel.jobs import CutJob

    check_options(run, needs_folder=True)
    fields = job_fields(run, settings)
    job = CutJob(markers=str(markers.absolute()), convention=labels, **fields)
    paths = expand(images, outside=run.out)
    by_name = images_by_name(paths, job.strokes, markers)
    marked = [str(path) for name, path in by_name.items() if name in job.strokes]
    if not marked:
        raise FormatError(
            f"{markers}: none of the {len(paths)} images has a marker file there, for example for "
            f"{paths[0].stem!r}"
        )
    if len(marked) < len(paths):
        settings.say(f"left out: {plural(len(paths) - len(marked), 'image')} without strokes")
    raise SystemExit(RunCommand(job, run, settings)(marked))
