"""The outlines of eggs that were found: what draws them, and how near to the masks one can come.

The last rows look at the true mask: they are limits, not methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.science.sets import parasite_encoder, parasites
from benchmarks.science.table import Table, row
from spel.core.adjacency import Adjacency
from spel.decide import Segmentation, segmentation_of
from spel.decide.color_cut import cut_by_colors
from spel.decide.components import Component
from spel.decide.delineate import Delineation
from spel.decide.object_model import ObjectModel
from spel.decide.shape import Shape, fill_holes
from spel.learning.segmenter import learn_segmenter
from spel.metrics.segmentation import dice
from spel.ops.gradient import gradient_magnitude

TOLERANCE = 0.03
SEEDS = (42,)
LEARNED = "watershed, hull, averaged (`--average-border`)"
LEVELS = np.arange(0.05, 0.95, 0.05)
ROOM = 15
"""Spels around a component whose colours the cut describes."""

Mask = npt.NDArray[np.bool_]
Real = npt.NDArray[np.float32]


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Of the unmarked images with an egg, those whose best component is the egg."""
    images, masks, drawn = parasites(data)
    table = Table(
        "outlines",
        "Parasite eggs: the outlines of those that were found",
        ("Dice",),
        LEARNED,
        notes=["Rows that begin with 'limit' look at the true mask."],
    )
    runs: dict[str, list] = {}
    for seed in seeds:
        network = learn_segmenter(
            parasite_encoder(), [images[n] for n in drawn], list(drawn.values()),
            names=list(drawn), seed=seed, multiple=False,
            delineation=Delineation(convex=True, average=True),
        ).network  # fmt: skip
        how = segmentation_of(network)
        found: dict[str, dict[str, float]] = {}
        for name in (n for n in images if n not in drawn and masks[n].any()):
            values = network.select(images[name], [network.output, how.features])
            saliency, colors = values[network.output][..., 0], values[how.features]
            for method, mask in _outlines(how, saliency, colors, masks[name]):
                found.setdefault(method, {})[name] = dice(mask, masks[name])
        for method, figures in found.items():
            runs.setdefault(method, []).append({"Dice": figures})
    table.rows = [row(method, seeds, run) for method, run in runs.items()]
    return table


def _outlines(
    how: Segmentation, saliency: Real, colors: Real, truth: Mask
) -> Iterator[tuple[str, Mask]]:
    """Every method and limit on one image; nothing if the best component is not the egg."""
    model, line = how.objects, how.delineation
    assert model is not None
    assert line is not None
    ones = replace(model, min_score=-8.0).components(saliency)
    best = max(ones, key=model.score, default=None)
    if best is None or dice(best.full_mask(), truth) < 0.3:
        return
    rough, plain = best.full_mask(), replace(line, average=False)
    learned = line.refine(colors, rough)
    yield LEARNED, learned
    yield "component alone", rough
    yield "watershed, hull", plain.refine(colors, rough)
    yield "GrowCut, hull, averaged", replace(line, method="growcut").refine(colors, rough)
    yield "Dynamic Trees, hull, averaged", replace(line, method="trees").refine(colors, rough)
    smooth = ndimage.gaussian_filter(colors, (1, 1, 0))
    yield "averaged, on colours smoothed by 1 spel", line.refine(smooth, rough)
    yield "ellipse of the averaged outline", _ellipse(learned)
    yield "level of the largest mean gradient", _steepest(saliency, colors * line.scale, rough)
    yield "averaged, of all levels, by their scores", _of_levels(model, line, colors, ones, best)
    yield (
        "cut by the colours around, hull, averaged",
        line.refine(colors, _cut(saliency, colors, best)),
    )
    yield from _limits(line, colors, learned, ones, truth)


def _limits(
    line: Delineation, colors: Real, learned: Mask, ones: list[Component], truth: Mask
) -> Iterator[tuple[str, Mask]]:
    """What the true mask would choose, and what is left of it."""
    far = _distance(learned)
    moved = [far > step for step in np.arange(-5, 5.5, 0.5)]
    yield "limit: best distance from the averaged outline", _nearest(moved, truth)
    masks = [one.full_mask() for one in ones]
    yield "limit: best component alone", _nearest(masks, truth)
    every = [line.refine(colors, mask) for mask in masks]
    yield "limit: best component, averaged", _nearest(every, truth)
    yield "limit: the true mask, averaged", line.refine(colors, truth)
    yield "limit: ellipse of the true mask", _ellipse(truth)
    yield "limit: the true mask, one spel wider", ndimage.binary_dilation(truth)
    yield "limit: the true mask, one spel narrower", ndimage.binary_erosion(truth)


def _nearest(masks: list[Mask], truth: Mask) -> Mask:
    return max(masks, key=lambda mask: dice(mask, truth))


def _distance(mask: Mask) -> npt.NDArray[np.float64]:
    inside, outside = (ndimage.distance_transform_edt(side) for side in (mask, ~mask))
    return np.asarray(inside) - np.asarray(outside)


def _ellipse(mask: Mask) -> Mask:
    """The solid ellipse of the same moments."""
    shape = Shape.of(mask)
    offsets = np.stack(np.indices(mask.shape), axis=-1) - shape.centre
    inverse = np.linalg.inv(shape.moments)
    return np.einsum("...i,ij,...j", offsets, inverse, offsets) <= 4


def _steepest(saliency: Real, colors: Real, rough: Mask) -> Mask:
    """What is connected with the component, above the level with the steepest outline."""
    gradient = gradient_magnitude(colors.astype(np.float32), Adjacency.box(3))
    found, steepest = rough, -1.0
    for level in LEVELS:
        above = saliency > level
        mask = fill_holes(ndimage.binary_propagation(above & rough, mask=above))
        if not 0.5 * rough.sum() < mask.sum() < 2 * rough.sum():
            continue
        steep = float(gradient[mask & ~ndimage.binary_erosion(mask)].mean())
        if steep > steepest:
            found, steepest = mask, steep
    return found


def _of_levels(
    model: ObjectModel, line: Delineation, colors: Real, ones: list[Component], best: Component
) -> Mask:
    """The mean outline of the components that overlap the best one and score nearly as much."""
    near = [one for one in ones if one.overlaps(best) and model.score(one) > model.score(best) - 1]
    parts = [
        np.exp(model.score(one)) * _distance(line.refine(colors, one.full_mask())) for one in near
    ]
    return np.sum(parts, axis=0) > 0


def _cut(saliency: Real, colors: Real, best: Component) -> Mask:
    """The component, cut by the colours inside and around; the component if nothing is left."""
    rough = best.full_mask()
    window = tuple(
        slice(max(s.start - ROOM, 0), min(s.stop + ROOM, n))
        for s, n in zip(best.window, rough.shape)
    )
    cut = np.zeros_like(rough)
    cut[window] = cut_by_colors(rough[window], saliency[window], colors[window])
    kept = fill_holes(ndimage.binary_propagation(cut & rough, mask=cut))
    return kept if kept.any() else rough
