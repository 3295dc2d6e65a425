"""The decision and the segmentation in a network's `meta`, checked where a file is read."""

from __future__ import annotations

from spel.decide.decision import DECISION
from spel.decide.detection import AnyDecision, decision_of
from spel.decide.segmentation import KEY, segmentation_of
from spel.errors import FormatError
from spel.nn import Convolution, Network
from spel.nn.node import INPUT
from spel.rigid import ClassWindows, Windows


def check_meta(network: Network) -> None:
    """Check all of a network's decision and segmentation, and that they fit its nodes.

    Raises
    ------
    FormatError
        For an unknown key, a value outside its range, or a node that does not exist or has the
        wrong number of kernels.
    """
    if DECISION in network.meta:
        decision = decision_of(network)
        for windows in _all_windows(decision):
            _check_windows(network, windows)
    if KEY in network.meta:
        features = segmentation_of(network).features
        if features != INPUT and features not in network.names:
            raise FormatError(
                f"Segmentation: features {features!r}; expected 'input' or one of "
                f"{', '.join(network.names)}"
            )


def _all_windows(decision: AnyDecision) -> tuple[Windows, ...]:
    """The windows of every class; none for a decision by components."""
    if isinstance(decision, ClassWindows):
        return tuple(windows for _, windows in decision.classes)
    return (decision,) if isinstance(decision, Windows) else ()


def _check_windows(network: Network, windows: Windows) -> None:
    """Refuse windows whose nodes the network does not have."""
    score = network.output if windows.score_node is None else windows.score_node
    _check_kernels(network, score, len(windows.sizes), "score_node")
    if windows.refine_node is not None:
        _check_kernels(network, windows.refine_node, 4 * len(windows.sizes), "refine_node")
    if windows.adjust_node is not None:
        _check_kernels(network, windows.adjust_node, 8, "adjust_node")
    if windows.around_node is not None:
        _check_kernels(network, windows.around_node, 1, "around_node")
    if windows.proposals is not None:
        _check_windows(network, windows.proposals)


def _check_kernels(network: Network, name: str, kernels: int, field: str) -> None:
    """Refuse a node that is not a convolution with the expected number of kernels."""
    layer = network[name] if name in network.names else None
    if not isinstance(layer, Convolution) or len(layer.bank) != kernels:
        raise FormatError(
            f"Windows: {field} {name!r}; expected a convolution of {kernels} kernels in the network"
        )
