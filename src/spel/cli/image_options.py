"""How a command reads its images: limits, and whether a worker decodes them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

isolate_option = click.option(
    "--isolate/--no-isolate",
    default=None,
    help="Decode in a worker with limits on memory and time, or, for files that you trust, not. "
    "[default: --isolate where the system can]",
)
max_pixels_option = click.option(
    "--max-pixels", type=click.IntRange(1), help="Refuse larger images. [default: 89478485]"
)


@dataclass(frozen=True)
class Reading:
    """The values of the options."""

    isolate: bool
    max_pixels: int


def image_options(function: F) -> F:
    """Add --isolate and --max-pixels to a command, which receives them as `reading`."""

    @isolate_option
    @max_pixels_option
    @functools.wraps(function)
    def wrapped(*args: Any, isolate: bool | None, max_pixels: int | None, **kw: Any) -> Any:
        from spel.io.image.header import MAX_PIXELS

        reading = Reading(default_isolate(isolate), max_pixels or MAX_PIXELS)
        return function(*args, reading=reading, **kw)

    return wrapped  # type: ignore[return-value]


def default_isolate(isolate: bool | None) -> bool:
    """The value of --isolate: where it is not given, whether the system can."""
    from spel.io.isolation import AVAILABLE

    return AVAILABLE if isolate is None else isolate
