"""The true mask of an image, cut along its strokes by its colours: ``spel cut`` in the studio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.flim import label_from_strokes
from spel.nn import Color, chain
from spel.nn.intensity import match_white
from spel.studio import reduction, true_masks
from spel.studio.images import Loaded
from spel.studio.label_images import classes_of_pixels
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.strokes import markers_of
from spel.studio.tasks import Task

COLORS = chain(color=Color("labnorm2"))
"""What is compared, as by ``spel cut``."""

ROUNDS = 4
"""Of mixtures and cut: three of squares of spels, and one of the spels near a border."""


def cut_along_strokes(session: Session, image: str, task: Task) -> None:
    """Cut the objects of an image out along the strokes on it, and keep them as its true mask.

    A large image is cut at the size at which the studio works on it.

    Raises
    ------
    Refusal
        If strokes of one class only lie on the image, or the image has one colour only.
    """
    loaded = session.load(image)
    document = session.document
    drawn = _checked(markers_of(document.strokes.get(loaded.id, ()), loaded.size), loaded.name)
    task.total = ROUNDS

    def on_round() -> None:
        task.check()
        task.done += 1

    factor = reduction.needed_factor(loaded.size)
    labels = _labels(loaded, drawn, factor, on_round)
    task.check()
    boxes, _ = classes_of_pixels(labels, document.classes)
    name = true_masks.store(session, labels)
    session.change("cut_mask", lambda d: true_masks.with_mask(d, loaded, name, boxes))
    task.result = {
        "image": loaded.id,
        "objects": len(boxes),
        "share": float((labels > 0).mean()),
        "factor": factor,
        "plane": loaded.stack is not None,
    }


def _checked(drawn: Markers, name: str) -> Markers:
    """The strokes, if they are of two classes at least."""
    if not len(drawn):
        raise Refusal("no_stroke_here", "image {image} has no strokes; draw one first", image=name)
    if drawn.classes == (0,):
        raise Refusal(
            "cut_no_object",
            "only background is drawn on image {image}; draw a stroke on an object, too",
            image=name,
        )
    if len(drawn.classes) < 2:
        raise Refusal(
            "cut_no_background",
            "only one class is drawn on image {image}; draw a stroke on the background, or on an "
            "object of another class",
            image=name,
        )
    return drawn


def _labels(
    loaded: Loaded, drawn: Markers, factor: int, on_round: Callable[[], object]
) -> npt.NDArray[np.unsignedinteger[Any]]:
    """The class of each spel of the image."""
    values = match_white(COLORS, loaded.values, loaded.white)
    if factor > 1:
        values = reduction.reduce_image(values, factor)
        seeds = drawn.rescaled(factor, values.shape[:2]).image()
        drawn = _checked(Markers.from_image(seeds), loaded.name)
    colors = COLORS(values)
    if not (colors != colors[:1, :1]).any():
        raise Refusal(
            "cut_one_color",
            "image {image} has one colour only, which tells no object from the background",
            image=loaded.name,
        )
    if not np.isfinite(colors).all():
        raise Refusal(
            "cut_not_finite",
            "image {image} has pixels without a number (NaN, infinity), so it cannot be cut along "
            "strokes",
            image=loaded.name,
        )
    labels = label_from_strokes(colors, drawn, on_round=on_round)
    if factor > 1:
        rows, cols = (np.arange(n) // factor for n in loaded.size)
        labels = labels[np.ix_(rows, cols)]
    # The largest number of a file means "left out" where classes are compared.
    return labels.astype(np.uint8 if max(drawn.classes) < 255 else np.uint16)
