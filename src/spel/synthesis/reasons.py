"""Why a restored spel has its value: the hyperplanes of the patches that cover it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.synthesis.anchored import Numbers, Real, Stage
from spel.synthesis.degrade import Plane


@dataclass(frozen=True, eq=False)
class Reason:
    """The value that one stage gives to a spel: a weighted sum of spels around it.

    Attributes
    ----------
    value : float
    anchors : (n,) array of int
        The anchors of the patches that cover the spel; its hyperplane is the mean of theirs.
    source, source_weights : (rows, cols) arrays of float32
        The part of the degraded picture that these patches see, and its weights.
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
    padded = layout.padded(planes)
    rows, cols = (_covering(stage, at[axis], planes[0].shape[axis]) for axis in (0, 1))
    own = [layout.patches(padded, int(row), int(row) + 1)[cols] for row in rows]
    anchors, weights = stage.hyperplanes(np.concatenate(own))
    parts: list[Real] = []
    firsts = [layout.step * int(n[0]) for n in (rows, cols)]
    grid = [(int(row - rows[0]), int(col - cols[0])) for row in rows for col in cols]
    places = [_place(stage, at, (int(row), int(col))) for row in rows for col in cols]
    mean = np.stack([w[:, place] for w, place in zip(weights, places)]) / np.float32(len(places))
    split = np.split(mean, [layout.sides[0] ** 2], axis=1)
    for plane, side, scale, part in zip(padded, layout.sides, (1, layout.factor), split):
        step = layout.step * scale
        sums = np.zeros([(len(n) - 1) * step + side for n in (rows, cols)], dtype=np.float32)
        for (row, col), square in zip(grid, part.reshape(-1, side, side)):
            sums[row * step : row * step + side, col * step : col * step + side] += square
        low, left = (first * scale for first in firsts)
        parts += [plane[low : low + sums.shape[0], left : left + sums.shape[1]], sums]
    value = sum(float(np.vdot(part, sums)) for part, sums in zip(parts[::2], parts[1::2]))
    empty = np.zeros((0, 0), dtype=np.float32)
    source, source_weights, before, before_weights = [*parts, empty, empty][:4]
    return Reason(value, anchors, source, source_weights, before, before_weights)


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
