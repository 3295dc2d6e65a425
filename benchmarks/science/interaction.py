"""Strokes until a Dice of .9, with a robot user who draws where the error is largest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.science.controls import random_kernels
from benchmarks.science.sets import mo445_sets, photograph_encoder
from benchmarks.science.table import Table, Values, row
from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.flim import linear_decoder, robot_correction, robot_markers
from spel.learning.encoded import block_ends
from spel.metrics.segmentation import dice
from spel.nn import Network
from spel.ops import gradient_magnitude, watershed

TOLERANCE = 0.6
SEEDS = (0,)
ENOUGH = 0.9
REACH = 100
"""Spels from the middle of a stroke to its end, at most; the images have 300 to 400 a side."""

EACH = 4
"""Images of each set."""

MOST = 12
"""Strokes after which the user gives up; such an image counts `MOST` + 1 strokes."""

FLOOD = "decoder, and a watershed from the strokes on its saliency and the colours"

Mask = npt.NDArray[np.bool_]
Real = npt.NDArray[np.float32]
Answer = Callable[[Real, Real, Markers], Mask]


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """One image at a time: two strokes to begin with, then one on the largest error."""
    sets = mo445_sets(data)
    table = Table(
        "interaction",
        f"Strokes until a Dice of {ENOUGH:g}, one image at a time",
        ("strokes", "at most 6", f"within {MOST}", "Dice of 2", "Dice of 6"),
        FLOOD,
        notes=[
            "The encoder has random kernels; the decoder is learned from the strokes on the image "
            "itself, again after each stroke. The user begins with one disk inside the object and "
            "one outside, then draws along the middle of the largest error.",
            f"An image that is not there after {MOST} strokes counts {MOST + 1}.",
        ],
    )
    runs: dict[str, list[dict[str, Values]]] = {name: [] for name in ANSWERS}
    for seed in seeds:
        found: dict[str, dict[str, Values]] = {
            name: {metric: {} for metric in table.metrics} for name in ANSWERS
        }
        for number, (images, masks) in sets.items():
            encoder = random_kernels(photograph_encoder(), list(images.values())[:3], seed)
            for image in sorted(images)[:EACH]:
                print(f"seed {seed}: {number}/{image}", file=sys.stderr)
                activations = _channels(encoder, images[image])
                for name in ANSWERS:
                    curve = list(_curve(ANSWERS[name], activations, masks[image], seed))
                    for metric, value in _figures(curve).items():
                        found[name][metric][f"{number}/{image}"] = value
        for name in ANSWERS:
            runs[name].append(found[name])
    table.rows = [row(name, seeds, runs[name]) for name in ANSWERS]
    return table


def _figures(curve: list[float]) -> Values:
    """Of the Dice after 2, 3, ... strokes; the last one stays if the user stopped early."""
    enough = [count for count, value in enumerate(curve, 2) if value >= ENOUGH]
    strokes = enough[0] if enough else MOST + 1
    return {
        "strokes": float(strokes),
        "at most 6": float(strokes <= 6),
        f"within {MOST}": float(strokes <= MOST),
        "Dice of 2": curve[0],
        "Dice of 6": curve[min(4, len(curve) - 1)],
    }


def _channels(encoder: Network, image: npt.ArrayLike) -> tuple[Real, Real]:
    """The decoder's channels, and the colours on which the flood looks."""
    activations = encoder.activations(image)
    ends = [activations[name] for name in block_ends(encoder)]
    return np.concatenate(ends, axis=-1), activations["color"]


def _curve(
    answer: Answer, activations: tuple[Real, Real], mask: Mask, seed: int
) -> Iterator[float]:
    """Dice after each stroke, until it is enough."""
    channels, colors = activations
    drawn = robot_markers(mask, seed=seed, objects=1, background=1)
    for _ in range(2, MOST + 1):
        layer = linear_decoder([channels], [drawn])
        scores = layer(channels)[..., 0]
        means = [scores[tuple(drawn.points[drawn.labels == k].T)].mean() for k in (0, 1)]
        saliency = np.clip((scores - means[0]) / max(means[1] - means[0], 1e-6), 0, 1)
        found = answer(saliency, colors, drawn)
        value = dice(found, mask)
        yield value
        if value >= ENOUGH:
            return
        drawn = _joined(drawn, robot_correction(mask, found, reach=REACH))


def _joined(drawn: Markers, stroke: Markers) -> Markers:
    """All strokes; where two overlap, the last one counts."""
    image = np.full(drawn.size, -1)
    for one in (drawn, stroke):
        image[tuple(one.points.T)] = one.labels
    return Markers.from_image(image)


def _threshold(saliency: Real, colors: Real, drawn: Markers) -> Mask:
    """What is nearer to the object strokes than to those of the background."""
    return np.asarray(saliency > 0.5)


def _flood(saliency: Real, colors: Real, drawn: Markers) -> Mask:
    """What object strokes reach over lower edges than those of the background do."""
    values = [saliency[..., None], colors / colors.std(axis=(0, 1)) / 4]
    return _from_strokes(np.concatenate(values, axis=-1), drawn)


def _color_flood(saliency: Real, colors: Real, drawn: Markers) -> Mask:
    """The same on edges of colour, without any learning."""
    return _from_strokes(colors / colors.std(axis=(0, 1)), drawn)


def _from_strokes(values: Real, drawn: Markers) -> Mask:
    seeds = np.full(drawn.size, -1)
    seeds[tuple(drawn.points.T)] = drawn.labels
    heights = gradient_magnitude(values.astype(np.float32), Adjacency.box(3))
    return np.asarray(watershed(heights, seeds) == 1)


ANSWERS: dict[str, Answer] = {
    FLOOD: _flood,
    "decoder and threshold": _threshold,
    "watershed from the strokes on the colours, nothing learned": _color_flood,
}
