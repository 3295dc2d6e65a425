"""Detections on the page: boxes while a slider moves, why a box is there, precision and recall."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from spel.core.detections import Detections, Why
from spel.decide import Decision, decide, detect
from spel.decide.detection import AnyDecision
from spel.decide.explain import explain_component
from spel.decide.segmentation import Segmentation
from spel.errors import ImageReadError
from spel.metrics.detection import Answers, average_precision, match, precision_recall
from spel.nn import Convolution, Network
from spel.nn.geometry import Geometry, geometry
from spel.rigid import ClassWindows
from spel.studio.cache import Run
from spel.studio.detectors import box_array, class_names
from spel.studio.document import Box, Document
from spel.studio.images import source_id
from spel.studio.refusals import Refusal
from spel.studio.segmenting import classes_of, segmented
from spel.studio.session import Session
from spel.studio.views.kernels import provenance_of
from spel.studio.views.packing import Json
from spel.studio.windows import tuned

MAX_BOXES = 2000
"""Boxes that are sent to the page, those of the highest scores."""

Tried = Mapping[str, Any] | None
"""A decision that the page tries."""


@dataclass(frozen=True, eq=False)
class _Detected:
    """The boxes of a network on an image, and what explains them."""

    network: Network
    detections: Detections
    threshold: float | None
    """None where the most probable class decides."""
    reasons: Callable[[int], Why]
    place: Geometry
    """Where pixels of the output lie on the image."""
    several: bool = False
    """Whether the network tells classes apart."""
    windows: bool = False
    """Whether the boxes are sliding windows."""

    @property
    def areas(self) -> Any:
        """In pixels of the image."""
        return self.detections.areas * float(np.prod(self.place.scale))


def _find(session: Session, network: str, image: str, tried: Tried) -> _Detected:
    """Boxes by the decision that the page tries, or else by the network's own."""
    own = session.document.entry(network).decision
    decision = own if tried is None else tuned(own, tried)
    if isinstance(decision, Decision):
        run = session.run(network, image)
        how = classes_of(run)
        return _above_threshold(run, decision) if how is None else _of_classes(run, how)
    return _in_windows(session, network, image, decision)


def _above_threshold(run: Run, decision: Decision) -> _Detected:
    saliency = run.output
    if saliency is None:
        reason = run.results[-1].error
        raise Refusal("no_saliency", "the network gives no saliency: {reason}", reason=reason)
    if saliency.array.ndim != 3 or saliency.array.shape[-1] != 1:
        raise Refusal(
            "several_channels",
            "the last step gives {n} channels, but boxes need one; add a weighted sum, or learn a "
            "decoder",
            n=saliency.array.shape[-1],
        )
    place = geometry(run.network)
    decided = decide(saliency.array, decision, place=place, image_size=run.image.size)

    def reasons(index: int) -> Why:
        at = decided.strongest[index]
        return explain_component(run.network, run.input, run.activations, at, decided.threshold)

    return _Detected(run.network, decided.detections, decided.threshold, reasons, place)


def _of_classes(run: Run, how: Segmentation) -> _Detected:
    """The objects of each class, one by one."""
    place = geometry(run.network)
    objects = segmented(run, how).instances
    detections = Detections(
        place.boxes(objects.boxes),
        objects.scores,
        objects.areas,
        run.image.size,
        classes=objects.names,
    )

    def reasons(index: int) -> Why:
        label = int(objects.classes[index])
        channel = [one.label for one in how.classes].index(label)
        output = run.activations[run.network.output][..., channel]
        inside = np.where(objects.labels == index + 1, output, -np.inf)
        at = np.unravel_index(int(inside.argmax()), inside.shape)
        value = float(output[at])
        return Why((int(at[0]), int(at[1])), value, 0.0, value)

    return _Detected(run.network, detections, None, reasons, place, several=True)


def _in_windows(session: Session, network: str, image: str, decision: AnyDecision) -> _Detected:
    loaded, detector = session.load(image), session.fitted(network, image)
    look = partial(detect, detector, loaded.values, decision=decision, white=loaded.white)
    detections = look()
    several = isinstance(decision, ClassWindows)
    first: Any = decision.classes[0][1] if isinstance(decision, ClassWindows) else decision

    def reasons(index: int) -> Why:
        return look(why=True).why[index]

    place = Geometry.identity(2)
    return _Detected(detector, detections, first.threshold, reasons, place, several, windows=True)


