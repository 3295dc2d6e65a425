"""Encoders learned from patches without labels: contrast normalization, whitening, k-means.

The result is an ordinary network of two convolutions. The kernels of the first one are principal
components of mean-free patches (an orthonormal basis, so that the norm over its channels is the
norm of the patch), plus one constant channel. Division by the norm over all channels normalizes the
contrast of every patch; the constant keeps flat patches small. The kernels of the second
convolution are 1 x 1: the whitened centres of clusters, in coordinates of the basis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ParameterError, ShapeError
from spel.nn import Activation, Convolution, DivisiveNormalize, Network, chain
from spel.ops import patches as patches_of

Real = npt.NDArray[np.float32]


def draw_patches(
    images: Sequence[npt.ArrayLike], adjacency: Adjacency, count: int, *, seed: int
) -> Real:
    """`count` patches at random pixels of random images, inside the image if they fit.

    Parameters
    ----------
    images : sequence of n (rows, cols, C) arrays of one shape
        Each is accessed once at most, in order, so that a sequence may read files on access.
    adjacency : Adjacency
    count, seed : int
        Number of patches, and seed of the random choice.

    Returns
    -------
    (count, A * C) array, for A adjacents and C channels
        Displacement-major.
    """
    shape = (len(images), *np.shape(images[0])) if len(images) else (0,)
    if len(shape) != 4 or not all(shape):
        raise ShapeError(
            f"draw_patches: images of shape {shape}; expected (n, rows, cols, channels)"
        )
    random = np.random.default_rng(seed)
    which = np.sort(random.integers(len(images), size=count))
    places = []
    for size, (low, high) in zip(shape[1:3], adjacency.reach):
        first, last = max(0, -low), size - max(0, high)
        first, last = (first, last) if last > first else (0, size)
        places.append(random.integers(first, last, size=count))
    at = np.stack(places, axis=1)
    drawn = np.empty((count, len(adjacency) * shape[-1]), np.float32)
    for index in np.unique(which).tolist():
        here = slice(*np.searchsorted(which, [index, index + 1]).tolist())
        drawn[here] = _patches_at(np.asarray(images[index], np.float32), adjacency, at[here])
    return drawn


def _patches_at(image: Real, adjacency: Adjacency, at: npt.NDArray[np.int64]) -> Real:
    spels = at[:, None] + adjacency.displacements
    if (spels >= 0).all() and (spels < image.shape[:2]).all():
        return np.asarray(image[spels[..., 0], spels[..., 1]].reshape(len(at), -1))
    return np.asarray(patches_of(image, adjacency, at=at), dtype=np.float32)


def basis(patches: Real, components: int) -> Real:
    """Principal components (r, length) of mean-free patches: an orthonormal basis.

    Examples
    --------
    >>> basis(np.float32([[1, -1, 0], [2, -2, 0], [0, 0, 0]]), 1).round(3).tolist()
    [[0.7070000171661377, -0.7070000171661377, -0.0]]
    """
    free = patches - patches.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh((free.T @ free).astype(np.float64))
    rows = vectors[:, ::-1][:, :components].T
    largest = rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)]
    rows = rows * np.where(largest < 0, -1, 1)[:, None]
    # Mean-free patches have no component along the mean, except for rounding errors.
    return np.asarray(rows - rows.mean(axis=1, keepdims=True), dtype=np.float32)


def contrast_normalize(values: Real, constant: float) -> Real:
    """``x / sqrt(|x|^2 + c^2)``, row by row."""
    norm = np.sqrt((values**2).sum(axis=1, keepdims=True) + np.float32(constant) ** 2)
    return np.asarray(values / norm, dtype=np.float32)


def whitening(values: Real, epsilon: float) -> tuple[Real, Real]:
    """Mean and symmetric matrix Z: ``(x - mean) Z`` has a covariance near the identity.

    `epsilon` times the mean variance is added to every variance, so that noise is not amplified.
    """
    mean = values.mean(axis=0)
    variance, vectors = np.linalg.eigh(np.atleast_2d(np.cov(values.T.astype(np.float64))))
    added = epsilon * max(float(variance.mean()), 1e-12)
    matrix = (vectors / np.sqrt(np.maximum(variance, 0) + added)) @ vectors.T
    return mean.astype(np.float32), matrix.astype(np.float32)


def cluster_centres(values: Real, count: int, *, seed: int, iterations: int = 12) -> Real:
    """Centres of `count` clusters by Lloyd's algorithm; an empty cluster moves to a random row."""
    random = np.random.default_rng(seed)
    centres = values[random.choice(len(values), count, replace=len(values) < count)].copy()
    for _ in range(iterations):
        owner = (values @ (2 * centres.T) - (centres**2).sum(axis=1)).argmax(axis=1)
        order = np.argsort(owner, kind="stable")
        sizes = np.bincount(owner, minlength=count)
        used = np.flatnonzero(sizes)
        first = np.searchsorted(owner[order], used)
        centres[used] = np.add.reduceat(values[order], first, axis=0) / sizes[used, None]
        empty = np.flatnonzero(sizes == 0)
        centres[empty] = values[random.integers(len(values), size=len(empty))]
    return centres


