"""Detection: a network's saliency, decided into boxes of the image, each with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.detections import Detections
from spel.decide.boxes import decide
from spel.decide.decision import Decision
from spel.decide.explain import reasons
from spel.errors import ParameterError
from spel.nn.geometry import geometry
from spel.nn.network import Network
from spel.rigid.detect import scan
from spel.rigid.windows import Windows

DECISION = "decision"
"""Entry of a network's `meta` that holds its own decision."""

AnyDecision = Decision | Windows


def detect(
    network: Network,
    image: npt.ArrayLike,
    *,
    decision: AnyDecision | None = None,
    why: bool = False,
    **options: Any,
) -> Detections:
    """Find the objects that a network makes salient.

    With a `Decision`, the network's one-channel output is thresholded, its connected components
    are filtered and selected, and their boxes are mapped to the image through the network's
    strides. With `Windows`, its kernels are slid over a scale space of the image.

    Parameters
    ----------
    network : Network
        It may carry its own decision (see `with_decision`); else its output has one channel.
    image : (rows, cols[, C]) array
    decision : Decision or Windows, optional
        In place of the network's own.
    why : bool
        Trace each box to the kernels and input spels that made its strongest spel.
    **options
        Fields of the decision that differ: threshold, adjacency, area, width, height, aspect,
        select, size; for windows threshold, overlap, most, steps, largest, smallest.

    Returns
    -------
    Detections
        Boxes in the image's frame, best first; the score is the component's highest saliency, or
        the window's probability.

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
    if isinstance(chosen, Windows):
        return scan(network, image, chosen, why=why)
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


def with_decision(network: Network, decision: AnyDecision) -> Network:
    """The network carrying a decision, which its file keeps and `detect` uses.

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> net = with_decision(chain(same=Scale([1.0])), Decision(threshold=2.0))
    >>> own_decision(net).threshold
    2.0
    """
    return network.with_meta(**{DECISION: decision.to_dict()})


def own_decision(network: Network) -> AnyDecision:
    """The decision that a network carries, or the default one."""
    carried = network.meta.get(DECISION)
    if not isinstance(carried, Mapping):
        return Decision()
    kind = Windows if carried.get("kind") == "windows" else Decision
    return kind.from_dict(carried)


def chosen_decision(
    network: Network, decision: AnyDecision | None, options: Mapping[str, Any]
) -> AnyDecision:
    """The given or carried decision with the options put in."""
    chosen = decision or own_decision(network)
    known = [f.name for f in fields(chosen)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ParameterError(
            f"detect: unknown option {', '.join(unknown)} for a decision by "
            f"{type(chosen).__name__}; expected {', '.join(known)}"
        )
    try:
        return replace(chosen, **options)
    except TypeError as error:
        raise ParameterError(f"detect: {error}") from error
