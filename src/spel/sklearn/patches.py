"""Encoders learned from patches without labels: contrast, whitening, k-means. Pure functions.

The result is an ordinary network of two convolutions. The first has the principal components of
mean-free patches as kernels (an orthonormal basis, so that the norm over its channels is the norm
of the patch) and one constant channel; dividing by the norm over all of them normalizes the
contrast of every patch, the constant keeping flat ones small. The second holds the whitened
centres of clusters; being 1 x 1, it completes kernels of the first one's size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ParameterError, ShapeError
from spel.nn import Activation, Convolution, DivisiveNormalize, Network, chain
from spel.ops import patches as patches_of

Real = npt.NDArray[np.float32]


def draw_patches(images: npt.ArrayLike, adjacency: Adjacency, count: int, *, seed: int) -> Real:
    """`count` patches at random spels of random images, wholly inside where the image is larger.

    Parameters
    ----------
    images : (n, rows, cols, C) array
    adjacency : Adjacency

    Returns
    -------
    (count, |A| * C) array
        Displacement-major.
    """
    batch = np.asarray(images)
    if batch.ndim != 4 or not batch.size:
        raise ShapeError(
            f"draw_patches: images of shape {batch.shape}; expected (n, rows, cols, channels)"
        )
    draw = np.random.default_rng(seed)
    which = np.sort(draw.integers(len(batch), size=count))
    places = []
    for size, (low, high) in zip(batch.shape[1:3], adjacency.reach):
        first, last = max(0, -low), size - max(0, high)
        first, last = (first, last) if last > first else (0, size)
        places.append(draw.integers(first, last, size=count))
    if all(
        (p + low >= 0).all() and (p + high < n).all()
        for p, n, (low, high) in zip(places, batch.shape[1:3], adjacency.reach)
    ):
        spels = np.stack(places, axis=1)[:, None] + adjacency.displacements
        taken = batch[which[:, None], spels[..., 0], spels[..., 1]]
        return np.ascontiguousarray(taken.reshape(count, -1), dtype=np.float32)
    at = np.stack(places, axis=1)
    rows = [patches_of(batch[i], adjacency, at=p[None])[0] for i, p in zip(which, at)]
    return np.asarray(rows, dtype=np.float32)


def basis(patches: Real, components: int) -> Real:
    """Principal components (r, length) of mean-free patches: an orthonormal basis.

    Examples
    --------
    >>> basis(np.float32([[1, -1, 0], [2, -2, 0], [0, 0, 0]]), 1).round(3).tolist()
    [[0.7070000171661377, -0.7070000171661377, -0.0]]
    """
    free = patches - patches.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh((free.T @ free).astype(np.float64))
    found = vectors[:, ::-1][:, :components].T
    largest = found[np.arange(len(found)), np.abs(found).argmax(axis=1)]
    found = found * np.where(largest < 0, -1, 1)[:, None]
    # The mean is the one direction without any patch; rounding may leave a trace of it.
    return np.asarray(found - found.mean(axis=1, keepdims=True), dtype=np.float32)


def contrast_normalize(values: Real, constant: float) -> Real:
    """``x / sqrt(|x|^2 + c^2)``, row by row."""
    norm = np.sqrt((values**2).sum(axis=1, keepdims=True) + np.float32(constant) ** 2)
    return np.asarray(values / norm, dtype=np.float32)


def whitening(values: Real, epsilon: float) -> tuple[Real, Real]:
    """Mean and symmetric matrix Z: ``(x - mean) Z`` has a covariance near the identity.

    `epsilon` times the mean variance is added to every variance, so that noise is not blown up.
    """
    mean = values.mean(axis=0)
    variance, vectors = np.linalg.eigh(np.atleast_2d(np.cov(values.T.astype(np.float64))))
    added = epsilon * max(float(variance.mean()), 1e-12)
    matrix = (vectors / np.sqrt(np.maximum(variance, 0) + added)) @ vectors.T
    return mean.astype(np.float32), matrix.astype(np.float32)


def centres(values: Real, count: int, *, seed: int, iterations: int = 12) -> Real:
    """Centres of `count` clusters by Lloyd's iterations; an emptied one moves to a random row."""
    draw = np.random.default_rng(seed)
    found = values[draw.choice(len(values), count, replace=len(values) < count)].copy()
    for _ in range(iterations):
        owner = (values @ (2 * found.T) - (found**2).sum(axis=1)).argmax(axis=1)
        order = np.argsort(owner, kind="stable")
        sizes = np.bincount(owner, minlength=count)
        some = np.flatnonzero(sizes)
        first = np.searchsorted(owner[order], some)
        found[some] = np.add.reduceat(values[order], first, axis=0) / sizes[some, None]
        empty = np.flatnonzero(sizes == 0)
        found[empty] = values[draw.integers(len(values), size=len(empty))]
    return found


def patch_network(
    images: npt.ArrayLike,
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
    images : (n, rows, cols, C) array
        As the network will take them.
    size : int
        Side of the patches.
    kernels : int
        Clusters of patches.
    components : int
        Principal components that stand for a patch, at most ``size * size * C - 1``.
    contrast : float
        Constant c of the contrast normalization, in units of the images.
    whiten : float
        Part of the mean variance that is added to each before whitening.
    count : int
        Patches to learn from.
    mirror : bool
        Learn from mirrored patches too.
    seed : int

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
    batch = np.asarray(images, dtype=np.float32)
    if min(size, kernels, components, count) < 1 or not (contrast > 0 and whiten > 0):
        raise ParameterError(
            f"patch_network: size {size}, kernels {kernels}, components {components}, count "
            f"{count}, contrast {contrast}, whiten {whiten}; expected whole numbers from 1 and "
            "numbers above 0"
        )
    area = Adjacency.box(size)
    found = draw_patches(batch, area, count, seed=seed)
    if mirror:
        turned = found.reshape(count, size, size, -1)[:, :, ::-1].reshape(count, -1)
        found = np.concatenate([found, turned])
    length = found.shape[1]
    vectors = basis(found, max(1, min(components, length - 1)))
    values = contrast_normalize(found @ vectors.T, contrast)
    mean, matrix = whitening(values, whiten)
    units = centres((values - mean) @ matrix, kernels, seed=seed)
    units /= np.linalg.norm(units, axis=1, keepdims=True) + np.float32(1e-8)
    weights = units @ matrix
    return chain(
        basis=Convolution(_basis_bank(area, vectors, batch.shape[-1], contrast)),
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
    """1 x 1 kernels that leave the constant channel out."""
    padded = np.concatenate([weights, np.zeros((len(weights), 1))], axis=1)
    return KernelBank(Adjacency.box(1), padded[:, None], bias)
