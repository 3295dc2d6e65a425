"""Commands that set decisions, truth and pinned images."""

from __future__ import annotations

from dataclasses import replace

from spel.decide import Decision
from spel.errors import ParameterError
from spel.studio.commands.registry import Arguments, Workspace, command
from spel.studio.document import Box, Document
from spel.studio.images import source_id
from spel.studio.refusals import Refusal

MAX_BOXES = 100_000
MAX_PINS = 8


@command("set_decision")
def set_decision(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    entry = document.entry(arguments["network"])
    decision = Decision.from_dict(arguments["decision"])
    return document.with_entry(arguments["network"], entry.with_decision(decision))


@command("set_truth")
def set_truth(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    image = workspace.load(str(arguments["image"])).id
    if len(arguments["boxes"]) > MAX_BOXES:
        raise ParameterError(
            f"{len(arguments['boxes']):,} boxes on one image; at most {MAX_BOXES:,} are allowed"
        )
    boxes = tuple(_box(box) for box in arguments["boxes"])
    return replace(document, truth={**document.truth, image: boxes})


def _box(box: object) -> Box:
    try:
        x0, y0, x1, y1 = (float(v) for v in box)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise ParameterError(f"box {box!r:.60}; expected four numbers x0, y0, x1, y1") from None
    if not (-1e9 < x0 < x1 < 1e9 and -1e9 < y0 < y1 < 1e9):
        raise ParameterError(f"box {box!r:.60}; expected x0 < x1 and y0 < y1")
    return x0, y0, x1, y1


@command("remove_image")
def remove_image(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Take an image out of the session; file and strokes stay, so that undo brings it back."""
    image = source_id(str(arguments["image"]))
    ids = workspace.image_ids()
    if image not in ids:
        raise ParameterError(f"there is no image {image!r:.40}; reload the page")
    if len(ids) == 1:
        raise Refusal("only_image", "this is the only image of the session; add another one first")
    pins = tuple(pin for pin in document.pins if source_id(pin) != image)
    return replace(document, pins=pins, removed=(*document.removed, image))


@command("set_pins")
def set_pins(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    pins = tuple(dict.fromkeys(str(i) for i in arguments["images"]))
    ids = workspace.image_ids()
    unknown = [i for i in pins if source_id(i) not in ids and i not in document.pins]
    if unknown:
        raise ParameterError(f"there is no image {unknown[0]!r:.40} to pin")
    if len(pins) > MAX_PINS:
        raise ParameterError(f"at most {MAX_PINS} images can be pinned; unpin one first")
    return replace(document, pins=pins)
