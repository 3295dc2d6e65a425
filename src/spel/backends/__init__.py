"""Backends: a whole network translated for another library; it may refuse, never approximate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from spel.backends.bioimageio_export import to_bioimageio
from spel.backends.capability import Capability, capability, table
from spel.backends.html_export import to_html
from spel.backends.libift_export import to_libift
from spel.backends.onnx_export import compile_onnx, to_onnx
from spel.backends.onnx_report import OnnxReport
from spel.backends.script_export import to_script
from spel.errors import ParameterError
from spel.nn.network import Network

__all__ = [
    "Backend",
    "Capability",
    "OnnxReport",
    "capability",
    "compile",
    "from_torch",
    "table",
    "to_bioimageio",
    "to_html",
    "to_libift",
    "to_onnx",
    "to_script",
    "to_torch",
]

Backend = Literal["cpu", "torch", "onnx"]


def compile(
    network: Network, shape: Sequence[int], backend: Backend = "cpu"
) -> Callable[[Any], Any]:
    """A network as a function of an image (or batch), run by a backend.

    Parameters
    ----------
    network : Network
    shape : (rows, cols[, C]) or (planes, rows, cols, C)
        Of an image that will come; other sizes may follow, the number of channels may not change.
    backend : {"cpu", "torch", "onnx"}

    Returns
    -------
    callable
        Takes and gives channels-last NumPy arrays, whatever the backend.

    Raises
    ------
    UnsupportedLayerError
        If the backend cannot express a layer exactly; the note names the node.
    ShapeError
        If images of this shape do not fit the network.
    BackendMissingError
        If its package is not installed.

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> run = compile(chain(Scale([2.0])), (1, 2, 1), "cpu")
    >>> run([[[1.0], [3.0]]]).ravel().tolist()
    [2.0, 6.0]
    """
    network.shape(tuple(shape))
    if backend == "cpu":
        return network
    if backend == "onnx":
        return compile_onnx(network, shape)
    if backend == "torch":
        from spel.backends.torch_export import compile_torch

        return compile_torch(network, shape)
    raise ParameterError(f"compile: backend {backend!r}; expected cpu, torch or onnx")


def to_torch(network: Network) -> Any:
    """The network as a `torch.nn.Module` with the same numbers, see `spel.backends.torch_export`.

    Parameters
    ----------
    network : Network

    Examples
    --------
    >>> import spel
    >>> module = spel.to_torch(spel.chain(spel.Scale([2.0])))  # doctest: +SKIP
    >>> spel.from_torch(module)["scale"].factor.tolist()  # doctest: +SKIP
    [2.0]
    """
    from spel.backends.torch_export import to_torch as translate

    return translate(network)


def from_torch(module: Any, shape: Sequence[int] | None = None) -> Network:
    """A network from a PyTorch module.

    Parameters
    ----------
    module : torch.nn.Module
        One that `to_torch` made, with the weights that it has now, or any in evaluation mode whose
        `forward` consists of known operations, see `spel.backends.torch_import`.
    shape : (rows, cols, channels), optional
        Of the images, for a ``Linear`` after a ``Flatten``.

    Raises
    ------
    UnsupportedLayerError
        If a module has no layer that means the same; the message names it.
    """
    from spel.backends.torch_import import from_torch as translate

    return translate(module, shape)
