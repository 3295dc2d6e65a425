"""Presence: whether a component is an object at all, from scores of objects and background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, pi, sqrt
from typing import Any, Literal

import numpy as np

from spel.core.stored import check_table, stored_value
from spel.decide.numbers import check_number
from spel.errors import ParameterError
from spel.linear import fit_logistic

LOWEST = -8.0
"""Score of an image in whose background there is no component at all."""

EULER = 0.5772156649015329
"""The constant of Euler and Mascheroni: the mean of the standard Gumbel distribution."""

RIDGE = 1e-2
"""Penalty of the calibration, which keeps it soft where the two sides do not overlap."""

AUTO: Literal["auto"] = "auto"
"""In place of a rate: the score that separates objects and background best."""

Rate = float | Literal["auto"]
"""A stated rate of false alarms, or `AUTO`."""


@dataclass(frozen=True)
class Presence:
    """Scores of marked objects, and of the best background of each marked image.

    They are scores of an `ObjectModel` that was learned without the image (cross-validation), so
    that new images may be expected to give such scores. The bounds suppose two things: that new
    images are like the marked ones, and that leaving one image out hardly changes what is learned.

    Attributes
    ----------
    objects : tuple of float
        Score of each marked object.
    background : tuple of float
        For each marked image, the highest score of a component apart from the marked objects.

    Examples
    --------
    >>> scores = Presence((-1.0, -1.2, -1.5), (-3.0, -4.0, -3.5))
    >>> scores.min_score(0.25)  # one in four images: the largest of three, by exchangeability
    -3.0
    >>> scores.false_alarm_rate(-2.0)
    0.25
    >>> scores.probability(-1.0) > 0.9, scores.probability(-4.0) < 0.1
    (True, True)
    """

    objects: tuple[float, ...]
    background: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, least in (("objects", 1), ("background", 2)):
            scores = getattr(self, name)
            if not isinstance(scores, Sequence) or len(scores) < least:
                raise ParameterError(
                    f"Presence: {name} {scores!r:.60}; expected {least} or more scores"
                )
            for score in scores:
                check_number("Presence", name, score)
            object.__setattr__(self, name, tuple(float(score) for score in scores))

    def probability(self, score: float) -> float:
        """Calibrated probability that a component of this score is an object.

        It comes from a logistic regression in which objects and background have the same weight,
        so the prior is one half.

        Notes
        -----
        Platt, Probabilistic outputs for support vector machines, 1999.
        """
        slope, offset = self._logistic()
        return 1 / (1 + exp(-min(max(slope * score + offset, -700.0), 700.0)))

    def even_score(self) -> float:
        """The score at which object and background are equally probable."""
        slope, offset = self._logistic()
        return -offset / slope if slope > 0 else 0.0

    def false_alarm_rate(self, score: float) -> float:
        """Upper bound on the rate of images without an object that hold such a component.

        It is the conformal p-value of the score, ``(1 + #{b >= score}) / (n + 1)`` for the n
        background scores b, and therefore never below ``1 / (n + 1)``.
        """
        reached = sum(b >= score for b in self.background)
        return (1 + reached) / (len(self.background) + 1)

    def separation_score(self) -> float:
        """The score that separates objects from background best, in the middle of the gap.

        Of all scores, those with the largest share of objects above them, less the share of
        backgrounds above them; where several gaps between neighbouring scores are equally good,
        the middle of the widest. No rate is stated and nothing is assumed of distributions, so a
        few objects that score like background cost hardly anything. If no score separates the two
        sides, it is the highest score of the background.

        Notes
        -----
        Youden, "Index for rating diagnostic tests", Cancer 3, 1950.

        Examples
        --------
        >>> Presence((-1.0, -1.5, -9.0), (-3.5, -4.0)).separation_score()
        -2.5
        """
        scores = np.unique([*self.objects, *self.background])
        middles, widths = (scores[:-1] + scores[1:]) / 2, np.diff(scores)
        hits, alarms = (
            (np.array(side) > middles[:, None]).mean(axis=1)
            for side in (self.objects, self.background)
        )
        worth = np.round(hits - alarms, 9)
        if not len(worth) or worth.max() <= 0:
            return max(self.background)
        return float(middles[np.where(worth == worth.max(), widths, -1).argmax()])

    def min_score(self, rate: Rate) -> float:
        """The score that components must exceed so that at most `rate` of empty images give one.

        For a rate of at least ``1 / (n + 1)`` this is an order statistic of the n background
        scores, which holds for any distribution of theirs (conformal prediction). A lower rate
        needs a model: a Gumbel distribution of maxima is fitted by its moments, and its quantile
        is returned; with few marked images, this misses more objects.

        Parameters
        ----------
        rate : float or "auto"
            Between 0 and 1, ends excluded; "auto" states none and gives `separation_score`.

        Notes
        -----
        Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World, 2005; Coles, An
        Introduction to Statistical Modeling of Extreme Values, 2001.
        """
        check_rate("Presence", rate)
        if rate == AUTO:
            return self.separation_score()
        ordered = sorted(self.background, reverse=True)
        rank = int(rate * (len(ordered) + 1) + 1e-9)
        if rank:
            return ordered[min(rank, len(ordered)) - 1]
        scale = sqrt(6) / pi * float(np.std(ordered, ddof=1))
        place = float(np.mean(ordered)) - EULER * scale
        return max(place - scale * log(-log(1 - rate)), ordered[0])

    def _logistic(self) -> tuple[float, float]:
        """Slope and offset of the log-odds of being an object, over the score."""
        scores = np.array([*self.objects, *self.background])
        side = np.arange(len(scores)) < len(self.objects)
        shares = np.where(side, 0.5 / len(self.objects), 0.5 / len(self.background))
        weights, bias = fit_logistic(scores[:, None], side, shares, ridge=RIDGE)
        return float(weights[0]), float(bias)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, ready for JSON."""
        return {"objects": list(self.objects), "background": list(self.background)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Presence:
        """The value that `to_dict` wrote.

        Raises
        ------
        FormatError
            If a field is unknown or missing, or a value does not fit.
        """
        check_table(cls, values)
        with stored_value(cls):
            return cls(**values)


def check_rate(owner: str, rate: Rate) -> None:
    """Refuse what is neither a rate between 0 and 1 nor "auto".

    Raises
    ------
    ParameterError
    """
    if rate == AUTO:
        return
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not is_number or not 0 < rate < 1:
        raise ParameterError(
            f"{owner}: false_alarm_rate {rate!r:.60}; expected a rate between 0 and 1, ends "
            "excluded, or 'auto'"
        )
