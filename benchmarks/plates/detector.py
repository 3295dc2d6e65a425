"""The learned detector of plates, as every table learns and applies it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from benchmarks.plates.photos import Photo
from spel.metrics.detection import Answers
from spel.rigid import RigidConfig, learn_detector

LOW = 0.002
"""Lowest probability of a detection that enters the curves."""

Images = dict[str, npt.NDArray[np.uint8]]


def greys(found: Sequence[Photo]) -> Images:
    """All photos in grey with 8 bits, as the network converts them, in a third of the memory."""
    grey = spel.Color("grey", white=1.0)
    images = {}
    for photo in found:
        values = np.asarray(grey(photo.image))
        images[photo.name] = np.round(values).clip(0, 255).astype(np.uint8)
        photo.__dict__.pop("image", None)
    return images


def learn(
    training: Sequence[Photo],
    images: Images,
    on_step: Any = None,
    config: RigidConfig | None = None,
) -> spel.Network:
    """The detector; every table but `nested` uses the default configuration."""
    return learn_detector(
        [images[photo.name] for photo in training],
        [photo.boxes for photo in training],
        config,
        names=[photo.name for photo in training],
        on_step=on_step or str,
    )


def answer(network: spel.Network, photo: Photo, image: npt.NDArray[np.uint8]) -> Answers:
    """All detections in a photo above a low probability, with its annotated boxes."""
    detections = spel.detect(network, image, threshold=LOW, max_detections=20)
    return Answers(photo.name, detections.boxes, detections.scores, photo.boxes)
