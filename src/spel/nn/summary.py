"""A network as a table of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spel.nn.layer import Shape
from spel.nn.node import INPUT

if TYPE_CHECKING:
    from spel.nn.network import Network


def summary(network: Network, shape: Shape) -> str:
    """Table of the nodes for an image of a shape.

    Columns: node, layer, output shape, parameters, multiply-adds, what one spel of the
    output reads (its receptive field in input spels, or "image" if all).

    Examples
    --------
    >>> from spel.nn import Activation, WeightedSum, chain
    >>> print(chain(WeightedSum([0.5, 0.5]), Activation()).summary((4, 5, 2)))
    node          layer                           output     parameters  multiply-adds  reads
    weighted_sum  WeightedSum(weights=array(2,))  4 x 5 x 1           2             40  1 x 1
    activation    Activation()                    4 x 5 x 1           0              0  1 x 1
    total                                                             2             40
    """
    shapes = network.shapes(shape)
    first = (*shape, 1) if len(shape) == (network.ndim or 2) else tuple(shape)
    all_shapes = {INPUT: first, **shapes}
    rows = [("node", "layer", "output", "parameters", "multiply-adds", "reads")]
    for node in network.nodes:
        field = network.footprints[node.name]
        rows.append(
            (
                node.name,
                node.layer.describe(),
                " x ".join(map(str, shapes[node.name])),
                f"{node.layer.parameters:,}",
                f"{node.layer.multiply_adds(*[all_shapes[i] for i in node.inputs]):,}",
                "image" if field.whole else " x ".join(map(str, field.size)),
            )
        )
    total = network.multiply_adds(first)
    rows.append(("total", "", "", f"{network.parameters:,}", f"{total:,}", ""))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = (3, 4)
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
