"""Strokes until a Dice of .9, with a robot user who draws where the error is largest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.science.controls import random_kernels
from benchmarks.science.sets import mo445_sets, photograph_encoder
from benchmarks.science.table import Table, Values, row
from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.flim import label_from_strokes, linear_decoder, robot_correction, robot_markers
from spel.learning.encoded import block_ends
from spel.metrics.segmentation import dice
from spel.nn import Network
from spel.ops import dynamic_trees, gradient_magnitude, label, watershed

TOLERANCE = 0.6
SEEDS = (0,)
ENOUGH = 0.9
REACH = 100
"""Spels from the middle of a stroke to its end, at most; the images have 300 to 400 a side."""

EACH = 4
"""Images of each set."""

MOST = 12
"""Strokes after which the user gives up; such an image counts `MOST` + 1 strokes."""

TREES = "trees from the strokes, on colours; nothing learned"

MIXTURES = "mixtures of colours and cuts, begun with these trees; nothing learned"

SIDES = {
    MIXTURES: 2,
    "the same, rounds of single pixels": 1,
    "the same, rounds of means of 3 x 3 pixels": 3,
}
"""Sides of the squares, by the names of the rows."""

NESTED = "side of the squares chosen on the four other sets, by the strokes"

Mask = npt.NDArray[np.bool_]
Real = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Photograph:
    """What an answer may look at: the pixels, their colours in LABNorm2, and the activations."""

    pixels: npt.NDArray[np.generic]
    colors: Real
    channels: Real

    @classmethod
    def of(cls, encoder: Network, pixels: npt.NDArray[np.generic]) -> Photograph:
        """With the ends of all blocks of an encoder as channels."""
        activations = encoder.activations(pixels)
        ends = [activations[name] for name in block_ends(encoder)]
        return cls(pixels, activations["color"], np.concatenate(ends, axis=-1))


Answer = Callable[[Photograph, Real, Markers], Mask]


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """One image at a time: two strokes to begin with, then one on the largest error."""
    sets = mo445_sets(data)
    table = Table(
        "interaction",
        f"Strokes until a Dice of {ENOUGH:g}, one image at a time",
        ("strokes", "at most 6", f"within {MOST}", "Dice of 2", "Dice of 6"),
        TREES,
        notes=[
            "The encoder has random kernels; the decoder is learned from the strokes on the image "
            "itself, again after each stroke. The user begins with one disk inside the object and "
            "one outside, then draws along the middle of the largest error.",
            "GrabCut is OpenCV's, with the strokes as certain pixels and the others as likely what "
            "the decoder says, or as likely background.",
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
                photograph = Photograph.of(encoder, images[image])
                for name in ANSWERS:
                    curve = list(_curve(ANSWERS[name], photograph, masks[image], seed))
                    for metric, value in _figures(curve).items():
                        found[name][metric][f"{number}/{image}"] = value
        for name in ANSWERS:
            runs[name].append(found[name])
    table.rows = [row(name, seeds, runs[name]) for name in ANSWERS]
    table.rows.append(
        row(NESTED, seeds, [_nested(one) for one in zip(*(runs[name] for name in SIDES))])
    )
    return table


def _nested(candidates: Sequence[dict[str, Values]]) -> dict[str, Values]:
    """For the images of each set, the candidate with the fewest strokes on the other sets."""
    strokes = [one["strokes"] for one in candidates]
    found: dict[str, Values] = {metric: {} for metric in candidates[0]}
    for number in sorted({_set_of(name) for name in strokes[0]}):
        means = [np.mean([v for n, v in one.items() if _set_of(n) != number]) for one in strokes]
        chosen = candidates[int(np.argmin(means))]
        for metric, values in chosen.items():
            found[metric] |= {n: v for n, v in values.items() if _set_of(n) == number}
    return found


def _set_of(name: str) -> str:
    return name.split("/")[0]


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


def _curve(answer: Answer, photograph: Photograph, mask: Mask, seed: int) -> Iterator[float]:
    """Dice after each stroke, until it is enough."""
    channels = photograph.channels
    drawn = robot_markers(mask, seed=seed, objects=1, background=1)
    for _ in range(2, MOST + 1):
        layer = linear_decoder([channels], [drawn])
        scores = layer(channels)[..., 0]
        means = [scores[tuple(drawn.points[drawn.labels == k].T)].mean() for k in (0, 1)]
        saliency = np.clip((scores - means[0]) / max(means[1] - means[0], 1e-6), 0, 1)
        found = answer(photograph, saliency, drawn)
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


def _threshold(photograph: Photograph, saliency: Real, drawn: Markers) -> Mask:
    """What is nearer to the object strokes than to those of the background."""
    return np.asarray(saliency > 0.5)


def _connected(photograph: Photograph, saliency: Real, drawn: Markers) -> Mask:
    """The same, where it is connected with an object stroke; with holes that no stroke denies."""
    seeds = _seeds(drawn)
    mask = ((saliency > 0.5) | (seeds == 1)) & (seeds != 0)
    objects = label(mask)
    mask = np.isin(objects, np.setdiff1d(objects[seeds == 1], 0))
    outside = label(np.pad(~mask, 1, constant_values=True), Adjacency.cross())[1:-1, 1:-1]
    return ~np.isin(outside, np.union1d(outside[seeds == 0], 1))


def _watershed(photograph: Photograph, saliency: Real, drawn: Markers) -> Mask:
    """What object strokes reach over lower edges than those of the background do."""
    return _over_edges(_with_saliency(photograph, saliency), drawn)


def _color_watershed(photograph: Photograph, saliency: Real, drawn: Markers) -> Mask:
    """The same on edges of colour, without any learning."""
    return _over_edges(_scaled(photograph), drawn)


def _trees(photograph: Photograph, saliency: Real, drawn: Markers) -> Mask:
    """What the trees of object strokes conquer, by saliency and colour."""
    return np.asarray(dynamic_trees(_with_saliency(photograph, saliency), _seeds(drawn)) == 1)


def _color_trees(photograph: Photograph, saliency: Real, drawn: Markers) -> Mask:
    """The same by colour, without any learning."""
    return np.asarray(dynamic_trees(_scaled(photograph), _seeds(drawn)) == 1)


def _mixtures(photograph: Photograph, saliency: Real, drawn: Markers, *, side: int) -> Mask:
    """Mixtures of colours and cuts, begun with those trees, without any learning."""
    return label_from_strokes(photograph.colors, drawn, stride=side) == 1


def _grabcut(photograph: Photograph, saliency: Real, drawn: Markers) -> Mask:
    """OpenCV's GrabCut, begun with what the decoder says."""
    return _cut(photograph, saliency > 0.5, drawn)


