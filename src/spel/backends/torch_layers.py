"""Each kind of layer as a PyTorch module; importing this file registers spel's own.

The files by what a layer has: weights that can be trained (`torch_trainable`), a window that it
pools or normalizes over (`torch_pooling`), neither (`torch_functions`). A layer from outside of
spel joins as they do, see `torch_dispatch`.
"""

from spel.backends import torch_functions, torch_pooling, torch_trainable
from spel.backends.torch_dispatch import LayerModule, function_of, to_module

__all__ = [
    "LayerModule",
    "function_of",
    "to_module",
    "torch_functions",
    "torch_pooling",
    "torch_trainable",
]
