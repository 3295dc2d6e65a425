"""What each backend does with each kind of layer: one table for tests and documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spel.errors import UnsupportedLayerError
from spel.nn.network import Network
from spel.nn.registry import KINDS, is_own

EXACT = 0.0
SUMS = 1e-5
COLOR = 1e-5


@dataclass(frozen=True)
class Capability:
    """One kind of layer on PyTorch and ONNX.

    Attributes
    ----------
    bound : float
        Largest difference from the engine on finite inputs, over the result's largest absolute
        value; 0 means the same values.
    torch, onnx : str
        "yes", or what is refused.
    gradient : str
        Of the PyTorch module: "yes", "no", or where.
    """

    bound: float
    torch: str = "yes"
    onnx: str = "yes"
    gradient: str = "yes"


_EXCEPTIONS: dict[str, Capability] = {
    "add.v1": Capability(EXACT),
    "argmax.v1": Capability(EXACT, gradient="no (a choice)"),
    "clip.v1": Capability(EXACT),
    "color.v1": Capability(COLOR, gradient="yes, but labnorm2 (it truncates)"),
    "concatenate.v1": Capability(EXACT),
    "crop.v1": Capability(EXACT),
    "decode.v1": Capability(
        SUMS, onnx="lm and lm-balanced; others refused", gradient="lm and lm-balanced"
    ),
    "flatten.v1": Capability(EXACT),
    "max_pool.v1": Capability(EXACT),
    "min_pool.v1": Capability(EXACT),
    "multiply.v1": Capability(EXACT),
    "pad.v1": Capability(EXACT),
    "prelu.v1": Capability(EXACT),
    "threshold.v1": Capability(
        EXACT, onnx="numbers and percentiles; otsu refused", gradient="no (a step)"
    ),
    "unlearned.v1": Capability(EXACT, torch="refused", onnx="refused", gradient="no"),
}
"""Kinds that are not computed by sums alone, or not in every backend; all others are as usual."""


def check_one_output(network: Network, backend: str) -> None:
    """Refuse a detector of several classes: a translation has one output, the detector several.

    Raises
    ------
    UnsupportedLayerError
        With the names of the nodes that can be translated one by one.
    """
    decision = network.meta.get("decision")
    if isinstance(decision, Mapping) and decision.get("kind") == "class-windows":
        nodes = [entry["windows"]["score_node"] for entry in decision["classes"]]
        raise UnsupportedLayerError(
            f"{backend}: this detector of {len(nodes)} classes has an output per class, and a "
            f"translation has one; translate a class by itself: network.upto({nodes[0]!r}), one of "
            f"{', '.join(nodes)}"
        )


def capability(kind: str) -> Capability:
    """What each backend does with a kind of layer.

    Parameters
    ----------
    kind : str
        Such as "convolution.v1".

    Examples
    --------
    >>> capability("argmax.v1").gradient
    'no (a choice)'
    """
    return _EXCEPTIONS.get(kind, Capability(SUMS))


def table() -> str:
    """The capabilities as a Markdown table.

    Examples
    --------
    >>> print(table().splitlines()[0])
    | kind of layer | bound | PyTorch | its gradient | ONNX |
    """
    lines = ["| kind of layer | bound | PyTorch | its gradient | ONNX |", "|---|---|---|---|---|"]
    for kind in sorted(filter(is_own, KINDS)):
        c = capability(kind)
        bound = "same values" if c.bound == EXACT else f"{c.bound:.0e}"
        lines.append(f"| `{kind}` | {bound} | {c.torch} | {c.gradient} | {c.onnx} |")
    return "\n".join(lines)
