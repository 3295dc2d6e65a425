"""Detections on the page: boxes while a slider moves, why a box is there, precision and recall."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spel.decide import Decision, decide
from spel.decide.boxes import DecisionResult
from spel.decide.explain import explain_component
from spel.errors import ImageReadError, ParameterError
from spel.metrics.detection import Answers, average_precision, match, precision_recall
from spel.nn import Convolution
from spel.nn.geometry import geometry
from spel.studio.cache import Run
from spel.studio.document import Entry
from spel.studio.images import source_id
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.views.kernels import provenance_of
from spel.studio.views.packing import Json

MAX_BOXES = 2000
"""Boxes that are sent to the page, those of the highest scores."""


def _decision(entry: Entry, tried: Mapping[str, Any] | None) -> Decision:
    """The decision that the page tries, or else the network's own."""
    if tried is not None:
        return Decision.from_dict(tried)
    if not isinstance(entry.decision, Decision):
        raise Refusal(
            "sliding_windows",
            "this network finds boxes by sliding windows, which the studio does not show yet; use "
            "spel detect",
        )
    return entry.decision


def _decide(run: Run, decision: Decision) -> DecisionResult:
    saliency = run.output
    if saliency is None:
        raise ParameterError(f"the network gives no saliency: {run.results[-1].error}")
    if saliency.array.ndim != 3 or saliency.array.shape[-1] != 1:
        raise Refusal(
            "several_channels",
            "the last step gives {n} channels, but boxes need one; add a weighted sum, or learn a "
            "decoder",
            n=saliency.array.shape[-1],
        )
    return decide(saliency.array, decision, place=geometry(run.network), image_size=run.image.size)


def boxes_view(session: Session, network: str, image: str, tried: Mapping[str, Any] | None) -> Json:
    """Boxes of a network on an image, by the decision that is tried or by its own."""
    decision = _decision(session.document.entry(network), tried)
    run = session.run(network, image)
    start = time.perf_counter()
    decided = _decide(run, decision)
    detections = decided.detections
    pixel_area = float(np.prod(geometry(run.network).scale))
    view: Json = {
        "threshold": decided.threshold,
        "count": len(detections),
        "boxes": detections.boxes[:MAX_BOXES].tolist(),
        "scores": detections.scores[:MAX_BOXES].tolist(),
        "areas": (detections.areas[:MAX_BOXES] * pixel_area).tolist(),
        "ms": (time.perf_counter() - start) * 1000,
    }
    truth = session.document.truth.get(image)
    if truth is not None:
        compared = Answers(image, detections.boxes, detections.scores, _boxes(truth))
        view["truth"] = _quality([compared])
        view["matched"] = (match(compared)[:MAX_BOXES] >= 0).tolist()
    return view


def _boxes(truth: Sequence[Any]) -> Any:
    return np.asarray(truth, dtype=np.float64).reshape(-1, 4)


def _quality(compared: Sequence[Answers]) -> Json:
    hits = sum(int((match(one) >= 0).sum()) for one in compared)
    detected = sum(len(one.boxes) for one in compared)
    true = sum(len(one.truth) for one in compared)
    return {
        "hits": hits,
        "false": detected - hits,
        "missed": true - hits,
        "precision": hits / detected if detected else None,
        "recall": hits / true if true else None,
    }


def quality_view(session: Session, network: str, tried: Mapping[str, Any] | None) -> Json:
    """Precision, recall and their curve over all images that have true boxes."""
    decision = _decision(session.document.entry(network), tried)
    compared, rows, failed = [], [], []
    for image, truth in session.document.truth.items():
        if source_id(image) not in session.image_ids():
            continue
        try:
            run = session.run(network, image)
        except ImageReadError as error:
            failed.append({"image": image, "problem": str(error)})
            continue
        detections = _decide(run, decision).detections
        one = Answers(image, detections.boxes, detections.scores, _boxes(truth))
        compared.append(one)
        rows.append({"image": image, **_quality([one])})
    scores, precision, recall = precision_recall(compared)
    return {
        "rows": rows,
        "failed": failed,
        "total": _quality(compared),
        "curve": {
            "scores": scores.tolist(),
            "precision": precision.tolist(),
            "recall": recall.tolist(),
        },
        "ap": average_precision(compared),
    }


def why_view(
    session: Session, network: str, image: str, index: int, tried: Mapping[str, Any] | None
) -> Json:
    """Why a box is there: the kernels behind its strongest pixel, and what would remove it."""
    decision = _decision(session.document.entry(network), tried)
    run = session.run(network, image)
    decided = _decide(run, decision)
    detections = decided.detections
    if not 0 <= index < len(detections):
        raise Refusal(
            "no_box",
            "box {index} does not exist any more; there are {n}. Click a box again",
            index=index,
            n=len(detections),
        )
    at = decided.strongest[index]
    why = explain_component(run.network, run.input, run.activations, at, decided.threshold)
    place = geometry(run.network)
    area = float(detections.areas[index] * np.prod(place.scale))
    return {
        "index": index,
        "box": detections.boxes[index].tolist(),
        "at": list(at),
        "spel": list(place.spel(at, run.image.size)),
        "output": run.network.output,
        "saliency": why.saliency,
        "threshold": why.threshold,
        "margin": why.margin,
        "area": area,
        "spels": [list(s) for s in why.spels],
        "kernels": [_kernel(run, *kernel) for kernel in why.kernels],
        "vanishes": _removing_changes(why.saliency, area),
    }


def _kernel(run: Run, node: str, channel: int, share: float) -> Json:
    view: Json = {"node": node, "channel": channel, "share": share}
    layer = run.network[node]
    if isinstance(layer, Convolution) and channel < len(layer.bank):
        bank = layer.bank
        view |= provenance_of(bank, channel)
        view["weights"] = bank[channel].dense()[0, ..., : min(3, bank.channels)].tolist()
    return view


def _removing_changes(saliency: float, area: float) -> list[Json]:
    """The smallest changes of the decision that would remove the box."""
    changes: list[Json] = [{"what": "threshold", "to": saliency}]
    if area > 0:
        changes.append({"what": "area", "to": area + 1})
    return changes
