"""A+, the peer for enlarging, in plain NumPy: R. Timofte and others, ACCV 2014.

The picture is enlarged by bicubic interpolation. Its patches of 3 x 3 small spels are described by
their first and second differences, reduced by principal components; anchors are the atoms of K-SVD
among them; each anchor's ridge over its nearest samples gives the patch of what interpolation
missed. Patches stand one small spel apart and are averaged where they overlap. As published:
1024 anchors, 2048 neighbours, a penalty of .1, 99.9 % of the energy kept; half a million samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.synthesis import Task, resized

Real = npt.NDArray[Any]
PATCH, PENALTY, ENERGY = 3, 0.1, 0.999
"""Side of a patch in small spels, penalty of the ridge, and share of the energy that is kept."""


class AnchoredRegression:
    """A+ learned from clean planes of numbers from 0 to 1."""

    def __init__(
        self,
        clean: Sequence[Real],
        task: Task,
        *,
        anchors: int = 1024,
        neighbours: int = 2048,
        samples: int = 500_000,
    ) -> None:
        self.factor = task.factor
        rng = np.random.default_rng(0)
        features, missed = [], []
        for plane in map(task.whole, clean):
            large = resized(task.spoil(plane), plane.shape)
            rows = self._features(large)
            chosen = rng.permutation(len(rows))[: samples // len(clean)]
            features.append(rows[chosen])
            missed.append(self._patches(plane - large)[chosen])
        self.axes = _axes(np.concatenate([rows[::10] for rows in features]))
        reduced = np.concatenate([rows @ self.axes for rows in features])
        target = np.concatenate(missed)
        size = np.linalg.norm(reduced, axis=1, keepdims=True) + 1e-12
        reduced, target = reduced / size, target / size  # as published: all samples on the sphere
        self.atoms = _atoms(reduced[rng.permutation(len(reduced))[:50_000]], anchors, rng)
        self.maps = np.stack([self._map(atom, reduced, target, neighbours) for atom in self.atoms])

    def __call__(self, small: Real) -> Real:
        shape = tuple(n * self.factor for n in small.shape)
        large = resized(small, shape)
        rows = self._features(large) @ self.axes
        nearest = np.concatenate(
            [np.abs(part @ self.atoms.T).argmax(axis=1) for part in np.array_split(rows, 20)]
        )
        parts = np.empty((len(rows), self.maps.shape[2]), dtype=np.float32)
        for anchor in np.unique(nearest):
            own = nearest == anchor
            parts[own] = rows[own] @ self.maps[anchor]
        return large + self._averaged(parts, shape)

    def _map(self, atom: Real, rows: Real, target: Real, neighbours: int) -> Real:
        """The ridge of the samples that lie nearest to an anchor up to sign."""
        near = np.argpartition(-np.abs(rows @ atom), neighbours)[:neighbours]
        x, y = rows[near], target[near]
        return np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ y).astype(np.float32)

    def _patches(self, plane: Real) -> Real:
        side = PATCH * self.factor
        windows = np.lib.stride_tricks.sliding_window_view(plane, (side, side))
        return windows[:: self.factor, :: self.factor].reshape(-1, side * side)

    def _features(self, large: Real) -> Real:
        """First and second differences between spels that are one small spel apart."""
        f = self.factor
        parts = []
        for axis in (0, 1):
            pad = [(2 * f, 2 * f) if a == axis else (0, 0) for a in (0, 1)]
            wide = np.pad(large, pad, mode="edge")
            at = [np.take(wide, np.arange(large.shape[axis]) + k * f, axis) for k in range(5)]
            parts += [at[3] - at[1], at[2] - (at[0] + at[4]) / 2]
        return np.concatenate([self._patches(p) for p in parts], axis=1).astype(np.float32)

    def _averaged(self, parts: Real, shape: Sequence[int]) -> Real:
        f, side = self.factor, PATCH * self.factor
        rows, cols = ((n - side) // f + 1 for n in shape)
        total, count = np.zeros((2, *shape), dtype=np.float32)
        grid = parts.reshape(rows, cols, side, side)
        for i in range(side):
            for j in range(side):
                place = (slice(i, i + rows * f, f), slice(j, j + cols * f, f))
                total[place] += grid[:, :, i, j]
                count[place] += 1
        return total / np.maximum(count, 1)


def _axes(rows: Real) -> Real:
    """The principal axes that keep most of the energy."""
    energy, axes = np.linalg.eigh(rows.T.astype(np.float64) @ rows)
    kept = np.cumsum(energy[::-1]) < ENERGY * energy.sum()
    return axes[:, ::-1][:, : kept.sum() + 1].astype(np.float32)


def _atoms(rows: Real, count: int, rng: np.random.Generator, rounds: int = 20) -> Real:
    """K-SVD with three atoms per sample: pursuit, then one step of power iteration per atom."""
    atoms = rows[rng.permutation(len(rows))[:count]].copy()
    for _ in range(rounds):
        used, weights = _pursuit(rows, atoms)
        left = rows - np.einsum("nk,nkd->nd", weights, atoms[used])
        for atom in range(count):
            sample, place = np.nonzero(used == atom)
            if not len(sample):
                continue
            own = weights[sample, place]
            error = left[sample] + own[:, None] * atoms[atom]
            new = own @ error
            atoms[atom] = new / (np.linalg.norm(new) + 1e-12)
            weights[sample, place] = error @ atoms[atom]
            left[sample] = error - weights[sample, place][:, None] * atoms[atom]
    return atoms


def _pursuit(rows: Real, atoms: Real, sparse: int = 3) -> tuple[Real, Real]:
    """Orthogonal matching pursuit of all rows at once: the atoms used and their weights."""
    used = np.zeros((len(rows), 0), dtype=np.intp)
    left = rows
    for _ in range(sparse):
        best = np.concatenate(
            [np.abs(part @ atoms.T).argmax(axis=1) for part in np.array_split(left, 20)]
        )
        used = np.concatenate([used, best[:, None]], axis=1)
        own = atoms[used]
        gram = own @ own.swapaxes(1, 2) + 1e-6 * np.eye(used.shape[1], dtype=np.float32)
        weights = np.linalg.solve(gram, (own @ rows[..., None]))[..., 0]
        left = rows - np.einsum("nk,nkd->nd", weights, own)
    return used, weights
