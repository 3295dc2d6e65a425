"""From saliency to objects: threshold, components, filters, selection, boxes, and why."""

from spel.decide.candidates import Candidate, candidates
from spel.decide.components import decide
from spel.decide.decision import Decision
from spel.decide.delineate import Delineation
from spel.decide.detection import detect, own_decision, with_decision
from spel.decide.geometry import Geometry, geometry
from spel.decide.objects import ObjectModel, learn_objects
from spel.decide.recipe import Recipe
from spel.decide.rigid import learn_rigid
from spel.decide.segmentation import Segmentation, own_segmentation, segment, with_segmentation
from spel.decide.windows import Windows

__all__ = [
    "Candidate",
    "Decision",
    "Delineation",
    "Geometry",
    "ObjectModel",
    "Recipe",
    "Segmentation",
    "Windows",
    "candidates",
    "decide",
    "detect",
    "geometry",
    "learn_objects",
    "learn_rigid",
    "own_decision",
    "own_segmentation",
    "segment",
    "with_decision",
    "with_segmentation",
]
