"""Detection: from the output of a network to boxes of the image, each with its explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy.typing as npt

from spel.core.detections import Detections
from spel.core.instance import check_instance
from spel.core.numbers import as_numbers
from spel.decide.boxes import decide
from spel.decide.decision import DECISION, Decision
from spel.decide.explain import explain_component
from spel.decide.segmentation import KEY as SEGMENTATION
from spel.errors import FormatError, ParameterError
from spel.nn.geometry import geometry
from spel.nn.intensity import match_white
from spel.nn.network import Network
from spel.nn.volumes import refuse_volume
from spel.rigid.classes import KIND as CLASS_WINDOWS, OPTIONS, ClassWindows
from spel.rigid.detect import detect_rigid
from spel.rigid.detect_classes import detect_classes
from spel.rigid.windows import Windows

AnyDecision = Decision | Windows | ClassWindows


def detect(
    network: Network,
    image: npt.ArrayLike,
    *,
    decision: AnyDecision | None = None,
    why: bool = False,
    white: float | None = None,
    **options: Any,
) -> Detections:
    """Find the objects that a network makes salient.

    With a `Decision`, the network's one-channel output is thresholded, its connected components
    are filtered and selected, and their boxes are mapped to the image through the network's
    strides. With `Windows`, the network's kernels slide over a scale space of the image; with
    `ClassWindows`, those of every class, and each box has a class.

    Parameters
    ----------
    network : Network
        It may carry its own decision (see `with_decision`); otherwise its output has one channel.
    image : (rows, cols[, C]) array, with planes before them for voxels
    decision : Decision, Windows or ClassWindows, optional
        Replaces the network's own decision.
    why : bool
        Trace each box to the kernels and input spels behind its strongest spel.
    white : float, optional
        Full intensity of the image; by default that of its type. The image is brought to the white
        that the network expects (`spel.nn.match_white`).
    **options
        Fields of the decision to change: threshold, adjacency, area, width, height, depth, aspect,
        select, size; for windows threshold, overlap, max_detections, enlarge, scales_per_octave,
        max_scale, min_scale and the others of `spel.rigid.Windows`; for windows of several classes
        suppress, and threshold, overlap, max_detections and enlarge of all classes.

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
    >>> net = chain(same=Scale([1.0]))
    >>> boxes = detect(net, [[0, 3, 3], [0, 0, 0]], threshold=1)
    >>> boxes.boxes.tolist(), boxes.scores.tolist()
    ([[1.0, 0.0, 3.0, 1.0]], [3.0])
    """
    chosen = resolve_decision(network, decision, options)
    array = match_white(network, as_numbers(image, "detect"), white)
    refuse_volume(network, array.shape, "detect")
    if isinstance(chosen, Windows):
        return detect_rigid(network, array, chosen, why=why)
    if isinstance(chosen, ClassWindows):
        return detect_classes(network, array, chosen, why=why)
    activations = network.activations(array) if why else None
    saliency = activations[network.output] if activations else network(array)
    place = geometry(network, axes=saliency.ndim - 1)
    result = decide(saliency, chosen, place=place, image_size=array.shape[: saliency.ndim - 1])
    if activations is None:
        return result.detections
    explanations = tuple(
        explain_component(network, array, activations, at, result.threshold)
        for at in result.strongest
    )
    return replace(result.detections, why=explanations)


def with_decision(network: Network, decision: AnyDecision) -> Network:
    """The network with a decision that its file stores and `detect` uses.

    Parameters
    ----------
    network : Network
    decision : Decision, Windows or ClassWindows

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> net = with_decision(chain(same=Scale([1.0])), Decision(threshold=2.0))
    >>> decision_of(net).threshold
    2.0
    """
    return network.with_meta(**{DECISION: decision.to_dict()})


def decision_of(network: Network) -> AnyDecision:
    """The decision that a network carries, or the default one.

    Parameters
    ----------
    network : Network

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> decision_of(chain(Scale([1.0]))).threshold
    'otsu'
    """
    check_instance("detect: network", network, Network)
    stored = network.meta.get(DECISION)
    if stored is None:
        return Decision()
    if not isinstance(stored, Mapping):
        raise FormatError(f"Decision: {stored!r:.80}; expected a table of names and values")
    if stored.get("kind") == CLASS_WINDOWS:
        return ClassWindows.from_dict(stored)
    if stored.get("kind") == "windows":
        return Windows.from_dict(stored)
    return Decision.from_dict(stored)


def resolve_decision(
    network: Network, decision: AnyDecision | None, options: Mapping[str, Any]
) -> AnyDecision:
    """The decision that is stated, or else the network's own, with the options put in."""
    check_instance("detect: network", network, Network)
    if (
        decision is None
        and not options
        and DECISION not in network.meta
        and SEGMENTATION in network.meta
    ):
        raise ParameterError(
            "detect: this network makes masks, not boxes; use segment, or state a decision such as "
            "threshold"
        )
    chosen = decision or decision_of(network)
    expected = _option_names(chosen)
    unknown = sorted(set(options) - set(expected))
    if unknown:
        raise ParameterError(
            f"detect: unknown option {', '.join(unknown)} for a decision by "
            f"{type(chosen).__name__}; expected {', '.join(expected)}"
        )
    try:
        if isinstance(chosen, ClassWindows):
            return chosen.with_options(**options)
        return replace(chosen, **options)
    except TypeError as error:
        raise ParameterError(f"detect: {error}") from error


def _option_names(decision: AnyDecision) -> list[str]:
    if isinstance(decision, ClassWindows):
        return ["suppress", *OPTIONS]
    return [f.name for f in fields(decision)]
