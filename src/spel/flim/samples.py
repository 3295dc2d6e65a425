"""Step 2 of learning: the patches at marked spels, standardized, and where each came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.core.provenance import Provenance
from spel.flim.statistics import Statistics, check_finite_rows, check_pairs, checked_names
from spel.nn.blocks import ImageLike, patches_at

Real = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Samples:
    """Points of patch space, each with the spel, stroke, label and image that it came from.

    Attributes
    ----------
    patches : (n, A * C) array of float64, for A adjacents and C channels
        Standardized, displacement by displacement.
    labels, strokes, images : (n,) arrays of int
        Label, number of the stroke inside its image (from 1), index of the image.
    points : (n, ndim) array of int
        The marked spels.
    names : tuple of str
        Name of each image.

    Examples
    --------
    >>> pair = Samples(np.array([[0.5], [2.0]]), np.array([1, 0]), np.array([1, 2]),
    ...                np.zeros(2, int), np.array([[4, 5], [7, 8]]), ("egg",))
    >>> pair.only([1]).patches.tolist()
    [[2.0]]
    >>> origin = pair.provenance()[0]
    >>> origin.label, origin.marker, origin.image, origin.at
    (1, 1, 'egg', (4, 5))
    """

    patches: Real
    labels: Ints
    strokes: Ints
    images: Ints
    points: Ints
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.patches)

    def only(self, choice: npt.ArrayLike) -> Samples:
        """Some of the samples, chosen by their indices or by a boolean for each."""
        index = np.asarray(choice)
        return Samples(
            self.patches[index],
            self.labels[index],
            self.strokes[index],
            self.images[index],
            self.points[index],
            self.names,
        )

    def provenance(self) -> tuple[Provenance, ...]:
        """For each row: label, stroke, image and spel."""
        return tuple(
            Provenance(int(label), int(stroke), self.names[image], tuple(point))
            for label, stroke, image, point in zip(
                self.labels, self.strokes, self.images, self.points.tolist()
            )
        )


def samples(
    images: Sequence[ImageLike],
    markers: Sequence[Markers],
    adjacency: Adjacency,
    statistics: Statistics,
    *,
    names: Sequence[str] = (),
    by_label: bool = True,
) -> Samples:
    """The standardized patch of every marked spel, in the order of the markers.

    The mean stands in for spels outside the image, and is 0 after standardization. A kernel with a
    folded bias has the same border (`spel.flim.bank`).

    Parameters
    ----------
    images : sequence of (rows, cols, C) arrays
    markers : sequence of Markers
    adjacency : Adjacency
        The adjacency of the kernels that will be learned.
    statistics : Statistics
        Mean and deviation by which patches are standardized.
    names : sequence of str, optional
        One per image; numbers by default.
    by_label : bool
        Whether touching spels of different labels are different strokes; False as in libift.

    Returns
    -------
    Samples

    Raises
    ------
    ShapeError, ParameterError
        If images, markers and names do not fit one another.

    Examples
    --------
    >>> image = np.array([[[1.0], [3.0], [9.0]]])
    >>> drawn = Markers([(0, 0), (0, 1)], [0, 1], (1, 3))
    >>> wide = Adjacency.rectangle(width=3, height=1)
    >>> rows = samples([image], [drawn], wide, Statistics(np.array([1.0]), np.array([2.0])))
    >>> rows.patches.tolist(), rows.strokes.tolist()
    ([[0.0, 0.0, 1.0], [0.0, 1.0, 4.0]], [1, 2])
    """
    check_pairs("samples", images, markers)
    names = checked_names("samples", names, len(markers))
    return gather_samples(images, markers, adjacency, statistics, names, by_label=by_label)


def gather_samples(
    images: Sequence[ImageLike],
    markers: Sequence[Markers],
    adjacency: Adjacency,
    statistics: Statistics,
    names: tuple[str, ...],
    *,
    by_label: bool = True,
) -> Samples:
    """`samples` without checks of images, markers and names."""
    border = tuple(statistics.mean.tolist())
    rows = [
        statistics.standardize(patches_at(image, adjacency, m.points, border))
        for image, m in zip(images, markers)
    ]
    gathered = np.concatenate(rows)
    check_finite_rows("samples", gathered, markers, names, near=True)
    return Samples(
        gathered,
        np.concatenate([m.labels for m in markers]),
        np.concatenate([m.strokes(by_label=by_label) for m in markers]),
        np.repeat(np.arange(len(markers)), [len(m) for m in markers]),
        np.concatenate([m.points for m in markers]),
        names,
    )
