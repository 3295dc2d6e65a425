"""Decisions by sliding windows, as far as the page changes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spel.decide import Decision
from spel.decide.detection import AnyDecision
from spel.rigid import ClassWindows, Windows

TUNED = ("threshold", "overlap", "max_detections")
"""What the page may change of a decision by sliding windows."""


def slides(decision: AnyDecision) -> bool:
    """Whether a decision slides the network's kernels over a scale space of the image."""
    return isinstance(decision, Windows | ClassWindows)


def tuned(own: AnyDecision, values: Mapping[str, Any]) -> AnyDecision:
    """The decision that the page has made of a network's own one.

    Of sliding windows the page changes the threshold, the overlap and the number of boxes; their
    sizes, scales and nodes belong to the kernels.
    """
    options = {name: values[name] for name in TUNED if name in values}
    if isinstance(own, Windows):
        return replace(own, **options)
    if isinstance(own, ClassWindows):
        return own.with_options(**options)
    return Decision.from_dict(values)
