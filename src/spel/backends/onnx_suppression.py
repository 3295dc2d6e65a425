"""One box per object in a graph: non-maximum suppression and box voting.

The same as `spel.rigid.nms` and `spel.rigid.detect.best_windows`, in ONNX operators.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spel.backends.onnx_graph import END
from spel.backends.onnx_tensor import Tensor, choose, constant, count_up, join, loop
from spel.backends.onnx_windows import OnnxScored
from spel.rigid.detect import MIN_LOG_ODDS, MISSED_SHARE, PROPOSAL_OVERLAP

MIN_IOU = 0.3
"""Least intersection over union of a box with the one that it votes for."""


def best_windows(
    scored: OnnxScored,
    count: int,
    limit: Tensor | None = None,
    *,
    lowest: float = MIN_LOG_ODDS,
    overlap: float = PROPOSAL_OVERLAP,
) -> OnnxScored:
    """The best windows at different places, as `spel.rigid.detect.best_windows`."""
    graph = scored.boxes.graph
    name = graph.op(
        "NonMaxSuppression",
        scored.boxes.to("float32").expand(0).name,
        scored.log_odds.to("float32").expand(0, 1).name,
        constant(graph, [END], "int64").name,
        constant(graph, [overlap], "float32").name,
    )
    places = Tensor(graph, name, "int64").at(2, 1)
    log_odds = scored.log_odds.at(places)
    odds = log_odds.where(log_odds >= lowest).op("Sigmoid")
    total = odds.sum(0)
    left_out = total - odds.op("CumSum", constant(graph, 0, "int64"))
    needed = (left_out > total * MISSED_SHARE).to("int64").sum(0) + 1
    most = needed if limit is None else needed.minimum(limit)
    return scored[places.part(0, most.maximum(count))]


def suppressed(
    boxes: Tensor,
    order: Tensor,
    overlap: float,
    *,
    most: int = END,
    classes: Tensor | None = None,
) -> Tensor:
    """The boxes that no better one hides, at most so many, best first.

    Not by NonMaxSuppression: what counts is the share of the smaller box, not of the union.

    Parameters
    ----------
    boxes : (n, 4) float64
    order : (m,) int64
        Places of boxes, best first.
    overlap : float
        Largest share of the smaller box that two boxes have in common.
    classes : (n,) int64, optional
        A box is then hidden only by one of another class.
    """
    graph = boxes.graph

    def body(trip: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        chosen, rest = states
        best, rest = rest.part(0, 1), rest.part(1)
        shared, area, areas = _overlaps(boxes.at(best), boxes.at(rest))
        free = shared <= areas.minimum(area) * overlap
        if classes is not None:
            free = free | classes.at(rest).equals(classes.at(best))
        rest = rest.where(free)
        return rest.size(0) > 0, [join([chosen, best]), rest]

    none = constant(graph, np.zeros(0), "int64")
    trips = constant(graph, most, "int64")
    return loop(trips, [none, order], body, begin=order.size(0) > 0)[0]


def voted(scored: OnnxScored, chosen: Tensor) -> Tensor:
    """The chosen boxes, each the mean of all of its rotation that vote for it: (k, 4)."""
    boxes, log_odds, degrees = scored.boxes, scored.log_odds, scored.degrees
    shared, area, areas = _overlaps(boxes.at(chosen).expand(1), boxes.expand(0))
    votes = shared > (areas + area - shared) * MIN_IOU
    votes = votes & degrees.expand(0).equals(degrees.at(chosen).expand(1))
    votes = votes | chosen.expand(1).equals(count_up(boxes.size(0)).expand(0))
    shares = (log_odds.expand(0) - log_odds.at(chosen).expand(1)).op("Exp")
    weights = choose(votes, shares, 0.0)
    return (weights @ boxes) / weights.sum(1, keep=True)


def _overlaps(one: Tensor, others: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The areas that boxes have in common, and their own areas."""
    x0, y0, x1, y1 = (
        one.at(side, -1).maximum(others.at(side, -1))
        if side < 2
        else one.at(side, -1).minimum(others.at(side, -1))
        for side in range(4)
    )
    return _area(x0, y0, x1, y1), _area(*_sides(one)), _area(*_sides(others))


def _sides(boxes: Tensor) -> list[Tensor]:
    return [boxes.at(side, -1) for side in range(4)]


def _area(x0: Tensor, y0: Tensor, x1: Tensor, y1: Tensor) -> Tensor:
    """The areas of boxes; 0 for those that are empty."""
    return (x1 - x0).maximum(0.0) * (y1 - y0).maximum(0.0)
