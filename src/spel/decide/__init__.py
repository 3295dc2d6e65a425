"""From saliency to boxes and masks: threshold, components, filters, selection, and why."""

from spel.decide.boxes import decide
from spel.decide.components import Component, components_at_levels
from spel.decide.decision import Decision
from spel.decide.delineate import Delineation
from spel.decide.detection import decision_of, detect, with_decision
from spel.decide.object_learning import learn_object_model
from spel.decide.object_model import ObjectModel
from spel.decide.object_scale import estimate_scale
from spel.decide.parts import Parts, parts
from spel.decide.presence import Presence
from spel.decide.segmentation import (
    ObjectClass,
    Segmentation,
    segmentation_of,
    with_segmentation,
)
from spel.decide.segmented import SegmentedImage, segment, segment_image

__all__ = [
    "Component",
    "Decision",
    "Delineation",
    "ObjectClass",
    "ObjectModel",
    "Parts",
    "Presence",
    "Segmentation",
    "SegmentedImage",
    "components_at_levels",
    "decide",
    "decision_of",
    "detect",
    "estimate_scale",
    "learn_object_model",
    "parts",
    "segment",
    "segment_image",
    "segmentation_of",
    "with_decision",
    "with_segmentation",
]
