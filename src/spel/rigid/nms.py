"""Non-maximum suppression and box voting: one box per object out of many that overlap."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

BLOCK = 16
"""Number of the best boxes that are compared with all others at once."""


def non_maximum_suppression(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    overlap: float = 0.5,
    of: Literal["smaller", "union"] = "smaller",
    max_boxes: int | None = None,
    classes: npt.ArrayLike | None = None,
) -> npt.NDArray[np.int64]:
    """Indices of the boxes that are kept, best first.

    A box is dropped if it shares more than `overlap` of the smaller of both areas with a better
    one: rigid objects side by side hardly cover each other, and a box inside another one shows a
    part that was taken for the whole.

    Parameters
    ----------
    boxes : (n, 4) array of float
        Corners ``x0 y0 x1 y1``.
    scores : (n,) array of float
    overlap : float
        Largest share that two kept boxes have in common.
    of : {"smaller", "union"}
        Whether `overlap` is a share of the smaller area, or of the union of both (IoU), which keeps
        boxes of different sizes at one place.
    max_boxes : int, optional
        Largest number of boxes that are kept.
    classes : (n,) array, optional
        The class of each box; a box is then dropped only for a better one of another class.

    Returns
    -------
    (k,) array of int64

    Examples
    --------
    >>> boxes = [[0, 0, 4, 2], [1, 0, 5, 2], [1, 0, 3, 1], [8, 8, 9, 9]]
    >>> non_maximum_suppression(boxes, [3, 4, 2, 1]).tolist()
    [1, 3]
    >>> non_maximum_suppression(boxes, [3, 4, 2, 1], of="union").tolist()
    [1, 2, 3]
    >>> non_maximum_suppression(boxes, [3, 4, 2, 1], classes=[0, 0, 1, 1]).tolist()
    [1, 0, 3]
    """
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    areas = np.prod(np.maximum(corners[:, 2:] - corners[:, :2], 0), axis=1)
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    names = None if classes is None else np.asarray(classes)

    chosen: list[int] = []
    while len(order) and (max_boxes is None or len(chosen) < max_boxes):
        first = order[:BLOCK]
        shared = _intersections(corners[order], corners[first])
        whole = np.minimum(areas[order], areas[first, None])
        if of == "union":
            whole = areas[order] + areas[first, None] - shared
        stays = shared <= overlap * whole
        if names is not None:
            stays |= names[order] == names[first, None]
        free = np.ones(len(order), bool)
        for place, one in enumerate(first.tolist()):
            if free[place]:
                chosen.append(one)
                free &= stays[place]
        order = order[len(first) :][free[len(first) :]]
    return np.array(chosen[:max_boxes], dtype=np.int64)


def vote_boxes(
    boxes: npt.ArrayLike,
    log_odds: npt.ArrayLike,
    chosen: npt.NDArray[np.int64],
    groups: npt.ArrayLike,
    *,
    min_iou: float = 0.3,
) -> npt.NDArray[np.float64]:
    """The chosen boxes, each replaced by the weighted mean of the boxes around the same object.

    A box votes for a chosen box if both are of the same group and their intersection over union
    exceeds `min_iou`. Its weight is ``exp(log_odds)``, so that the mean of windows of several sizes
    has a size in between.

    Parameters
    ----------
    boxes : (n, 4) array of float
        Corners ``x0 y0 x1 y1``.
    log_odds : (n,) array of float
    chosen : (k,) array of int
        Indices of the boxes to replace.
    groups : (n,) array
        The group of each box, such as the rotation of its view.
    min_iou : float

    Returns
    -------
    (k, 4) array of float64

    Examples
    --------
    >>> boxes = [[0, 0, 4, 2], [2, 0, 6, 2], [9, 9, 10, 10]]
    >>> vote_boxes(boxes, [0.0, 0.0, 5.0], [0], [1, 1, 1]).tolist()
    [[1.0, 0.0, 5.0, 2.0]]
    """
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    weights = np.asarray(log_odds, dtype=np.float64)
    areas = np.prod(np.maximum(corners[:, 2:] - corners[:, :2], 0), axis=1)
    group = np.asarray(groups)
    means = np.zeros((len(chosen), 4))
    for number, one in enumerate(chosen):
        shared = _intersections(corners, corners[one : one + 1])[0]
        votes = (shared > min_iou * (areas + areas[one] - shared)) & (group == group[one])
        votes[one] = True
        shares = np.exp(weights[votes] - weights[one])
        means[number] = np.average(corners[votes], axis=0, weights=shares)
    return means


def _intersections(
    boxes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The area that each box (n, 4) has in common with each of others (m, 4), as (m, n)."""
    x0, y0, x1, y1 = boxes.T
    left, top, right, bottom = others.T[..., None]
    wide = np.minimum(x1, right) - np.maximum(x0, left)
    high = np.minimum(y1, bottom) - np.maximum(y0, top)
    return np.asarray(np.maximum(wide, 0) * np.maximum(high, 0))
