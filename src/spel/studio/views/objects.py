"""Objects of the learned size, and what is promised of their rate of false alarms."""

from __future__ import annotations

from spel.decide.segmentation import KEY, segmentation_of
from spel.nn.geometry import geometry
from spel.studio.session import Session
from spel.studio.views.packing import Json


def objects_view(session: Session, network: str, image: str) -> Json:
    """The objects that `spel segment` finds with the network's object model, best first.

    Returns
    -------
    dict
        Empty where the network has no object model or gives no saliency. ``rate`` is the stated
        bound on images without an object that hold a false one, None without an estimate.
    """
    run = session.run(network, image)
    model = segmentation_of(run.network).objects if KEY in run.network.meta else None
    if model is None or run.output is None or run.output.array.shape[-1] != 1:
        return {}
    pairs = model.select(run.output.array)
    corners = [
        [c.origin[1], c.origin[0], c.origin[1] + c.mask.shape[1], c.origin[0] + c.mask.shape[0]]
        for _, c in pairs
    ]
    presence = model.presence
    promised: Json = {"rate": None}
    if presence is not None:
        promised = {
            "rate": presence.false_alarm_rate(model.min_score),
            "backgrounds": len(presence.background),
            "marked": len(presence.objects),
            "reached": sum(score > model.min_score for score in presence.objects),
        }
    return {
        "boxes": geometry(run.network).boxes(corners).tolist() if corners else [],
        "scores": [score for score, _ in pairs],
        "probabilities": [model.probability(score) for score, _ in pairs],
        "min_score": model.min_score,
        **promised,
    }
