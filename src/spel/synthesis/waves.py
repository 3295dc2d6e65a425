"""Waves of patches: a patch as a sum of cosines, of which the strong ones may pass."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float32]


@cache
def cosines(side: int) -> Real:
    """The waves of the cosine transform over a square, (side ** 2, side ** 2), of unit norms.

    Examples
    --------
    >>> bool(np.allclose(cosines(3) @ cosines(3).T, np.eye(9), atol=1e-6))
    True
    """
    places = np.arange(side)
    lines = np.cos(np.pi * (places + 0.5) * places[:, None] / side) * np.sqrt(2 / side)
    lines[0] /= np.sqrt(2)
    return np.kron(lines, lines).astype(np.float32)


def shares(guide: Real, gate: float) -> Real:
    """How much of each wave may pass: 1/2 where the guide has it as strong as the gate.

    Examples
    --------
    >>> [round(float(share), 2) for share in shares(np.array([0, 0.5, 1, 3], np.float32), 1.0)]
    [0.0, 0.2, 0.5, 0.9]
    """
    with np.errstate(over="ignore"):
        return np.asarray(1 - np.float32(gate**2) / (np.square(guide) + np.float32(gate**2)))


def gated(patches: Real, side: int, gates: tuple[float, ...]) -> Real:
    """Patches, and for each gate what passes of their waves, joined.

    Parameters
    ----------
    patches : (n, planes * side ** 2) array of float32
        Patches of several planes at the same place; the last one guides the others.
    side : int
    gates : tuple of float

    Returns
    -------
    (n, (1 + gates) * planes * side ** 2) array of float32
    """
    # One product for all planes: NumPy would take those of a stack one by one.
    waves = patches.reshape(-1, side**2) @ cosines(side).T
    waves = waves.reshape(len(patches), -1, side**2)
    passing = [waves * shares(waves[:, -1:], gate) for gate in gates]
    return np.concatenate([patches, *(p.reshape(patches.shape) for p in passing)], axis=1)


def ungated(weights: Real, patches: Real, side: int, gates: tuple[float, ...]) -> Real:
    """The weights over each patch itself that do what weights over `gated` patches do.

    Parameters
    ----------
    weights : (n, (1 + gates) * planes * side ** 2, targets) array of float32
    patches : (n, planes * side ** 2) array of float32
    side : int
    gates : tuple of float

    Returns
    -------
    (n, planes * side ** 2, targets) array of float32
    """
    guide = patches[:, -(side**2) :] @ cosines(side).T
    plain, *others = np.split(weights, 1 + len(gates), axis=1)
    plain = plain.copy()
    for gate, own in zip(gates, others):
        waves = own.reshape(len(own), -1, side**2, own.shape[2])
        waves = waves * shares(guide, gate)[:, None, :, None]
        plain += np.einsum("wp,nkwt->nkpt", cosines(side), waves, optimize=True).reshape(own.shape)
    return plain
