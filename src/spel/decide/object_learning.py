"""Learning from strokes what objects look like: area, elongation and the lowest accepted score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.decide.components import Component, Points, components_at_levels
from spel.decide.object_model import TINY, ObjectModel
from spel.decide.presence import LOWEST
from spel.errors import ParameterError


@dataclass(frozen=True)
class Evidence:
    """What an object model was learned from.

    Attributes
    ----------
    areas : tuple of int
        Areas of the components that were taken for the marked objects.
    objects : tuple of float
        Score of each marked object: of each object stroke, or of each marked image if it holds one
        object.
    others : tuple of float
        In each image, the score of the best component that contains no object stroke.
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
    """Learn area, elongation and lowest score from marked images, without masks.

    For each object stroke, the component or part of one that contains it and hardly any background
    stroke is taken for its object, at the level where roundness times contrast is highest. If the
    base says that an image holds one object (`multiple` is False), all its object strokes are taken
    together. Area and elongation are medians, so that one stroke on an odd object does little harm.
    The lowest score is the median score of the objects minus `margin`.

    Parameters
    ----------
    saliencies : sequence of (rows, cols[, 1]) arrays
        Saliencies of the marked images, in 0..1.
    markers : sequence of Markers
    base : ObjectModel, optional
        The model whose spreads, powers, levels and `multiple` are kept.
    area : (low, high)
        Area of the smallest object in spels, and of the largest as a share of the image.
    margin : float
        How far `min_score` lies below the median score of the marked objects; 1 accepts what is e
        times less perfect.

    Returns
    -------
    model : ObjectModel
    evidence : Evidence

    Raises
    ------
    ParameterError
        If no component contains an object stroke: the saliency does not respond to the objects.

    Examples
    --------
    >>> saliency = np.zeros((40, 40))
    >>> saliency[10:20, 10:20] = 1
    >>> drawn = Markers([(14, 14), (14, 15), (30, 30)], [1, 1, 0], (40, 40))
    >>> model, evidence = learn_object_model([saliency], [drawn])
    >>> round(model.area), evidence.areas, int(model.mask(saliency).sum())
    (100, (100,), 100)
    """
    start = base or ObjectModel(area=1000)
    components, marked = [], []
    for saliency, drawn in zip(saliencies, markers):
        strokes = object_strokes(drawn, each=start.multiple)
        limits = (area[0], area[1] * float(np.prod(drawn.size)))
        components.append(
            components_at_levels(
                saliency, start.levels, area=limits, ring=start.ring, containing=strokes,
                split=start.multiple, truncated=start.truncated,
            )
            if strokes
            else []
        )  # fmt: skip
        marked += _best_marked(components[-1], strokes, drawn, start.round_power)
    if not marked:
        raise ParameterError(
            "learn_object_model: no component of the saliency contains the object strokes of any "
            "image; look at the saliency, and draw strokes inside the object and around it"
        )
    model = _typical(start, marked)
    if start.multiple:
        divided = [
            one
            for saliency, drawn in zip(saliencies, markers)
            for one in marked_components(model, saliency, drawn)
            if one is not None
        ]
        marked = divided or marked
        model = _typical(start, marked)
    evidence = _evidence(model, marked, saliencies, components, markers)
    scores = [score for score in evidence.objects if np.isfinite(score)]
    min_score = float(np.median(scores)) - margin if scores else start.min_score
    return replace(model, min_score=min_score), evidence


def marked_components(
    model: ObjectModel, saliency: npt.ArrayLike, drawn: Markers
) -> list[Component | None]:
    """For each object of a marked image the component that contains it best, by the model's score.

    There is one entry per object stroke, or one for all of them if an image holds one object; None
    where no component contains half of the stroke.
    """
    ones = replace(model, min_score=-8.0).components(saliency)
    return [
        max((one for one in ones if one.coverage(p) >= 0.5), key=model.score, default=None)
        for p in object_strokes(drawn, each=model.multiple)
    ]


