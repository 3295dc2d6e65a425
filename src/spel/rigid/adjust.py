"""Boxes of detected objects, adjusted in views that are stretched until each has one size.

A kernel of another aspect takes a part of an object for the whole, or its surroundings for a part.
The adjusting kernels are learned from objects of all aspects, each stretched to the same size, so
they move the sides of a box to the edges that they see, whatever its aspect.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spel.rigid.pyramid import Pyramid
from spel.rigid.score import Scanner
from spel.rigid.views import Floats, ScoredWindows, apply_deltas

ROUNDS = (0, 0, 4, 4)
"""The first of the four adjusting kernels of each round: those learned from boxes that are far
from the object, twice, then those learned from near ones."""

FINE = 16
"""Steps of a spel to which boxes are rounded after each round. A round answers to the smallest
shift of its box, so rounding errors would grow from one to the next, and machines and ONNX files
would draw other boxes."""

MOST_GAIN = 4.0
"""Log-odds below the threshold down to which objects are adjusted: they may gain as much."""

MOST_LOSS = 4.0
"""Log-odds that a box may lose where it is adjusted; if it loses more, it stays."""

SURE = 4.0
"""Log-odds from which on a box is rather the one that was found than the adjusted one: the object
is of a kind that its kernel knows."""

AROUND_WEIGHT = 0.5
"""Weight of the log-odds by what lies around a box, as of those of the proposal stage."""


def adjust_boxes(
    scanner: Scanner, pyramid: Pyramid, boxes: Floats, log_odds: Floats
) -> ScoredWindows:
    """The window of each object, between where it was found and where it is adjusted to.

    The log-odds are the greater ones of those before and of those in the new window, plus half of
    those by what lies around it, if there is a kernel for that.

    Parameters
    ----------
    scanner : Scanner
        Of a detector that adjusts boxes.
    pyramid : Pyramid
    boxes : (n, 4) array
    log_odds : (n,) array
    """
    if not len(boxes):
        return ScoredWindows.empty()
    moved = boxes
    for first in ROUNDS:
        deltas = scanner.adjusting_deltas(pyramid, moved)
        moved = np.rint(FINE * apply_deltas(moved, deltas[:, first : first + 4])) / FINE
    before, after = (scanner.score_stretched(pyramid, one).log_odds for one in (boxes, moved))
    sure = 1 / (1 + np.exp(SURE - log_odds))
    share = np.where(after < before - MOST_LOSS, 1, sure)[:, None]
    drawn = share * boxes + (1 - share) * moved
    scored = scanner.score_stretched(pyramid, drawn)
    total = np.maximum(log_odds, scored.log_odds)
    total += AROUND_WEIGHT * scanner.log_odds_around(pyramid, drawn)
    return replace(scored, log_odds=total, prior=total - scored.log_odds)
