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
Paths = npt.NDArray[np.void]

PATH = np.dtype(
    [
        ("cost", np.float64),
        ("before", np.float64),
        ("root", np.int64),
        ("label", np.int32),
        ("steps", np.int32),
        ("steps_before", np.int32),
    ],
    align=True,
)
"""The best path to a spel: its cost and the one before it last grew, the place of its seed in
raster order, its label, counted from 1 and 0 where no path arrives, and the steps at each cost."""


def watershed(
    image: npt.ArrayLike, seeds: npt.ArrayLike, adjacency: Adjacency | None = None
) -> Labels:
    """Every spel takes the label of the seed that reaches it over the lowest barrier.

    The cost of a path is the largest value on it, without its seed. Of equal costs the path wins
    that has gone fewer steps at this cost, then the one that was better before its cost grew, then
    the one whose seed comes first in raster order. On a gradient, borders follow its ridges.

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
    values = planar.array[0]
    spels = (1, 2, 3)
    reach = growcut_reach(values.min(axis=spels, initial=0), values.max(axis=spels, initial=0))
    return _flooded(planar, markers, neighbours, "growcut", reach, -strength)


def growcut_reach(low: npt.ArrayLike, high: npt.ArrayLike) -> float:
    """The largest distance between two colours in the range of an image's channels, 0 included."""
    spans = np.maximum(high, 0).astype(np.float64) - np.minimum(low, 0).astype(np.float64)
    return float(np.sqrt((spans**2).sum())) or 1.0


def lead_on(
    paths: Paths,
    image: npt.ArrayLike,
    rule: Literal["watershed", "growcut"],
    adjacency: Adjacency,
    reach: float = 1.0,
) -> None:
    """Lead the paths that arrive at some spels on to all others, where these are reached better.

    So a window of an image gets the paths of the whole from those that arrive at its border.

    Parameters
    ----------
    paths : (rows, cols) array of `PATH`, with planes before them for voxels
        Written.
    image : (rows, cols, C) array
    rule : {"watershed", "growcut"}
    adjacency : Adjacency
        Steps of a path.
    reach : float
        What `growcut_reach` gives for the whole image.

    Examples
    --------
    >>> paths = np.zeros((1, 4), PATH)
    >>> paths[0, :1] = seeds_at(np.array([0]), np.array([0]))
    >>> paths[0, 3] = (2.0, 1.0, 9, 2, 4, 0)  # it has come from elsewhere
    >>> lead_on(paths, np.float32([[0, 5, 1, 2]])[..., None], "watershed", Adjacency.cross(1))
    >>> paths["label"].tolist(), paths["cost"].tolist()
    ([[1, 1, 2, 2]], [[0.0, 5.0, 2.0, 2.0]])
    """
    planar = as_planar(rule, image, paths.ndim)
    around = adjacency.without_centre() if len(adjacency) > 1 else adjacency
    kernels.flood(
        planar.array[0],
        around.displacements_3d,
        rule=rule,
        reach=reach,
        paths=paths.reshape(planar.array.shape[2:]),
    )


def seeds_at(
    labels: npt.NDArray[np.integer], roots: npt.NDArray[np.integer], cost: npt.ArrayLike = 0.0
) -> Paths:
    """The paths at seeds, where they begin.

    Parameters
    ----------
    labels : array of int
        From 0; -1 where there is no seed.
    roots : array of int
        The places of the spels in raster order.
    cost : array of float
        Of the seeds.
    """
    paths = np.zeros(labels.shape, PATH)
    own = labels >= 0
    paths["cost"][own] = np.broadcast_to(cost, labels.shape)[own]
    paths["before"][own], paths["root"][own], paths["label"][own] = (
        -np.inf,
        roots[own],
        labels[own] + 1,
    )
    return paths


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
    cost: npt.ArrayLike = 0.0,
) -> Labels:
    paths = seeds_at(markers, np.arange(markers.size).reshape(markers.shape), cost)
    around = neighbours.without_centre() if len(neighbours) > 1 else neighbours
    steps, places = around.displacements_3d, paths.reshape(planar.array.shape[2:])
    kernels.flood(planar.array[0], steps, rule=rule, reach=reach, paths=places)
    return paths["label"] - 1
