"""Plates of a region that no training photo shows: two regions train, the third judges.

The rows compare training on the photos as they are with training on them and on changed copies:
other light, blur, size, noise, rotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from benchmarks.plates.changes import blurred, exposed, resized, rotated
from benchmarks.plates.photos import Photo, drawn, photos, regions
from benchmarks.science.table import Table, Values, row
from spel.metrics.matching import iou
from spel.rigid import learn_detector

TOLERANCE = 0.06
SEEDS = (0,)
PLAIN, HARDER = "photos as they are", "and a changed copy of each"
PHOTOS = 20
"""Training photos of each of the two regions."""

JUDGED = 24
"""Photos of the third region that judge."""

THRESHOLD = 0.5
"""Probability above which a box counts as an alarm."""

Grey = npt.NDArray[np.uint8]


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Each seed draws the training photos."""
    everything = photos(data / "plates")
    table = Table(
        "plates",
        f"Plates of a region that is not in the {2 * PHOTOS} training photos",
        ("best box, IoU", "best box right", "false alarms"),
        PLAIN,
        notes=[
            "Best box: that of the highest probability; right: IoU of at least 0.5. False alarms: "
            f"boxes of a photo above probability {THRESHOLD} that match no plate."
        ],
    )
    for name in (PLAIN, HARDER):
        runs = []
        for seed in seeds:
            run: dict[str, Values] = {metric: {} for metric in table.metrics}
            for region in regions(everything):
                training = [
                    one
                    for other in regions(everything)
                    if other != region
                    for one in drawn([p for p in everything if p.region == other], PHOTOS, seed)
                ]
                among = [p for p in everything if p.region == region]
                _judge(_learn(training, name == HARDER, seed), drawn(among, JUDGED, 99), run)
            runs.append(run)
        table.rows.append(row(name, seeds, runs))
    return table


def _learn(training: Sequence[Photo], harder: bool, seed: int) -> spel.Network:
    images, boxes = [], []
    rng = np.random.default_rng(seed)
    for photo in training:
        images.append(_grey(photo))
        boxes.append(photo.boxes)
        if harder:
            image, changed = _changed(images[-1], photo.boxes, rng)
            images.append(image)
            boxes.append(changed)
    return learn_detector(images, boxes, names=[str(i) for i in range(len(images))])


def _changed(image: Grey, boxes: Any, rng: np.random.Generator) -> tuple[Grey, Any]:
    """Smaller or as large, rotated, blurred, darker or lighter, and noisy."""
    for change in (
        resized(float(np.exp2(rng.uniform(-1, 0)))),
        rotated(float(rng.uniform(-6, 6))),
        blurred(float(rng.uniform(0, 1.5))),
        exposed(float(np.exp2(rng.uniform(-2, 0.7))), float(rng.uniform(0, 8))),
    ):
        image, boxes = change(image, boxes)
    return image, boxes


def _judge(network: spel.Network, judged: Sequence[Photo], run: dict[str, Values]) -> None:
    for photo in judged:
        found = spel.detect(network, _grey(photo), threshold=0.01, max_detections=20)
        overlaps = iou(found.boxes, photo.boxes).max(axis=1, initial=0.0)
        best = float(overlaps[0]) if len(overlaps) else 0.0
        alarms = (np.asarray(found.scores) > THRESHOLD) & (overlaps < 0.5)
        run["best box, IoU"][photo.name] = best
        run["best box right"][photo.name] = float(best >= 0.5)
        run["false alarms"][photo.name] = float(alarms.sum())


def _grey(photo: Photo) -> Grey:
    values = np.asarray(spel.Color("grey", white=1.0)(spel.read(photo.folder / photo.name)))
    return np.round(values).clip(0, 255).astype(np.uint8)
