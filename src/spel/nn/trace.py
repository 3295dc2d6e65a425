"""Tracing: every number behind one spel, from the image to a node's activation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError
from spel.nn.html import trace_html
from spel.nn.layer import Explanation, Image
from spel.nn.node import INPUT
from spel.nn.volumes import refuse_volume

if TYPE_CHECKING:
    from spel.nn.network import Network

MOST_ROWS = 9
"""Longest list of adjacents that the text of a trace prints completely."""


@dataclass(frozen=True)
class Step:
    """One node at one spel and channel: the values that it read and its result.

    Attributes
    ----------
    node, layer : str
        Name, and the layer in words.
    at : tuple of int
        The spel in the node's activation.
    channel : int
    terms : mapping
        Named numbers and arrays in the order of the arithmetic; "value" is the engine's result.
    """

    node: str
    layer: str
    at: tuple[int, ...]
    channel: int
    terms: Mapping[str, Any]

    @property
    def value(self) -> float:
        """The number that the engine computed."""
        return float(self.terms["value"])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON (NaN and infinities as strings)."""
        return {
            "node": self.node,
            "layer": self.layer,
            "at": list(self.at),
            "channel": self.channel,
            "terms": {name: _plain(term) for name, term in self.terms.items()},
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.node, self.layer, self.at, self.channel))


@dataclass(frozen=True)
class Trace:
    """The steps from the image to the traced spel, in the network's order.

    Attributes
    ----------
    steps : tuple of Step
    """

    steps: tuple[Step, ...]

    def __getitem__(self, node: str) -> Step:
        """The step of a node (the first, if it was read at several spels)."""
        for step in self.steps:
            if step.node == node:
                return step
        names = ", ".join(dict.fromkeys(step.node for step in self.steps))
        raise ParameterError(f"trace: no step of node {node!r}; expected one of {names}")

    @property
    def value(self) -> float:
        """The traced value."""
        return self.steps[-1].value

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON (NaN and infinities as strings)."""
        return {"steps": [step.to_dict() for step in self.steps]}

    def to_json(self) -> str:
        """The trace as JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def text(self) -> str:
        """The arithmetic as a person would write it."""
        return "\n".join(_step_text(step) for step in self.steps)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return trace_html(self)


