"""Cross-validated presence: each marked image is judged by a model learned from the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt

from spel.core.markers import Markers
from spel.decide.object_learning import learn_object_model, scores_apart
from spel.decide.object_model import ObjectModel
from spel.decide.presence import AUTO, Presence, Rate
from spel.errors import ParameterError
from spel.nn.blocks import AnyImage

Image = npt.NDArray[Any]
Saliency = Callable[[AnyImage], Image]
Fit = Callable[[Sequence[AnyImage], Sequence[Markers]], tuple[Saliency, Sequence[Image]]]

LEAST = 3
"""Smallest number of marked images from which rates of new images can be estimated."""


def cross_validated_presence(
    channels: Sequence[AnyImage],
    markers: Sequence[Markers],
    start: ObjectModel,
    fit: Fit,
) -> Presence:
    """Scores of marked objects and of the background, each image left out once.

    Decoder and object model are learned without the image. The encoder's kernels come from all
    marked images, because labels do not influence them.

    Parameters
    ----------
    channels : sequence of (rows, cols, K) arrays
        The decoder's input, one array per marked image.
    markers : sequence of Markers
    start : ObjectModel
        States spreads, powers and levels, as for `spel.decide.learn_object_model`.
    fit : function of channels and markers
        Returns a function from channels to a saliency, and the saliencies of its training images.

    Returns
    -------
    Presence

    Raises
    ------
    ParameterError
        If there are fewer than three marked images, or no part of them can be learned from.
    """
    if len(markers) < LEAST:
        raise ParameterError(
            f"learn_segmenter: false_alarm_rate with {len(markers)} marked images; expected at "
            f"least {LEAST}, because each one is judged by the others"
        )
    objects: list[float] = []
    background: list[float] = []
    for out in range(len(markers)):
        rest = [i for i in range(len(markers)) if i != out]
        drawn = [markers[i] for i in rest]
        try:
            saliency, saliencies = fit([channels[i] for i in rest], drawn)
            model, _ = learn_object_model(saliencies, drawn, start)
        except ParameterError:
            continue  # nothing can be learned from the other images, so this one is not judged
        marked, apart = scores_apart(model, saliency(channels[out]), markers[out])
        objects += marked
        background.append(apart)
    if len(background) < 2 or not objects:
        raise ParameterError(
            "learn_segmenter: false_alarm_rate needs marked images that can be judged by the "
            "others; mark objects in at least three images"
        )
    return Presence(tuple(objects), tuple(background))


def presence_in_words(model: ObjectModel, rate: Rate) -> str:
    """The learned bound in words, and how many marked objects it keeps."""
    assert model.presence is not None
    scores, apart = model.presence.objects, model.presence.background
    reached = sum(score > model.min_score for score in scores)
    share = f"{reached} of {len(scores)} marked objects reach it when their image is left out"
    if rate == AUTO:
        alarms = sum(score > model.min_score for score in apart)
        return (
            f"presence: objects need a score above {model.min_score:.2f}, which separates marked "
            f"objects and backgrounds best; {share}, and {alarms} of {len(apart)} backgrounds"
        )
    modelled = rate * (len(apart) + 1) < 1
    how = "a fitted Gumbel distribution" if modelled else "an order statistic"
    return (
        f"presence: at {rate:g} false alarms per image without an object, objects need a score "
        f"above {model.min_score:.2f} ({how} of {len(apart)} backgrounds); {share}"
    )
