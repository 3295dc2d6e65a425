"""The statistics of a bank's activations by which two pictures are the same texture.

"histograms" are those of Heeger and Bergen: the values of smoothed planes and of activations.
"joint" are those of Portilla and Simoncelli: the values of smoothed planes, and means of products:
of planes and of energies with their neighbours, of energies of different orientations, channels and
levels, and of activations with those of the next level, their phase doubled.
All are in units of the deviations in the sample, and each knows how to pull a picture to a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.ops.convolve import convolve
from spel.synthesis.texture_bank import Level, Planes

Method = Literal["joint", "histograms"]
REACH = 3
"""Of the adjacency of planes and energies, in spels of a level."""
HALF = np.array(list(np.ndindex(2 * REACH + 1, 2 * REACH + 1))) - REACH
HALF = HALF[len(HALF) // 2 :]
"""One of each two opposite displacements of that box; the centre first."""
VALUES = 3.0
"""Weight of the values, which are last to come near; of products, the number of their planes."""
FLOOR = 1e-3
"""The least deviation, where planes have one of 1."""


@dataclass(frozen=True)
class Units:
    """Means and deviations of a level of the sample, and its values in order."""

    planes: Planes
    values: Planes
    ordered_pairs: Planes
    mean_energy: Planes
    energies: Planes
    pairs: Planes

    @classmethod
    def of(cls, level: Level) -> Units:
        pairs, own = _flat(level.pairs), _energies(level)
        power = np.sqrt(np.square(pairs).mean(axis=(1, 2)))
        return cls(
            planes=np.maximum(level.low.std(axis=(1, 2)), FLOOR),
            values=np.sort(level.low.reshape(len(level.low), -1), axis=1),
            ordered_pairs=np.sort(pairs.reshape(len(pairs), -1), axis=1),
            mean_energy=own.mean(axis=(1, 2), keepdims=True),
            energies=np.maximum(own.std(axis=(1, 2)), FLOOR),
            pairs=np.maximum(power, FLOOR),
        )


class View:
    """Levels with their energies, and what pulls at each of them."""

    def __init__(self, levels: Sequence[Level], units: Sequence[Units]) -> None:
        self.levels = levels
        self.energies = [_energies(one) - u.mean_energy for one, u in zip(levels, units)]
        self.at_low = [np.zeros_like(one.low) for one in levels]
        self.at_pairs = [np.zeros_like(one.pairs) for one in levels]
        self.at_energies = [np.zeros_like(one) for one in self.energies]

    def pulls(self, units: Sequence[Units]) -> list[Level]:
        """What pulls at planes and activations; what pulls at energies is shared out."""
        for level, own, unit, pull, at in zip(
            self.levels, self.energies, units, self.at_pairs, self.at_energies
        ):
            share = (at / (own + unit.mean_energy)).reshape(level.pairs[:, 0].shape)
            pull += level.pairs * share[:, None]
        return [Level(a, b, 1) for a, b in zip(self.at_low, self.at_pairs)]


@dataclass(frozen=True)
class Term:
    """One statistic of a picture.

    Attributes
    ----------
    name : str
    value : array
    weight : float
        Of the mean of its squared differences.
    pull : function
        Adds the gradient of the picture's activations, given that of `value`.
    """

    name: str
    value: Planes
    weight: float
    pull: Callable[[Planes], None]


def terms(view: View, units: Sequence[Units], method: Method) -> Iterator[Term]:
    """The statistics of a method, level by level from the finest."""
    for n, (level, unit) in enumerate(zip(view.levels, units)):
        yield _ordered(f"values {n}", level.low, unit.values, unit.planes, view.at_low[n])
        if method == "histograms":
            at = _flat(view.at_pairs[n])
            pairs = _flat(level.pairs)
            yield _ordered(f"activations {n}", pairs, unit.ordered_pairs, unit.pairs, at)
            continue
        own, at_own = view.energies[n], view.at_energies[n]
        yield _neighbours(f"planes {n}", level.low, level.step, unit.planes, view.at_low[n])
        yield _product(f"energies {n}", (own, own), (unit.energies,) * 2, (at_own, at_own))
        yield _own_neighbours(f"nearby energies {n}", own, level.step, unit.energies, at_own)
        if n:
            yield from _across(view, units, n)


def _across(view: View, units: Sequence[Units], n: int) -> Iterator[Term]:
    """Products of a level and the finer one before it."""
    level, own, at_own = view.levels[n], view.energies[n], view.at_energies[n]
    deviations = units[n - 1].energies, units[n].energies
    fine, at_fine = (_thinned(a[n - 1], own, level) for a in (view.energies, view.at_energies))
    yield _product(f"energies across levels {n}", (fine, own), deviations, (at_fine, at_own))
    doubled, at_doubled = _doubled(level.pairs), np.zeros_like(_flat(level.pairs))
    pairs, at_pairs = (
        _thinned(_flat(a), own, level) for a in (view.levels[n - 1].pairs, view.at_pairs[n - 1])
    )
    powers = units[n - 1].pairs, units[n].pairs
    term = _product(f"phases across levels {n}", (pairs, doubled), powers, (at_pairs, at_doubled))

    def pull(gradient: Planes) -> None:
        term.pull(gradient)
        _pull_doubled(level.pairs, at_doubled.reshape(level.pairs.shape), view.at_pairs[n])

    yield Term(term.name, term.value, term.weight, pull)


def _ordered(name: str, planes: Planes, wanted: Planes, unit: Planes, at: Planes) -> Term:
    """How far each value is from the sample's value of the same rank."""
    flat = planes.reshape(len(planes), -1)
    count, own = flat.shape[1], wanted.shape[1]
    ranks, places = (np.arange(count) + 0.5) / count, (np.arange(own) + 0.5) / own
    away = np.empty_like(flat)
    for values, goal, deviation, out in zip(flat, wanted, unit, away):
        order = np.argsort(values)
        out[order] = (values[order] - np.interp(ranks, places, goal)) / deviation

    def pull(gradient: Planes) -> None:
        at[...] += (gradient / unit[:, None]).reshape(at.shape)

    return Term(name, away, VALUES, pull)


