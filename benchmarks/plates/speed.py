"""How long the zoo's network takes, in photos as they are and enlarged."""

from __future__ import annotations

import argparse
import time

import numpy as np
import numpy.typing as npt
from PIL import Image

import spel
from benchmarks.plates.detector import Images
from benchmarks.plates.photos import Photo
from spel import zoo

MEGAPIXELS = (None, 2, 12)
"""Sizes of the photos; None leaves them as they are."""

EVERY = 12
"""Number of photos of which one is taken."""

PASSES = 5


def speed(_: argparse.Namespace, found: list[Photo], __: Images) -> str:
    """Milliseconds for each megapixel, one thread: the least of five passes over some photos."""
    network = zoo.plates()
    lines = ["| photos | megapixels | ms each | ms per megapixel |", "|---|---|---|---|"]
    for megapixels in MEGAPIXELS:
        photos = [_resized(photo.image, megapixels) for photo in found[::EVERY]]
        area = sum(image.shape[0] * image.shape[1] for image in photos) / 1e6
        with spel.threads(1):
            seconds = [_seconds(network, image) for image in photos]
        name = "as they are" if megapixels is None else f"resized to {megapixels} megapixels"
        each, rate = (1e3 * sum(seconds) / n for n in (len(photos), area))
        lines.append(f"| {name} | {area / len(photos):.2g} | {each:.0f} | {rate:.0f} |")
    return "\n".join(lines) + "\n"


def _resized(image: npt.NDArray[np.uint8], megapixels: int | None) -> npt.NDArray[np.uint8]:
    if megapixels is None:
        return image
    factor = (megapixels * 1e6 / (image.shape[0] * image.shape[1])) ** 0.5
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def _seconds(network: spel.Network, image: npt.NDArray[np.uint8]) -> float:
    """The least time of some detections, after one that warms up."""
    taken = []
    for _ in range(PASSES + 1):
        begin = time.process_time()
        spel.detect(network, image)
        taken.append(time.process_time() - begin)
    return min(taken[1:])
