"""Component selection: which component, at which level, is an object of the marked kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import exp, isfinite, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.stored import check_table, stored_value
from spel.decide.components import Component, Mask, components_at_levels
from spel.decide.ellipse import LARGEST
from spel.decide.frame import Frame, Sides
from spel.decide.numbers import check_number
from spel.decide.presence import Presence, Rate
from spel.errors import ParameterError

TINY = 1e-6
"""Smallest value whose logarithm is taken."""

LEVELS = tuple(round(0.1 + 0.05 * step, 2) for step in range(11))
"""Levels of saliency at which components are looked for, unless others are stated: 0.1 to 0.6."""

NOT_NUMBERS = ("levels", "multiple", "area_range", "truncated", "presence")
NEW: dict[str, Any] = {
    "area_range": [1.0, 1.0],
    "truncated": False,
    "visible_power": 0.0,
    "presence": None,
}
"""Fields that spel 0.1 cannot read, with their defaults, at which they are not written."""

KEYS_OF_VERSION_1 = {
    "size": "area",
    "spread": "area_spread",
    "elongated": "elongation",
    "elongated_spread": "elongation_spread",
    "edge": "border_factor",
    "cutoff": "min_score",
    "many": "multiple",
}
"""Names of the stored fields in spel 0.1, and their present names."""


@dataclass(frozen=True)
class ObjectModel:
    """The typical shape of an object in a saliency of 0..1, and how much a component may differ.

    The score of a component is ``-(log(a / area) / area_spread)^2 / 2 - (log(e / elongation) /
    elongation_spread)^2 / 2 + 6 log(roundness) + log(contrast)`` for its area a and elongation e,
    plus ``log(border_factor)`` if it touches the border of the image and ``visible_power log(v)``
    for the visible share v of a truncated object. It is the logarithm of a product, and 0 for the
    perfect object. The area that a is compared with is the nearest one in
    `area` times `area_range`.

    Attributes
    ----------
    area : float
        Spels of a typical object (geometric mean).
    area_spread : float
        Standard deviation of the logarithm of the area.
    elongation, elongation_spread : float
        The same for the ratio of the ellipse's axes.
    round_power, contrast_power : float
        Weights of the two logarithms: an elliptic outline, and the step of saliency at it.
    border_factor : float
        Factor for components that touch the border of the image, in 0..1.
    levels : tuple of float
        Levels of saliency at which components are looked for.
    ring : int
        Width of the ring around a component that contrast compares with.
    min_score : float
        Components with a lower score are no objects.
    multiple : bool
        Keep every component above `min_score` that overlaps no better one, or part of a component
        where objects touch, instead of the best component alone.
    area_range : (low, high)
        Smallest and largest area of an object, over `area`; every size between is as good.
    truncated : bool
        Whether objects that the border of the image cuts are objects too: area, elongation and
        roundness are then those of the ellipse through their visible outline. Images only.
    visible_power : float
        Weight of the logarithm of the visible share of an object that the border cuts: the less is
        seen, the weaker the evidence.
    presence : Presence, optional
        Cross-validated scores of marked objects and of the background: what `min_score` for a rate
        of false alarms, and the probability of an object, are computed from.

    Examples
    --------
    >>> model = ObjectModel(area=9, elongation=1.0, min_score=-1.0)
    >>> image = np.zeros((20, 20))
    >>> image[4:7, 5:8] = 1
    >>> int(model.mask(image).sum()), bool(ObjectModel(area=900).mask(image).any())
    (9, False)
    """

    area: float
    area_spread: float = 0.5
    elongation: float = 1.0
    elongation_spread: float = 0.5
    round_power: float = 6.0
    contrast_power: float = 1.0
    border_factor: float = 0.5
    levels: tuple[float, ...] = LEVELS
    ring: int = 6
    min_score: float = -2.0
    multiple: bool = False
    area_range: tuple[float, float] = (1.0, 1.0)
    truncated: bool = False
    visible_power: float = 0.0
    presence: Presence | None = None

    def __post_init__(self) -> None:
        for f in fields(self):
            if f.name not in NOT_NUMBERS:
                check_number("ObjectModel", f.name, getattr(self, f.name))
        self._check_range()
        if not isinstance(self.multiple, bool) or self.ring != int(self.ring) or self.ring > 1000:
            raise ParameterError(
                f"ObjectModel: multiple {self.multiple!r}, ring {self.ring!r}; expected a bool and "
                "an integer up to 1000"
            )
        for level in self.levels:
            check_number("ObjectModel", "levels", level)
        object.__setattr__(self, "levels", tuple(float(level) for level in self.levels))
        positive = (self.area, self.area_spread, self.elongation, self.elongation_spread)
        if not all(isfinite(v) and v > 0 for v in positive) or not self.levels or self.ring < 1:
            raise ParameterError(
                f"ObjectModel: area {self.area}, area_spread {self.area_spread}, elongation "
                f"{self.elongation}, elongation_spread {self.elongation_spread}, "
                f"{len(self.levels)} levels, ring {self.ring}; expected positive numbers"
            )
        if not 0 < self.border_factor <= 1:
            raise ParameterError(
                f"ObjectModel: border_factor {self.border_factor}; expected 0 < border_factor <= 1"
            )

    def _check_range(self) -> None:
        if not isinstance(self.truncated, bool) or len(self.area_range) != 2:
            raise ParameterError(
                f"ObjectModel: truncated {self.truncated!r}, area_range {self.area_range!r}; "
                "expected a bool and two numbers"
            )
        for factor in self.area_range:
            check_number("ObjectModel", "area_range", factor, 1e-6, 1e6)
        low, high = (float(factor) for factor in self.area_range)
        if low > high:
            raise ParameterError(
                f"ObjectModel: area_range {self.area_range!r}; expected the smaller factor first"
            )
        object.__setattr__(self, "area_range", (low, high))

    def describe(self) -> str:
        """How many objects an image may hold, and of which area and score, in words."""
        number = "any number of objects" if self.multiple else "at most one object"
        return (
            f"{number} per image, of about {self.area:.0f} pixels, lowest accepted score "
            f"{self.min_score:.2f}"
        )

    def at_false_alarm_rate(self, rate: Rate) -> ObjectModel:
        """The model with the `min_score` that bounds the rate of false alarms.

        Parameters
        ----------
        rate : float or "auto"
            Largest share of images without an object in which one may be detected, see
            `Presence.min_score`; "auto" states none and separates both sides as well as it can.

        Raises
        ------
        ParameterError
            If the model was learned without `presence`, or the rate lies outside 0..1.
        """
        if self.presence is None:
            raise ParameterError(
                "ObjectModel: this model was learned without a false_alarm_rate, so none can be "
                "chosen now; learn the network again with a false_alarm_rate"
            )
        return replace(self, min_score=self.presence.min_score(rate))

    def probability(self, score: float) -> float:
        """Probability that a component of this score is an object; exp(score) without presence."""
        return exp(min(score, 0.0)) if self.presence is None else self.presence.probability(score)

    def scaled(self, factor: float, ndim: int = 2) -> ObjectModel:
        """The model of objects `factor` times as long, in images of `ndim` axes."""
        ring = max(1, round(self.ring * factor))
        return replace(self, area=self.area * factor**ndim, ring=ring)

    def score(self, component: Component) -> float:
        """How much a component looks like an object: 0 is perfect, less is worse."""
        return (
            self._bound(component.whole_area, component.elongation, component.touches_border)
            + self.round_power * log(max(component.roundness, TINY))
            + self.contrast_power * log(max(component.contrast, TINY))
            + self.visible_power * log(min(component.area / max(component.whole_area, 1.0), 1.0))
        )

    def _shape_score(self, area: float, elongation: float, roundness: float) -> float:
        """The score as far as the shape alone decides it."""
        outline = self.round_power * log(max(roundness, TINY))
        return self._bound(area, elongation, touches_border=False) + outline

    def _bound(self, area: float, elongation: float, touches_border: bool) -> float:
        """An upper bound of the score: the other terms are never positive."""
        low, high = (self.area * factor for factor in self.area_range)
        size = log(max(area, 1) / min(max(area, low), high)) / self.area_spread
        shape = log(max(elongation, TINY) / self.elongation) / self.elongation_spread
        border = log(self.border_factor) if touches_border else 0.0
        return -(size**2) / 2 - shape**2 / 2 + border

    @property
    def _area_limits(self) -> tuple[float, float]:
        """Smallest and largest area, before holes are filled, that may score enough."""
        reach = exp(min(sqrt(2 * max(-self.min_score, 0.5)), 4) * self.area_spread)
        # Areas are compared before holes are filled, hence the factor 2.
        low, high = (self.area * factor for factor in self.area_range)
        visible = LARGEST if self.truncated else 1.0
        return max(low / reach / 2 / visible, 1), high * reach

    def components(self, saliency: npt.ArrayLike, frame: Frame | None = None) -> list[Component]:
        """Components whose size and shape alone do not put them below `min_score`.

        In a window of an image they are those of its tile, see `spel.decide.frame`.
        """

        def accept(spels: float, elongation: float, touches_border: bool) -> bool:
            return self._bound(spels, elongation, touches_border) > self.min_score

        return components_at_levels(
            saliency, self.levels, area=self._area_limits, ring=self.ring, accept=accept,
            score=self._shape_score if self.multiple else None, truncated=self.truncated,
            frame=frame,
        )  # fmt: skip

    def open_sides(self, saliency: npt.NDArray[np.float32], frame: Frame) -> Sides:
        """The sides of a window that must move out before `components` sees those of its tile."""
        near = Adjacency.box(3, ndim=saliency.ndim)
        largest = float("inf") if self.multiple else self._area_limits[1]
        sides = [
            frame.open_sides(saliency > level, near, self.ring, largest) for level in self.levels
        ]
        return np.asarray(np.logical_or.reduce(sides), dtype=np.bool_)

    def rank(self, saliency: npt.ArrayLike) -> list[tuple[float, Component]]:
        """Components that overlap no better one, with their scores, best first."""
        scored = [(self.score(component), component) for component in self.components(saliency)]
        scored.sort(key=lambda pair: -pair[0])
        ranked: list[tuple[float, Component]] = []
        taken = np.zeros(scored[0][1].image_size if scored else (), dtype=bool)
        for score, component in scored:
            if not taken[component.window][component.mask].any():
                taken[component.window] |= component.mask
                ranked.append((score, component))
        return ranked

    def select(self, saliency: npt.ArrayLike) -> list[tuple[float, Component]]:
        """The objects with their scores, best first; at most one unless `multiple`."""
        if not self.multiple:
            scored = [(self.score(one), one) for one in self.components(saliency)]
            best = max(scored, key=lambda pair: pair[0], default=None)
            return [best] if best is not None and best[0] > self.min_score else []
        return [pair for pair in self.rank(saliency) if pair[0] > self.min_score]

    def mask(self, saliency: npt.ArrayLike) -> Mask:
        """Mask of the objects."""
        shape = np.shape(saliency)
        size = shape[:-1] if len(shape) > 2 and shape[-1] == 1 else shape
        mask = np.zeros(size, dtype=bool)
        for _, component in self.select(saliency):
            mask[component.window] |= component.mask
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, ready for JSON."""
        values = {**asdict(self), "levels": list(self.levels)}
        values["area_range"] = list(self.area_range)
        values["presence"] = self.presence and self.presence.to_dict()
        return {k: v for k, v in values.items() if k not in NEW or v != NEW[k]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ObjectModel:
        """The model that `to_dict` wrote, in this version or in 0.1.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        if isinstance(values, Mapping) and "size" in values:
            values = {KEYS_OF_VERSION_1.get(key, key): value for key, value in values.items()}
        check_table(cls, values)
        presence = values.get("presence")
        with stored_value(cls):
            return cls(
                **{
                    **values,
                    "levels": tuple(values.get("levels", LEVELS)),
                    "area_range": tuple(values.get("area_range", (1.0, 1.0))),
                    "presence": None if presence is None else Presence.from_dict(presence),
                }
            )