def boxes_view(session: Session, network: str, image: str, tried: Tried) -> Json:
    """Boxes of a network on an image, by the decision that is tried or by its own."""
    start = time.perf_counter()
    detected = _find(session, network, image, tried)
    detections = detected.detections
    view: Json = {
        "threshold": detected.threshold,
        "count": len(detections),
        "boxes": detections.boxes[:MAX_BOXES].tolist(),
        "scores": detections.scores[:MAX_BOXES].tolist(),
        "areas": detected.areas[:MAX_BOXES].tolist(),
        "classes": list(detections.classes[:MAX_BOXES]),
        "ms": (time.perf_counter() - start) * 1000,
    }
    truth = session.document.truth.get(image)
    if truth is not None:
        compared = _compared(session.document, image, detected, truth)
        view["truth"] = _quality([compared])
        view["matched"] = (match(compared)[:MAX_BOXES] >= 0).tolist()
    return view


def _compared(document: Document, image: str, detected: _Detected, truth: Sequence[Box]) -> Answers:
    """Answers and true boxes; their classes count where the network tells classes apart."""
    detections = detected.detections
    both = (detections.classes, class_names(document, truth)) if detected.several else ()
    return Answers(image, detections.boxes, detections.scores, box_array(truth), *both)


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


def quality_view(
    session: Session,
    network: str,
    tried: Tried,
    on_image: Callable[[str, int, int], object] = lambda name, done, total: None,
) -> Json:
    """Precision, recall and their curve over all images that have true boxes.

    `on_image` is called before each image with its name, how many are done, and how many there are.
    """
    compared, rows, failed = [], [], []
    ids = session.image_ids()
    judged = {i: t for i, t in session.document.truth.items() if source_id(i) in ids}
    for done, (image, truth) in enumerate(judged.items()):
        on_image(session.images.source(image).name, done, len(judged))
        try:
            detected = _find(session, network, image, tried)
        except ImageReadError as error:
            failed.append({"image": image, "problem": str(error)})
            continue
        one = _compared(session.document, image, detected, truth)
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


def why_view(session: Session, network: str, image: str, index: int, tried: Tried) -> Json:
    """Why a box is there: the kernels behind its strongest pixel, and what would remove it."""
    detected = _find(session, network, image, tried)
    detections = detected.detections
    if not 0 <= index < len(detections):
        raise Refusal(
            "no_box",
            "box {index} does not exist any more; there are {n}. Click a box again",
            index=index,
            n=len(detections),
        )
    why, area = detected.reasons(index), float(detected.areas[index])
    changes = _removing_changes(detected, index)
    size = session.load(image).size
    spel = why.spels[0] if detected.windows and why.spels else detected.place.spel(why.at[:2], size)
    return {
        "index": index,
        "box": detections.boxes[index].tolist(),
        "at": list(why.at),
        "spel": list(spel),
        "output": detected.network.output,
        "saliency": why.saliency,
        "threshold": None if detected.threshold is None else why.threshold,
        "margin": why.margin,
        "area": area,
        "spels": [list(s) for s in why.spels],
        "kernels": [_kernel(detected.network, *kernel) for kernel in why.kernels],
        "vanishes": changes,
    }


def _kernel(network: Network, node: str, channel: int, share: float) -> Json:
    view: Json = {"node": node, "channel": channel, "share": share}
    layer = network[node]
    if isinstance(layer, Convolution) and channel < len(layer.bank):
        bank = layer.bank
        view |= provenance_of(bank, channel)
        view["weights"] = bank[channel].dense()[0, ..., : min(3, bank.channels)].tolist()
    return view


def _removing_changes(detected: _Detected, index: int) -> list[Json]:
    """The smallest changes of the decision that would remove the box."""
    if detected.threshold is None:
        return []
    changes: list[Json] = [{"what": "threshold", "to": float(detected.detections.scores[index])}]
    area = float(detected.areas[index])
    if area > 0 and not detected.windows:
        changes.append({"what": "area", "to": area + 1})
    return changes