def patch_network(
    images: Sequence[npt.ArrayLike],
    *,
    size: int = 6,
    kernels: int = 100,
    components: int = 24,
    contrast: float = 0.1,
    whiten: float = 0.1,
    count: int = 60_000,
    mirror: bool = True,
    seed: int = 0,
) -> Network:
    """A network of kernels learned from patches of images, without labels or backpropagation.

    Parameters
    ----------
    images : sequence of n (rows, cols, C) arrays of one shape
        Images as the network will take them, or one array of four axes.
    size : int
        Side of the patches.
    kernels : int
        Number of clusters of patches.
    components : int
        Principal components that describe a patch, at most ``size * size * C - 1``.
    contrast : float
        Constant c of the contrast normalization, in units of the images.
    whiten : float
        Fraction of the mean variance that is added to each variance before whitening.
    count : int
        Number of patches to learn from.
    mirror : bool
        Whether to learn from mirrored patches too.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    Network
        Nodes "basis", "contrast", "kernels" and "positive"; K channels, as large as the image.

    Raises
    ------
    ParameterError
        If a setting is out of range.

    Notes
    -----
    After Coates & Ng (2011): k-means on whitened, contrast-normalized patches.
    """
    if min(size, kernels, components, count) < 1 or not (contrast > 0 and whiten > 0):
        raise ParameterError(
            f"patch_network: size {size}, kernels {kernels}, components {components}, count "
            f"{count}, contrast {contrast}, whiten {whiten}; expected whole numbers from 1 and "
            "numbers above 0"
        )
    area = Adjacency.box(size)
    drawn = draw_patches(images, area, count, seed=seed)
    if mirror:
        mirrored = drawn.reshape(count, size, size, -1)[:, :, ::-1].reshape(count, -1)
        drawn = np.concatenate([drawn, mirrored])
    vectors = basis(drawn, max(1, min(components, drawn.shape[1] - 1)))
    values = contrast_normalize(drawn @ vectors.T, contrast)
    mean, matrix = whitening(values, whiten)
    whitened: Real = np.asarray((values - mean) @ matrix, dtype=np.float32)
    units = cluster_centres(whitened, kernels, seed=seed)
    units /= np.linalg.norm(units, axis=1, keepdims=True) + np.float32(1e-8)
    weights: Real = np.asarray(units @ matrix, dtype=np.float32)
    return chain(
        basis=Convolution(_basis_bank(area, vectors, drawn.shape[1] // len(area), contrast)),
        contrast=DivisiveNormalize(Adjacency.box(1), across_channels=True),
        kernels=Convolution(_over_channels(weights, -(weights @ mean))),
        positive=Activation("relu"),
    )


def _basis_bank(area: Adjacency, vectors: Real, channels: int, constant: float) -> KernelBank:
    """The basis as kernels, and one channel that is the constant everywhere."""
    flat = np.concatenate([vectors, np.zeros((1, vectors.shape[1]))])
    bias: Any = np.zeros(len(flat))
    bias[-1] = constant
    return KernelBank(area, flat.reshape(len(flat), len(area), channels), bias)


def _over_channels(weights: Real, bias: Real) -> KernelBank:
    """1 x 1 kernels over the channels of the basis; the weight of the constant channel is 0."""
    padded = np.concatenate([weights, np.zeros((len(weights), 1))], axis=1)
    return KernelBank(Adjacency.box(1), padded[:, None], bias)
