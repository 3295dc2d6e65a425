"""Why a restored spel has its value: the hyperplanes of the patches that cover it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.synthesis.anchored import Numbers, Real, Stage
from spel.synthesis.degrade import Plane
from spel.synthesis.groups import Groups
from spel.synthesis.sight import Sight


@dataclass(frozen=True, eq=False)
class Reason:
    """The value that one stage gives to a spel: a weighted sum of spels around it.

    Attributes
    ----------
    value : float
    anchors : (n,) array of int
        The anchors of the patches that cover the spel; its hyperplane is the mean of theirs.
    source, source_weights : (rows, cols) arrays of float32
        The part of the degraded picture that these patches see, and its weights; where a stage
        has groups of like patches, the part and the weights reach to them.
    before, before_weights : (rows, cols) arrays of float32
        The same of what the stage before restored; empty for the first stage.
    """

    value: float
    anchors: Numbers
    source: Real
    source_weights: Real
    before: Real
    before_weights: Real


def reason(stage: Stage, planes: list[Plane], at: tuple[int, int]) -> Reason:
    """The reason for the value of a spel (row, col) of the picture that a stage restores.

    Parameters
    ----------
    stage : Stage
    planes : list of planes
        The degraded picture and, but for the first stage, what the stage before restored.
    at : (int, int)
    """
    layout = stage.layout
    pictures = stage.view(planes)
    padded = layout.padded(pictures)
    rows, cols = (_covering(stage, at[axis], planes[0].shape[axis]) for axis in (0, 1))
    grid = np.repeat(rows, len(cols)), np.tile(cols, len(rows))
    anchors, weights = stage.hyperplanes(Sight(layout, padded, *grid))
    numbers = list(zip(*(line.tolist() for line in grid)))
    places = [_place(stage, at, number) for number in numbers]
    shared = np.stack([w[:, place] for w, place in zip(weights, places)]) / len(places)
    laid = _laid(stage, padded, numbers, np.asarray(shared, dtype=np.float32))
    if stage.groups:
        laid[0] += _of_groups(stage.groups, stage.layout.margins, pictures, laid.pop(1))
        padded.pop(1)
    parts: list[Real] = []
    for plane, spread in zip(padded, laid):
        inner = _around(spread)
        parts += [plane[inner], spread[inner]]
    value = sum(float(np.vdot(part, own)) for part, own in zip(parts[::2], parts[1::2]))
    empty = np.zeros((0, 0), dtype=np.float32)
    source, source_weights, before, before_weights = [*parts, empty, empty][:4]
    return Reason(value, anchors, source, source_weights, before, before_weights)


def _laid(
    stage: Stage, padded: list[Plane], numbers: list[tuple[int, int]], weights: Real
) -> list[Plane]:
    """The weights of patches, laid on their places in planes like the padded ones."""
    layout, out = stage.layout, [np.zeros_like(plane) for plane in padded]
    split = np.split(weights, np.cumsum([side**2 for side in layout.sides])[:-1], axis=1)
    for plane, side, scale, part in zip(out, layout.sides, layout.scales, split):
        for (row, col), square in zip(numbers, part.reshape(-1, side, side)):
            top, left = row * layout.step * scale, col * layout.step * scale
            plane[top : top + side, left : left + side] += square
    return out


def _of_groups(
    groups: Groups, margins: tuple[int, ...], pictures: list[Plane], weights: Plane
) -> Plane:
    """Weights over the padded picture that groups made, as weights over the degraded picture."""
    inner = np.zeros_like(pictures[0])
    lines = [np.pad(np.arange(n), margins[1], mode="symmetric") for n in inner.shape]
    np.add.at(inner, np.ix_(*lines), weights)
    return np.pad(groups.spread(inner, pictures[-1]), margins[0])


def _around(weights: Plane) -> tuple[slice, slice]:
    """The smallest part of a plane outside of which all weights are 0."""
    rows, cols = (np.flatnonzero(weights.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)


def _covering(stage: Stage, spel: int, size: int) -> npt.NDArray[np.intp]:
    """The numbers of the patches along an axis that cover a restored spel."""
    layout = stage.layout
    starts = np.arange(-(-size // layout.step)) * layout.step - layout.out // 2
    inside = spel // layout.factor - starts
    return np.flatnonzero((inside >= 0) & (inside < layout.out))


def _place(stage: Stage, at: tuple[int, int], number: tuple[int, int]) -> int:
    """The place of a restored spel in the restored patch of a number along each axis."""
    layout = stage.layout
    starts = [(n * layout.step - layout.out // 2) * layout.factor for n in number]
    row, col = (spel - start for spel, start in zip(at, starts))
    return row * layout.out_side + col
