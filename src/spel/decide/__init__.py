"""From saliency to boxes and masks: threshold, components, filters, selection, and why."""

from spel.decide.boxes import decide
from spel.decide.components import Candidate, candidates
from spel.decide.decision import Decision
from spel.decide.delineate import Delineation
from spel.decide.detection import detect, own_decision, with_decision
from spel.decide.object_model import ObjectModel, learn_object_model
from spel.decide.segmentation import Segmentation, own_segmentation, segment, with_segmentation

__all__ = [
    "Candidate",
    "Decision",
    "Delineation",
    "ObjectModel",
    "Segmentation",
    "candidates",
    "decide",
    "detect",
    "learn_object_model",
    "own_decision",
    "own_segmentation",
    "segment",
    "with_decision",
    "with_segmentation",
]
