"""Answers against the truth: boxes, masks, classes and objects, from files to figures."""

from spel.evaluation.boxes import EvaluateJob, Evaluation

__all__ = ["EvaluateJob", "Evaluation"]
