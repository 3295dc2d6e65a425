"""Detection of rigid objects: look at all sizes of an image, look again at the best places, agree.

1. The first look slides small kernels over the scale space; where they answer, there are places.
2. The second look holds larger kernels to the places, at sizes and places around each; without a
   first look they are slid over the whole scale space themselves.
3. The best places are turned and looked at once more.
4. Of windows that share their place the best one stays, its box the mean of all that agree.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.detections import Detections, Why
from spel.nn import Network
from spel.rigid.nms import agreed, suppress
from spel.rigid.pyramid import Pyramid
from spel.rigid.score import Scanner
from spel.rigid.views import Candidates
from spel.rigid.windows import Windows

MOST_SPELS = 9

FAINT = float(np.log(0.002 / 0.998))
"""Log-odds below which no window is looked at again."""

MOST = 200
"""Windows of a first look, at most, but for those that it is sure of."""

APART = 0.6
"""Places of the second look share no more than this."""

STRETCHES = (-0.3, -0.15, 0.15, 0.3)
"""Octaves by which the best places are looked at larger and smaller."""

BEST = 4
"""One in so many places is looked at in more sizes, and turned: the best, and all sure ones."""

HEARD = 0.5
"""Share of the first look's log-odds in those of the second."""

UPRIGHT = 1.0
"""Log-odds by which a turned window must be better than an upright one: it has more tries."""


def detect_rigid(
    network: Network, image: npt.ArrayLike, windows: Windows, *, why: bool = False
) -> Detections:
    """Detect with a network of wide kernels; see `spel.detect`, which calls this.

    The score of a box is its probability, ``1 / (1 + exp(-o))`` with o the log-odds
    ``<X, W_k> + w_k0``, plus half of those of the first look if there is one.
    """
    array = np.asarray(image)
    size = (int(array.shape[0]), int(array.shape[1]))
    if 0 in size:
        return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0), size)
    scanner = Scanner(network, windows)
    low = np.clip(windows.threshold, 1e-6, 1 - 1e-6)
    odds = float(np.log(low / (1 - low)))
    found = looked(scanner, scanner.pyramid(array))
    kept = suppress(found.boxes, found.odds, overlap=windows.overlap, most=windows.most)
    kept = kept[found.odds[kept] > odds]
    turns = [found.seen[part].degrees for part in found.parts]
    boxes = np.clip(agreed(found.boxes, found.odds, kept, turns), 0, [size[1], size[0]] * 2)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    told = tuple(_why(scanner, found, int(i), odds, size) for i in kept) if why else ()
    return Detections(boxes, 1 / (1 + np.exp(-found.odds[kept])), areas, size, why=told)


def looked(scanner: Scanner, pyramid: Pyramid) -> Candidates:
    """All windows that were looked at, refined; those of one place are not yet one."""
    if scanner.first is None:
        found = scanner.refined(_over_all(scanner, pyramid))
    else:
        first = _over_all(scanner.first, pyramid)
        first = first[(np.arange(len(first)) < MOST) | (first.odds > 0)]
        found = _again(scanner, pyramid, scanner.first.refined(first))
    if not scanner.windows.turns:
        return found
    return Candidates.together([found, _less(_varied(scanner, pyramid, found, "degrees"))])


def _over_all(scanner: Scanner, pyramid: Pyramid) -> Candidates:
    """The kernels slid over all sizes of the image: their best windows, not yet refined."""
    low = min(FAINT, float(np.log(max(scanner.windows.threshold, 1e-6))))
    most = 10 * scanner.windows.most
    return scanner.candidates(scanner.look(pyramid), odds=low, most=most)


def _again(scanner: Scanner, pyramid: Pyramid, first: Candidates) -> Candidates:
    """The places of a first look, held to the larger kernels, the best of them in more sizes."""
    near = leading(first, scanner.windows.places)
    found = scanner.refined(scanner.held(pyramid, near.boxes, before=HEARD * near.odds))
    return Candidates.together([found, _varied(scanner, pyramid, found, "stretch")])


def _varied(
    scanner: Scanner, pyramid: Pyramid, found: Candidates, how: Literal["stretch", "degrees"]
) -> Candidates:
    """The best places once more, stretched or turned by each of several values."""
    values = STRETCHES if how == "stretch" else scanner.windows.turns
    best = leading(found, max(1, scanner.windows.places // BEST))
    every = {how: np.repeat(values, len(best))}
    boxes, before = np.tile(best.boxes, (len(values), 1)), np.tile(best.before, len(values))
    return scanner.refined(scanner.held(pyramid, boxes, before=before, **every))


def leading(found: Candidates, count: int) -> Candidates:
    """The best so many places, and all others that are likelier an object than not."""
    most = max(count, int((found.odds > 0).sum()))
    kept = suppress(found.boxes, found.odds, overlap=APART, most=most)
    return found[kept[(np.arange(len(kept)) < count) | (found.odds[kept] > 0)]]


def _less(turned: Candidates) -> Candidates:
    return replace(turned, odds=turned.odds - UPRIGHT, before=turned.before - UPRIGHT)


def _why(scanner: Scanner, found: Candidates, i: int, odds: float, size: tuple[int, int]) -> Why:
    """The window's kernel, how far it is from the threshold, and the cells that speak loudest."""
    kernel, at = int(found.kernels[i]), tuple(int(c) for c in found.places[i])
    seen = found.seen[int(found.parts[i])]
    bank = scanner.score.bank
    patch = ops.patches(seen.cells, bank.adjacency, at=[at]).reshape(bank.weights.shape[1:])
    shares = (patch * bank.weights[kernel]).sum(axis=1)
    loudest = np.argsort(-shares, kind="stable")[:MOST_SPELS]
    rows, cols = (bank.adjacency.displacements[loudest] + at).T + 0.5
    middle = scanner.cell.boxes(np.stack([cols, rows] * 2, axis=1))[:, :2]
    spels = np.floor(seen.points(middle)[:, ::-1]).astype(int)
    inside = ((spels >= 0) & (spels < size)).all(axis=1)
    value = float(found.odds[i])
    return Why(
        at=at,
        saliency=value,
        threshold=odds,
        margin=value - odds,
        kernels=((scanner.name, kernel, value - float(found.before[i])),),
        spels=tuple((int(r), int(c)) for r, c in spels[inside]),
    )
