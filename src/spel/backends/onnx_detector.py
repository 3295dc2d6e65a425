"""A detector of sliding windows as one graph, from the pixels of a batch to boxes.

The same as `spel.rigid.detect` and `spel.rigid.detect_classes`, in ONNX operators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spel.backends.onnx_graph import Graph, Value
from spel.backends.onnx_network import image_of, translated
from spel.backends.onnx_pyramid import OnnxPyramid, halvings_of
from spel.backends.onnx_suppression import best_windows, suppressed, voted
from spel.backends.onnx_tensor import Tensor, branch, constant, count_up, join, loop
from spel.backends.onnx_windows import OnnxScanner, OnnxScored
from spel.nn.network import Network
from spel.rigid import detect as rule
from spel.rigid.adjust import MOST_GAIN
from spel.rigid.classes import KIND, ClassWindows
from spel.rigid.score import Scanner
from spel.rigid.windows import Windows

SMALLER = 1 / 4
"""How much smaller than the smallest scale of a scan a view of a box may be."""


OUTPUTS = ("boxes", "scores", "labels", "images")
"""Names of what a detector's file answers."""


def windows_of(network: Network) -> Windows | ClassWindows | None:
    """The network's decision, if it slides windows."""
    decision = network.meta.get("decision")
    kind = decision.get("kind") if isinstance(decision, Mapping) else None
    if not isinstance(decision, Mapping) or kind not in ("windows", KIND):
        return None
    return ClassWindows.from_dict(decision) if kind == KIND else Windows.from_dict(decision)


def record_detector(
    network: Network, decision: Windows | ClassWindows, shape: Sequence[int], dtype: str
) -> Graph:
    """The graph from "image" to "boxes", "scores", "labels" and "images", a row for each box."""
    graph = Graph()
    image = image_of(network, graph, shape, dtype)
    classes = decision.classes if isinstance(decision, ClassWindows) else (("", decision),)
    scanners = [Scanner(network, windows) for _, windows in classes]
    grey = Tensor(graph, translated(scanners[0].color, graph, image).name, "float32")
    graph.scope = "detect"

    def body(trip: Tensor, states: Sequence[Tensor]) -> tuple[None, Sequence[Tensor]]:
        one = Value(grey.at(trip.reshape(1)).name, 1, 2)
        pyramid = OnnxPyramid(graph, one, _depth(scanners))
        boxes, scores, labels = _of_classes(pyramid, scanners, decision)
        images = labels * 0 + trip
        return None, [join(pair) for pair in zip(states, (boxes, scores, labels, images))]

    none = [("float32", (0, 4)), ("float32", (0,)), ("int64", (0,)), ("int64", (0,))]
    states = [constant(graph, np.zeros(shape), dtype) for dtype, shape in none]
    for name, result in zip(OUTPUTS, loop(grey.size(0), states, body)):
        graph.nodes.append(("Identity", [result.name], [name], {}))
    return graph


def _depth(scanners: Sequence[Scanner]) -> int:
    """How often an image is halved for the smallest view of any class."""
    stages = [s for one in scanners for s in (one, one.proposals) if s is not None]
    return halvings_of(SMALLER * min(stage.windows.min_scale for stage in stages))


def _of_classes(
    pyramid: OnnxPyramid, scanners: Sequence[Scanner], decision: Windows | ClassWindows
) -> list[Tensor]:
    """The boxes, scores and labels of one image, of all classes, best first."""
    graph = pyramid.graph
    parts = []
    for number, scanner in enumerate(scanners):
        graph.scope = f"class_{number}"
        boxes, scores = _of_class(OnnxScanner(scanner, pyramid))
        labels = count_up(scores.size(0)) * 0 + number
        parts.append([boxes, scores, labels])
    boxes, scores, labels = (join(part) for part in zip(*parts))
    if len(scanners) > 1:
        order = scores.order()
        if isinstance(decision, ClassWindows) and decision.suppress == "across":
            order = suppressed(boxes, order, decision.overlap, classes=labels)
        boxes, scores, labels = boxes.at(order), scores.at(order), labels.at(order)
    return [boxes.to("float32"), scores.to("float32"), labels]


def _of_class(scanner: OnnxScanner) -> tuple[Tensor, Tensor]:
    """The boxes of one class and their probabilities, as `spel.rigid.detect.detect_in_pyramid`."""
    windows, pyramid = scanner.scanner.windows, scanner.pyramid
    boxes, log_odds = _objects(scanner, rule.log_odds_of(windows.threshold))
    low, high = boxes.at([0, 1], 1), boxes.at([2, 3], 1)
    margin = (high - low) * windows.margin
    size = pyramid.size.at([1, 0])
    ends = [end.clip(0.0, size) for end in (low - margin, high + margin)]
    return join(ends, axis=1), log_odds.op("Sigmoid")


