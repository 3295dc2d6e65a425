"""``spel cut``: objects cut out of images, along strokes on these images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from spel.cli.options import Settings, shared
from spel.cli.run_options import RunOptions, run_options
from spel.cli.spaces import input_space, space_option
from spel.cli.stroke_options import stroke_options


@click.command("cut")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@stroke_options
@space_option(words=" whose values are compared")
@run_options()
@shared
def command(
    images: tuple[str, ...],
    markers: Path,
    labels: str,
    space: str | None,
    run: RunOptions,
    settings: Settings,
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
    from spel.nn import Activation, Color, chain

    check_options(run, needs_folder=True)
    fields = job_fields(run, settings)
    paths = expand(images, outside=run.out)
    job = CutJob(markers=str(markers.absolute()), convention=labels, **fields)
    by_name = images_by_name(paths, job.strokes, markers)
    marked = [path for name, path in by_name.items() if name in job.strokes]
    if not marked:
        raise FormatError(
            f"{markers}: none of the {len(paths)} images has a marker file there, for example for "
            f"{paths[0].stem!r}"
        )
    if len(marked) < len(paths):
        settings.say(f"left out: {plural(len(paths) - len(marked), 'image')} without strokes")
    compared = input_space(space, marked, settings)
    if compared != "labnorm2":
        layer = Activation("identity") if compared is None else Color(compared)  # type: ignore[arg-type]
        job = replace(job, network=chain(compared=layer))
    raise SystemExit(RunCommand(job, run, settings)([str(path) for path in marked]))
