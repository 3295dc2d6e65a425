"""How much each stroke helps the other marked images, by cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.flim.class_decoder import class_decoder, class_labels
from spel.learning.encoded import encode
from spel.nn.blocks import AnyImage, ImageLike, values_at
from spel.nn.layer import Layer

LEAST_HARM = 0.005
"""Smallest loss of balanced accuracy for which a stroke is reported as harmful."""

Real = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StrokeEffect:
    """One stroke, and how learning with it changes the predictions for the other marked images.

    Attributes
    ----------
    image : str
    stroke : int
        Its number in the image, from 1.
    label : int
    size : int
        Number of its spels.
    at : tuple of int
        The spel in its middle.
    effect : float
        Balanced accuracy on the marked spels of the other images with the stroke, minus without it:
        above 0, the stroke helps. NaN if nothing can be learned without it.
    error : float
        Standard error of the effect over the other images.
    images : int
        Number of other images that count.
    """

    image: str
    stroke: int
    label: int
    size: int
    at: tuple[int, ...]
    effect: float
    error: float
    images: int

    @property
    def hurts(self) -> bool:
        """Whether the loss is larger than its standard error, and not tiny."""
        return self.effect < -max(self.error, LEAST_HARM)

    def __str__(self) -> str:
        name = f"image {self.image}, stroke {self.stroke} (label {self.label}, at {self.at})"
        if not isfinite(self.effect):
            return f"{name}: cannot be judged, because nothing can be learned without it"
        return f"{name}: {self.effect:+.3f} ± {self.error:.3f} on {self.images} other images"


def check_strokes(
    network: Layer,
    images: Sequence[ImageLike],
    markers: Sequence[Markers],
    *,
    names: Sequence[str] = (),
    seed: int = 42,
    ridge: float = 1e-2,
    method: Literal["cluster", "points"] = "cluster",
    white: float | None = None,
    only: tuple[int, int] | None = None,
    on_step: Callable[[str], object] = str,
) -> tuple[StrokeEffect, ...]:
    """The cross-validated effect of every stroke on the other marked images.

    For each stroke, kernels and decoder are learned with it and without it. Both decoders are
    learned without the image that is predicted, and judged by their balanced accuracy on its marked
    spels: the share of correct predictions, averaged over the labels. So a stroke is judged only by
    images in which it does not lie.

    Parameters
    ----------
    network, images, markers, names, seed, method, white
        As for `spel.learn`. Learned kernels stay as they are; the effect is then on the decoder.
    ridge : float
        Penalty on the decoder's weights.
    only : (int, int), optional
        Index of an image and number of a stroke in it, the only one to check; by default all are.
    on_step : callable, optional
        Called with the effect of each stroke, in words.

    Returns
    -------
    tuple of StrokeEffect
        The worst stroke first; those that cannot be judged last.

    Raises
    ------
    ParameterError
        If there are fewer than three marked images.

    Notes
    -----
    The time is that of learning the network once per stroke, and a decoder per stroke and image.
    """
    if len(markers) < 3:
        raise ParameterError(
            f"check_strokes: {len(markers)} marked images; expected at least 3, because a stroke "
            "is judged by the images in which it does not lie"
        )
    titles = list(names) or [str(number) for number in range(len(markers))]
    labels = class_labels(markers)

    def accuracies(drawn: Sequence[Markers]) -> Real:
        """The accuracy on each image of a decoder that was learned from the others."""
        encoded = encode(
            network, images, drawn, names=titles, seed=seed, method=method, white=white
        )
        return np.array(
            [
                _balanced_accuracy(encoded.channels, drawn, markers[out], out, ridge)
                for out in range(len(markers))
            ]
        )

    everything = accuracies(markers)
    effects = []
    for index, drawn in enumerate(markers):
        numbers = drawn.strokes()
        for number in np.unique(numbers):
            if only is not None and only != (index, int(number)):
                continue
            inside = numbers == number
            rest = [*markers[:index], _only(drawn, ~inside), *markers[index + 1 :]]
            missing = {label for label in labels if not any(label in m.classes for m in rest)}
            change = np.full(len(markers), np.nan) if missing else everything - accuracies(rest)
            effects.append(_effect(titles[index], int(number), drawn, inside, change, index))
            on_step(str(effects[-1]))
    return tuple(sorted(effects, key=lambda one: (not isfinite(one.effect), one.effect)))


def _only(drawn: Markers, chosen: npt.NDArray[np.bool_]) -> Markers:
    """The chosen spels of an image's markers."""
    return Markers(
        drawn.points[chosen], drawn.labels[chosen], drawn.size, drawn.background, drawn.ids[chosen]
    )


def _balanced_accuracy(
    channels: Sequence[AnyImage], drawn: Sequence[Markers], truth: Markers, out: int, ridge: float
) -> float:
    """Balanced accuracy on one image; NaN if the others do not have all of its labels."""
    rest = [i for i in range(len(drawn)) if i != out and len(drawn[i])]
    others = [drawn[i] for i in rest]
    labels = class_labels(others)
    if len(labels) < 2 or not set(truth.classes) <= set(labels):
        return float("nan")
    bank = class_decoder([channels[i] for i in rest], others, ridge=ridge)
    values = values_at(channels[out], truth.points).astype(np.float64)
    scores = values @ bank.weights[:, 0].T.astype(np.float64) + bank.bias
    right = np.array(labels)[scores.argmax(axis=1)] == truth.labels
    return float(np.mean([right[truth.labels == label].mean() for label in truth.classes]))


def _effect(
    image: str,
    number: int,
    drawn: Markers,
    inside: npt.NDArray[np.bool_],
    change: Real,
    index: int,
) -> StrokeEffect:
    """The effect of a stroke, from the change on each image except its own."""
    others = np.delete(change, index)
    others = others[np.isfinite(others)]
    points = drawn.points[inside]
    middle = points[np.abs(points - points.mean(axis=0)).sum(axis=1).argmin()]
    spread = others.std(ddof=1) / sqrt(len(others)) if len(others) > 1 else 0.0
    return StrokeEffect(
        image,
        number,
        int(drawn.labels[inside][0]),
        int(inside.sum()),
        tuple(int(v) for v in middle),
        float(others.mean()) if len(others) else float("nan"),
        float(spread),
        len(others),
    )
