"""Windows of an image or an output that grow until they hold what a tile needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.frame import Frame, Sides
from spel.errors import ParameterError
from spel.nn.blocks import Box

Array = npt.NDArray[Any]
Read = Callable[[Box], Array]
"""Gives the values in a box of an image."""

LARGEST = 1 << 25
"""Spels of the largest window: the shape of an object is measured in memory."""


def grown(
    read: Read,
    size: Sequence[int],
    tile: tuple[slice, ...],
    margin: int,
    open_sides: Callable[[Array, Frame], Sides],
    largest: float | None = None,
) -> tuple[Array, Frame]:
    """The values around a tile, so far that no side of the window is open.

    The window reaches a margin beyond the tile at first, and an open side doubles it.

    Raises
    ------
    ParameterError
        If the window would have more than `largest` spels, by default `LARGEST`.
    """
    size = tuple(map(int, size))
    margins = np.full((2, len(tile)), margin)
    box = _around(tile, margins, size)
    values = read(box)
    while True:
        frame = Frame(tuple(a for a, _ in box), values.shape[:-1], size, tile)
        sides = open_sides(values, frame)
        if not sides.any():
            return values, frame
        margins = np.where(sides, 2 * margins, margins)
        wider = _around(tile, margins, size)
        _check_window(box, wider, LARGEST if largest is None else largest)
        values = _extended(read, values, box, wider)
        box = wider


def _around(tile: tuple[slice, ...], margins: npt.NDArray[Any], size: Sequence[int]) -> Box:
    return [
        (max(0, span.start - int(low)), min(n, span.stop + int(high)))
        for span, low, high, n in zip(tile, *margins, size)
    ]


def _check_window(box: Box, wider: Box, largest: float) -> None:
    if prod(b - a for a, b in wider) > largest:
        axes = ("planes", "rows", "columns")[-len(box) :]
        place = ", ".join(f"{axis} {a} to {b}" for axis, (a, b) in zip(axes, box))
        raise ParameterError(
            f"segment: what is salient around {place} is connected over more than {largest:,} "
            "spels, and objects are found in it in memory; use a smaller level of the pyramid "
            "(--level), or a network whose saliency is 0 between objects"
        )


def _extended(read: Read, values: Array, box: Box, wider: Box) -> Array:
    """The values of a box, and beside them, axis by axis, those of a wider one."""
    now = list(box)
    for axis, ((a, b), (low, high)) in enumerate(zip(box, wider)):
        slabs = [
            [*now[:axis], span, *now[axis + 1 :]] if span[0] < span[1] else None
            for span in ((low, a), (b, high))
        ]
        before, after = ([] if slab is None else [read(slab)] for slab in slabs)
        values = np.concatenate([*before, values, *after], axis=axis)
        now[axis] = (low, high)
    return values
