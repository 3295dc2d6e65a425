"""Boxes of detected objects, adjusted in views that are stretched until each fills a window.

A kernel of another aspect takes a part of an object for the whole, or its surroundings for a part.
So each box is adjusted from several widths, and moved where that scores higher.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spel.rigid.pyramid import Pyramid
from spel.rigid.score import Scanner
from spel.rigid.views import Floats, ScoredWindows

ADJUSTMENTS = 2
"""How often the box of an object is adjusted."""

MOST_GAIN = 2.0
"""Log-odds below the threshold down to which objects are adjusted: they may gain as much."""

STARTS = np.array(
    [
        (0.0, 0, 0, 0),
        (-0.15, 0, 0.15, 0),
        (-0.3, 0, 0, 0),
        (0, 0, 0.3, 0),
        (0.1, 0, -0.1, 0),
        (0.2, 0, 0, 0),
        (0, 0, -0.2, 0),
    ]
)
"""Changes of a box's sides, as shares of its width and height, from which it is adjusted: as it is,
wider by .3 and narrower by .2, at both ends or at one."""

LEAST_GAIN = 1.0
"""Log-odds by which a box must gain to be moved: each start is a further attempt."""


def adjust_boxes(
    scanner: Scanner, pyramid: Pyramid, boxes: Floats, log_odds: Floats
) -> ScoredWindows:
    """The best window of each object: where it was found, or adjusted from one of `STARTS`.

    The log-odds are the mean of those before and those of the best window.

    Parameters
    ----------
    scanner : Scanner
        Of a detector that adjusts boxes.
    pyramid : Pyramid
    boxes : (n, 4) array
    log_odds : (n,) array
    """
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    starts = (boxes + STARTS[:, None] * sides).reshape(-1, 4)
    first = moved = scanner.score_stretched(pyramid, starts)
    for _ in range(ADJUSTMENTS):
        moved = scanner.score_stretched(pyramid, scanner.adjust(moved).boxes)
    scored = ScoredWindows.concatenate([first, moved])
    scores = scored.log_odds.reshape(2 * len(STARTS), len(boxes)).copy()
    scores[0] += LEAST_GAIN
    best = scored[scores.argmax(axis=0) * len(boxes) + np.arange(len(boxes))]
    mean = (log_odds + best.log_odds) / 2
    return replace(best, log_odds=mean, prior=mean - best.log_odds)
