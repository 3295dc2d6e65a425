"""How a detector of rigid objects is learned: the recipe, and objects grouped by their aspects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.rigid.features import FLOOR

Floats = npt.NDArray[np.float64]

MANY = 40
"""Most crops of one object."""

CROWD = 300
"""Most false answers of one photo, kernel and round."""


@dataclass(frozen=True)
class RigidConfig:
    """How a detector of rigid objects is learned.

    Parameters
    ----------
    orientations, cell, every, around, floor
        Of the cells, see `spel.rigid.features.cell_network`.
    area : float
        Cells that the object covers in its window.
    margin : int
        Cells around it that the kernel sees too.
    spread : float
        Objects of one kernel differ in aspect by no more than this factor.
    copies : int
        Crops of each object, at least: the first as it is, the others shifted, scaled, turned,
        mirrored. A kernel of few objects gets up to 40 of each, about `crops` in all.
    crops : int
    turn : float
        Degrees, at most, by which copies are turned.
    mirror : bool
        Whether every other copy is mirrored.
    strength : float
        Of the ridge for the kernels, were they learned from one object; it falls with the root of
        their number.
    firmness : float
        Of the ridge for those that refine the box.
    weight : float
        Share of all objects in the ridge's sum; the rest is the background's.
    rounds : int
        Times that the strongest false answers are added and the kernels learned again.
    hard : int
        False answers per kernel and round, over all photos.
    steps : int
        Scales to an octave.
    smaller, larger : float
        Factors by which sizes may go beyond those of the photos.
    first_area, first_turn, first_steps : float, float, int
        The same for the kernels of the first look, which proposes places.
    first_from : int
        Objects from which on a first look is learned. It makes detection twice as fast; from few
        objects it misses some, so that all sizes are scanned by the larger kernels instead.
    turns : tuple of float
        Degrees by which the best places are turned and looked at once more.
    seed : int
    """

    orientations: int = 8
    cell: int = 4
    every: int = 1
    around: int = 9
    floor: float = FLOOR
    area: float = 80.0
    margin: int = 2
    spread: float = 1.25
    copies: int = 12
    crops: int = 800
    turn: float = 4.0
    mirror: bool = True
    strength: float = 0.9
    firmness: float = 1.0
    weight: float = 0.2
    rounds: int = 3
    hard: int = 6000
    steps: int = 4
    smaller: float = 1.1
    larger: float = 3.0
    first_area: float = 48.0
    first_turn: float = 10.0
    first_steps: int = 3
    first_from: int = 100
    turns: tuple[float, ...] = (-8.0, -4.0, 4.0, 8.0)
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON."""
        return {**asdict(self), "turns": list(self.turns)}

    def copies_of(self, objects: int) -> int:
        """Crops of each of so many objects.

        Examples
        --------
        >>> [RigidConfig().copies_of(n) for n in (1, 40, 1000)]
        [40, 20, 12]
        """
        return max(self.copies, min(MANY, self.crops // max(objects, 1)))

    def hard_of(self, photos: int) -> int:
        """False answers of each of so many photos."""
        return max(1, min(CROWD, self.hard // max(photos, 1)))

    def ridge_of(self, objects: int) -> float:
        """Strength of the ridge for a kernel of so many objects."""
        return self.strength / float(np.sqrt(max(objects, 1)))

    def for_places(self) -> RigidConfig:
        """The recipe of the first look."""
        return replace(
            self, area=self.first_area, turn=self.first_turn, steps=self.first_steps, turns=()
        )


@dataclass(frozen=True, eq=False)
class Group:
    """Objects of like aspects, which one kernel is learned from.

    Attributes
    ----------
    aspect : float
        Width over height, their geometric mean.
    size : (width, height)
        Of the object in its window, in cells.
    box : (rows, cols)
        Of the window, margins included, in cells.
    objects : list of (photo, box)
        In the order of the photos.
    """

    aspect: float
    size: tuple[float, float]
    box: tuple[int, int]
    objects: list[tuple[int, Floats]]


def groups(recipe: RigidConfig, truth: Sequence[Floats]) -> list[Group]:
    """Objects in groups of like aspects: the sorted aspects cut at their widest gaps.

    The middles of all windows lie on the middle of the largest.

    Raises
    ------
    ParameterError
        If a box is empty.
    """
    objects = [(photo, box) for photo, found in enumerate(truth) for box in found]
    sides = np.array([box[2:] - box[:2] for _, box in objects])
    if not (sides > 0).all():
        raise ParameterError("learn_detector: a box is empty; give x0 < x1 and y0 < y1")
    aspects = np.log(sides[:, 0] / sides[:, 1])
    parts = _split(np.argsort(aspects, kind="stable"), aspects, float(np.log(recipe.spread)))
    found = []
    for part in parts:
        aspect = float(np.exp(np.mean(aspects[part])))
        size = (float(np.sqrt(recipe.area * aspect)), float(np.sqrt(recipe.area / aspect)))
        rows, cols = (int(np.ceil(n)) + 2 * recipe.margin for n in size[::-1])
        members = sorted((objects[i] for i in part), key=lambda known: known[0])
        found.append(Group(aspect, size, (rows, cols), members))
    frame = frame_of(found)
    even = [tuple(n + (f - n) % 2 for n, f in zip(group.box, frame)) for group in found]
    return [replace(group, box=(box[0], box[1])) for group, box in zip(found, even)]


def frame_of(found: Sequence[Group]) -> tuple[int, int]:
    """The least window, in cells, that holds those of all groups."""
    return max(g.box[0] for g in found), max(g.box[1] for g in found)


def _split(order: npt.NDArray[Any], values: Floats, widest: float) -> list[npt.NDArray[Any]]:
    """Cut sorted values at the largest gap until no group spans more than `widest`."""
    ranked = values[order]
    if ranked[-1] - ranked[0] <= widest:
        return [order]
    cut = int(np.diff(ranked).argmax()) + 1
    return [*_split(order[:cut], values, widest), *_split(order[cut:], values, widest)]


def scale_range(recipe: RigidConfig, found: Sequence[Group]) -> tuple[float, float]:
    """Largest and smallest scale at which an object of the photos fills its window."""
    fits = [
        np.sqrt(g.size[0] * g.size[1] * recipe.cell**2 / np.prod(box[2:] - box[:2]))
        for g in found
        for _, box in g.objects
    ]
    return float(max(fits) * recipe.smaller), float(min(fits) / recipe.larger)
