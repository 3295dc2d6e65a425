"""An adjacency relation as cells on a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from spel.core.adjacency import Adjacency
from spel.plot.figure import figure

MAX_NUMBERS = 200
"""Largest number of displacements that are numbered."""


def adjacency(relation: Adjacency) -> Any:
    """Draw the displacements of an adjacency, numbered in their order.

    Parameters
    ----------
    relation : Adjacency
        Over two axes, or over three: then there is one panel per plane.

    Returns
    -------
    matplotlib.figure.Figure
        The pixel or voxel itself has a thick frame; rows go down, columns to the right.

    Raises
    ------
    BackendMissingError
        Without matplotlib.

    Examples
    --------
    >>> sheet = adjacency(Adjacency.disk(1))
    >>> sheet.axes[0].get_title(loc="left")
    '5 adjacents'
    """
    steps = relation.displacements if relation.ndim == 3 else _flat(relation.displacements)
    planes = sorted({int(p) for p in steps[:, 0]} | {0})
    (top, bottom), (left, right) = (
        (min(low, 0), max(high, 0)) for low, high in relation.reach[-2:]
    )
    size = float(np.clip(0.42 * (right - left + 2), 2.2, 9))
    tall = size * (bottom - top + 2) / (right - left + 2) + 0.5
    sheet = figure(size * len(planes), float(np.clip(tall, 1.6, 9)))
    grid = sheet.subplots(1, len(planes), squeeze=False)[0]
    for axes, plane in zip(grid, planes):
        _plane(axes, steps, plane)
        axes.set_xlim(left - 1, right + 1)
        axes.set_ylim(bottom + 1, top - 1)
        axes.set_aspect("equal")
        axes.set_xlabel("column", fontsize=8)
        axes.set_ylabel("row", fontsize=8)
        axes.tick_params(labelsize=7)
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        if relation.ndim == 3:
            axes.set_title(f"plane {plane:+d}" if plane else "plane 0", fontsize=9, loc="left")
    if relation.ndim == 2:
        grid[0].set_title(f"{len(relation)} adjacents", fontsize=9, loc="left")
    return sheet


def _plane(axes: Any, steps: Any, plane: int) -> None:
    from matplotlib.patches import Rectangle

    number_all = len(steps) <= MAX_NUMBERS
    for i, (p, row, col) in enumerate(steps.tolist()):
        if p != plane:
            continue
        axes.add_patch(
            Rectangle((col - 0.5, row - 0.5), 1, 1, facecolor="#f9c38a", edgecolor="white")
        )
        if number_all:
            axes.text(col, row, str(i), ha="center", va="center", fontsize=7)
    if plane == 0:
        axes.add_patch(Rectangle((-0.5, -0.5), 1, 1, fill=False, edgecolor="black", linewidth=1.8))


def _flat(steps: Any) -> Any:
    return np.column_stack([np.zeros(len(steps), dtype=np.int64), steps])
