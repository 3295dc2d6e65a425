"""Learning one class of objects from strokes: a saliency, and what the objects look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.decide.object_learning import (
    Evidence,
    learn_object_model,
    marked_components,
    object_strokes,
)
from spel.decide.object_model import ObjectModel
from spel.decide.segmentation import Segmentation, with_segmentation
from spel.errors import ParameterError
from spel.flim.linear_decoder import linear_decoder
from spel.learning.encoded import DECODED, Encoded
from spel.learning.presence import cross_validated_presence, presence_in_words
from spel.learning.sharp import BORDER, MARGIN, at_border, sharp_saliency
from spel.nn import Activation, Network, Node, WeightedSum
from spel.ops.pool import max_pool

Image = npt.NDArray[Any]
Masks = list[npt.NDArray[np.bool_]]

TOP = 1.5
"""Score, between 0 (background strokes) and 1 (object strokes), at which the saliency reaches 1."""

HARD_NEGATIVE = 0.1
"""Saliency above which an unmarked pixel of a marked image counts as a hard negative."""


def learn_one_class(
    encoded: Encoded,
    markers: Sequence[Markers],
    how: Segmentation,
    start: ObjectModel | None,
    ridge: float,
    hard_negatives: bool,
    false_alarm_rate: float | None,
    sharpened: bool,
    on_step: Callable[[str], object],
) -> tuple[Network, Evidence | None, tuple[int, ...]]:
    """A network whose output is a saliency, with its segmentation.

    Parameters
    ----------
    encoded : Encoded
    markers : sequence of Markers
    how : Segmentation
        Its delineation, if it has one, is that of the caller.
    start : ObjectModel, optional
        The model from which learning starts; None for objects of any size and shape.
    ridge, hard_negatives, false_alarm_rate, on_step
        As for `spel.learning.segmenter.learn_segmenter`.
    sharpened : bool
        Whether colours may sharpen the saliency.

    Returns
    -------
    network : Network
    evidence : Evidence, optional
    hard : tuple of int
        Number of hard negatives of each image.
    """
    channels = encoded.channels
    opposed = start if hard_negatives else None
    layer, saliencies, extra = _fit(channels, markers, ridge, opposed)
    on_step(f"decoder: {channels[0].shape[-1]} channels of {', '.join(encoded.blocks)}")
    if extra:
        on_step(f"decoder again, with {sum(int(m.sum()) for m in extra)} hard background pixels")
    sharp = sharp_saliency(encoded.entering, saliencies, markers) if sharpened else None
    if sharp is not None:
        on_step(f"saliency as sharp as the image: {sharp.in_words()}")
        saliencies, how = sharp.saliencies, replace(how, threshold=BORDER)
        nodes = sharp.nodes(layer, encoded.features, DECODED, markers[0].ndim)
    else:
        how = encoded.delineated(how, hull=start is not None)
        nodes = [
            Node("decoder.score", layer, (DECODED,)),
            Node("saliency", Activation("hard_sigmoid"), ("decoder.score",)),
        ]
    evidence = None
    if start is not None:
        first, margin = (at_border(start), MARGIN) if sharp else (start, 0.95)
        model, evidence = learn_object_model(saliencies, markers, first, margin=margin)
        how = replace(how, objects=model)
        on_step("objects: area, shape and lowest accepted score")
        if false_alarm_rate is not None:
            model = _with_presence(model, channels, markers, start, ridge, opposed)
            model = model.at_false_alarm_rate(false_alarm_rate)
            how = replace(how, objects=model)
            on_step(presence_in_words(model, false_alarm_rate))
    network = with_segmentation(encoded.with_decoder(*nodes), how)
    return network, evidence, tuple(int(mask.sum()) for mask in extra)


def _fit(
    channels: Sequence[Image], markers: Sequence[Markers], ridge: float, start: ObjectModel | None
) -> tuple[WeightedSum, list[Image], Masks]:
    """The decoder, the saliencies of the marked images, and the hard negatives if `start`."""
    layer, saliencies = _decoder(channels, markers, ridge, ())
    if start is None:
        return layer, saliencies, []
    extra = _hard_negatives(saliencies, markers, start)
    layer, saliencies = _decoder(channels, markers, ridge, extra)
    return layer, saliencies, extra


def _with_presence(
    model: ObjectModel,
    channels: Sequence[Image],
    markers: Sequence[Markers],
    start: ObjectModel,
    ridge: float,
    opposed: ObjectModel | None,
) -> ObjectModel:
    """The model with cross-validated scores of objects and background."""

    def fit(
        some: Sequence[Image], drawn: Sequence[Markers]
    ) -> tuple[Callable[[Image], Image], list[Image]]:
        layer, saliencies, _ = _fit(some, drawn, ridge, opposed)
        clip = Activation("hard_sigmoid")
        return lambda image: clip(layer(image)), saliencies

    return replace(model, presence=cross_validated_presence(channels, markers, start, fit))


def _decoder(
    channels: Sequence[Image], markers: Sequence[Markers], ridge: float, extra: Sequence[Any]
) -> tuple[WeightedSum, list[Image]]:
    """The decoder, scaled for a clip to 0..1, and the saliency of every marked image.

    Before the clip, 0 is the mean of the background strokes and 1 the mean of the object strokes;
    the saliency is that, cut to 0..1.5 and divided by 1.5.
    """
    layer = linear_decoder(channels, markers, ridge=ridge, extra=extra)
    scores = [layer(image)[..., 0] for image in channels]
    background, marked = (
        float(
            np.mean(
                [
                    s[tuple(m.points[m.is_object == side].T)].mean(dtype=np.float64)
                    for s, m in zip(scores, markers)
                    if (m.is_object == side).any()
                ]
            )
        )
        for side in (False, True)
    )
    if not marked > background:
        raise ParameterError(
            "learn_segmenter: the decoder does not distinguish object strokes from background "
            "strokes; draw strokes on pixels that differ"
        )
    # hard_sigmoid(x) = clip(x / 6 + 1/2, 0, 1), so the score is brought to -3..3.
    factor = 6 / (TOP * (marked - background))
    final = WeightedSum(layer.weights * factor, (layer.bias - background) * factor - 3)
    clip = Activation("hard_sigmoid")
    return final, [clip(final(image)) for image in channels]


def _hard_negatives(
    saliencies: Sequence[Image], markers: Sequence[Markers], start: ObjectModel
) -> Masks:
    """Salient pixels of the marked images away from the marked objects."""
    model, _ = learn_object_model(saliencies, markers, start)
    masks = []
    for saliency, drawn in zip(saliencies, markers):
        false = saliency[..., 0] > HARD_NEGATIVE
        owners = marked_components(model, saliency, drawn)
        for points, own in zip(object_strokes(drawn, each=model.multiple), owners):
            marked = np.zeros(drawn.size, dtype=bool)
            marked[tuple(points.T)] = True
            # If no component contains the stroke, the object may lie anywhere around it.
            reach = 6.0 if own is not None else np.sqrt(model.area / np.pi)
            marked |= own.full_mask() if own is not None else False
            false &= ~_dilate(marked, reach)
        masks.append(false)
    return masks


def _dilate(mask: npt.NDArray[np.bool_], reach: float) -> npt.NDArray[np.bool_]:
    return np.asarray(max_pool(mask, Adjacency.ball(reach, ndim=mask.ndim)) > 0)
