"""Delineation: the border of a selected component, moved to where the image has its edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.numbers import as_numbers
from spel.core.stored import check_table, stored_value
from spel.decide.components import Mask
from spel.decide.numbers import check_number
from spel.decide.shape import fill_holes
from spel.errors import ParameterError, ShapeError
from spel.ops.flood import dynamic_trees, growcut, watershed
from spel.ops.gradient import gradient_magnitude
from spel.ops.label import label, regions
from spel.ops.pool import max_pool, min_pool

Labels = npt.NDArray[np.int32]
Method = Literal["watershed", "trees", "growcut", "none"]
Spacing = tuple[float, ...] | None


@dataclass(frozen=True)
class Delineation:
    """How the border of a mask is moved to the edges of the image.

    Attributes
    ----------
    method : {"watershed", "trees", "growcut", "none"}
        Seeded watershed on the gradient, Dynamic Trees or GrowCut on the values.
    inner, outer : float
        Spels deeper inside the mask than `inner` are seeds of the object; spels farther outside
        than `outer` are seeds of the background.
    scale : tuple of float
        Factor of each channel, which makes channels comparable; by default all are 1.
    convex : bool
        Whether the object is replaced by its convex hull.
    average : bool
        Whether the border lies half way between the edges of the image and the mask, grown by one
        spel, so that an error of one is halved by the other (shape-based averaging of signed
        distances; Rohlfing & Maurer, IEEE Trans. Inf. Technol. Biomed. 11, 2007).

    Examples
    --------
    >>> image = np.zeros((24, 24, 1))
    >>> image[6:18, 6:18] = 1
    >>> rough = np.zeros((24, 24), dtype=bool)
    >>> rough[8:16, 8:16] = True
    >>> int(Delineation(inner=2, outer=5).refine(image, rough).sum())  # 144 without 4 corners
    140
    """

    method: Method = "watershed"
    inner: float = 2.0
    outer: float = 6.0
    scale: tuple[float, ...] = ()
    convex: bool = False
    average: bool = False

    def __post_init__(self) -> None:
        for name in ("inner", "outer"):
            check_number("Delineation", name, getattr(self, name), -1e6, 1e6)
        for factor in self.scale:
            check_number("Delineation", "scale", factor, high=float("1e30"))
        object.__setattr__(self, "scale", tuple(float(s) for s in self.scale))
        for name in ("convex", "average"):
            if not isinstance(getattr(self, name), bool):
                raise ParameterError(
                    f"Delineation: {name} {getattr(self, name)!r}; expected a bool"
                )
        if self.method not in get_args(Method) or not (self.inner >= 0 and self.outer >= 0):
            raise ParameterError(
                f"Delineation: method {self.method!r}, inner {self.inner}, outer {self.outer}; "
                f"expected a method out of {', '.join(get_args(Method))}, and distances of at "
                "least 0"
            )

    def refine(self, image: npt.ArrayLike, mask: npt.ArrayLike, spacing: Spacing = None) -> Mask:
        """Move the border of each object to the edges of the image.

        Parameters
        ----------
        image : (rows, cols, C) array, with planes before them for voxels
            Colours or features, of the size of the mask.
        mask : (rows, cols) array of bool
            Each connected component is one object.
        spacing : tuple of float, optional
            Length of a step along each axis, in the unit of `inner` and `outer`; by default all
            are 1.

        Returns
        -------
        (rows, cols) array of bool

        Raises
        ------
        ShapeError
            If image and mask do not fit one another, or `scale` does not fit the channels.
        """
        rough = np.asarray(mask, dtype=bool)
        values = self._checked(image, rough.shape)
        result = np.zeros_like(rough)
        if self.method == "none":
            return rough.copy()
        labels = label(rough, Adjacency.box(3, ndim=rough.ndim))
        for number, window in self._windows(labels, spacing):
            refined = self._refine_object(values[window], labels[window] == number, spacing)
            result[window] |= refined
        return result

    def refine_labels(
        self, image: npt.ArrayLike, labels: npt.ArrayLike, spacing: Spacing = None
    ) -> Labels:
        """Move the border of each label to the edges of the image; objects that touch stay apart.

        Parameters
        ----------
        image : (rows, cols, C) array, with planes before them for voxels
            Colours or features, of the size of the labels.
        labels : (rows, cols) array of int
            0 where there is no object. No object takes spels of another one; where two grow into
            each other, the one with the lower label wins.
        spacing : tuple of float, optional
            As for `refine`.

        Returns
        -------
        (rows, cols) array of int32
        """
        rough = np.asarray(labels, dtype=np.int32)
        values = self._checked(image, rough.shape)
        if self.method == "none":
            return rough.copy()
        result = np.zeros_like(rough)
        for number, window in self._windows(rough, spacing):
            refined = self._refine_label(values[window], rough[window], number, spacing)
            result[window][refined & (result[window] == 0)] = number
        return result

    def refine_label(
        self, image: npt.ArrayLike, labels: Labels, number: int, spacing: Spacing = None
    ) -> Mask:
        """One object of `refine_labels`, without the spels of others.

        Parameters
        ----------
        image : (rows, cols, C) array
        labels : (rows, cols) array of int32
            Both of the window that reaches `margin` beyond the object, inside the image.
        number : int
            The label of the object.
        spacing : tuple of float, optional
        """
        return self._refine_label(self._checked(image, labels.shape), labels, number, spacing)

    def _refine_label(
        self, values: npt.NDArray[np.float32], labels: Labels, number: int, spacing: Spacing
    ) -> Mask:
        own = labels == number
        others = (labels > 0) & ~own
        refined: Mask = self._refine_object(values, own, spacing, others) & ~others
        return refined

    def refine_regions(
        self, image: npt.ArrayLike, labels: npt.ArrayLike, spacing: Spacing = None
    ) -> Labels:
        """Move the borders between regions that cover an image, such as classes, to its edges.

        Every region keeps its spels deeper than `inner`; the others go to the region that floods
        them first. A region that is nowhere so deep vanishes; what none reaches stays as it is.

        Parameters
        ----------
        image : (rows, cols, C) array, with planes before them for voxels
        labels : (rows, cols) array of int
            At least 0 everywhere.
        spacing : tuple of float, optional
            As for `refine`.

        Returns
        -------
        (rows, cols) array of int32
        """
        rough = np.asarray(labels, dtype=np.int32)
        values = self._checked(image, rough.shape)
        if self.method == "none":
            return rough.copy()
        flooded = self._flood(values, self.region_seeds(rough, spacing))
        return np.where(flooded < 0, rough, flooded)

    def region_seeds(self, labels: Labels, spacing: Spacing = None) -> Labels:
        """What each region of a label image keeps for certain; -1 elsewhere.

        Spels farther than `inner` from the sides of a window have the seeds of the whole.
        """
        seeds = np.full(labels.shape, -1, dtype=np.int32)
        for number in np.unique(labels):
            seeds[_is_deeper(labels == number, self.inner, spacing, "edge")] = number
        return seeds

    def object_seeds(
        self, mask: Mask, spacing: Spacing = None, others: Mask | None = None
    ) -> Labels:
        """Where a mask is certain: 1 in the object, 0 in the background, -1 near its border.

        Spels farther than `inner` and `outer` from the sides of a window have those of the whole.

        Parameters
        ----------
        mask : (rows, cols) array of bool
        spacing : tuple of float, optional
        others : (rows, cols) array of bool, optional
            Other objects, which are background.
        """
        outer = _is_deeper(~mask, self.outer, spacing)
        if others is not None and others.any():
            outer |= _is_deeper(others, self.inner, spacing)
        inner = _is_deeper(mask, self.inner, spacing, "constant")
        return np.where(inner, 1, np.where(outer, 0, -1)).astype(np.int32)

    def _flood(self, values: npt.NDArray[np.float32], seeds: Labels) -> Labels:
        """The regions that grow from seeds by the method; -1 is no seed."""
        if self.method == "trees":
            return dynamic_trees(values, seeds)
        grow = watershed if self.method == "watershed" else growcut
        return grow(self.terrain(values), seeds)

    def terrain(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What paths go over: the gradient for "watershed", the values themselves for others."""
        if self.method != "watershed":
            return values
        return gradient_magnitude(values, Adjacency.box(3, ndim=values.ndim - 1))

    def _checked(self, image: npt.ArrayLike, size: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """The image, its channels made comparable."""
        values = as_numbers(image, "Delineation").astype(np.float32, copy=False)
        if values.shape[:-1] != size:
            raise ShapeError(
                f"Delineation: image of shape {values.shape} for a mask of {size}; expected "
                "the same spels and a channel axis"
            )
        return self.scaled(values)

    def scaled(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The values with their channels made comparable."""
        if len(self.scale) not in (0, values.shape[-1]):
            raise ShapeError(
                f"Delineation: {len(self.scale)} scales for {values.shape[-1]} channels; expected "
                "one for each channel, or none"
            )
        return values * np.asarray(self.scale or 1.0, dtype=np.float32)

    def _windows(self, labels: Labels, spacing: Spacing) -> Iterator[tuple[int, tuple[slice, ...]]]:
        """Each label above 0, with the part of the image that its delineation looks at."""
        objects, margin = regions(labels), self.margin(labels.ndim, spacing)
        for row, number in enumerate(objects.labels):
            start = np.maximum(objects.low[row] - margin, 0)
            stop = np.minimum(objects.high[row] + margin, labels.shape)
            yield int(number), tuple(slice(a, b) for a, b in zip(start, stop))

    def margin(self, ndim: int, spacing: Spacing = None) -> npt.NDArray[np.int64]:
        """How far beyond an object its delineation looks, in spels along each axis."""
        steps = np.ones(ndim) if spacing is None else np.asarray(spacing)
        return np.ceil(self.outer / steps).astype(np.int64) + 3

    def _refine_object(
        self,
        values: npt.NDArray[np.float32],
        mask: Mask,
        spacing: Spacing,
        others: Mask | None = None,
    ) -> Mask:
        """The object of a mask; other objects are seeds of the background."""
        seeds = self.object_seeds(mask, spacing, others)
        if not (seeds == 1).any() or not (seeds == 0).any():
            return mask
        labels = self._flood(values, seeds)
        refined = _convex_hull(labels == 1) if self.convex else fill_holes(labels == 1)
        return _average(refined, mask) if self.average else refined

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, ready for JSON."""
        values = {**asdict(self), "scale": list(self.scale)}
        return {k: v for k, v in values.items() if k != "average" or v}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Delineation:
        """The delineation that `to_dict` wrote.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        check_table(cls, values)
        with stored_value(cls):
            return cls(**values)


def _is_deeper(
    mask: Mask, depth: float, spacing: Spacing, beyond: Literal["edge", "constant"] | None = None
) -> Mask:
    """Where the way out of a mask is longer; beyond the image its edges go on, or nothing does."""
    from scipy.ndimage import distance_transform_edt

    padded = mask if beyond is None else np.pad(mask, 1, mode=beyond)
    if padded.all():
        return mask
    deeper: Mask = distance_transform_edt(padded, spacing) > depth
    return deeper if beyond is None else deeper[(slice(1, -1),) * mask.ndim]


def _average(refined: Mask, rough: Mask) -> Mask:
    """Where the mean of the signed distances to both borders, one grown by a spel, is positive."""
    grown = max_pool(rough, Adjacency.cross(1, ndim=rough.ndim)) > 0
    mean: Mask = _signed_distance(refined) + _signed_distance(grown) > 0
    return mean if mean.any() else refined


def _signed_distance(mask: Mask) -> npt.NDArray[np.float64]:
    """Distance to the other side: positive inside, negative outside; the image goes on beyond."""
    from scipy.ndimage import distance_transform_edt

    if not mask.any() or mask.all():
        return np.where(mask, float(max(mask.shape)), -float(max(mask.shape)))
    inside, outside = (np.asarray(distance_transform_edt(side)) for side in (mask, ~mask))
    return np.asarray(inside - outside, dtype=np.float64)


def _convex_hull(mask: Mask) -> Mask:
    """Convex hull of a mask after an opening, which removes thin parts."""
    from scipy.spatial import ConvexHull, QhullError

    opened = opening(mask, 5)
    core = opened if opened.any() else mask
    edge = core & ~(min_pool(core, Adjacency.cross(1, ndim=mask.ndim)) > 0)
    # The corners of the spels, not their centres: the hull of one row of spels is then not flat.
    points = np.argwhere(edge if edge.any() else core)
    corners = np.concatenate([points + np.array(c) for c in np.ndindex(*(2,) * mask.ndim)]) - 0.5
    try:
        sides = ConvexHull(corners).equations
    except QhullError:
        return mask
    every = np.stack(np.meshgrid(*[np.arange(n) for n in mask.shape], indexing="ij"), -1)
    distance = every.reshape(-1, mask.ndim) @ sides[:, :-1].T + sides[:, -1]
    inside: Mask = (distance <= 1e-9).all(axis=1).reshape(mask.shape)
    return inside


def opening(mask: Mask, size: int) -> Mask:
    """Morphological opening: the union of all boxes of `size` spels that fit into the mask."""
    box = Adjacency.box(size, ndim=mask.ndim)
    # Spels outside the image count as object here, so that an object cut by it keeps its corners.
    opened: Mask = max_pool(min_pool(mask, box), box.reflected()) > 0
    return opened


def channel_scales(values: Sequence[npt.NDArray[np.float32]]) -> tuple[float, ...]:
    """One over the standard deviation of each channel: factors that make channels comparable."""
    deviation = np.concatenate(values).astype(np.float64).std(axis=0)
    return tuple((1 / np.where(deviation > 0, deviation, 1.0)).tolist())
