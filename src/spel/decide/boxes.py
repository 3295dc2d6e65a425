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
class Decided:
    """Detections, the threshold they exceeded, and the strongest spel of each in the output."""

    detections: Detections
    threshold: float
    strongest: tuple[tuple[int, int], ...]


def decide(
    saliency: npt.ArrayLike,
    decision: Decision | None = None,
    *,
    place: Geometry | None = None,
    image_size: tuple[int, int] | None = None,
) -> Decided:
    """Boxes of the components of a saliency above its threshold, best first.

    Parameters
    ----------
    saliency : (rows, cols) or (rows, cols, 1) array
    decision : Decision, optional
    place : Geometry, optional
        Where the saliency stands on the input; by default spel on spel.
    image_size : (rows, cols), optional
        Of the input; boxes are cut to it. By default the saliency's.

    Returns
    -------
    Decided
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
    found = ops.regions(labels, values)
    boxes, order = kept_boxes(found, decision, place, size)
    renumbered = np.zeros(len(found) + 1, dtype=np.int32)
    renumbered[found.labels[order]] = np.arange(1, len(order) + 1, dtype=np.int32)
    detections = Detections(
        boxes[order],
        found.maxima[order],
        found.areas[order],
        (int(size[0]), int(size[1])),
        components=_renumbered(labels, renumbered, int(found.areas.sum())),
    )
    return Decided(detections, threshold, _strongest(values, labels, found, order))


def _renumbered(
    labels: npt.NDArray[np.int32], numbers: npt.NDArray[np.int32], spels: int
) -> npt.NDArray[np.int32]:
    """``numbers[labels]``, where so many labels are not 0: mostly few."""
    if 8 * spels > labels.size:
        return numbers.take(labels)
    out = np.zeros(labels.shape, dtype=np.int32)
    flat = labels.reshape(-1)
    places = np.flatnonzero(flat != 0)
    out.reshape(-1)[places] = numbers[flat[places]]
    return out


def kept_boxes(
    found: ops.Regions, decision: Decision, place: Geometry, size: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Boxes of all regions in the image, and which of them the decision keeps, best first."""
    boxes = _cut(place.boxes(found.boxes), size)
    areas = found.areas * float(np.prod(place.scale))
    kept = _selected(decision, boxes, areas, np.flatnonzero(_passed(decision, boxes, areas)))
    return boxes, kept[np.argsort(-found.maxima[kept], kind="stable")]


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


def _passed(
    decision: Decision, boxes: npt.NDArray[np.float64], areas: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    # A box that was cut to nothing at the image's edge is no detection.
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


def _selected(
    decision: Decision,
    boxes: npt.NDArray[np.float64],
    areas: npt.NDArray[np.float64],
    passed: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """All that passed, or the one that the selection prefers (the first of equals)."""
    if decision.select == "all" or not len(passed):
        return passed
    size = boxes[passed, 2:] - boxes[passed, :2]
    if decision.select == "widest":
        best = size[:, 0].argmax()
    elif decision.select == "largest":
        best = areas[passed].argmax()
    else:
        assert decision.size is not None
        best = np.abs(np.log(size / np.array(decision.size))).sum(axis=1).argmin()
    return passed[best : best + 1]


def _cut(boxes: npt.NDArray[np.float64], size: tuple[int, ...]) -> npt.NDArray[np.float64]:
    high = np.array([size[1], size[0]] * 2, dtype=np.float64)
    return np.clip(boxes, 0, high)


def _strongest(
    values: npt.NDArray[Any], labels: npt.NDArray[np.int32], found: ops.Regions, order: Any
) -> tuple[tuple[int, int], ...]:
    """First spel, in raster order, with the highest value of each kept component."""
    places = []
    for i in order:
        low, high = found.low[i], found.high[i]
        window = (slice(low[0], high[0]), slice(low[1], high[1]))
        inside = np.where(labels[window] == found.labels[i], values[window], -np.inf)
        row, col = np.unravel_index(int(inside.argmax()), inside.shape)
        places.append((int(low[0] + row), int(low[1] + col)))
    return tuple(places)