def _grabcut_alone(photograph: Photograph, saliency: Real, drawn: Markers) -> Mask:
    """The same, begun with the strokes alone."""
    return _cut(photograph, np.zeros(drawn.size, np.bool_), drawn)


def _cut(photograph: Photograph, likely: Mask, drawn: Markers) -> Mask:
    import cv2

    seeds = _seeds(drawn)
    state = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    state[seeds == 1], state[seeds == 0] = cv2.GC_FGD, cv2.GC_BGD
    pixels = np.ascontiguousarray(photograph.pixels[..., 2::-1])
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(pixels, state, None, *models, 5, cv2.GC_INIT_WITH_MASK)
    return np.asarray((state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD))


def _scaled(photograph: Photograph) -> Real:
    """Colours with a deviation of 1 in each channel."""
    return photograph.colors / photograph.colors.std(axis=(0, 1))


def _with_saliency(photograph: Photograph, saliency: Real) -> Real:
    return np.concatenate([saliency[..., None], _scaled(photograph) / 4], axis=-1)


def _over_edges(values: Real, drawn: Markers) -> Mask:
    heights = gradient_magnitude(values.astype(np.float32), Adjacency.box(3))
    return np.asarray(watershed(heights, _seeds(drawn)) == 1)


def _seeds(drawn: Markers) -> npt.NDArray[np.intp]:
    """Labels of the strokes in an image; -1 elsewhere."""
    seeds = np.full(drawn.size, -1)
    seeds[tuple(drawn.points.T)] = drawn.labels
    return seeds


ANSWERS: dict[str, Answer] = {
    TREES: _color_trees,
    **{name: partial(_mixtures, side=side) for name, side in SIDES.items()},
    "trees from the strokes, on learned saliency and colours": _trees,
    "watershed from the strokes, on colours; nothing learned": _color_watershed,
    "watershed from the strokes, on learned saliency and colours": _watershed,
    "decoder and threshold": _threshold,
    "decoder and threshold, where connected with a stroke": _connected,
    "GrabCut begun with the decoder's answer": _grabcut,
    "GrabCut begun with the strokes": _grabcut_alone,
}
