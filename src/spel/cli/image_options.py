"""How a command reads its images: limits, and whether a worker decodes them."""

from __future__ import annotations

from dataclasses import dataclass

import click

from spel.cli.options import gathered

isolate_option = click.option(
    "--isolate/--no-isolate",
    default=None,
    help="Decode in a worker with limits on memory and time, or, for files that you trust, not. "
    "[default: --isolate where the system can]",
)
max_pixels_option = click.option(
    "--max-pixels", type=click.IntRange(1), help="Refuse larger images. [default: 89478485]"
)
page_option = click.option(
    "--page",
    type=click.IntRange(0),
    help="Page, frame or point in time of every image, from 0. [default: all pages of a volume]",
)
turn_option = click.option(
    "--turn",
    is_flag=True,
    help="Turn boxes that were drawn on stored images, before their EXIF rotation.",
)


@dataclass(frozen=True)
class Reading:
    """The values of the options."""

    isolate: bool
    max_pixels: int
    page: int | None = None


def reading_of(isolate: bool | None, max_pixels: int | None, page: int | None) -> Reading:
    """The values of the options, with their defaults."""
    from spel.io.image.header import MAX_PIXELS

    return Reading(default_isolate(isolate), max_pixels or MAX_PIXELS, page)


def default_isolate(isolate: bool | None) -> bool:
    """The value of --isolate: where it is not given, whether the system can."""
    from spel.io.isolation import AVAILABLE

    return AVAILABLE if isolate is None else isolate


image_options = gathered(reading_of, "reading", isolate_option, max_pixels_option, page_option)
"""Adds the options to a command, which receives them as `reading`."""
