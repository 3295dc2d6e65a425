"""PyTorch: a network as a module with the same numbers.

Images are ``(batch, channel, ..., row, col)``, as PyTorch has them. No global state of PyTorch is
read or written: no default device or dtype, no seed, no gradient mode.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import atomic
from spel.backends.capability import check_one_output
from spel.backends.torch_deps import torch
from spel.backends.torch_module import SpelModule
from spel.errors import SpelError
from spel.nn.network import Network


def to_torch(network: Network) -> SpelModule:
    """The network as a `torch.nn.Module`: the same numbers, differentiable where the layers are.

    Weights and biases of convolutions, weighted sums, scales and the gamma and beta of batch
    normalizations are parameters; everything else is a buffer.

    Parameters
    ----------
    network : Network

    Returns
    -------
    SpelModule
        Takes and gives ``(batch, channels, rows, cols)``.

    Raises
    ------
    UnsupportedLayerError
        If a layer has no numbers yet (the note names the node), or the network is a detector of
        several classes.
    """
    check_one_output(network, "torch")
    return SpelModule(network)


def compile_torch(network: Network, shape: Sequence[int]) -> Callable[[npt.ArrayLike], Any]:
    """The network as a function of channels-last arrays, run by PyTorch on the CPU."""
    module = to_torch(network)
    axes = len(shape) + (len(shape) == (network.ndim or 2))

    def call(image: npt.ArrayLike) -> Any:
        array = np.asarray(image)
        array = array[..., None] if array.ndim == axes - 1 else array
        batch = array if array.ndim > axes else array[None]
        planar = np.ascontiguousarray(np.moveaxis(batch, -1, 1), dtype=np.float32)
        with torch.no_grad():
            result = module(torch.from_numpy(planar)).numpy()
        result = np.moveaxis(result, 1, -1)
        return result if array.ndim > axes else result[0]

    return call


def check(network: Network, images: Sequence[npt.ArrayLike], tolerance: float = 1e-4) -> float:
    """Largest difference from the engine over its largest absolute value.

    Raises
    ------
    SpelError
        If it exceeds the tolerance.
    """
    run = compile_torch(network, np.shape(images[0]))
    worst = 0.0
    for image in images:
        ours = network(np.asarray(image))
        top = float(np.abs(ours).max(initial=0.0)) or 1.0
        worst = max(worst, float(np.abs(ours - run(image)).max(initial=0.0)) / top)
    if not worst <= tolerance:
        raise SpelError(
            f"torch: it differs from the engine by {worst:.2e} of the largest value, more than "
            f"{tolerance:.0e}; compare node by node with network.upto(name)"
        )
    return worst


def write_state(network: Network, path: str | os.PathLike[str]) -> None:
    """Write the module's state (`torch.load(path, weights_only=True)`), atomically."""
    from io import BytesIO

    data = BytesIO()
    torch.save(to_torch(network).state_dict(), data)
    atomic.write_bytes(path, data.getvalue())
