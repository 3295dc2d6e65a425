"""Saliency to detections: threshold, connected components, filters, selection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.core.detections import Detections
from spel.core.numbers import as_numbers
from spel.decide.decision import Decision
from spel.errors import ParameterError, ShapeError
from spel.nn.geometry import Geometry
from spel.ops.label import regions_of_spels


@dataclass(frozen=True, eq=False)
class DecisionResult:
    """Detections, the threshold that they exceed, and the spel of highest saliency of each."""

    detections: Detections
    threshold: float
    strongest: tuple[tuple[int, ...], ...]


def decide(
    saliency: npt.ArrayLike,
    decision: Decision | None = None,
    *,
    place: Geometry | None = None,
    image_size: tuple[int, ...] | None = None,
) -> DecisionResult:
    """Boxes of the components of a saliency above its threshold, best first.

    Parameters
    ----------
    saliency : (rows, cols) or (rows, cols, 1) array
        Or (planes, rows, cols, 1) of a volume, whose boxes are ``x0 y0 z0 x1 y1 z1``.
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
    ParameterError
        If the decision is for volumes and the saliency has no planes, or the other way round.

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
    check_axes(decision, values.ndim)
    size = values.shape if image_size is None else image_size
    place = place or Geometry.identity(values.ndim)
    threshold = ops.threshold_value(values, decision.threshold)
    near = decision.adjacency or Adjacency.box(3, ndim=values.ndim)
    above = ops.threshold(values, threshold)
    labels, spels = ops.label(above, near), np.flatnonzero(above)
    regions = regions_of_spels(spels, labels, values)
    boxes, order = select_regions(regions, decision, place, size)
    numbers = np.zeros(len(regions) + 1, dtype=np.int32)
    numbers[regions.labels[order]] = np.arange(1, len(order) + 1, dtype=np.int32)
    detections = Detections(
        boxes[order],
        regions.maxima[order],
        regions.areas[order],
        size,
        components=_renumber(labels, numbers, spels),
    )
    return DecisionResult(detections, threshold, _strongest(values, labels, regions, order))


def _renumber(
    labels: npt.NDArray[np.int32], numbers: npt.NDArray[np.int32], spels: npt.NDArray[np.intp]
) -> npt.NDArray[np.int32]:
    """``numbers[labels]``, faster if only few spels have a label above 0."""
    if 8 * len(spels) > labels.size:
        return numbers.take(labels)
    out = np.zeros(labels.shape, dtype=np.int32)
    out.reshape(-1)[spels] = numbers[labels.reshape(-1)[spels]]
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
    """The saliency as ([planes,] rows, cols), or an error that says how to get one channel."""
    values = as_numbers(saliency, "decide", "saliency")
    if values.ndim in (3, 4) and values.shape[-1] == 1:
        values = values[..., 0]
    elif values.ndim != 2:
        raise ShapeError(
            f"decide: saliency of shape {values.shape}; expected (rows, cols) or ([planes,] rows, "
            "cols, 1). End the network with WeightedSum (one channel from many), or pick a channel"
        )
    return values


def check_axes(decision: Decision, axes: int) -> None:
    """Refuse a decision for images of another number of axes."""
    if decision.depth is not None and axes != 3:
        raise ParameterError(
            "decide: depth is the range of planes of a box in a volume, and this is an image; "
            "leave depth out"
        )
    if decision.size is not None and len(decision.size) != axes:
        words = "(width, height)" if axes == 2 else "(width, height, depth)"
        raise ParameterError(f"decide: size {decision.size}; expected {words}")
    if decision.adjacency is not None and decision.adjacency.ndim != axes:
        raise ParameterError(
            f"decide: an adjacency of {decision.adjacency.ndim} axes for an image of {axes}; "
            "expected the same number of axes"
        )


def _sides(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Width, height and, in a volume, depth of boxes."""
    axes = boxes.shape[1] // 2
    return boxes[:, axes:] - boxes[:, :axes]


def _within_ranges(
    decision: Decision, boxes: npt.NDArray[np.float64], areas: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Which components fit all ranges of the decision."""
    width, height, *depth = _sides(boxes).T
    # A box outside the image is clipped to nothing, and is no detection.
    good: npt.NDArray[np.bool_] = np.asarray((_sides(boxes) > 0).all(axis=1))
    aspect = width / np.where(height > 0, height, 1)
    for allowed, value in (
        (decision.area, areas),
        (decision.width, width),
        (decision.height, height),
        (decision.aspect, aspect),
        *((decision.depth, planes) for planes in depth),
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
    size = _sides(boxes[allowed])
    if decision.select == "widest":
        best = size[:, 0].argmax()
    elif decision.select == "largest":
        best = areas[allowed].argmax()
    else:
        assert decision.size is not None
        best = np.abs(np.log(size / np.array(decision.size))).sum(axis=1).argmin()
    return allowed[best : best + 1]


def _clip(boxes: npt.NDArray[np.float64], size: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """The boxes, cut at the border of the image."""
    high = np.array(size[::-1] * 2, dtype=np.float64)
    return np.clip(boxes, 0, high)


def _strongest(
    values: npt.NDArray[Any],
    labels: npt.NDArray[np.int32],
    regions: ops.Regions,
    order: npt.NDArray[np.int64],
) -> tuple[tuple[int, ...], ...]:
    """The spel with the highest value of each selected component; of several, the first."""
    places = []
    for i in order:
        low, high = regions.low[i], regions.high[i]
        window = tuple(slice(a, b) for a, b in zip(low, high))
        inside = np.where(labels[window] == regions.labels[i], values[window], -np.inf)
        first = np.unravel_index(int(inside.argmax()), inside.shape)
        places.append(tuple((low + first).tolist()))
    return tuple(places)