def scores_apart(
    model: ObjectModel, saliency: npt.ArrayLike, drawn: Markers
) -> tuple[list[float], float]:
    """Scores of the marked objects of an image, and the best of its background.

    Background is every component without a spel of an object stroke that overlaps no marked object.
    If there is none, its score is `spel.decide.presence.LOWEST`, and so is the score of an object
    that no component contains.
    """
    wide = replace(model, min_score=LOWEST)
    owners = [one for one in marked_components(model, saliency, drawn) if one is not None]
    missing = len(object_strokes(drawn, each=model.multiple)) - len(owners)
    inside = drawn.points[drawn.is_object]
    apart = [
        model.score(one)
        for one in wide.components(saliency)
        if one.coverage(inside) == 0 and not any(one.overlaps(own) for own in owners)
    ]
    marked = [model.score(own) for own in owners] + [LOWEST] * missing
    return [max(score, LOWEST) for score in marked], max([LOWEST, *apart])


def object_strokes(drawn: Markers, *, each: bool) -> list[Points]:
    """The spels of each object stroke of an image, or of all together; empty if there are none."""
    inside = drawn.is_object
    if not each or not inside.any():
        return [drawn.points[inside]] if inside.any() else []
    numbers = drawn.strokes()
    return [drawn.points[numbers == number] for number in np.unique(numbers[inside])]


def _typical(start: ObjectModel, marked: Sequence[Component]) -> ObjectModel:
    """The model with the median area and elongation of some components."""
    return replace(
        start,
        area=float(np.exp(np.median([log(one.area) for one in marked]))),
        elongation=float(np.exp(np.median([log(max(one.elongation, TINY)) for one in marked]))),
    )


def _best_marked(
    components: Sequence[Component],
    strokes: Sequence[Points],
    drawn: Markers,
    round_power: float,
) -> list[Component]:
    """For each stroke, the component that covers it and hardly any background stroke.

    Each stroke marks an object of its own, so a component that holds no other stroke is preferred:
    those that hold several are groups of objects, or one object that nothing divides. Where a
    component has parts, roundness counts as much as in the model's score, since groups are less
    round than objects.
    """
    background = drawn.points[~drawn.is_object]
    clean = [one for one in components if one.coverage(background) <= 0.05]
    held = [sum(one.coverage(points) >= 0.5 for points in strokes) for one in clean]
    alone = [one for one, count in zip(clean, held) if count == 1]
    matches: list[Component] = []
    for points in strokes:
        covering = [one for one in clean if one.coverage(points) >= 0.6]
        own = [one for one in covering if any(one is other for other in alone)] or covering
        has_parts = len({one.level for one in own}) < len(own)
        power = round_power if has_parts else 1.0
        worth = [one.roundness**power * one.contrast * one.coverage(points) for one in own]
        best = own[int(np.argmax(worth))] if own else None
        if best is not None and not any(best is other for other in matches):
            matches.append(best)
    return matches


def _evidence(
    model: ObjectModel,
    marked: Sequence[Component],
    saliencies: Sequence[npt.ArrayLike],
    components: Sequence[Sequence[Component]],
    markers: Sequence[Markers],
) -> Evidence:
    """Scores of the marked objects, and of the best components apart from them."""
    wide = replace(model, min_score=-5.0)
    objects, others = [], []
    for saliency, ones, drawn in zip(saliencies, components, markers):
        for points in object_strokes(drawn, each=model.multiple):
            holding = [one for one in ones if one.coverage(points) >= 0.5]
            objects.append(max(map(model.score, holding), default=-np.inf))
        inside = drawn.points[drawn.is_object]
        apart = [one for one in wide.components(saliency) if one.coverage(inside) == 0]
        others.append(max(map(model.score, apart), default=-np.inf))
    return Evidence(tuple(one.area for one in marked), tuple(objects), tuple(others))
