"""Learning one class of objects from strokes: a saliency, and what the objects look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.core.threads import blas_in_one_thread
from spel.decide.object_learning import (
    Evidence,
    learn_object_model,
    marked_components,
    object_strokes,
)
from spel.decide.object_model import ObjectModel
from spel.decide.presence import Rate
from spel.decide.segmentation import Segmentation, with_segmentation
from spel.errors import ParameterError
from spel.flim.linear_decoder import linear_decoder
from spel.learning.around import around_objects
from spel.learning.encoded import DECODED, Encoded
from spel.learning.presence import cross_validated_presence, presence_in_words
from spel.learning.sharp import BORDER, MARGIN, at_border, sharp_saliency
from spel.nn import Activation, Network, Node, WeightedSum
from spel.nn.blocks import AnyImage, applied, in_memory, is_held, shape_of, values_at
from spel.ops.pool import max_pool

Image = npt.NDArray[Any]
Masks = list[npt.NDArray[np.bool_]]

TOP = 1.5
"""Score, between 0 (background strokes) and 1 (object strokes), at which the saliency reaches 1."""

MORE_ALARMS = 0.25
"""How much larger the share of marked images may become in which something that is not marked is
accepted, where colours sharpen the saliency. Where objects are left unmarked it is as large
already."""

HARD_NEGATIVE = 0.1
"""Saliency above which an unmarked pixel of a marked image counts as a hard negative."""


@blas_in_one_thread()
def learn_one_class(
    encoded: Encoded,
    markers: Sequence[Markers],
    how: Segmentation,
    start: ObjectModel | None,
    ridge: float,
    hard_negatives: bool,
    false_alarm_rate: Rate | None,
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
    if opposed is not None or false_alarm_rate is not None:
        _check_in_memory(channels)
    layer, saliencies, extra = _fit(channels, markers, ridge, opposed)
    on_step(f"decoder: {shape_of(channels[0])[-1]} channels of {', '.join(encoded.blocks)}")
    if extra:
        on_step(f"decoder again, with {sum(int(m.sum()) for m in extra)} hard background pixels")
    if sharpened or start is not None:
        saliencies = [in_memory(one) for one in saliencies]
    modelled = None if start is None else _modelled(saliencies, markers, start)
    sharp = None
    if sharpened:
        entering = [in_memory(one) for one in encoded.entering]
        sharp = sharp_saliency(entering, saliencies, markers)
    if sharp is not None and start is not None and modelled is not None:
        finer = _modelled(sharp.saliencies, markers, at_border(start), MARGIN)
        if _alarms(finer) > _alarms(modelled) + MORE_ALARMS:
            on_step("saliency not sharpened: by colours, unmarked places look like objects")
            sharp = None
        else:
            modelled = finer
    if sharp is not None:
        on_step(f"saliency as sharp as the image: {sharp.in_words()}")
        how = replace(how, threshold=BORDER)
        nodes = sharp.nodes(layer, encoded.features, DECODED, markers[0].ndim)
    else:
        how = encoded.delineated(how, hull=start is not None)
        nodes = [
            Node("decoder.score", layer, (DECODED,)),
            Node("saliency", Activation("hard_sigmoid"), ("decoder.score",)),
        ]
    evidence = None
    if start is not None and modelled is not None:
        model, evidence = modelled
        how = replace(how, objects=model)
        on_step("objects: area, shape and lowest accepted score")
        if false_alarm_rate is not None:
            model = _with_presence(model, channels, markers, start, ridge, opposed)
            model = model.at_false_alarm_rate(false_alarm_rate)
            how = replace(how, objects=model)
            on_step(presence_in_words(model, false_alarm_rate))
    network = with_segmentation(encoded.with_decoder(*nodes), how)
    return network, evidence, tuple(int(mask.sum()) for mask in extra)


def _modelled(
    saliencies: Sequence[AnyImage],
    markers: Sequence[Markers],
    start: ObjectModel,
    margin: float = 0.95,
) -> tuple[ObjectModel, Evidence]:
    """What the marked objects look like in saliencies, and what else does."""
    return learn_object_model(*around_objects(saliencies, markers, start), start, margin=margin)


def _alarms(modelled: tuple[ObjectModel, Evidence]) -> float:
    """Share of the marked images in which a component without a stroke is accepted."""
    model, evidence = modelled
    return float(np.mean(np.array(evidence.others) > model.min_score))


def _fit(
    channels: Sequence[AnyImage],
    markers: Sequence[Markers],
    ridge: float,
    start: ObjectModel | None,
) -> tuple[WeightedSum, list[AnyImage], Masks]:
    """The decoder, the saliencies of the marked images, and the hard negatives if `start`."""
    layer, saliencies = saliency_layer(channels, markers, ridge, ())
    if start is None:
        return layer, saliencies, []
    extra = _hard_negatives([np.asarray(in_memory(one)) for one in saliencies], markers, start)
    layer, saliencies = saliency_layer(channels, markers, ridge, extra)
    return layer, saliencies, extra


def _with_presence(
    model: ObjectModel,
    channels: Sequence[AnyImage],
    markers: Sequence[Markers],
    start: ObjectModel,
    ridge: float,
    opposed: ObjectModel | None,
) -> ObjectModel:
    """The model with cross-validated scores of objects and background."""

    def fit(
        some: Sequence[AnyImage], drawn: Sequence[Markers]
    ) -> tuple[Callable[[AnyImage], Image], list[Image]]:
        layer, saliencies, _ = _fit(some, drawn, ridge, opposed)
        clip = Activation("hard_sigmoid")

        def saliency(image: AnyImage) -> Image:
            return np.asarray(in_memory(applied(image, layer, clip)))

        return saliency, [np.asarray(in_memory(one)) for one in saliencies]

    return replace(model, presence=cross_validated_presence(channels, markers, start, fit))


def saliency_layer(
    channels: Sequence[AnyImage],
    markers: Sequence[Markers],
    ridge: float = 1e-2,
    extra: Sequence[Any] = (),
) -> tuple[WeightedSum, list[AnyImage]]:
    """The decoder, scaled for a clip to 0..1, and the saliency of every marked image.

    Before the clip, 0 is the mean of the background strokes and 1 the mean of the object strokes;
    the saliency is that, cut to 0..1.5 and divided by 1.5.

    Parameters
    ----------
    channels : sequence of (rows, cols, K) arrays
        Activations of the marked images.
    markers : sequence of Markers
    ridge, extra
        As for `spel.flim.linear_decoder`.

    Returns
    -------
    layer : WeightedSum
        ``Activation("hard_sigmoid")`` makes the saliency of its output.
    saliencies : list of (rows, cols, 1) arrays

    Raises
    ------
    ParameterError
        If the activations do not distinguish object strokes from background strokes.
    """
    layer = linear_decoder(channels, markers, ridge=ridge, extra=extra)
    scores = [applied(image, layer) for image in channels]
    background, marked = (
        float(
            np.mean(
                [
                    values_at(s, m.points[m.is_object == side]).mean(dtype=np.float64)
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
    return final, [applied(image, final, clip) for image in channels]


def _check_in_memory(channels: Sequence[AnyImage]) -> None:
    """Refuse images that are read by windows where all that is salient in an image counts."""
    if not all(is_held(one) for one in channels):
        raise ParameterError(
            "learn_segmenter: hard negatives and a false_alarm_rate look at all that is salient "
            "in an image, and one is read by windows; state that not all objects are marked "
            "(--not-all-marked, all_marked=False) and no rate, or give images that fit in memory"
        )


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
