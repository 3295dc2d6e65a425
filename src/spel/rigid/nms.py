"""Non-maximum suppression: of boxes that share their place, the best one stays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def suppress(
    boxes: npt.ArrayLike, scores: npt.ArrayLike, *, overlap: float = 0.5, most: int | None = None
) -> npt.NDArray[np.int64]:
    """Indices of the boxes that stay, best first.

    A box is dropped if it shares more than `overlap` of the smaller of both areas with a better
    one: rigid objects seen side by side hardly cover each other, and a box inside a box is a part
    taken for the whole.

    Parameters
    ----------
    boxes : (n, 4) array of float
    scores : (n,) array of float
    overlap : float
    most : int, optional
        Stop after so many.

    Examples
    --------
    >>> suppress([[0, 0, 4, 2], [1, 0, 5, 2], [1, 0, 3, 1], [8, 8, 9, 9]], [3, 4, 2, 1]).tolist()
    [1, 3]
    """
    given = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    areas = np.prod(np.maximum(given[:, 2:] - given[:, :2], 0), axis=1)
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    kept: list[int] = []
    while len(order) and (most is None or len(kept) < most):
        best, order = int(order[0]), order[1:]
        kept.append(best)
        low = np.maximum(given[order, :2], given[best, :2])
        high = np.minimum(given[order, 2:], given[best, 2:])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        order = order[common <= overlap * np.minimum(areas[order], areas[best])]
    return np.array(kept, dtype=np.int64)


def agreed(
    boxes: npt.ArrayLike,
    odds: npt.ArrayLike,
    kept: npt.NDArray[np.int64],
    kinds: npt.ArrayLike,
    *,
    overlap: float = 0.3,
) -> npt.NDArray[np.float64]:
    """The kept boxes, each the mean of all that mean the same object, by their odds.

    A box of the same kind, whose intersection over union with the kept one exceeds `overlap`, has
    a say of ``exp(odds)`` beside it; windows of several sizes settle on what lies between.

    Examples
    --------
    >>> boxes = [[0, 0, 4, 2], [2, 0, 6, 2], [9, 9, 10, 10]]
    >>> agreed(boxes, [0.0, 0.0, 5.0], [0], [1, 1, 1]).tolist()
    [[1.0, 0.0, 5.0, 2.0]]
    """
    given = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    log = np.asarray(odds, dtype=np.float64)
    areas = np.prod(np.maximum(given[:, 2:] - given[:, :2], 0), axis=1)
    kind = np.asarray(kinds)
    means = np.zeros((len(kept), 4))
    for number, one in enumerate(kept):
        low = np.maximum(given[:, :2], given[one, :2])
        high = np.minimum(given[:, 2:], given[one, 2:])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        near = (common > overlap * (areas + areas[one] - common)) & (kind == kind[one])
        near[one] = True
        means[number] = np.average(given[near], axis=0, weights=np.exp(log[near] - log[one]))
    return means
