"""What flooding means: spels conquered from seeds, one by one, in plain NumPy."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def flood(image: Array, displacements: Array, *, rule: str, reach: float, paths: Array) -> None:
    """Conquer the spels of a (C, D, H, W) image from seeds, along paths of least cost.

    `paths` are (D, H, W) `spel.ops.flood.PATH`, and written; those of seeds have a label. A step
    from p to q makes the cost ``max(cost(p), w)``, where w is the value of q ("watershed") or its
    squared distance to the mean of the tree of p, which grows with every spel that is done
    ("trees_of_labels": a tree per label, "trees_of_roots": per seed). For "growcut" costs are
    negated strengths: ``cost(p) (1 - |I(p) - I(q)| / reach)``.

    Of equal costs the fewest steps since the cost last grew win, then the least cost before it
    grew, then the fewest steps of that, then the lowest root; for trees, the first offer wins.
    """
    values = np.moveaxis(image, 0, -1).astype(np.float64)
    dynamic = rule.startswith("trees")
    seeds = list(map(tuple, np.argwhere(paths["label"] > 0)))
    paths["cost"][paths["label"] == 0] = 0.0 if rule == "growcut" else np.inf
    paths["steps"][paths["label"] == 0] = -1
    offers = [
        (paths["cost"][p], n if dynamic else paths["steps"][p], p) for n, p in enumerate(seeds)
    ]
    order = len(offers)
    by_root = rule == "trees_of_roots"
    tree = {p: n if by_root else int(paths["label"][p]) for n, p in enumerate(seeds)}
    sums = dict.fromkeys(tree.values(), np.zeros(len(image)))
    counts = dict.fromkeys(tree.values(), 0)
    heapq.heapify(offers)
    done = np.zeros(paths.shape, dtype=bool)
    while offers:
        cost, _, p = heapq.heappop(offers)
        if done[p] or cost != paths["cost"][p]:
            continue
        done[p] = True
        sums[tree[p]] = sums[tree[p]] + values[p]
        counts[tree[p]] += 1
        for step in displacements.tolist():
            q = tuple(int(a + b) for a, b in zip(p, step))
            if not all(0 <= c < n for c, n in zip(q, paths.shape)) or done[q]:
                continue
            if rule == "growcut":
                away = _squares(values[p], values[q])
                offered = cost * (1.0 - np.sqrt(away) / reach)
            else:
                mean = sums[tree[p]] / counts[tree[p]]
                weight = values[q][0] if rule == "watershed" else _squares(mean, values[q])
                offered = np.nan if np.isnan(weight) else max(cost, weight)
            longer = _led_on(paths[p], offered)
            if offered < paths["cost"][q] or (not dynamic and _rank(longer) < _rank(paths[q])):
                paths[q], tree[q] = longer, tree[p]
                rank = order if dynamic else longer["steps"]
                heapq.heappush(offers, (offered, rank, q))
                order += 1
    paths[paths["label"] == 0] = 0


def _led_on(path: Any, cost: float) -> Any:
    """A path, one step longer."""
    longer = path.copy()
    longer["steps"] += 1
    if cost != path["cost"]:
        longer["before"], longer["steps_before"], longer["steps"] = path["cost"], path["steps"], 0
    longer["cost"] = cost
    return longer


def _rank(path: Any) -> tuple[Any, ...]:
    return tuple(path[key] for key in ("cost", "steps", "before", "steps_before", "root"))


def _squares(a: Array, b: Array) -> float:
    # A product and not a power: pow may differ from it in the last bit.
    total = 0.0
    for x, y in zip(a.tolist(), b.tolist()):
        total += (x - y) * (x - y)  # in order; from Python 3.12 on, `sum` would compensate
    return total
