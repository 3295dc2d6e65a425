"""Detectors of rigid objects, learned from the true boxes of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spel import __version__
from spel.errors import ImageReadError
from spel.io.annotation.annotations import Annotations, ImageBoxes
from spel.learning.training_boxes import boxes_to_learn
from spel.nn import Network
from spel.rigid import RigidConfig, learn_detector
from spel.studio.commands.registry import Workspace
from spel.studio.document import Box, Document
from spel.studio.images import Loaded, source_id
from spel.studio.refusals import Refusal


def class_name(document: Document, label: int) -> str:
    """The name of a class of strokes and boxes."""
    names = {one.label: one.name for one in document.classes}
    return names.get(label, f"class {label}")


def class_names(document: Document, boxes: Sequence[Box]) -> tuple[str, ...]:
    """The name of the class of each box."""
    return tuple(class_name(document, box.label) for box in boxes)


def box_array(boxes: Sequence[Box]) -> Any:
    """Boxes without their classes, (n, 4)."""
    return np.array([box[:4] for box in boxes], dtype=np.float64).reshape(-1, 4)


def learn_from_truth(
    document: Document,
    workspace: Workspace,
    on_step: Callable[[str], object] = str,
    *,
    adjust: bool = False,
) -> Network:
    """A detector of the true boxes, the same that ``spel learn-boxes`` learns from their file.

    Images whose list of boxes is empty are background; images without a list are left out. Boxes of
    several classes give a detector of several classes. With `adjust`, it moves the sides of boxes
    to the edges of what it finds.

    Raises
    ------
    Refusal
        If there is no box.
    """
    ids = set(workspace.image_ids())
    truth = {image: b for image, b in document.truth.items() if source_id(image) in ids}
    if not any(truth.values()):
        raise Refusal("no_boxes", "no true box is drawn or loaded yet; draw one around an object")
    loaded = _readable(workspace, truth, on_step)
    drawn = [(image, truth[image.id]) for image in loaded]
    boxes = [
        ImageBoxes(image.name, image.size, box_array(one), class_names(document, one))
        for image, one in drawn
    ]
    several = {name for one in boxes for name in one.classes}
    learned = boxes_to_learn(Annotations(tuple(boxes), tuple(sorted(several))), on_step).images
    config = replace(RigidConfig(), adjust=adjust)
    network = learn_detector(
        [image.array for image in loaded],
        [one.boxes for one in learned],
        config,
        classes=[one.classes for one in learned] if len(several) > 1 else None,
        names=[image.name for image in loaded],
        on_step=on_step,
    )
    card = {
        "photos": len(loaded),
        "boxes": sum(map(len, learned)),
        "config": config.to_dict(),
        "spel": __version__,
        "command": "spel studio",
    }
    return network.with_meta(card=card)


def _readable(
    workspace: Workspace, images: Iterable[str], say: Callable[[str], object]
) -> list[Loaded]:
    loaded = []
    for image in images:
        try:
            loaded.append(workspace.load(image))
        except ImageReadError as error:
            say(f"left out: {error}")
    return loaded
