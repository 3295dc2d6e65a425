"""Saliency to detections: threshold, connected components, filters, selection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.detections import Detections
from spel.decide.decision import Decision
from spel.errors import ShapeError
from spel.nn.geometry import Geometry


@dataclass(frozen=True, eq=False)
class DecisionResult:
    """Detections, the threshold that they exceed, and the strongest output spel of each."""

    detections: Detections
    threshold: float
    strongest: tuple[tuple[int, int], ...]


def decide(
    saliency: npt.ArrayLike,
    decision: Decision | None = None,
    *,
    place: Geometry | None = None,
    image_size: tuple[int, int] | None = None,
) -> DecisionResult:
    """Boxes of the components of a saliency above its threshold, best first.

    Parameters
    ----------
    saliency : (rows, cols) or (rows, cols, 1) array
    decision : Decision, optional
    place : Geometry, optional
        How the saliency maps to the input; by default spel to spel.
    image_size : (rows, cols), optional
        Size of the input, by default that of the saliency; boxes are clipped to it.

    Returns
    -------
    DecisionResult
        The score of a box is the highest saliency in its component.

    Raises
    ------
    ShapeError
        If the saliency has more than one channel.

    Examples
    --------
    >>> two = [[0, 5, 5, 0, 0], [0, 0, 0, 0, 7]]
    >>> decide(two, Decision(threshold=1)).detections.boxes.tolist()
    [[4.0, 1.0, 5.0, 2.0], [1.0, 0.0, 3.0, 1.0]]
    >>> decide(two, Decision(threshold=1, select="widest")).detections.scores.tolist()
    [5.0]
    """
    decision = decision or Decision()
    values = one_channel(saliency)
    size = values.shape if image_size is None else image_size
    place = place or Geometry.identity(2)
    threshold = ops.threshold_value(values, decision.threshold)
    labels = ops.label(values > threshold, decision.adjacency)
    regions = ops.regions(labels, values)
    boxes, order = select_regions(regions, decision, place, size)
    numbers = np.zeros(len(regions) + 1, dtype=np.int32)
    numbers[regions.labels[order]] = np.arange(1, len(order) + 1, dtype=np.int32)
    detections = Detections(
        boxes[order],
        regions.maxima[order],
        regions.areas[order],
        (int(size[0]), int(size[1])),
        components=_renumber(labels, numbers, int(regions.areas.sum())),
    )
    return DecisionResult(detections, threshold, _strongest(values, labels, regions, order))


def _renumber(
    labels: npt.NDArray[np.int32], numbers: npt.NDArray[np.int32], labelled: int
) -> npt.NDArray[np.int32]:
    """``numbers[labels]``, faster if only a few spels (`labelled`) have a label above 0."""
    if 8 * labelled > labels.size:
        return numbers.take(labels)
    out = np.zeros(labels.shape, dtype=np.int32)
    flat = labels.reshape(-1)
    spels = np.flatnonzero(flat != 0)
    out.reshape(-1)[spels] = numbers[flat[spels]]
    return out


def select_regions(
    regions: ops.Regions, decision: Decision, place: Geometry, size: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Boxes of all regions in the image, and the indices that the decision keeps, best first."""
    boxes = _clip(place.boxes(regions.boxes), size)
    areas = regions.areas.astype(np.float64) * float(np.prod(place.scale))
    allowed = np.flatnonzero(_within_ranges(decision, boxes, areas))
    selected = _select(decision, boxes, areas, allowed)
    return boxes, selected[np.argsort(-regions.maxima[selected], kind="stable")]


def one_channel(saliency: npt.ArrayLike) -> npt.NDArray[Any]:
    """The saliency as (rows, cols), or an error that says how to get one channel."""
    values = np.asarray(saliency)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim != 2:
        raise ShapeError(
            f"decide: saliency of shape {values.shape}; expected (rows, cols) or (rows, cols, 1). "
            "End the network with WeightedSum (one channel from many), or pick a channel"
        )
    return values


def _within_ranges(
    decision: Decision, boxes: npt.NDArray[np.float64], areas: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    # A box that lies outside the image, and so is clipped to nothing, is no detection.
    good: npt.NDArray[np.bool_] = (width > 0) & (height > 0)
    aspect = width / np.where(height > 0, height, 1)
    for allowed, value in (
        (decision.area, areas),
        (decision.width, width),
        (decision.height, height),
        (decision.aspect, aspect),
    ):
        if allowed is not None:
            good &= (value >= allowed[0]) & (value <= allowed[1])
    return good


def _select(
    decision: Decision,
    boxes: npt.NDArray[np.float64],
    areas: npt.NDArray[np.float64],
    allowed: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """All allowed boxes, or the one that the selection prefers (the first of equals)."""
    if decision.select == "all" or not len(allowed):
        return allowed
    size = boxes[allowed, 2:] - boxes[allowed, :2]
    if decision.select == "widest":
        best = size[:, 0].argmax()
    elif decision.select == "largest":
        best = areas[allowed].argmax()
    else:
        assert decision.size is not None
        best = np.abs(np.log(size / np.array(decision.size))).sum(axis=1).argmin()
    return allowed[best : best + 1]


def _clip(boxes: npt.NDArray[np.float64], size: tuple[int, ...]) -> npt.NDArray[np.float64]:
    high = np.array([size[1], size[0]] * 2, dtype=np.float64)
    return np.clip(boxes, 0, high)


def _strongest(
    values: npt.NDArray[Any],
    labels: npt.NDArray[np.int32],
    regions: ops.Regions,
    order: npt.NDArray[np.int64],
) -> tuple[tuple[int, int], ...]:
    """The first spel, in raster order, with the highest value of each selected component."""
    places = []
    for i in order:
        low, high = regions.low[i], regions.high[i]
        window = (slice(low[0], high[0]), slice(low[1], high[1]))
        inside = np.where(labels[window] == regions.labels[i], values[window], -np.inf)
        row, col = np.unravel_index(int(inside.argmax()), inside.shape)
        places.append((int(low[0] + row), int(low[1] + col)))
    return tuple(places)
