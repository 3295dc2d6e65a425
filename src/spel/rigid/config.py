"""How a detector of rigid objects is learned: every setting, with its default."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import sqrt
from typing import Any

from spel.errors import ParameterError
from spel.rigid.features import FLOOR

MAX_CROPS_PER_OBJECT = 40
"""Largest number of crops of one object."""

MAX_HARD_NEGATIVES_PER_PHOTO = 300
"""Largest number of hard negatives that a photo gives to a kernel in one round."""


@dataclass(frozen=True)
class RigidConfig:
    """How a detector of rigid objects is learned.

    Parameters
    ----------
    orientations, cell, edge_stride, block, floor
        The features, see `spel.rigid.features.cell_network`.
    object_cells : float
        Number of cells that the object covers in its window.
    margin : int
        Number of cells that the window adds on each side of the object.
    max_aspect_ratio : float
        Largest factor between the aspects of two objects that share a kernel.
    min_crops : int
        Smallest number of crops of each object. The first crop is unchanged; the others are
        shifted, scaled, rotated and mirrored.
    crops : int
        Number of crops to aim at for a kernel with few objects, at most 40 of each object.
    max_rotation : float
        Largest angle, in degrees, by which crops are rotated.
    mirror : bool
        Whether every other crop is mirrored.
    ridge : float
        Ridge penalty for one training object; divided by the square root of their number.
    refine_ridge : float
        Ridge penalty of the kernels that refine the box.
    adjust : bool
        Whether kernels are learned that move the sides of the boxes of detected objects.
    adjust_object_cells : float
        Number of cells that each object covers where boxes are adjusted.
    adjust_ridge : float
        Ridge penalty of the kernels that adjust boxes.
    tilt : float
        Largest angle, in degrees, by which rectangular objects may be tilted in photos where the
        box then encloses them; only the kernels that adjust boxes learn it. With 0, boxes stay as
        drawn.
    positive_weight : float
        Total weight of the objects in the ridge regression; the background has the rest of 1.
    rounds : int
        Rounds of hard-negative mining.
    hard_negatives : int
        Number of hard negatives per kernel and round, over all photos.
    scales_per_octave : int
        Number of scales per factor of 2.
    size_margin_below, size_margin_above : float
        Factors by which objects may be smaller, or larger, than all objects of the photos.
    proposal_object_cells, proposal_max_rotation, proposal_scales_per_octave : float, float, int
        `object_cells`, `max_rotation` and `scales_per_octave` of the proposal stage.
    proposal_step : float
        Largest step from one window of the proposal stage to the next, and from one window of the
        background to the next in learning, as a share of the objects' sides; at least one cell.
    min_objects_for_proposals : int
        Number of objects from which on a proposal stage is learned. It makes detection twice as
        fast, but misses objects if it was learned from few; without it, the larger kernels slide
        over all scales.
    rotations : tuple of float
        Degrees by which the views of the best proposals are rotated and scored again.
    seed : int
        Seed of the random numbers.
    max_memory : float
        Gigabytes that learning may need, by estimate; more is refused before it begins.
    max_enlargement : float
        Largest factor by which photos may be enlarged for very small objects; more is refused.

    Raises
    ------
    ParameterError
        If the seed is not an integer of at least 0, or another number is not positive.

    Examples
    --------
    >>> config = RigidConfig(ridge=0.8)
    >>> config.ridge_for(4), config.hard_negatives_per_photo(100)
    (0.4, 60)
    >>> config.for_proposals().object_cells
    40.0
    """

    orientations: int = 8
    cell: int = 4
    edge_stride: int = 1
    block: int = 9
    floor: float = FLOOR
    object_cells: float = 80.0
    margin: int = 2
    max_aspect_ratio: float = 1.25
    min_crops: int = 12
    crops: int = 800
    max_rotation: float = 4.0
    mirror: bool = True
    ridge: float = 0.9
    refine_ridge: float = 1.0
    adjust: bool = False
    adjust_object_cells: float = 60.0
    adjust_ridge: float = 0.1
    tilt: float = 0.0
    positive_weight: float = 0.2
    rounds: int = 3
    hard_negatives: int = 6000
    scales_per_octave: int = 4
    size_margin_below: float = 1.1
    size_margin_above: float = 3.0
    proposal_object_cells: float = 40.0
    proposal_max_rotation: float = 10.0
    proposal_scales_per_octave: int = 3
    proposal_step: float = 0.25
    min_objects_for_proposals: int = 100
    rotations: tuple[float, ...] = (-8.0, -4.0, 4.0, 8.0)
    seed: int = 0
    max_memory: float = 4.0
    max_enlargement: float = 8.0

    def __post_init__(self) -> None:
        if not (isinstance(self.seed, int) and self.seed >= 0):
            raise ParameterError(
                f"RigidConfig: seed {self.seed!r}; expected an integer of at least 0"
            )
        if not 0 <= self.tilt < 45:
            raise ParameterError(
                f"RigidConfig: tilt {self.tilt!r}; expected degrees from 0 to below 45"
            )
        for name in (
            "object_cells",
            "adjust_object_cells",
            "proposal_object_cells",
            "max_memory",
            "max_enlargement",
        ):
            if not 0 < getattr(self, name) < float("inf"):
                raise ParameterError(
                    f"RigidConfig: {name} {getattr(self, name)!r}; expected a number above 0"
                )

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON."""
        return {**asdict(self), "rotations": list(self.rotations)}

    def crops_per_object(self, objects: int) -> int:
        """Number of crops of each object if there are `objects` objects.

        Examples
        --------
        >>> [RigidConfig().crops_per_object(n) for n in (1, 40, 1000)]
        [40, 20, 12]
        """
        return max(self.min_crops, min(MAX_CROPS_PER_OBJECT, self.crops // max(objects, 1)))

    def hard_negatives_per_photo(self, photos: int) -> int:
        """Number of hard negatives that each of `photos` photos gives to a kernel in one round."""
        share = self.hard_negatives // max(photos, 1)
        return max(1, min(MAX_HARD_NEGATIVES_PER_PHOTO, share))

    def ridge_for(self, objects: int) -> float:
        """Ridge penalty of a kernel that is learned from `objects` objects."""
        return self.ridge / sqrt(max(objects, 1))

    def for_proposals(self) -> RigidConfig:
        """The configuration of the proposal stage."""
        return replace(
            self,
            object_cells=self.proposal_object_cells,
            max_rotation=self.proposal_max_rotation,
            scales_per_octave=self.proposal_scales_per_octave,
            rotations=(),
            adjust=False,
        )
