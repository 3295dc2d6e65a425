"""How a layer becomes a PyTorch module: dispatch by its type, open to layers of others.

`to_module` gives the module of a layer. A file of modules registers them by type:
``to_module.register(MyLayer, MyModule)``, where MyModule is a `LayerModule`; or, for a layer
without weights, by the decorator ``@function_of(MyLayer)`` on a function of the layer and its
images.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, singledispatch
from typing import Any, Generic, TypeVar

from spel.backends.torch_deps import Tensor, nn
from spel.errors import UnsupportedLayerError
from spel.nn import Layer

L = TypeVar("L", bound=Layer)
Run = Callable[..., Tensor]


class LayerModule(nn.Module, Generic[L]):
    """The module of one layer: what every module of spel is derived from.

    Images are tensors (batch, channels, rows, cols), with planes before the rows for voxels, in
    float32 and in the units that the network expects. `forward` takes the images that the layer
    takes, and `to_layer` gives the layer back, with the weights that the module has now.

    Parameters
    ----------
    layer : Layer
    """

    def __init__(self, layer: L) -> None:
        super().__init__()
        self.layer = layer

    def to_layer(self) -> L:
        """The layer with the weights that the module has now."""
        return self.layer

    def extra_repr(self) -> str:
        return self.layer.describe()


class Function(LayerModule[L]):
    """A layer without weights, as a function.

    Parameters
    ----------
    layer : Layer
    run : callable
        Takes the layer and its images, and gives the layer's output.
    """

    def __init__(self, layer: L, run: Run) -> None:
        super().__init__(layer)
        self.run = run

    def forward(self, *images: Tensor) -> Tensor:
        return self.run(self.layer, *images)


@singledispatch
def to_module(layer: Layer) -> LayerModule[Any]:
    """The module of one layer, by its type.

    Raises
    ------
    UnsupportedLayerError
        If no module is registered for its type.
    """
    raise UnsupportedLayerError(
        f"torch: layers of kind {layer.kind!r} have no numbers to translate; learn the network "
        "first (spel.learn), or register a module for this type of layer"
    )


def function_of(kind: type[Layer]) -> Callable[[Run], Run]:
    """Decorator: register a function of ``(layer, *images)`` as the module of a type of layer."""

    def register(run: Run) -> Run:
        to_module.register(kind, partial(Function, run=run))
        return run

    return register
