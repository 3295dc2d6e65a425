"""Flooding from seeds: the image foresting transform as watershed, Dynamic Trees and GrowCut."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.adjacency import Adjacency
from spel.core.numbers import as_unmasked
from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import Planar, as_planar, as_real, check_adjacency

Labels = npt.NDArray[np.int32]


def watershed(
    image: npt.ArrayLike, seeds: npt.ArrayLike, adjacency: Adjacency | None = None
) -> Labels:
    """Every spel takes the label of the seed that reaches it over the lowest barrier.

    The cost of a path is the largest value on it, without its seed; of equal costs the first offer
    wins. On the gradient of an image, borders follow its ridges.

    Parameters
    ----------
    image : (rows, cols[, 1]) array, with planes before them for voxels
        Heights, usually a gradient. Spels that are NaN are never conquered.
    seeds : (rows, cols) array of int
        Labels of at least 0; -1 where there is no seed.
    adjacency : Adjacency, optional
        Steps of a path; default: the 4 (6) neighbours.

    Returns
    -------
    (rows, cols) array of int32
        Labels; -1 where no seed arrives.

    Raises
    ------
    ShapeError, ParameterError
        If image, seeds and adjacency do not fit one another.

    Notes
    -----
    Falcao, Stolfi & Lotufo, "The image foresting transform", PAMI 2004. Exact.

    Examples
    --------
    >>> watershed([[0, 1, 5, 1, 0]], [[0, -1, -1, -1, 1]]).tolist()
    [[0, 0, 0, 1, 1]]
    """
    planar, markers, neighbours = _checked("watershed", image, seeds, adjacency)
    if planar.channels != 1:
        raise ShapeError(
            f"watershed: image of {planar.channels} channels; expected one, for example a gradient "
            "(spel.ops.gradient_magnitude)"
        )
    return _flooded(planar, markers, neighbours, "watershed")


def dynamic_trees(
    image: npt.ArrayLike,
    seeds: npt.ArrayLike,
    adjacency: Adjacency | None = None,
    *,
    trees: Literal["labels", "roots"] = "labels",
) -> Labels:
    """Every spel takes the label of the tree that reaches it over the most similar values.

    A step costs the squared distance between the spel and the mean of all spels that the tree has
    conquered so far; the cost of a path is that of its most expensive step.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels
        Colours or features; scale the channels so that their differences can be compared.
    seeds : (rows, cols) array of int
        Labels of at least 0; -1 where there is no seed.
    adjacency : Adjacency, optional
        Default: the 4 (6) neighbours.
    trees : {"labels", "roots"}
        One mean per label, or one per seed.

    Returns
    -------
    (rows, cols) array of int32

    Notes
    -----
    Bragantini, Martins, Castelo-Fernandez & Falcao, "Graph-based image segmentation using
    dynamic trees", CIARP 2018. Exact.

    Examples
    --------
    >>> dynamic_trees([[1, 2, 3, 8, 9]], [[0, -1, -1, -1, 1]]).tolist()
    [[0, 0, 0, 1, 1]]
    """
    if trees not in ("labels", "roots"):
        raise ParameterError(f"dynamic_trees: trees {trees!r}; expected 'labels' or 'roots'")
    planar, markers, neighbours = _checked("dynamic_trees", image, seeds, adjacency)
    return _flooded(planar, markers, neighbours, f"trees_of_{trees}")


def growcut(
    image: npt.ArrayLike,
    seeds: npt.ArrayLike,
    adjacency: Adjacency | None = None,
    *,
    strengths: npt.ArrayLike | None = None,
) -> Labels:
    """Labels of the GrowCut automaton in its final state.

    A spel p attacks its neighbour q with ``theta_p (1 - |I(p) - I(q)| / max |I|)`` and conquers it
    if that exceeds its strength. Strengths only decrease along a path, so the fixed point of the
    automaton is that of best paths: one flooding computes it, without iterations.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels
    seeds : (rows, cols) array of int
        Labels of at least 0; -1 where there is no seed.
    adjacency : Adjacency, optional
        Default: the 8 (26) neighbours.
    strengths : (rows, cols) array of float, optional
        Of the seeds, in 0..1; 1 by default.

    Returns
    -------
    (rows, cols) array of int32

    Notes
    -----
    Vezhnevets & Konouchine, "GrowCut", GraphiCon 2005.

    Examples
    --------
    >>> growcut([[0, 1, 2, 8, 9]], [[0, -1, -1, -1, 1]]).tolist()
    [[0, 0, 0, 1, 1]]
    """
    axes = as_unmasked(seeds, "growcut").ndim
    around = adjacency or (Adjacency.box(3, ndim=axes) if axes in (2, 3) else None)
    planar, markers, neighbours = _checked("growcut", image, seeds, around)
    strength = np.ones(markers.shape) if strengths is None else as_real("growcut", strengths)
    if strength.shape != markers.shape:
        raise ShapeError(f"growcut: strengths of shape {strength.shape}; expected {markers.shape}")
    if not ((strength >= 0) & (strength <= 1)).all():
        raise ParameterError("growcut: a strength lies outside 0..1")
    values = planar.array[0].astype(np.float64)
    # The largest distance between two colours of the image's own range.
    spans = values.max(axis=(1, 2, 3), initial=0) - values.min(axis=(1, 2, 3), initial=0)
    reach = float(np.sqrt((spans**2).sum())) or 1.0
    return _flooded(planar, markers, neighbours, "growcut", reach, -strength)


def _checked(
    operator: str, image: npt.ArrayLike, seeds: npt.ArrayLike, adjacency: Adjacency | None
) -> tuple[Planar, npt.NDArray[np.int64], Adjacency]:
    markers = as_unmasked(seeds, operator)
    if markers.ndim not in (2, 3) or markers.dtype.kind not in "iu":
        raise ParameterError(
            f"{operator}: seeds of shape {markers.shape} and dtype {markers.dtype}; expected "
            "integers (rows, cols), -1 where there is no seed"
        )
    neighbours = Adjacency.cross(1, ndim=markers.ndim) if adjacency is None else adjacency
    neighbours = check_adjacency(operator, neighbours)
    if neighbours.ndim != markers.ndim:
        raise ShapeError(
            f"{operator}: an adjacency of {neighbours.ndim} axes for seeds of {markers.ndim}; "
            "give both the same number"
        )
    planar = as_planar(operator, image, neighbours.ndim)
    if planar.batched or planar.size != markers.shape:
        raise ShapeError(
            f"{operator}: image of shape {np.shape(image)} for seeds of {markers.shape}; expected "
            "one image of the same spels"
        )
    if markers.size and (markers.min() < -1 or markers.max() >= 1 << 20):
        raise ParameterError(
            f"{operator}: seeds from {markers.min()} to {markers.max()}; expected -1, or labels "
            "from 0 below 2**20"
        )
    return planar, markers.astype(np.int64), neighbours


def _flooded(
    planar: Planar,
    markers: npt.NDArray[np.int64],
    neighbours: Adjacency,
    rule: str,
    reach: float = 1.0,
    costs: npt.NDArray[np.float64] | None = None,
) -> Labels:
    size = planar.array.shape[2:]
    labels = np.ascontiguousarray(markers.reshape(size), dtype=np.int32)
    unreached, seed_costs = (0.0, costs) if costs is not None else (np.inf, np.zeros(markers.shape))
    start = np.where(labels >= 0, seed_costs.reshape(size), unreached).astype(np.float64)
    steps = (
        neighbours.without_centre().displacements_3d
        if len(neighbours) > 1
        else neighbours.displacements_3d
    )
    kernels.flood(planar.array[0], steps, rule=rule, reach=reach, labels=labels, costs=start)
    return labels.reshape(markers.shape)
