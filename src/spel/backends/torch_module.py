"""A network as a PyTorch module: the modules of its nodes, and the way back."""

from __future__ import annotations

from typing import Any

from spel.backends.torch_deps import Tensor, nn
from spel.backends.torch_layers import LayerModule, to_module
from spel.nn.intensity import expected_white
from spel.nn.network import Network
from spel.nn.node import INPUT, Node, in_node

UNSIGNED = {"torch.uint8": 255.0, "torch.uint16": 65535.0}
"""Full intensity of the types whose numbers have one; floating-point numbers are in the units that
the network expects."""


class SpelModule(nn.Module):
    """A network's nodes as modules, in their order."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.white = expected_white(network)
        self.layers = nn.ModuleList()
        for node in network.nodes:
            with in_node(node):
                self.layers.append(to_module(node.layer))
        self.steps = [(node.name, node.inputs) for node in network.nodes]

    def forward(self, image: Tensor) -> Tensor:
        return self.activations(image)[self.steps[-1][0]]

    def activations(self, image: Tensor) -> dict[str, Tensor]:
        """The output of every node, by name."""
        done = {INPUT: self._in_units(image)}
        for (name, inputs), layer in zip(self.steps, self.layers):
            done[name] = layer(*[done[source] for source in inputs])
        del done[INPUT]
        return done

    def _in_units(self, image: Tensor) -> Tensor:
        """An image of unsigned integers in the units that the network expects."""
        white = UNSIGNED.get(str(image.dtype))
        if white is None:
            return image
        scale = 1.0 if self.white is None else white / self.white
        return image.float() if scale == 1 else image.float() / scale

    def to_network(self) -> Network:
        """The network with the weights as they are now."""
        nodes = [
            Node(node.name, _layer_of(layer), node.inputs)
            for node, layer in zip(self.network.nodes, self.layers)
        ]
        return Network(tuple(nodes), self.network.meta)


def _layer_of(module: nn.Module) -> Any:
    assert isinstance(module, LayerModule)
    return module.to_layer()
