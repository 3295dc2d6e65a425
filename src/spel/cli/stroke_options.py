"""How a command is given strokes: their folder, and which of their labels is the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from spel.cli.types import PATH, Parsed

F = TypeVar("F", bound=Callable[..., Any])


class Labels(Parsed):
    """A convention of labels, as `spel.io.annotation.markers.read_markers` takes it."""

    name = "labels"

    def parse(self, text: str) -> str:
        from spel.errors import ParameterError
        from spel.io.annotation.markers import check_convention

        try:
            return check_convention(text)
        except ParameterError as error:
            self.fail(str(error))


labels_option = click.option(
    "--labels",
    type=Labels(),
    default="auto",
    metavar="[auto|classes|from-N]",
    help="Which label of strokes is the background: N, or none if all are classes; auto takes 0 "
    "where it occurs, and 1 of the labels 1 and 2.",
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
