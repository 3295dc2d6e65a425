"""A network whose layers over the whole image are replaced by local ones, for one image.

The values that these layers take from the whole image are gathered from its parts, which come in
one or more passes; so an image that does not fit in memory gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from spel.errors import ShapeError
from spel.nn.combine import Threshold
from spel.nn.fixed import FixedLinearNormalize, FixedResidue
from spel.nn.layer import Layer
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.nn.normalize import LinearNormalize
from spel.nn.residue import Residue
from spel.ops.streamed import Parts, extremes, threshold_of_parts


def resolve_global_layers(network: Network, parts: Callable[[Network | None], Parts]) -> Network:
    """Replace every layer over the whole image by a local one with its values over one image.

    Parameters
    ----------
    network : Network
    parts : callable
        Gives the parts of the output of a network for the image; for None, those of the image.

    Raises
    ------
    ShapeError
        If the values of a layer cannot be gathered from parts.
    """
    for node in network.nodes:
        layer = node.layer
        if layer.scope not in ("image", "batch"):
            continue
        inputs = [parts(None if name == INPUT else network.upto(name)) for name in node.inputs]
        local: Layer
        if isinstance(layer, Residue):
            local = _local_residue(network, node.name, layer, inputs, parts)
        elif isinstance(layer, LinearNormalize) and layer.over == "domain":
            local = FixedLinearNormalize(*extremes(inputs[0], layer.axes), layer.axes)
        elif isinstance(layer, Threshold):
            local = Threshold(threshold_of_parts(inputs[0], layer.at))
        else:
            raise _unresolvable(node.name, layer)
        network = network.replace(node.name, local)
    return network


def _local_residue(
    network: Network,
    name: str,
    layer: Residue,
    inputs: list[Parts],
    parts: Callable[[Network | None], Parts],
) -> Layer:
    """A residue with its inner normalization and its scales fixed."""
    inner, axes = layer.layer, layer.ndim or 2
    if network.ndim == 3 and axes == 2:  # without an inner layer it scales each plane
        raise _unresolvable(name, layer)
    if isinstance(inner, LinearNormalize) and inner.over == "domain":
        inner = FixedLinearNormalize(*extremes(inputs[0], inner.axes), inner.axes)
    elif inner is not None and inner.scope in ("image", "batch"):
        raise _unresolvable(name, layer)
    if layer.scale is None:
        return Residue(inner)
    other = inputs[-1] if inner is None else parts(network.replace(name, inner).upto(name))
    return FixedResidue(inner, (_factor(inputs[0], axes), _factor(other, axes)))


def _factor(parts: Parts, axes: int) -> npt.NDArray[np.float32]:
    _, top = extremes(parts, axes)
    with np.errstate(divide="ignore"):
        return np.where(top > 0, np.float32(1) / top, np.float32(1)).astype(np.float32)


def _unresolvable(name: str, layer: Layer) -> ShapeError:
    return ShapeError(
        f"tiles: node {name!r} ({layer.describe()}) reads the whole image, and its values cannot "
        "be gathered from tiles; use an image that fits in memory, or another layer there"
    )
