"""Weights of the filters in the textbooks: derivatives, Gaussians, Laplacians and Gabor waves.

Each function gives an adjacency and the weights over it. `KernelBank` offers them as
constructors, ``KernelBank.sobel("col")`` and so on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.errors import ParameterError

Weights = npt.NDArray[np.float64]


def derivative(name: str, side: tuple[int, int, int], axis: str) -> tuple[Adjacency, Weights]:
    """Difference ``-1 0 1`` along an axis, smoothed by `side` across it: weights (1, 9, 1).

    Examples
    --------
    >>> derivative("sobel", (1, 2, 1), "col")[1].ravel().astype(int).tolist()
    [-1, 0, 1, -2, 0, 2, -1, 0, 1]
    """
    if axis not in ("row", "col"):
        raise ParameterError(f"{name}: axis {axis!r}; expected 'row' or 'col'")
    weights = np.outer(side, (-1.0, 0.0, 1.0))
    return Adjacency.box(3), (weights if axis == "col" else weights.T).reshape(1, 9, 1)


def laplacian(diagonal: bool) -> tuple[Adjacency, Weights]:
    """1 for each of the 4 or 8 neighbours, and minus their number for the centre."""
    adjacency = Adjacency.box(3) if diagonal else Adjacency.cross(1)
    centre = (adjacency.displacements == 0).all(axis=1)
    return adjacency, np.where(centre, 1.0 - len(adjacency), 1.0)[None, :, None]


def gaussian(name: str, sigma: float, radius: int | None) -> tuple[Adjacency, Weights]:
    """``exp(-d^2 / (2 sigma^2))`` over a box, not yet divided by its sum."""
    box = gaussian_box(name, sigma, radius)
    row, col = box.displacements.T.astype(float)
    return box, np.exp(-(row * row + col * col) / (2 * sigma**2))[None, :, None]


def laplacian_of_gaussian(name: str, sigma: float, radius: int | None) -> tuple[Adjacency, Weights]:
    """Second derivative of a Gaussian over a box, shifted to sum to 0."""
    box = gaussian_box(name, sigma, radius)
    row, col = box.displacements.T.astype(float)
    q = (row * row + col * col) / (2 * sigma**2)
    values = (q - 1) * np.exp(-q) / (np.pi * sigma**4)
    return box, (values - values.mean())[None, :, None]


def gabor(
    name: str,
    orientations: int,
    wavelength: float,
    sigma: float,
    gamma: float,
    phase: float,
    radius: int | None,
) -> tuple[Adjacency, Weights]:
    """Cosine waves under a Gaussian envelope at angles from 0 to pi, of mean 0 and norm 1."""
    if orientations < 1 or wavelength <= 0 or gamma <= 0:
        raise ParameterError(
            f"{name}: orientations {orientations}, wavelength {wavelength}, gamma {gamma}; "
            "expected at least 1 orientation, and positive numbers"
        )
    reach = int(np.ceil(3 * sigma)) if radius is None else radius
    box = gaussian_box(name, sigma, reach)
    row, col = box.displacements.T.astype(float)
    kernels = []
    for angle in np.arange(orientations) * np.pi / orientations:
        along = col * np.cos(angle) + row * np.sin(angle)
        across = row * np.cos(angle) - col * np.sin(angle)
        envelope = np.exp(-(along**2 + (gamma * across) ** 2) / (2 * sigma**2))
        wave = envelope * np.cos(2 * np.pi * along / wavelength + phase)
        wave -= envelope * (wave.sum() / envelope.sum())
        kernels.append(wave / np.linalg.norm(wave))
    return box, np.stack(kernels)[..., None]


def gaussian_box(name: str, sigma: float, radius: int | None) -> Adjacency:
    """A square that reaches `radius`, or 4 sigma, to each side."""
    if not (np.isfinite(sigma) and sigma > 0):
        raise ParameterError(f"{name}: sigma {sigma!r}; expected a positive number of pixels")
    reach = int(np.ceil(4 * sigma)) if radius is None else radius
    if reach < 0:
        raise ParameterError(f"{name}: radius {radius!r}; expected an integer of at least 0")
    return Adjacency.box(2 * reach + 1)
