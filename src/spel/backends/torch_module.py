"""A network as a PyTorch module: the modules of its nodes, and the way back."""

from __future__ import annotations

from typing import Any

from spel.backends.torch_deps import Tensor, nn
from spel.backends.torch_layers import LayerModule, to_module
from spel.nn.network import Network
from spel.nn.node import INPUT, Node, in_node


class SpelModule(nn.Module):
    """A network's nodes as modules, in their order."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.layers = nn.ModuleList()
        for node in network.nodes:
            with in_node(node):
                self.layers.append(to_module(node.layer))
        self.steps = [(node.name, node.inputs) for node in network.nodes]

    def forward(self, image: Tensor) -> Tensor:
        return self.activations(image)[self.steps[-1][0]]

    def activations(self, image: Tensor) -> dict[str, Tensor]:
        """The output of every node, by name."""
        done = {INPUT: image}
        for (name, inputs), layer in zip(self.steps, self.layers):
            done[name] = layer(*[done[source] for source in inputs])
        del done[INPUT]
        return done

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
