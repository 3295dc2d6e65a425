"""Component selection: which component, at which level, is an object of the marked kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from math import exp, isfinite, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.decide.components import Candidate, Mask, candidates
from spel.errors import FormatError, ParameterError

LEAST = 1e-6
LEVELS = tuple(round(0.1 + 0.05 * step, 2) for step in range(11))


@dataclass(frozen=True)
class ObjectModel:
    """What objects look like in a saliency of 0..1, and how alike a component must be.

    The score of a component is ``-(log(area / size) / spread)^2 / 2 - (log(elongation /
    elongated) / elongated_spread)^2 / 2 + 6 log(roundness) + log(contrast)``, and ``log(edge)``
    if it touches the edge of the image: the logarithm of a product, 0 for the perfect object.

    Attributes
    ----------
    size : float
        Spels of a typical object (geometric).
    spread : float
        Deviation of the logarithm of the size.
    elongated, elongated_spread : float
        The same for the ratio of the ellipse's axes.
    round_power, contrast_power : float
        How much an elliptic outline, and the saliency's step at it, count.
    edge : float
        Factor for components that touch the edge, in 0..1.
    levels : tuple of float
        Of saliency.
    ring : int
        Width of the ring around a component that contrast compares with.
    cutoff : float
        Components of a lower score are no objects.
    many : bool
        Keep every component above the cutoff that overlaps no better one; else the best alone.

    Examples
    --------
    >>> model = ObjectModel(size=9, elongated=1.0, cutoff=-1.0)
    >>> image = np.zeros((20, 20))
    >>> image[4:7, 5:8] = 1
    >>> int(model.select(image).sum()), bool(ObjectModel(size=900).select(image).any())
    (9, False)
    """

    size: float
    spread: float = 0.5
    elongated: float = 1.0
    elongated_spread: float = 0.5
    round_power: float = 6.0
    contrast_power: float = 1.0
    edge: float = 0.5
    levels: tuple[float, ...] = LEVELS
    ring: int = 6
    cutoff: float = -2.0
    many: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(float(level) for level in self.levels))
        positive = (self.size, self.spread, self.elongated, self.elongated_spread)
        if not all(isfinite(v) and v > 0 for v in positive) or not self.levels or self.ring < 1:
            raise ParameterError(
                f"ObjectModel: size {self.size}, spread {self.spread}, elongated {self.elongated}, "
                f"{len(self.levels)} levels, ring {self.ring}; expected positive numbers"
            )
        if not 0 < self.edge <= 1:
            raise ParameterError(f"ObjectModel: edge {self.edge}; expected 0 < edge <= 1")

    def score(self, one: Candidate) -> float:
        """How much a candidate looks like an object; 0 is perfect, less is worse."""
        return (
            self._bound(one.area, one.elongation, one.touches)
            + self.round_power * log(max(one.roundness, LEAST))
            + self.contrast_power * log(max(one.contrast, LEAST))
        )

    def _bound(self, area: int, elongation: float, touches: bool) -> float:
        """What the score cannot exceed: no other term is positive."""
        size = log(max(area, 1) / self.size) / self.spread
        shape = log(max(elongation, LEAST) / self.elongated) / self.elongated_spread
        return -(size**2) / 2 - shape**2 / 2 + (log(self.edge) if touches else 0.0)

    def candidates(self, saliency: npt.ArrayLike) -> list[Candidate]:
        """Components whose size and shape alone do not put them below the cutoff."""
        reach = exp(min(sqrt(2 * max(-self.cutoff, 0.5)), 4) * self.spread)
        area = (max(self.size / reach / 2, 1), self.size * reach)  # holes are filled only later

        def keep(spels: int, elongation: float, touches: bool) -> bool:
            return self._bound(spels, elongation, touches) > self.cutoff

        return candidates(saliency, self.levels, area=area, ring=self.ring, keep=keep)

    def ranked(self, saliency: npt.ArrayLike) -> list[tuple[float, Candidate]]:
        """Candidates that overlap no better one, with their scores, best first."""
        scored = [(self.score(one), one) for one in self.candidates(saliency)]
        scored.sort(key=lambda pair: -pair[0])
        kept: list[tuple[float, Candidate]] = []
        for score, one in scored:
            if not any(one.overlaps(better) for _, better in kept):
                kept.append((score, one))
        return kept

    def chosen(self, saliency: npt.ArrayLike) -> list[tuple[float, Candidate]]:
        """The objects: candidates above the cutoff, best first; at most one unless `many`."""
        if not self.many:
            scored = [(self.score(one), one) for one in self.candidates(saliency)]
            best = max(scored, key=lambda pair: pair[0], default=None)
            return [best] if best is not None and best[0] > self.cutoff else []
        return [pair for pair in self.ranked(saliency) if pair[0] > self.cutoff]

    def select(self, saliency: npt.ArrayLike) -> Mask:
        """Mask of the objects."""
        shape = np.shape(saliency)
        size = shape[:-1] if len(shape) > 2 and shape[-1] == 1 else shape
        mask = np.zeros(size, dtype=bool)
        for _, one in self.chosen(saliency):
            mask[one.window] |= one.mask
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, ready for JSON."""
        return {**asdict(self), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ObjectModel:
        """The model that `to_dict` wrote.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        known = {f.name for f in fields(cls)}
        if not isinstance(values, Mapping) or set(values) - known or "size" not in values:
            raise FormatError(f"ObjectModel: {values!r:.80}; expected {', '.join(sorted(known))}")
        try:
            return cls(**{**values, "levels": tuple(values.get("levels", LEVELS))})
        except (TypeError, ValueError) as error:
            raise FormatError(f"ObjectModel: {error}") from error


@dataclass(frozen=True)
class Evidence:
    """What an object model was learned from, one entry per marked image.

    Attributes
    ----------
    areas : tuple of int
        Of the components that hold the object strokes.
    objects, others : tuple of float
        Scores of those components, and of the best component in each image that holds no object
        stroke.
    """

    areas: tuple[int, ...]
    objects: tuple[float, ...]
    others: tuple[float, ...]


def learn_object_model(
    saliencies: Sequence[npt.ArrayLike],
    markers: Sequence[Markers],
    base: ObjectModel | None = None,
    *,
    area: tuple[float, float] = (20, 0.25),
    margin: float = 0.95,
) -> tuple[ObjectModel, Evidence]:
    """Size, shape and cutoff from the marked images: no mask is needed.

    In each marked image the component that holds the object strokes, and hardly any background
    stroke, is the object: at the level where outline times contrast are best. Medians over the
    images give size and elongation, so that a stroke on something odd does little harm. The
    cutoff is the middle between the objects' median score and the median of the best *other*
    component of each image, which takes the objects of a marked image to be marked.

    Parameters
    ----------
    saliencies : sequence of (rows, cols[, 1]) arrays
        Of the marked images, in 0..1.
    markers : sequence of Markers
    base : ObjectModel, optional
        Where spreads, powers and levels come from.
    area : (low, high)
        Smallest object in spels, and largest as a part of the image.
    margin : float
        The cutoff lies so far below the median score of the marked objects: 1 accepts what is e
        times less perfect.

    Returns
    -------
    model : ObjectModel
    evidence : Evidence

    Raises
    ------
    ParameterError
        If no component holds an object stroke: the saliency has collapsed.
    """
    start = base or ObjectModel(size=1000)
    found, own = [], []
    for saliency, drawn in zip(saliencies, markers):
        points = drawn.points[drawn.is_object]
        limits = (area[0], area[1] * float(np.prod(drawn.size)))
        found.append(
            candidates(saliency, start.levels, area=limits, ring=start.ring, holding=points)
            if len(points)
            else []
        )
        own.append(_own(found[-1], drawn))
    known = [one for one in own if one is not None]
    if not known:
        raise ParameterError(
            "learn_object_model: in no marked image does one component hold the object strokes; "
            "look at the saliency, and draw strokes inside the object and around it"
        )
    model = replace(
        start,
        size=float(np.exp(np.median([log(one.area) for one in known]))),
        elongated=float(np.exp(np.median([log(max(one.elongation, LEAST)) for one in known]))),
    )
    objects, others = [], []
    for saliency, ones, drawn in zip(saliencies, found, markers):
        points = drawn.points[drawn.is_object]
        if len(points):
            objects.append(max(map(model.score, ones), default=-np.inf))
        wide = replace(model, cutoff=-5.0)
        free = [one for one in wide.candidates(saliency) if one.covers(points) == 0]
        others.append(max(map(model.score, free), default=-np.inf))
    seen = [score for score in objects if np.isfinite(score)]
    cutoff = float(np.median(seen)) - margin if seen else start.cutoff
    evidence = Evidence(tuple(one.area for one in known), tuple(objects), tuple(others))
    return replace(model, cutoff=cutoff), evidence


def own_component(model: ObjectModel, saliency: npt.ArrayLike, drawn: Markers) -> Candidate | None:
    """The component of a marked image that holds its object strokes, by the model's score."""
    points = drawn.points[drawn.is_object]
    wide = replace(model, cutoff=-8.0)
    holding = [one for one in wide.candidates(saliency) if one.covers(points) >= 0.5]
    return max(holding, key=model.score, default=None)


def _own(ones: Sequence[Candidate], drawn: Markers) -> Candidate | None:
    objects, others = drawn.points[drawn.is_object], drawn.points[~drawn.is_object]

    def worth(one: Candidate) -> float:
        return one.roundness * one.contrast * one.covers(objects)

    holding = [one for one in ones if one.covers(objects) >= 0.6 and one.covers(others) <= 0.05]
    return max(holding, key=worth, default=None)
