"""The table of commands, and what a command may ask of the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from spel.errors import FormatError, ParameterError, SpelError
from spel.studio.cache import Run
from spel.studio.document import Document, Entry
from spel.studio.images import Loaded
from spel.studio.refusals import Refusal

Arguments = Mapping[str, Any]


class Workspace(Protocol):
    """The images of a session, and what networks give on them."""

    def load(self, image: str) -> Loaded:
        """An image of the session, read and in memory."""

    def run_entry(self, entry: Entry, image: str) -> Run:
        """What a network gives on an image, step by step; computed once."""

    def image_ids(self) -> tuple[str, ...]:
        """The ids of all images, in the order of the page."""

    def marked_images(self) -> tuple[str, ...]:
        """The ids of the images that have strokes."""


Command = Callable[[Document, Workspace, Arguments], Document]
COMMANDS: dict[str, Command] = {}


def command(name: str) -> Callable[[Command], Command]:
    """Register a function as the command of this name."""

    def register(function: Command) -> Command:
        COMMANDS[name] = function
        return function

    return register


def apply(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """The document after the command ``{"do": name, ...}``.

    Raises
    ------
    ParameterError, FormatError, ShapeError
        If the command is unknown, or its arguments do not fit; the document does not change.
    """
    name = arguments.get("do")
    if not isinstance(name, str) or name not in COMMANDS:
        raise ParameterError(f"command {name!r:.40}; expected one of {', '.join(sorted(COMMANDS))}")
    try:
        return COMMANDS[name](document, workspace, arguments)
    except SpelError:
        raise
    except KeyError as error:
        raise FormatError(f"{name}: the argument {error.args[0]!r} is missing") from None
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError):
        raise Refusal(
            "unfit_request", "{name}: a value is of another kind than expected", name=name
        ) from None