def _product(
    name: str,
    both: tuple[Planes, Planes],
    deviations: tuple[Planes, Planes],
    at: tuple[Planes, Planes],
) -> Term:
    """The mean products of two stacks of planes, each with each."""
    a, b = (planes.reshape(len(planes), -1) for planes in both)
    unit = np.outer(*deviations) * np.float32(a.shape[1])

    def pull(gradient: Planes) -> None:
        scaled = np.asarray(gradient / unit, dtype=np.float32)
        at[0][...] += (scaled @ b).reshape(both[0].shape)
        at[1][...] += (scaled.T @ a).reshape(both[1].shape)

    value = np.asarray(a @ b.T / unit, dtype=np.float32)
    return Term(name, value, float(len(b)), pull)


def _neighbours(name: str, planes: Planes, step: int, deviations: Planes, at: Planes) -> Term:
    """The mean products of planes with each other's neighbours."""
    around = _around(planes, step)
    inner = next(around).reshape(len(planes), -1)
    unit = np.outer(deviations, deviations) * np.float32(inner.shape[1])
    products = np.stack([inner @ moved.reshape(len(planes), -1).T for moved in around])

    def pull(gradient: Planes) -> None:
        scaled = gradient / unit
        weights = np.concatenate([scaled.transpose(1, 0, 2), scaled.transpose(2, 0, 1)], axis=1)
        at[...] += _spread(planes, weights, 1)

    value = np.asarray(products / unit, dtype=np.float32)
    return Term(name, value, float(len(planes)), pull)


def _own_neighbours(name: str, planes: Planes, step: int, deviations: Planes, at: Planes) -> Term:
    """The mean products of planes with their own neighbours."""
    around = _around(planes, step)
    inner = next(around)
    unit = np.square(deviations) * np.float32(inner[0].size)
    products = np.stack([np.einsum("pij,pij->p", inner, moved) for moved in around])

    def pull(gradient: Planes) -> None:
        scaled = (gradient / unit).T[..., None]
        at[...] += _spread(planes, np.concatenate([scaled, scaled], axis=1), len(planes))

    value = np.asarray(products / unit, dtype=np.float32)
    return Term(name, value, float(len(planes)), pull)


def _around(planes: Planes, step: int) -> Iterator[Planes]:
    """The planes, and moved by each displacement of `HALF`; they go on at the other side."""
    rows, cols = planes.shape[1:]
    margin = REACH * step
    planes = np.pad(planes, ((0, 0), (margin, margin), (margin, margin)), mode="wrap")
    for row, col in [(0, 0), *(HALF * step)]:
        yield planes[:, margin + row :, margin + col :][:, :rows, :cols]


def _spread(planes: Planes, weights: Planes, groups: int) -> Planes:
    """Planes convolved with weights over `HALF` and its opposite, which share the centre."""
    joined = np.concatenate(
        [
            weights[:, :1] + weights[:, len(HALF) : len(HALF) + 1],
            weights[:, 1 : len(HALF)],
            weights[:, len(HALF) + 1 :],
        ],
        axis=1,
    )
    bank = KernelBank(Adjacency(np.concatenate([HALF, -HALF[1:]])), joined)
    image = np.moveaxis(planes, 0, -1)
    return np.moveaxis(convolve(image, bank, border="wrap", groups=groups), -1, 0)


def _thinned(fine: Planes, like: Planes, level: Level) -> Planes:
    """The spels of the finer level at those of the next one."""
    rows, cols = like.shape[-2:]
    apart = 2 if level.step == 1 else 1
    return fine[..., ::apart, ::apart][..., :rows, :cols]


def _energies(level: Level) -> Planes:
    power = np.square(level.pairs).sum(axis=1) + np.float32(FLOOR**2)
    return _flat(np.sqrt(power))


def _doubled(pairs: Planes) -> Planes:
    """Activations of the same energy with twice the phase."""
    even, odd = pairs[:, 0], pairs[:, 1]
    energy = np.sqrt(even**2 + odd**2 + np.float32(FLOOR**2))
    return _flat(np.stack([(even**2 - odd**2) / energy, 2 * even * odd / energy], axis=1))


def _pull_doubled(pairs: Planes, gradient: Planes, at: Planes) -> None:
    energy = np.sqrt(np.square(pairs).sum(axis=1) + np.float32(FLOOR**2))
    even, odd = pairs[:, 0] / energy, pairs[:, 1] / energy
    real, other = gradient[:, 0], gradient[:, 1]
    along = real * (even**2 - odd**2) + other * 2 * even * odd
    at[:, 0] += 2 * (real * even + other * odd) - along * even
    at[:, 1] += 2 * (other * even - real * odd) - along * odd


def _flat(pairs: Any) -> Planes:
    """(C, 2, ORIENTATIONS, rows, cols) as a stack of planes; a view."""
    stack: Planes = pairs.reshape(-1, *pairs.shape[-2:])
    return stack
