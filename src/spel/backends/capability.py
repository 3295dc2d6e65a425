"""What each backend does with each kind of layer: one table for tests and documentation."""

from __future__ import annotations

from dataclasses import dataclass

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


CAPABILITIES: dict[str, Capability] = {
    "activation.v1": Capability(SUMS),
    "batch_normalize.v1": Capability(SUMS),
    "center.v1": Capability(SUMS),
    "color.v1": Capability(COLOR, gradient="yes, but labnorm2 (it truncates)"),
    "concatenate.v1": Capability(EXACT),
    "convolution.v1": Capability(SUMS),
    "decode.v1": Capability(
        SUMS, onnx="lm and lm-balanced; others refused", gradient="lm and lm-balanced"
    ),
    "divisive_normalize.v1": Capability(SUMS),
    "flatten.v1": Capability(EXACT),
    "linear_normalize.v1": Capability(SUMS),
    "max_pool.v1": Capability(EXACT),
    "mean_pool.v1": Capability(SUMS),
    "min_pool.v1": Capability(EXACT),
    "residue.v1": Capability(SUMS),
    "scale.v1": Capability(SUMS),
    "threshold.v1": Capability(
        EXACT, onnx="numbers and percentiles; otsu refused", gradient="no (a step)"
    ),
    "unlearned.v1": Capability(EXACT, torch="refused", onnx="refused", gradient="no"),
    "weighted_sum.v1": Capability(SUMS),
}
"""Every kind of layer; a kind that is missing here fails the tests."""


def table() -> str:
    """The capabilities as a Markdown table.

    Examples
    --------
    >>> print(table().splitlines()[0])
    | kind of layer | bound | PyTorch | its gradient | ONNX |
    """
    lines = ["| kind of layer | bound | PyTorch | its gradient | ONNX |", "|---|---|---|---|---|"]
    for kind, c in sorted(CAPABILITIES.items()):
        bound = "same values" if c.bound == EXACT else f"{c.bound:.0e}"
        lines.append(f"| `{kind}` | {bound} | {c.torch} | {c.gradient} | {c.onnx} |")
    return "\n".join(lines)
