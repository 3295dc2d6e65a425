"""Networks and traces as notebooks show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spel.core.html import arranged, kernel_grid
from spel.markup import block, captioned, line, note, number, row, table
from spel.nn.convolution import Convolution

if TYPE_CHECKING:
    from spel.nn.network import Network
    from spel.nn.trace import Step, Trace

MOST_NODES = 60
MOST_STEPS = 20
MOST_BANKS = 4
MOST_KERNELS = 4
MOST_CHANNELS = 3
MOST_CELLS = 225
MOST_TEXT = 90


def network_html(network: Network) -> str:
    """Every node with what it takes and reads, and the first kernels of the first banks."""
    rows: list[tuple[object, ...]] = []
    for node in network.nodes[:MOST_NODES]:
        field = network.footprints[node.name]
        reads = "image" if field.whole else " x ".join(map(str, field.size))
        takes = ", ".join(node.inputs)
        rows.append(
            (node.name, _cut(node.layer.describe()), _cut(takes), node.layer.parameters, reads)
        )
    head = ["node", "layer", "takes", "parameters", "reads"]
    left = len(network) - MOST_NODES
    parts = [table(head, rows), *([note(f"and {left} more nodes")] if left > 0 else [])]
    banks = [(n.name, n.layer.bank) for n in network.nodes if isinstance(n.layer, Convolution)]
    for name, bank in banks[:MOST_BANKS]:
        if len(bank.adjacency) > MOST_CELLS:
            continue
        top = float(np.abs(bank.weights).max(initial=0))
        kernels = [kernel_grid(bank, k, 0, top) for k in range(min(len(bank), MOST_KERNELS))]
        shown = f"{name}: {len(kernels)} of {len(bank)} kernels"
        if bank.channels > 1:
            shown += f", the first of {bank.channels} channels"
        parts.append(captioned(row(*kernels), shown))
    title = f"Network: {len(network)} nodes, {network.parameters:,} parameters"
    return block(title, *parts)


def trace_html(trace: Trace) -> str:
    """Each step with its numbers: patch, kernel and products where they lie, and the rest."""
    parts = [_step(step) for step in trace.steps[-MOST_STEPS:]]
    left = len(trace.steps) - MOST_STEPS
    if left > 0:
        parts.insert(0, note(f"{left} earlier steps are not shown"))
    return block(f"Trace: {number(float(trace.value))}", *parts)


def _step(step: Step) -> str:
    terms = dict(step.terms)
    pictures = _products(terms) if "products" in terms and "displacements" in terms else []
    title = f"{step.node} at {step.at}, channel {step.channel}: {step.layer}"
    words = [(name, _term(term)) for name, term in terms.items() if not _is_large(term)]
    return block(title, *pictures, line(words))


def _products(terms: dict[str, Any]) -> list[str]:
    """Patch, kernel and products of the channels that contribute most; their terms are used up."""
    displacements = np.asarray(terms.pop("displacements")).tolist()
    arrays = {name: np.atleast_2d(terms.pop(name)) for name in ("patch", "kernel", "products")}
    count = len(displacements)
    arrays = {n: a if len(a) == count else a.T for n, a in arrays.items()}
    weight = np.abs(np.nan_to_num(arrays["products"])).sum(axis=0)
    channels = sorted(np.argsort(-weight, kind="stable")[:MOST_CHANNELS].tolist())
    lines = []
    for channel in channels if count <= MOST_CELLS else []:
        grids = [
            captioned(arranged(displacements, array[:, channel].tolist()), name)
            for name, array in arrays.items()
        ]
        lines.append(
            captioned(row(*grids), f"channel {channel}") if len(weight) > 1 else row(*grids)
        )
    left = len(weight) - len(channels)
    if count > MOST_CELLS:
        lines.append(note(f"{count} x {len(weight)} products"))
    elif left > 0:
        lines.append(note(f"and {left} more channels"))
    return lines


def _is_large(term: Any) -> bool:
    return not isinstance(term, str) and np.size(term) > MOST_KERNELS


def _term(term: Any) -> str:
    if isinstance(term, str):
        return _cut(term)
    values = np.asarray(term).ravel()
    return ", ".join(number(v) for v in values.tolist() if isinstance(v, int | float))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 3] + "..."
