"""Answers against the truth: boxes, masks, classes and objects, from files to figures."""

from spel.evaluation.boxes import BoxEvaluation, evaluate_boxes
from spel.evaluation.classes import ClassEvaluation, evaluate_classes
from spel.evaluation.instances import InstanceEvaluation, evaluate_instance_masks
from spel.evaluation.masks import MaskEvaluation, evaluate_masks
from spel.evaluation.networks import compare_on_masks, masked_images

__all__ = [
    "BoxEvaluation",
    "ClassEvaluation",
    "InstanceEvaluation",
    "MaskEvaluation",
    "compare_on_masks",
    "evaluate_boxes",
    "evaluate_classes",
    "evaluate_instance_masks",
    "evaluate_masks",
    "masked_images",
]
