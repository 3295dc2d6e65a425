"""A picture of a learned detector: its kernels, and the photos that it does worst on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spel import draw
from spel.core.detections import Detections
from spel.decide import decision_of
from spel.io.image.reader import read
from spel.metrics.detection import Answers
from spel.nn import Convolution, Layer, Network
from spel.rigid import ClassWindows


def detector_sheet(
    network: Network, answers: Sequence[Answers], folder: str | os.PathLike[str], worst: int = 6
) -> npt.NDArray[np.uint8]:
    """Draw the kernels of a detector and the photos of its cross-validation with the lowest IoU.

    Parameters
    ----------
    network : Network
        Learned by `spel.learning.detector.learn_from_photos`.
    answers : sequence of Answers
        Its detections in photos that it was not learned from.
    folder : path
        Folder of the photos.
    worst : int
        Number of photos.

    Returns
    -------
    (rows, cols, 3) array of uint8
    """
    tiles = _kernel_tiles(network)
    for answer in sorted(answers, key=lambda a: a.best_iou)[:worst]:
        tiles.append(_photo_tile(answer, read(Path(folder) / answer.name)))
    card = network.meta.get("card", {})
    title = f"A detector learned from {card.get('boxes', '?')} boxes"
    return draw.sheet(tiles, title=title, subtitle=str(card.get("command", "")))


def _kernel_tiles(network: Network) -> list[draw.Tile]:
    """The kernels of every class."""
    decision = decision_of(network)
    if not isinstance(decision, ClassWindows):
        return _kernels_of(network[network.output], "kernel")
    return [
        tile
        for name, windows in decision.classes
        for tile in _kernels_of(network[windows.score_node or network.output], f"{name}: kernel")
    ]


def _kernels_of(layer: Layer, title: str) -> list[draw.Tile]:
    assert isinstance(layer, Convolution)
    tiles = []
    for number, kernel in enumerate(layer.bank.dense()):
        source = layer.bank.provenance[number] if layer.bank.provenance else None
        caption = "positive (orange) and negative (blue) weights, summed over orientations"
        if source is not None:
            caption += f"; most similar training object: {source.image}"
        shaded = draw.shade(kernel.sum(axis=-1), "signed")
        tiles.append(draw.Tile(shaded, f"{title} {number}", caption))
    return tiles


def _photo_tile(answer: Answers, image: npt.NDArray[np.uint8]) -> draw.Tile:
    size = (image.shape[0], image.shape[1])
    boxes, scores = answer.boxes[:3], answer.scores[:3]
    classes = tuple(name for name in answer.classes[:3] if name)
    best = Detections(boxes, scores, np.zeros(len(boxes)), size, classes=classes)
    drawn = draw.overlay(image, best, truth=answer.truth)
    return draw.Tile(drawn, f"IoU {answer.best_iou:.2f}", answer.name)
