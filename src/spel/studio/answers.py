"""Decisions on the page: boxes while a slider moves, why a box is there, precision and recall."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spel.decide import Decision, decide
from spel.decide.boxes import Decided
from spel.decide.explain import reasons
from spel.errors import ParameterError, ShapeError
from spel.metrics.detection import Answers, average_precision, match, precision_recall
from spel.nn import Convolution
from spel.nn.geometry import geometry
from spel.studio.cache import Run
from spel.studio.session import Session
from spel.studio.views import Json

MOST_BOXES = 2000


def _decided(run: Run, decision: Decision) -> Decided:
    saliency = run.output
    if saliency is None:
        raise ParameterError(f"the network gives no saliency: {run.steps[-1].error}")
    if saliency.array.ndim != 3 or saliency.array.shape[-1] != 1:
        raise ShapeError(
            f"the last step gives {saliency.array.shape[-1]} channels; boxes need one. Add a "
            "weighted sum, or learn a decoder"
        )
    return decide(saliency.array, decision, place=geometry(run.network), image_size=run.image.size)


def boxes_view(session: Session, network: str, image: str, given: Mapping[str, Any] | None) -> Json:
    """Boxes of a network on an image under a decision that is tried, or under its own."""
    entry = session.document.entry(network)
    decision = entry.decision if given is None else Decision.from_dict(given)
    run = session.run(network, image)
    start = time.perf_counter()
    decided = _decided(run, decision)
    found = decided.detections
    place = geometry(run.network)
    told: Json = {
        "threshold": decided.threshold,
        "count": len(found),
        "boxes": found.boxes[:MOST_BOXES].tolist(),
        "scores": found.scores[:MOST_BOXES].tolist(),
        "areas": (found.areas[:MOST_BOXES] * float(np.prod(place.scale))).tolist(),
        "ms": (time.perf_counter() - start) * 1000,
    }
    truth = session.document.truth.get(image)
    if truth is not None:
        told["truth"] = _judged([Answers(image, found.boxes, found.scores, _boxes(truth))])
        told["matched"] = (
            match(Answers(image, found.boxes, found.scores, _boxes(truth)))[:MOST_BOXES] >= 0
        ).tolist()
    return told


def _boxes(truth: Sequence[Any]) -> Any:
    return np.asarray(truth, dtype=np.float64).reshape(-1, 4)


def _judged(answers: Sequence[Answers]) -> Json:
    hits = sum(int((match(a) >= 0).sum()) for a in answers)
    given = sum(len(a.boxes) for a in answers)
    true = sum(len(a.truth) for a in answers)
    return {
        "hits": hits,
        "false": given - hits,
        "missed": true - hits,
        "precision": hits / given if given else None,
        "recall": hits / true if true else None,
    }


def judged_view(session: Session, network: str, given: Mapping[str, Any] | None) -> Json:
    """Precision, recall and their curve over all images whose truth is known."""
    entry = session.document.entry(network)
    decision = entry.decision if given is None else Decision.from_dict(given)
    answers, rows = [], []
    for image, truth in session.document.truth.items():
        if image not in session.images:
            continue
        found = _decided(session.run(network, image), decision).detections
        one = Answers(image, found.boxes, found.scores, _boxes(truth))
        answers.append(one)
        rows.append({"image": image, **_judged([one])})
    scores, precision, recall = precision_recall(answers)
    return {
        "rows": rows,
        "total": _judged(answers),
        "curve": {
            "scores": scores.tolist(),
            "precision": precision.tolist(),
            "recall": recall.tolist(),
        },
        "ap": average_precision(answers),
    }


def why_view(
    session: Session, network: str, image: str, index: int, given: Mapping[str, Any] | None
) -> Json:
    """Why a box is there: what made its strongest spel, and what would make it vanish."""
    entry = session.document.entry(network)
    decision = entry.decision if given is None else Decision.from_dict(given)
    run = session.run(network, image)
    decided = _decided(run, decision)
    found = decided.detections
    if not 0 <= index < len(found):
        raise ParameterError(f"box {index}; there are {len(found)}. The picture changed meanwhile")
    at = decided.strongest[index]
    why = reasons(run.network, run.image.array, run.activations, at, decided.threshold)
    place = geometry(run.network)
    area = float(found.areas[index] * np.prod(place.scale))
    return {
        "index": index,
        "box": found.boxes[index].tolist(),
        "at": list(at),
        "spel": list(place.spel(at, run.image.size)),
        "output": run.network.output,
        "saliency": why.saliency,
        "threshold": why.threshold,
        "margin": why.margin,
        "area": area,
        "spels": [list(s) for s in why.spels],
        "kernels": [_kernel(run, *kernel) for kernel in why.kernels],
        "vanishes": _vanishes(decision, why.saliency, area),
    }


def _kernel(run: Run, node: str, channel: int, share: float) -> Json:
    told: Json = {"node": node, "channel": channel, "share": share}
    layer = run.network[node]
    if isinstance(layer, Convolution) and channel < len(layer.bank):
        bank = layer.bank
        if bank.provenance:
            p = bank.provenance[channel]
            told |= {"label": p.label, "marker": p.marker, "image": p.image, "at": list(p.at)}
        told["weights"] = bank[channel].dense()[0, ..., : min(3, bank.channels)].tolist()
    return told


def _vanishes(decision: Decision, saliency: float, area: float) -> list[Json]:
    """The smallest changes of the decision that would drop the box."""
    changes: list[Json] = [{"what": "threshold", "to": saliency}]
    if area > 0:
        changes.append({"what": "area", "to": area + 1})
    return changes