def _objects(scanner: OnnxScanner, threshold: float) -> tuple[Tensor, Tensor]:
    """The box and the log-odds of each object, best first, as `spel.rigid.detect`."""
    windows, adjusts = scanner.scanner.windows, scanner.scanner.adjusts
    scored, most = _scored(scanner), windows.max_detections
    order = _above(scored.log_odds, threshold - adjusts * MOST_GAIN)
    chosen = suppressed(scored.boxes, order, windows.overlap, most=most * (1 + adjusts))
    boxes, log_odds = voted(scored, chosen), scored.log_odds.at(chosen)
    if not adjusts:
        return boxes, log_odds
    boxes, log_odds = scanner.adjust(boxes, log_odds)
    best = suppressed(boxes, _above(log_odds, threshold), windows.overlap, most=most)
    return boxes.at(best), log_odds.at(best)


def _above(log_odds: Tensor, threshold: float) -> Tensor:
    """Places of what lies above a threshold, best first."""
    index = count_up(log_odds.size(0)).where(log_odds > threshold)
    return index.at(log_odds.at(index).order())


def _scored(scanner: OnnxScanner) -> OnnxScored:
    """All scored windows before suppression, as `spel.rigid.detect.scan_windows`."""
    stage = scanner.scanner
    if stage.proposals is None:
        scored = _scan(scanner, stage.windows)
    else:
        proposed = _scan(replace(scanner, scanner=stage.proposals), stage.windows)
        lowest = rule.lowest_log_odds(stage.windows)
        places = best_windows(proposed, stage.windows.max_proposals, lowest=lowest)
        views = (places.log_odds.size(0) * (1 + len(rule.SCALE_OFFSETS))).to("float64")
        scored = OnnxScored(
            *branch(
                views * stage.place_area > _scan_area(scanner),
                lambda: _scan(scanner, stage.windows).tensors,
                lambda: _refined(scanner, places).tensors,
            )
        )
    if not stage.windows.rotations:
        return scored
    turned = _again(scanner, scored, "degrees")
    return scored + replace(turned, log_odds=turned.log_odds - rule.ROTATION_PENALTY)


def _scan(scanner: OnnxScanner, windows: Windows) -> OnnxScored:
    """The windows of kernels that slide over all scales, as many as a decision calls for."""
    rows, cols = (scanner.pyramid.size.at(axis) for axis in (0, 1))
    share = (rows * cols / float(rule.MANY_SPELS)).op("Ceil").to("int64")
    most = (share * rule.MAX_WINDOWS).maximum(rule.WINDOWS_PER_BOX * windows.max_detections)
    return scanner.scan(rule.lowest_log_odds(windows), most)


def _scan_area(scanner: OnnxScanner) -> Tensor:
    """Number of spels that a scan of all scales reads, as float64."""
    rows, cols = (scanner.pyramid.size.at(axis) for axis in (0, 1))
    return rows * cols * sum(scale * scale for scale in scanner.scanner.windows.scales)


def _refined(scanner: OnnxScanner, places: OnnxScored) -> OnnxScored:
    """The larger kernels at the proposed places, the best of them at more scales."""
    prior = places.log_odds.maximum(rule.MIN_PRIOR) * rule.PRIOR_WEIGHT
    scored = scanner.score_at(places.boxes, prior, prior * 0.0)
    return scored + _again(scanner, scored, "octaves")


def _again(scanner: OnnxScanner, scored: OnnxScored, how: str) -> OnnxScored:
    """The best windows, scored again at other scales or rotations."""
    stage = scanner.scanner
    values = rule.SCALE_OFFSETS if how == "octaves" else stage.windows.rotations
    count = max(1, int(stage.windows.max_proposals * rule.REVISIT_FRACTION))
    limit = (_scan_area(scanner) / (len(values) * stage.place_area)).to("int64")
    best = best_windows(scored, count, limit.maximum(1), overlap=rule.REVISIT_OVERLAP)
    number = best.log_odds.size(0)
    index = count_up(number * len(values))
    number = number.maximum(1)  # where there is none, nothing is divided
    boxes, prior = best.boxes.at(index % number), best.prior.at(index % number)
    turns = index // number
    if how == "degrees":
        return scanner.score_at(boxes, prior, prior * 0.0, turns)
    return scanner.score_at(boxes, prior, scanner.constant(values).at(turns))
