"""Step 5 of learning: unit kernels of standardized space become a bank for raw activations."""

from __future__ import annotations

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ShapeError
from spel.flim.samples import Samples
from spel.flim.statistics import Statistics


def bank(kernels: Samples, adjacency: Adjacency, statistics: Statistics) -> KernelBank:
    """Fold the standardization into weights and biases.

    ``W = u / sigma`` and ``b = -sum mu W``, so that ``<I, W> + b = <(I - mu) / sigma, u>``. This is
    exact at the border too, if mu stands in for spels outside the image (`border_of`).

    Parameters
    ----------
    kernels : Samples
        Unit kernels u (step 4).
    adjacency : Adjacency
    statistics : Statistics
        The mean and deviation that standardized the samples.

    Returns
    -------
    KernelBank
        With the provenance of every kernel.

    Raises
    ------
    ShapeError
        If the kernels do not fit the adjacency.

    Examples
    --------
    >>> u = Samples(np.array([[0.6, 0.8]]), np.ones(1, int), np.ones(1, int), np.zeros(1, int),
    ...             np.array([[4, 5]]), ("a",))
    >>> pair = Adjacency.rectangle(width=2, height=1)
    >>> folded = bank(u, pair, Statistics(np.array([10.0]), np.array([2.0])))
    >>> folded.weights.round(3).ravel().tolist(), folded.bias.tolist()
    ([0.30000001192092896, 0.4000000059604645], [-7.0])
    >>> folded.provenance[0].image, folded.provenance[0].at
    ('a', (4, 5))
    """
    n = len(adjacency)
    if kernels.patches.shape[1] % n or kernels.patches.shape[1] % len(statistics.mean):
        raise ShapeError(
            f"bank: kernels of {kernels.patches.shape[1]} entries, an adjacency of {n} "
            f"displacements, statistics of {len(statistics.mean)} entries; expected the first "
            "number to be a multiple of both others"
        )
    repeats = kernels.patches.shape[1] // len(statistics.mean)
    weights = kernels.patches / np.tile(statistics.deviation, repeats)
    bias = -(weights @ np.tile(statistics.mean, repeats))
    return KernelBank(adjacency, weights.reshape(len(weights), n, -1), bias, kernels.provenance())


def border_of(statistics: Statistics) -> tuple[float, ...]:
    """The value of spels outside the image for which folding is exact: the mean of each channel.

    Parameters
    ----------
    statistics : Statistics

    Returns
    -------
    tuple of float
        For the option `border` of a convolution.

    Examples
    --------
    >>> border_of(Statistics(np.array([10.0, 0.5]), np.array([2.0, 1.0])))
    (10.0, 0.5)
    """
    return tuple(float(np.float32(value)) for value in statistics.mean)
