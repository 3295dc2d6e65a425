"""From saliency to objects: threshold, components, filters, selection, boxes, and why."""

from spel.decide.components import decide
from spel.decide.decision import Decision
from spel.decide.detection import detect, own_decision, with_decision
from spel.decide.geometry import Geometry, geometry

__all__ = ["Decision", "Geometry", "decide", "detect", "geometry", "own_decision", "with_decision"]
