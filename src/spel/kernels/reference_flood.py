"""What flooding means: spels conquered from seeds, one by one, in plain NumPy."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def flood(
    image: Array, displacements: Array, *, rule: str, reach: float, labels: Array, costs: Array
) -> None:
    """Conquer the spels of a (C, D, H, W) image from seeds, along paths of least cost.

    `labels` (-1 where no seed is) and `costs` (of the seeds; infinite elsewhere) are (D, H, W) and
    written. A step from p to q makes the cost ``max(cost(p), w)``, where w is the value of q
    ("watershed") or its squared distance to the mean of the tree of p, which grows with every
    spel that is done ("trees_of_labels": a tree per label, "trees_of_roots": per seed). For
    "growcut" costs are negated strengths: ``cost(p) (1 - |I(p) - I(q)| / reach)``.
    """
    size = labels.shape
    values = np.moveaxis(image, 0, -1).astype(np.float64)
    offers = [(costs[p], order, p) for order, p in enumerate(map(tuple, np.argwhere(labels >= 0)))]
    order = len(offers)
    by_root = rule == "trees_of_roots"
    tree = {p: n if by_root else int(labels[p]) for _, n, p in offers}
    sums = dict.fromkeys(tree.values(), np.zeros(len(image)))
    counts = dict.fromkeys(tree.values(), 0)
    heapq.heapify(offers)
    done = np.zeros(size, dtype=bool)
    while offers:
        cost, _, p = heapq.heappop(offers)
        if done[p] or cost != costs[p]:
            continue
        done[p] = True
        sums[tree[p]] = sums[tree[p]] + values[p]
        counts[tree[p]] += 1
        for step in displacements.tolist():
            q = tuple(int(a + b) for a, b in zip(p, step))
            if not all(0 <= c < n for c, n in zip(q, size)) or done[q]:
                continue
            if rule == "growcut":
                away = _squares(values[p], values[q])
                offered = costs[p] * (1.0 - np.sqrt(away) / reach)
            else:
                mean = sums[tree[p]] / counts[tree[p]]
                weight = values[q][0] if rule == "watershed" else _squares(mean, values[q])
                offered = np.nan if np.isnan(weight) else max(costs[p], weight)
            if offered < costs[q]:
                costs[q], labels[q], tree[q] = offered, labels[p], tree[p]
                heapq.heappush(offers, (offered, order, q))
                order += 1


def _squares(a: Array, b: Array) -> float:
    # A product and not a power: pow may differ from it in the last bit.
    total = 0.0
    for x, y in zip(a.tolist(), b.tolist()):
        total += (x - y) * (x - y)  # in order; from Python 3.12 on, `sum` would compensate
    return total
