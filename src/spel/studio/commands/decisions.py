"""Commands that set decisions, pinned and removed images."""

from __future__ import annotations

from dataclasses import replace

from spel.decide import Decision
from spel.decide.segmentation import KEY, segmentation_of, with_segmentation
from spel.errors import ParameterError
from spel.studio.commands.registry import Arguments, Workspace, command
from spel.studio.document import Document
from spel.studio.images import source_id
from spel.studio.refusals import Refusal
from spel.studio.windows import tuned

MAX_PINS = 8


@command("set_decision")
def set_decision(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Set fields of the decision of a network.

    Arguments: network; decision, the fields and their new values.
    """
    entry = document.entry(arguments["network"])
    decision = tuned(entry.decision, arguments["decision"])
    changed = entry.with_decision(decision)
    how = segmentation_of(entry.network)
    if how.cut and isinstance(decision, Decision) and decision != entry.decision:
        # What is cut is the mask above the threshold that the page shows.
        how = replace(how, threshold=decision.threshold)
        changed = replace(changed, network=with_segmentation(changed.network, how))
    return document.with_entry(arguments["network"], changed)


@command("set_undecided")
def set_undecided(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Below which probability of its most probable class a pixel belongs to none."""
    name, undecided = arguments["network"], float(arguments["undecided"])
    entry = document.entry(name)
    if KEY not in entry.network.meta:
        raise Refusal("no_classes", "this network does not tell classes apart")
    how = replace(segmentation_of(entry.network), undecided=undecided)
    return document.with_entry(name, replace(entry, network=with_segmentation(entry.network, how)))


@command("set_false_alarms")
def set_false_alarms(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """The rate of images without an object in which one may be found."""
    name, rate = arguments["network"], float(arguments["rate"])
    entry = document.entry(name)
    how = segmentation_of(entry.network).at_false_alarm_rate(rate)
    return document.with_entry(name, replace(entry, network=with_segmentation(entry.network, how)))


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
    """Pin images, instead of those that are pinned: they stay in view.

    Arguments: images, their ids; at most `MAX_PINS`.
    """
    pins = tuple(dict.fromkeys(str(i) for i in arguments["images"]))
    ids = workspace.image_ids()
    unknown = [i for i in pins if source_id(i) not in ids and i not in document.pins]
    if unknown:
        raise ParameterError(f"there is no image {unknown[0]!r:.40} to pin")
    if len(pins) > MAX_PINS:
        raise ParameterError(f"at most {MAX_PINS} images can be pinned; unpin one first")
    return replace(document, pins=pins)
