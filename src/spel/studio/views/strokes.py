"""Advice about strokes: what the newest one is worth, and where the network wavers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.segmentation import KEY
from spel.errors import SpelError
from spel.learning.stroke_check import check_strokes
from spel.nn.geometry import geometry
from spel.ops.label import label, regions
from spel.studio import reduction
from spel.studio.decoders import remove_decoder
from spel.studio.images import WHITE
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.strokes import covered_pixels, markers_of
from spel.studio.views.packing import Json

LEAST_IMAGES = 3
"""Marked images from which on a stroke can be judged by images that it does not lie in."""
WAVERING = 0.5
"""How near to each other the two most probable classes are in a region to look at."""
MAX_REGIONS = 5


def stroke_view(session: Session, network: str, image: str, stroke: str) -> Json:
    """The cross-validated effect of one stroke on the other marked images.

    Returns
    -------
    dict
        ``images`` alone if fewer than three images are marked, or nothing can be learned without
        the stroke; else ``effect`` and ``error`` in balanced accuracy, and whether it ``hurts``.
    """
    ids = session.marked_images()
    places = [i for i, s in enumerate(session.document.strokes.get(image, ())) if s.id == stroke]
    if len(ids) < LEAST_IMAGES or image not in ids or not places:
        return {"images": len(ids)}
    loaded = [session.load(one) for one in ids]
    if max(reduction.needed_factor(one.size) for one in loaded) > 1:
        return {"images": len(ids)}  # large images would need seconds for each stroke
    drawn = [markers_of(session.document.strokes[one.id], one.size) for one in loaded]
    at = ids.index(image)
    numbers = drawn[at].strokes()[drawn[at].ids == places[0] + 1]
    if not len(numbers):
        return {"images": len(ids)}
    body = remove_decoder(reduction.whole(session.effective(network)))
    try:
        (effect,) = check_strokes(
            body,
            [one.array for one in loaded],
            drawn,
            names=[one.name for one in loaded],
            white=WHITE,
            only=(at, int(np.bincount(numbers).argmax())),
        )
    except SpelError:
        return {"images": len(ids)}
    if not np.isfinite(effect.effect):
        return {"images": len(ids)}
    return {
        "images": effect.images,
        "effect": effect.effect,
        "error": effect.error,
        "hurts": effect.hurts,
    }


def wavering_view(session: Session, network: str, image: str) -> Json:
    """Regions without strokes where the network wavers most between classes, widest doubt first.

    Raises
    ------
    Refusal
        If its output is neither a saliency nor probabilities in 0..1.
    """
    run = session.run(network, image)
    output = None if run.output is None else run.output.array
    classes = KEY in run.network.meta and output is not None and output.shape[-1] > 1
    one = output is not None and output.shape[-1] == 1
    if output is None or not (classes or one) or output.min() < 0 or output.max() > 1:
        raise Refusal("no_probability", "this network gives no saliency or probabilities in 0..1")
    place = geometry(run.network)
    doubt = _doubt(np.asarray(output, dtype=np.float32))
    doubt[_drawn(session, image, run.image.size, doubt.shape)] = 0
    numbers = label(doubt > WAVERING)
    sums = np.bincount(numbers.ravel(), weights=doubt.ravel())
    sums[0] = 0
    order = [int(n) for n in np.argsort(-sums)[:MAX_REGIONS] if sums[n] > 0]
    boxes = regions(numbers).boxes[[n - 1 for n in order]]
    return {"boxes": place.boxes(boxes).tolist() if order else [], "doubts": sums[order].tolist()}


def _doubt(output: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """1 where the two most probable classes are equally probable, 0 where one is certain."""
    if output.shape[-1] == 1:
        return np.asarray(1 - np.abs(2 * output[..., 0] - 1))
    ordered = np.sort(output, axis=-1)
    return np.asarray(1 - (ordered[..., -1] - ordered[..., -2]))


def _drawn(
    session: Session, image: str, size: tuple[int, int], shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    """Where strokes lie, on the grid of the output."""
    mask = np.zeros(size, dtype=bool)
    for stroke in session.document.strokes.get(image, ()):
        (row, col), covered = covered_pixels(stroke, size)
        mask[row : row + covered.shape[0], col : col + covered.shape[1]] |= covered
    rows, cols = (np.minimum(np.arange(n) * m // n, m - 1) for n, m in zip(shape, size))
    return np.asarray(mask[np.ix_(rows, cols)])
