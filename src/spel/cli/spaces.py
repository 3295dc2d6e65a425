"""The colour space of images that are learned from or cut; none if channels are no colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from spel.cli.options import Settings

SPACES = (
    *("labnorm2", "labnorm2-rgba", "labnorm2-jpeg", "labnorm2-direct"),
    *("lab", "rgb", "ycbcr", "grey", "none"),
)
"""Colour spaces of the input of a network, and none, for channels that are no colours."""


def space_option(*others: str, words: str = "") -> Callable[[Any], Any]:
    """The option ``--space``: one of `SPACES` and `others`, or None, see `input_space`."""
    return click.option(
        "--space",
        type=click.Choice([*SPACES, *others]),
        help=f"Colour space of the input{words}; none takes the channels as they are. "
        "[default: labnorm2, or none if the channels are no colours]",
    )


def input_space(choice: str | None, paths: Sequence[Path], settings: Settings) -> str | None:
    """The colour space that ``--space`` names, or that suits the images; None if there is none.

    Raises
    ------
    ImageReadError
        If it is a space of colours, and a file does not say that its channels are colours.
    """
    from spel.io.image.colors import check_colors
    from spel.io.image.reader import describe
    from spel.io.parts import NO_LIMIT

    if choice == "none":
        return None
    kinds = [describe(path, max_pixels=NO_LIMIT) for path in paths]
    if choice is None and any(kind.color == "channels" for kind in kinds):
        first = next(path for path, kind in zip(paths, kinds) if kind.color == "channels")
        settings.say(
            f"note: the channels of {first.name} are no colours, so they are taken as they are "
            "(--space none)"
        )
        return None
    for path, kind in zip(paths, kinds):
        check_colors(path, kind)
    return common_space(paths, settings) if choice == "auto" else choice or "labnorm2"


def common_space(paths: Sequence[Path], settings: Settings) -> str:
    """libift's colour space for these files; a note says so if they differ."""
    from spel.io.annotation.libift import space_of

    spaces = Counter(space_of(path) for path in paths)
    most_common = spaces.most_common(1)[0][0]
    if len(spaces) > 1:
        settings.say(
            f"note: libift would read these files as {', '.join(sorted(spaces))}; all of them are "
            f"read as {most_common}"
        )
    return most_common
