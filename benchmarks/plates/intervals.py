"""95 % bootstrap intervals of figures of plates; a bootstrap draws photos, with all their boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel.metrics.detection import Answers, area_under, match
from spel.metrics.intervals import bootstrap_interval

DRAWS = 2000
"""Number of sets of photos that are drawn."""

Floats = npt.NDArray[np.float64]

Runs = Sequence[Sequence[Answers]]
"""Answers in the same photos, of one detector or of each of several."""


def recall_interval(runs: Runs, digits: int = 3) -> str:
    """``[low, high]`` of the share of photos whose best box is right, the mean of all runs."""
    right = np.mean([[one.best_iou >= 0.5 for one in answers] for answers in runs], axis=0)
    interval = bootstrap_interval(right)
    return f"[{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def precision_interval(runs: Runs, digits: int = 3) -> str:
    """``[low, high]`` of the average precision at an IoU of 0.5, the mean of all runs."""
    photos = len(runs[0])
    counts = np.random.default_rng(0).multinomial(photos, np.full(photos, 1 / photos), DRAWS)
    means = np.mean([average_precisions(answers, counts) for answers in runs], axis=0)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"[{low:.{digits}f}, {high:.{digits}f}]"


def average_precisions(answers: Sequence[Answers], counts: npt.NDArray[np.int64]) -> Floats:
    """Average precision of sets of photos, which hold each photo `counts` times: (sets,).

    `counts` is (sets, photos). Without answers it is 0, as in `spel.metrics`.
    """
    scores = np.concatenate([one.scores for one in answers])
    hits = np.concatenate([match(one) >= 0 for one in answers])
    photos = np.repeat(np.arange(len(answers)), [len(one.scores) for one in answers])
    order = np.argsort(-scores, kind="stable")
    scores, hits, photos = scores[order], hits[order], photos[order]
    last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    plates = counts @ np.array([len(one.truth) for one in answers])
    values = np.zeros(len(counts))
    for number, drawn in enumerate(counts):
        times = drawn[photos]
        right, shown = (np.cumsum(n)[last] for n in (times * hits, times))
        seen = shown > 0
        precision, recall = right[seen] / shown[seen], right[seen] / plates[number]
        values[number] = area_under(precision, recall) if len(recall) else 0.0
    return values
