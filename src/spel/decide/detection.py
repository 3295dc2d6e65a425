"""Detection: a network's saliency, decided into boxes of the image, each with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.objects import Detections
from spel.decide.components import decide
from spel.decide.decision import Decision
from spel.decide.geometry import geometry
from spel.decide.reasons import reasons
from spel.errors import ParameterError
from spel.nn.network import Network

DECISION = "decision"
"""Entry of a network's `meta` that holds its own decision."""

_OPTIONS = tuple(f.name for f in fields(Decision))


def detect(
    network: Network,
    image: npt.ArrayLike,
    *,
    decision: Decision | None = None,
    why: bool = False,
    **options: Any,
) -> Detections:
    """Find the objects that a network makes salient.

    The network's one-channel output is thresholded, its connected components are filtered and
    selected, and their boxes are mapped to the image through the network's strides.

    Parameters
    ----------
    network : Network
        Its output has one channel. It may carry its own decision (see `with_decision`).
    image : (rows, cols[, C]) array
    decision : Decision, optional
        In place of the network's own.
    why : bool
        Trace each box to the kernels and input spels that made its strongest spel.
    **options
        Fields of `Decision` that differ: threshold, adjacency, area, width, height, aspect,
        select, size.

    Returns
    -------
    Detections
        Boxes in the image's frame, best first; the score is the component's highest saliency.

    Raises
    ------
    ParameterError
        For an unknown option.
    ShapeError
        If the image does not fit the network, or its output has more than one channel.

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> found = detect(chain(same=Scale([1.0])), [[0, 3, 3], [0, 0, 0]], threshold=1)
    >>> found.boxes.tolist(), found.scores.tolist()
    ([[1.0, 0.0, 3.0, 1.0]], [3.0])
    """
    chosen = chosen_decision(network, decision, options)
    place = geometry(network)
    array = np.asarray(image)
    activations = network.activations(array) if why else None
    saliency = activations[network.output] if activations else network(array)
    size = (int(array.shape[0]), int(array.shape[1]))
    decided = decide(saliency, chosen, place=place, image_size=size)
    if activations is None:
        return decided.detections
    told = tuple(
        reasons(network, array, activations, at, decided.threshold) for at in decided.strongest
    )
    return replace(decided.detections, why=told)


def with_decision(network: Network, decision: Decision) -> Network:
    """The network carrying a decision, which its file keeps and `detect` uses.

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> net = with_decision(chain(same=Scale([1.0])), Decision(threshold=2.0))
    >>> own_decision(net).threshold
    2.0
    """
    return network.with_meta(**{DECISION: decision.to_dict()})


def own_decision(network: Network) -> Decision:
    """The decision that a network carries, or the default one."""
    carried = network.meta.get(DECISION)
    return Decision.from_dict(carried) if isinstance(carried, Mapping) else Decision()


def chosen_decision(
    network: Network, decision: Decision | None, options: Mapping[str, Any]
) -> Decision:
    """The given or carried decision with the options put in."""
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise ParameterError(
            f"detect: unknown option {', '.join(unknown)}; expected {', '.join(_OPTIONS)}"
        )
    return replace(decision or own_decision(network), **options)