def trace(
    network: Network,
    image: npt.ArrayLike,
    *,
    at: Sequence[int],
    node: str | None = None,
    channel: int | None = None,
    activations: Mapping[str, Image] | None = None,
) -> Trace:
    """All numbers that the engine used for one spel of a node's activation.

    Each step back goes to the value that made the result: a pooling's winner, the channel with the
    largest share of a sum, and the same spel otherwise.

    Parameters
    ----------
    network : Network
    image : (rows, cols[, C]) array
        One image, with planes before the rows for voxels.
    at : sequence of int
        ``(row, col)`` in the node's activation.
    node : str, optional
        Default: the output.
    channel : int, optional
        Default: the channel with the largest absolute value there.
    activations : mapping, optional
        What ``network.activations(image)`` gave, to trace several spels of one run.

    Returns
    -------
    Trace

    Raises
    ------
    ParameterError
        If the spel, node or channel does not exist.
    ShapeError
        If the image is a batch.

    Examples
    --------
    >>> from spel.nn import Activation, Convolution, chain
    >>> from spel.core.bank import KernelBank
    >>> net = chain(edges=Convolution(KernelBank.from_array([[-1, 0, 1]])), keep=Activation())
    >>> print(net.trace([[0, 2, 5]], at=(0, 1)))
    edges at (0, 1), channel 0: convolution
      patch x kernel = products
         (0, -1)      0 x     -1 =      0
          (0, 0)      2 x      0 =      0
          (0, 1)      5 x      1 =      5
      sum 5 + bias 0 = 5, distance to the hyperplane 3.53553
    keep at (0, 1), channel 0: activation
      relu(5) = 5
    """
    target = network.output if node is None else node
    images = {INPUT: network.with_channel_axis(image)}
    refuse_volume(network, images[INPUT].shape, "trace")
    ndim = network.ndim or len(at)
    if images[INPUT].ndim != ndim + 1:
        raise ShapeError(
            f"trace: image of shape {np.shape(image)}; expected one image of {ndim} axes and "
            "channels, not a batch"
        )
    images |= network.activations(image, upto=target) if activations is None else activations
    place = _checked_place(images[target], at, target)
    if channel is None:
        channel = int(np.nan_to_num(np.abs(images[target][place]), nan=np.inf).argmax())
    if not 0 <= channel < images[target].shape[-1]:
        raise ParameterError(
            f"trace: channel {channel} of node {target!r}; expected 0 to "
            f"{images[target].shape[-1] - 1}"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # the numbers themselves show it
        return Trace(tuple(_walk(network, images, (target, place, channel))))


def _walk(
    network: Network, images: Mapping[str, Image], goal: tuple[str, tuple[int, ...], int]
) -> list[Step]:
    """The steps that lead to the traced spel, each once, in the order of the nodes."""
    steps: dict[tuple[str, tuple[int, ...], int], Step] = {}
    pending = [goal]
    while pending:
        key = pending.pop()
        name, place, channel = key
        if name == INPUT or key in steps:
            continue
        (at_node,) = [n for n in network.nodes if n.name == name]
        inputs = [images[i] for i in at_node.inputs]
        explanation: Explanation = at_node.layer.explain(inputs, images[name], place, channel)
        kind = at_node.layer.kind.split(".")[0].replace("_", " ")
        steps[key] = Step(name, kind, place, channel, explanation.terms)
        pending += [(at_node.inputs[r.image], r.at, r.channel) for r in explanation.reads]
    order = {name: i for i, name in enumerate(network.names)}
    return sorted(steps.values(), key=lambda step: order[step.node])


def _checked_place(image: Image, at: Sequence[int], node: str) -> tuple[int, ...]:
    size = image.shape[:-1]
    try:
        place = tuple(int(c) for c in at)
    except (TypeError, ValueError):
        place = ()
    if len(place) != len(size) or any(not 0 <= p < n for p, n in zip(place, size)):
        raise ParameterError(
            f"trace: spel {tuple(at)} of node {node!r}; expected {len(size)} coordinates inside "
            f"{tuple(size)}"
        )
    return place


# -- text ------------------------------------------------------------------------------------


def _step_text(step: Step) -> str:
    head = f"{step.node} at {step.at}, channel {step.channel}: {step.layer}"
    return "\n".join([head, *(f"  {line}" for line in _lines(step.terms))])


def _lines(terms: Mapping[str, Any]) -> list[str]:
    t = dict(terms)
    value = _number(t.pop("value"))
    if "products" in t:
        return _sum_lines(t, value)
    if "function" in t:
        return [f"{t['function']}({_number(t['input'])}) = {value}"]
    lines = []
    if "patch" in t:
        lines += _patch_lines(t.pop("displacements"), t.pop("patch"))
    words = [f"{name} {_number(term)}" for name, term in t.items()]
    return [*lines, f"{', '.join(words)}: {value}" if words else value]


def _sum_lines(t: dict[str, Any], value: str) -> list[str]:
    patch, kernel, products = (np.atleast_2d(t[k]) for k in ("patch", "kernel", "products"))
    if "displacements" not in t:
        patch, kernel, products = patch.T, kernel.T, products.T
    heads = [str(tuple(d)) for d in np.asarray(t.get("displacements", np.empty((0, 2)))).tolist()]
    inside = t.get("inside", np.ones(len(patch), dtype=bool))
    several = patch.shape[1] > 1
    order = np.argsort(-np.abs(products), axis=None, kind="stable")[: MOST_ROWS * 2]
    if products.size <= 2 * MOST_ROWS:
        order = np.arange(products.size)
    lines = ["patch x kernel = products"]
    if len(order) < products.size:
        lines[0] += f" (the {len(order)} largest of {products.size})"
    for i, c in zip(*np.unravel_index(order, products.shape)):
        head = heads[i] if heads else f"channel {i}"
        head += f" channel {c}" if several else ""
        note = "" if inside[i] else "  (border)"
        lines.append(
            f"  {head:>8} {_number(patch[i, c]):>6} x {_number(kernel[i, c]):>6} = "
            f"{_number(products[i, c]):>6}{note}"
        )
    last = f"sum {_number(t['sum'])} + bias {_number(t['bias'])} = {value}"
    if t.get("norm", 0) > 0:
        distance = (float(t["sum"]) + float(t["bias"])) / float(t["norm"])
        last += f", distance to the hyperplane {_number(distance)}"
    return [*lines, last]


def _patch_lines(displacements: Image, values: Image) -> list[str]:
    if not len(displacements):
        return ["no adjacent inside the image"]
    flat = np.asarray(values).reshape(len(displacements), -1)
    if flat.size > MOST_ROWS:
        return [f"{flat.size} values from {_number(flat.min())} to {_number(flat.max())}"]
    pairs = zip(displacements.tolist(), flat.tolist())
    return [", ".join(f"{tuple(d)}: {' '.join(map(_number, v))}" for d, v in pairs)]


def _number(value: Any) -> str:
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.ndim:
        return "(" + ", ".join(_number(v) for v in array.ravel().tolist()) + ")"
    return f"{array.item() + 0.0:g}"


def _plain(term: Any) -> Any:
    if isinstance(term, str):
        return term
    if isinstance(term, np.ndarray | np.generic):
        return _plain(term.tolist())
    if isinstance(term, list | tuple):
        return [_plain(item) for item in term]
    if isinstance(term, float) and not np.isfinite(term):
        return str(term)
    return term
