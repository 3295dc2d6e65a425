"""Checks of boxes and their numbers, made once where values are built."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError

Floats = npt.NDArray[np.float64]

__all__ = ["box_array", "number_array"]


def box_array(name: str, values: npt.ArrayLike) -> Floats:
    """Boxes ``x0 y0 x1 y1`` as a read-only (n, 4) array, finite and with their corners in order.

    Raises
    ------
    ShapeError
        If it is not (n, 4); an empty list stands for no box.
    ParameterError
        If a coordinate is not a finite number, or x0 > x1 or y0 > y1.

    Examples
    --------
    >>> box_array("boxes", [[1, 2, 3, 4]]).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    """
    boxes = number_array(name, values, None)
    if boxes.size == 0:
        boxes = np.zeros((0, 4))
    if boxes.ndim == 1 and boxes.shape == (4,):
        boxes = boxes[None]
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(f"{name} of shape {boxes.shape}; expected (n, 4): x0 y0 x1 y1")
    inverted = (boxes[:, :2] > boxes[:, 2:]).any(axis=1)
    if inverted.any():
        index = int(np.flatnonzero(inverted)[0])
        raise ParameterError(
            f"{name}: box {index}, {boxes[index].tolist()}, has its corners in the wrong order; "
            "expected x0 <= x1 and y0 <= y1"
        )
    boxes.setflags(write=False)
    return boxes


def number_array(name: str, values: npt.ArrayLike, count: int | None) -> Floats:
    """Finite real numbers as a read-only float64 array, one per box if `count` is given."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{name}: rows of different lengths ({error}); give four each") from None
    if array.size and array.dtype.kind not in "biuf":
        raise ParameterError(f"{name} of dtype {array.dtype}; expected real numbers")
    numbers = np.array(array if array.size else np.zeros(array.shape), dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ParameterError(f"{name}: a number is NaN or infinite, expected finite numbers")
    if count is not None:
        numbers = numbers.reshape(-1)
        if len(numbers) != count:
            raise ShapeError(f"{name}: {len(numbers)} numbers for {count} boxes; expected one each")
    numbers.setflags(write=False)
    return numbers
