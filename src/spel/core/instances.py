"""Instances: the objects of one image, spel by spel, with a class and a score each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from spel.core.value import Value, derived_property
from spel.errors import ParameterError, ShapeError

AXES = ("plane", "row", "col")
EDGES = ("z", "y", "x")


class ObjectTable(Protocol):
    """The objects of one image, best first, however their label image is stored."""

    @property
    def size(self) -> tuple[int, ...]:
        """([planes,] rows, cols) of the image."""

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """One in 0..1 for each object."""

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """Label of the class of each object."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name of the class of each object, or empty."""

    @property
    def areas(self) -> npt.NDArray[np.int64]:
        """Spels of each object."""

    @property
    def bounds(self) -> npt.NDArray[np.int64]:
        """First and one past the last index of each object along each axis: (n, 2, ndim)."""

    @property
    def centroids(self) -> npt.NDArray[np.float64]:
        """Mean ``(row, col)`` of the spels of each object."""

    def part(self, number: int) -> npt.NDArray[np.bool_]:
        """The mask of one object, counted from 0, inside its bounds."""


def boxes_of(table: ObjectTable) -> npt.NDArray[np.float64]:
    """``x0 y0 x1 y1`` of each object, half-open; ``x0 y0 z0 x1 y1 z1`` in volumes."""
    flat = table.bounds[:, :, ::-1].reshape(-1, 2 * len(table.size))
    return flat.astype(np.float64)


def rows_of(table: ObjectTable) -> list[dict[str, Any]]:
    """One row per object: number, class, score, area, box and centroid."""
    ndim, boxes = len(table.size), boxes_of(table)
    edges = [f"{axis}{side}" for side in (0, 1) for axis in EDGES[-ndim:][::-1]]
    rows = []
    for number in range(len(table.scores)):
        row: dict[str, Any] = {"object": number + 1, "class": int(table.classes[number])}
        row |= {"name": table.names[number]} if table.names else {}
        row |= {"score": float(table.scores[number]), "area": int(table.areas[number])}
        row |= dict(zip(edges, boxes[number].tolist(), strict=True))
        row |= dict(zip(AXES[-ndim:], table.centroids[number].tolist(), strict=True))
        rows.append(row)
    return rows


@dataclass(frozen=True, eq=False)
class Instances(Value):
    """The objects of one image, best first: object i has the value ``i + 1`` in `labels`.

    Attributes
    ----------
    labels : (rows, cols) array of int32, with planes before them for voxels
        0 where there is no object.
    scores : (n,) array of float64
        In 0..1.
    classes : (n,) array of int64
        Label of the class of each object; by default 1.
    names : tuple of str
        Name of the class of each object, or empty.

    Raises
    ------
    ShapeError, ParameterError
        If the arrays do not fit one another.

    Examples
    --------
    >>> two = Instances([[1, 1, 0, 2], [1, 1, 0, 0]], [0.9, 0.5])
    >>> two.areas.tolist(), two.boxes.tolist()
    ([4, 1], [[0.0, 0.0, 2.0, 2.0], [3.0, 0.0, 4.0, 1.0]])
    >>> two.centroids.tolist()
    [[0.5, 0.5], [0.0, 3.0]]
    """

    labels: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64] = None  # type: ignore[assignment]  # 1 each, see below
    names: tuple[str, ...] = ()

    if TYPE_CHECKING:  # lists are taken; the fields hold arrays

        def __init__(
            self,
            labels: npt.ArrayLike,
            scores: npt.ArrayLike,
            classes: npt.ArrayLike | None = None,
            names: tuple[str, ...] = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        labels, scores = np.asarray(self.labels), np.array(self.scores, dtype=np.float64)
        classes = np.ones(len(scores)) if self.classes is None else np.asarray(self.classes)
        if labels.ndim not in (2, 3) or labels.dtype.kind not in "iu":
            raise ShapeError(
                f"Instances: labels of shape {labels.shape} and dtype {labels.dtype}; expected "
                "integers (rows, cols) or (planes, rows, cols)"
            )
        if scores.ndim != 1 or classes.shape != scores.shape or np.isnan(scores).any():
            raise ShapeError(
                f"Instances: scores of shape {scores.shape}, classes of {classes.shape}; expected "
                "a number and a label per object"
            )
        if self.names and len(self.names) != len(scores):
            raise ShapeError(f"Instances: {len(self.names)} names for {len(scores)} objects")
        if labels.size and not (labels.min() >= 0 and labels.max() <= len(scores)):
            raise ParameterError(
                f"Instances: labels from {labels.min()} to {labels.max()} for {len(scores)} "
                "objects; expected 0 to their number"
            )
        frozen: tuple[npt.NDArray[Any], ...]
        frozen = (labels.astype(np.int32), scores, classes.astype(np.int64))
        for name, array in zip(("labels", "scores", "classes"), frozen, strict=True):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "names", tuple(self.names))

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def ndim(self) -> int:
        """Number of axes of the image: 2 or 3."""
        return self.labels.ndim

    @property
    def size(self) -> tuple[int, ...]:
        """([planes,] rows, cols) of the image."""
        return self.labels.shape

    @derived_property
    def areas(self) -> npt.NDArray[np.int64]:
        """Spels of each object."""
        return np.bincount(self.labels.ravel(), minlength=len(self) + 1)[1:]

    @derived_property
    def bounds(self) -> npt.NDArray[np.int64]:
        """First and one past the last index of each object along each axis: (n, 2, ndim)."""
        from scipy.ndimage import find_objects

        bounds = np.zeros((len(self), 2, self.ndim), dtype=np.int64)
        for number, window in enumerate(find_objects(self.labels, max_label=len(self))):
            if window is not None:
                bounds[number] = [[s.start for s in window], [s.stop for s in window]]
        return bounds

    @property
    def boxes(self) -> npt.NDArray[np.float64]:
        """``x0 y0 x1 y1`` of each object, half-open; ``x0 y0 z0 x1 y1 z1`` in volumes."""
        return boxes_of(self)

    @derived_property
    def centroids(self) -> npt.NDArray[np.float64]:
        """Mean ``(row, col)`` of the spels of each object."""
        inside = np.nonzero(self.labels)
        owner = self.labels[inside]
        sums = [np.bincount(owner, weights=p, minlength=len(self) + 1)[1:] for p in inside]
        return np.stack(sums, axis=1) / np.maximum(self.areas, 1)[:, None]

    def mask(self, number: int) -> npt.NDArray[np.bool_]:
        """The mask of one object, counted from 0."""
        mask: npt.NDArray[np.bool_] = self.labels == number + 1
        return mask

    def part(self, number: int) -> npt.NDArray[np.bool_]:
        """The mask of one object, counted from 0, inside its bounds."""
        window = tuple(slice(a, b) for a, b in self.bounds[number].T.tolist())
        part: npt.NDArray[np.bool_] = self.labels[window] == number + 1
        return part

    def rows(self) -> list[dict[str, Any]]:
        """One row per object: number, class, score, area, box and centroid.

        Examples
        --------
        >>> Instances([[0, 1]], [0.5]).rows()[0]["x0"]
        1.0
        """
        return rows_of(self)
