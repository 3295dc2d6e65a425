"""Commands about true boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from spel.errors import ParameterError
from spel.studio.commands.registry import Arguments, Workspace, command
from spel.studio.commands.strokes import with_classes
from spel.studio.document import Box, Document

MAX_BOXES = 100_000

Named = Sequence[tuple[Sequence[float], str]]
"""Boxes with the names of their classes."""


@command("set_truth")
def set_truth(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Set the true boxes of an image, instead of those that it has.

    Arguments: image; boxes, each ``[x0, y0, x1, y1]`` in pixels, and perhaps the label of a class.
    """
    image = workspace.load(str(arguments["image"])).id
    boxes = arguments["boxes"]
    _check_count(len(boxes))
    return replace(document, truth={**document.truth, image: tuple(_box(box) for box in boxes)})


@command("clear_truth")
def clear_truth(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Forget the boxes and the true mask of an image: it is no example of anything."""
    image = str(arguments["image"])
    truth = {i: b for i, b in document.truth.items() if i != image}
    masks = {i: m for i, m in document.masks.items() if i != image}
    return replace(document, truth=truth, masks=masks)


def with_named_boxes(document: Document, named: Mapping[str, Named]) -> Document:
    """The document with the boxes of some images, and with a class for each of their names."""
    names = dict.fromkeys(name for boxes in named.values() for _, name in boxes)
    document, labels = with_classes(document, tuple(names))
    truth = {}
    for image, boxes in named.items():
        _check_count(len(boxes))
        truth[image] = tuple(_box([*box, labels[name]]) for box, name in boxes)
    return replace(document, truth={**document.truth, **truth})


def _check_count(count: int) -> None:
    if count > MAX_BOXES:
        raise ParameterError(f"{count:,} boxes on one image; at most {MAX_BOXES:,} are allowed")


def _box(box: Any) -> Box:
    try:
        x0, y0, x1, y1, *label = box
        made = Box(float(x0), float(y0), float(x1), float(y1), *(int(one) for one in label))
    except (TypeError, ValueError, OverflowError):
        raise ParameterError(
            f"box {box!r:.60}; expected four numbers x0, y0, x1, y1, and perhaps a label"
        ) from None
    if not (-1e9 < made.x0 < made.x1 < 1e9 and -1e9 < made.y0 < made.y1 < 1e9):
        raise ParameterError(f"box {box!r:.60}; expected x0 < x1 and y0 < y1")
    if not 0 < made.label <= 255:
        raise ParameterError(f"box {box!r:.60}; expected a label from 1 to 255")
    return made
