"""How a command is given strokes: their folder, and which of their labels is the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from spel.cli.types import PATH

F = TypeVar("F", bound=Callable[..., Any])

labels_option = click.option(
    "--labels",
    type=click.Choice(["auto", "from-0", "from-1", "classes"]),
    default="auto",
    help="Which label of strokes is the background: 0, 1, or none, if all are classes.",
)


def stroke_options(function: F) -> F:
    """Add --markers and --labels to a command, which receives them by name."""
    markers = click.option(
        "--markers",
        type=PATH,
        required=True,
        help="Folder of marker files, named after the images.",
    )
    return markers(labels_option(function))
