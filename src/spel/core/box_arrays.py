"""Checks of boxes and their numbers, made once where values are built."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.core.numbers import as_numbers
from spel.errors import ParameterError, ShapeError

Floats = npt.NDArray[np.float64]

__all__ = ["BOX", "CORNERS", "box_array", "number_array"]

BOX = {2: "x0 y0 x1 y1", 3: "x0 y0 z0 x1 y1 z1"}
"""The numbers of a box in planes and in volumes."""

CORNERS = {2: "xyxy", 3: "xyzxyz"}
"""How JSON names them."""


def box_array(name: str, values: npt.ArrayLike, axes: int = 2) -> Floats:
    """Boxes as a read-only array, finite and with their corners in order.

    Of images they are (n, 4), ``x0 y0 x1 y1``; of volumes, which have 3 `axes`, they are (n, 6),
    ``x0 y0 z0 x1 y1 z1``.

    Raises
    ------
    ShapeError
        If it is of another shape; an empty list stands for no box.
    ParameterError
        If a coordinate is not a finite number, or a first corner lies beyond the last.

    Examples
    --------
    >>> box_array("boxes", [[1, 2, 3, 4]]).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    >>> box_array("boxes", [[1, 2, 0, 3, 4, 9]], 3).shape
    (1, 6)
    """
    boxes = number_array(name, values, None)
    if boxes.size == 0:
        boxes = np.zeros((0, 2 * axes))
    if boxes.ndim == 1 and boxes.shape == (2 * axes,):
        boxes = boxes[None]
    if boxes.ndim != 2 or boxes.shape[1] != 2 * axes:
        raise ShapeError(f"{name} of shape {boxes.shape}; expected (n, {2 * axes}): {BOX[axes]}")
    inverted = (boxes[:, :axes] > boxes[:, axes:]).any(axis=1)
    if inverted.any():
        index = int(np.flatnonzero(inverted)[0])
        raise ParameterError(
            f"{name}: box {index}, {boxes[index].tolist()}, has its corners in the wrong order; "
            "expected " + " and ".join(f"{c}0 <= {c}1" for c in "xyz"[:axes])
        )
    boxes.setflags(write=False)
    return boxes


def number_array(name: str, values: npt.ArrayLike, count: int | None) -> Floats:
    """Finite real numbers as a read-only float64 array, one per box if `count` is given."""
    numbers = np.array(as_numbers(values, name, "numbers"), dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ParameterError(f"{name}: a number is NaN or infinite, expected finite numbers")
    if count is not None:
        numbers = numbers.reshape(-1)
        if len(numbers) != count:
            raise ShapeError(f"{name}: {len(numbers)} numbers for {count} boxes; expected one each")
    numbers.setflags(write=False)
    return numbers
