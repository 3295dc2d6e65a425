"""Commands that change the kernels of a convolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from spel.core.bank import KernelBank
from spel.nn import Layer
from spel.studio import banks, graph
from spel.studio.commands.networks import edit_layer, edit_network, input_channels
from spel.studio.commands.registry import Arguments, Workspace, command
from spel.studio.describe import adjacency_from, adjacency_words
from spel.studio.document import Document


def _edit_bank(
    document: Document, arguments: Arguments, change: Callable[[KernelBank], KernelBank]
) -> Document:
    def changed(layer: Layer) -> Layer:
        convolution = graph.as_convolution(layer, arguments["node"])
        return replace(convolution, bank=change(convolution.bank))

    return edit_layer(document, arguments, changed)


@command("set_bank")
def set_bank(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Replace the kernels of a convolution by a preset for the channels of its input.

    Arguments: network, node, preset; options of the preset; image, on which channels are counted.
    """
    entry = document.entry(arguments["network"])
    source = entry.network.node(arguments["node"]).inputs[0]
    channels = input_channels(entry, workspace, arguments, source)
    bank = banks.preset(arguments["preset"], channels, arguments.get("options"))
    return _edit_bank(document, arguments, lambda old: bank)


@command("set_kernel")
def set_kernel(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Set the weights or the bias of one kernel, or both.

    Arguments: network, node; kernel, its number from 0; weights per adjacent and channel; bias.
    """
    kernel, weights = int(arguments["kernel"]), arguments.get("weights")
    bias = None if arguments.get("bias") is None else float(arguments["bias"])
    return _edit_bank(document, arguments, lambda b: banks.with_kernel(b, kernel, weights, bias))


@command("resize_kernels")
def resize_kernels(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Bring all kernels to another width and height: weights are cut off, or zeros added.

    Arguments: network, node; width and height in pixels.
    """
    width, height = int(arguments["width"]), int(arguments["height"])
    return _edit_bank(document, arguments, lambda b: banks.resize(b, width, height))


@command("set_kernel_adjacency")
def set_kernel_adjacency(
    document: Document, workspace: Workspace, arguments: Arguments
) -> Document:
    """Give all kernels another adjacency; if only its dilation differs, all weights stay.

    Else common displacements keep their weights. Arguments: network, node, adjacency.
    """
    adjacency = adjacency_from(arguments["adjacency"])
    words = adjacency_words(adjacency)
    height, width = ((high - low) // words["dilation"] + 1 for low, high in adjacency.reach)
    banks.check_sides(width, height)
    core = {**words, "dilation": 1}

    def change(bank: KernelBank) -> KernelBank:
        if {**adjacency_words(bank.adjacency), "dilation": 1} == core:
            return replace(bank, adjacency=adjacency)
        return banks.over(bank, adjacency)

    return _edit_bank(document, arguments, change)


@command("copy_kernel")
def copy_kernel(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Add a copy of one kernel after the last one.

    Arguments: network, node, kernel.
    """
    kernel = int(arguments["kernel"])
    return _edit_bank(document, arguments, lambda b: banks.with_copy(b, kernel))


@command("invert_kernels")
def invert_kernels(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Change the sign of the weights and biases of some kernels.

    Arguments: network, node, kernels.
    """
    kernels = [int(k) for k in arguments["kernels"]]
    return _edit_bank(document, arguments, lambda b: banks.invert(b, kernels))


@command("keep_kernels")
def keep_kernels(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Keep some kernels and remove the others, with the weights that later steps give them.

    Arguments: network, node, kernels.
    """
    node, kernels = arguments["node"], [int(k) for k in arguments["kernels"]]
    return edit_network(document, arguments, lambda n: graph.keep_kernels(n, node, kernels))


@command("drop_kernels")
def drop_kernels(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Remove some kernels, with the weights that later steps give them.

    Arguments: network, node, kernels.
    """
    node, dropped = arguments["node"], {int(k) for k in arguments["kernels"]}
    layer = document.entry(arguments["network"]).network[node]
    count = len(graph.as_convolution(layer, node).bank)
    kernels = [k for k in range(count) if k not in dropped]
    return edit_network(document, arguments, lambda n: graph.keep_kernels(n, node, kernels))
