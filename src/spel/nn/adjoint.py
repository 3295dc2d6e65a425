"""Adjoints of layers: what an activation says about the image that it was made from.

A linear layer is a matrix A, and its adjoint is the transposed one: ``<A x, y> = <x, A* y>``.
Biases and shifts are no part of A. A layer that is not linear becomes linear once its image is
given: a maximum has chosen its winners, a ReLU the values that it keeps, a division its norms. Its
adjoint at that image is the adjoint of this linear layer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.errors import ShapeError, UnsupportedLayerError
from spel.nn.activation import Activation, Clip, PReLU
from spel.nn.combine import Concatenate, Flatten, Scale, WeightedSum
from spel.nn.convolution import Convolution
from spel.nn.global_pool import GlobalPool
from spel.nn.grouped import GroupedConvolution
from spel.nn.layer import Image, Layer
from spel.nn.merge import Add, Multiply
from spel.nn.normalize import BatchNormalize, DivisiveNormalize
from spel.nn.pad import Crop, Pad
from spel.nn.pool import MaxPool, MeanPool, MinPool
from spel.nn.upsample import TransposedConvolution, Upsample
from spel.ops.adjoint import (
    convolve_adjoint,
    global_mean_adjoint,
    mean_pool_adjoint,
    pad_adjoint,
    transposed_adjoint,
    unpool,
    upsample_adjoint,
    window_norms,
)
from spel.ops.arrays import as_real


def adjoint(layer: Layer, y: npt.ArrayLike, *images: npt.ArrayLike) -> list[Image]:
    """The adjoint of a layer applied to an activation: one image for each that the layer takes.

    Parameters
    ----------
    layer : Layer
    y : array
        Of the shape of ``layer(*images)``.
    *images : arrays
        What the layer was given. A linear layer looks at their shapes only; for others it is the
        image at which the layer is taken as linear.

    Returns
    -------
    list of float32 arrays
        Of the shapes of the images.

    Raises
    ------
    ShapeError
        If `y` has not the shape of the layer's result.
    UnsupportedLayerError
        If the layer has no adjoint.

    Examples
    --------
    >>> from spel.core.bank import KernelBank
    >>> layer = Convolution(KernelBank.from_array([[1.0, 2.0, 3.0]]))
    >>> adjoint(layer, [[[0.0], [1.0], [0.0]]], np.zeros((1, 3, 1)))[0].ravel().tolist()
    [1.0, 2.0, 3.0]
    >>> adjoint(MaxPool(layer.bank.adjacency, 3), [[[7.0]]], [[[1.0], [5.0], [2.0]]])[0].ravel()
    array([0., 7., 0.], dtype=float32)
    """
    activation = as_real("adjoint", y).astype(np.float32, copy=False)
    arrays = [as_real("adjoint", image) for image in images]
    expected = layer.shape(*[a.shape for a in arrays])
    if activation.shape != tuple(expected):
        raise ShapeError(
            f"adjoint: an activation of shape {activation.shape} for {type(layer).__name__}, which "
            f"gives {tuple(expected)}"
        )
    backward = _backward(layer)
    result: Any = backward(layer, activation, *arrays)
    return list(result) if isinstance(result, tuple) else [result]


@singledispatch
def _backward(layer: Layer) -> Callable[..., Any]:
    raise UnsupportedLayerError(
        f"adjoint: {type(layer).__name__} has none; end the network before it (net.upto)"
    )


def _register(kind: type[Layer]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _backward.register(kind, lambda layer: function)
        return function

    return register


# -- linear layers -------------------------------------------------------------------------------


@_register(Convolution)
def _convolution(layer: Convolution, y: Image, x: Image) -> Image:
    return convolve_adjoint(y, layer.bank, layer.scope, x.shape)


@_register(GroupedConvolution)
def _grouped(layer: GroupedConvolution, y: Image, x: Image) -> Image:
    return convolve_adjoint(y, layer.bank, layer.scope, x.shape, layer.groups)


@_register(TransposedConvolution)
def _transposed(layer: TransposedConvolution, y: Image, x: Image) -> Image:
    return transposed_adjoint(y, layer.bank, layer.window, x.shape)


@_register(MeanPool)
def _mean(layer: MeanPool, y: Image, x: Image) -> Image:
    return mean_pool_adjoint(y, layer.scope, x.shape, full=layer.count == "full")


@_register(GlobalPool)
def _global(layer: GlobalPool, y: Image, x: Image) -> Image:
    if layer.function == "max":
        raise UnsupportedLayerError("adjoint: a global maximum has none; use the mean")
    return global_mean_adjoint(y, layer.sizes, x.shape)


@_register(Upsample)
def _upsample(layer: Upsample, y: Image, x: Image) -> Image:
    return upsample_adjoint(y, layer.factors, x.shape, linear=layer.method == "linear")


@_register(Pad)
def _pad(layer: Pad, y: Image, x: Image) -> Image:
    return pad_adjoint(y, *layer.amounts, layer.border, x.shape)


@_register(Crop)
def _crop(layer: Crop, y: Image, x: Image) -> Image:
    before, _ = layer.amounts
    size = x.shape[-1 - len(before) : -1]
    inner = y.shape[-1 - len(before) : -1]
    after = [n - a - m for n, a, m in zip(size, before, inner)]
    if min((*inner, *size)) == 0:
        return np.zeros(x.shape, dtype=np.float32)
    return ops.pad(y, before, after)


@_register(Add)
def _add(layer: Add, y: Image, *images: Image) -> tuple[Image, ...]:
    return tuple(_summed_to(y, x.shape) for x in images)


@_register(Concatenate)
def _concatenate(layer: Concatenate, y: Image, *images: Image) -> tuple[Image, ...]:
    ends = np.cumsum([x.shape[-1] for x in images])[:-1]
    return tuple(np.ascontiguousarray(part) for part in np.split(y, ends, axis=-1))


@_register(Flatten)
def _flatten(layer: Flatten, y: Image, x: Image) -> Image:
    return y.reshape(x.shape)


@_register(Scale)
def _scale(layer: Scale, y: Image, x: Image) -> Image:
    return np.multiply(y, layer.factor, dtype=np.float32)


@_register(WeightedSum)
def _weighted(layer: WeightedSum, y: Image, x: Image) -> Image:
    return np.multiply(y, layer.weights, dtype=np.float32)


@_register(BatchNormalize)
def _batch(layer: BatchNormalize, y: Image, x: Image) -> Image:
    if layer.statistics is None:
        raise UnsupportedLayerError(
            "adjoint: a batch normalization without statistics has none; fit it first "
            "(layer.fitted(batch))"
        )
    zero = np.zeros((1,) * x.ndim, dtype=np.float32)
    deviation = np.asarray(layer.statistics[1], dtype=np.float64)
    epsilon = float(layer.epsilon)
    below = np.sqrt(deviation**2 + epsilon) if layer.over == "channel" else deviation + epsilon
    factor = np.asarray(layer.gamma, dtype=np.float64) / below
    return np.multiply(y, factor + zero, dtype=np.float64).astype(np.float32)


# -- layers that are linear at an image ----------------------------------------------------------


@_register(Activation)
def _activation(layer: Activation, y: Image, x: Image) -> Image:
    if layer.function == "identity":
        return y
    if layer.function not in ("relu", "leaky_relu", "abs"):
        raise UnsupportedLayerError(
            f"adjoint: the activation {layer.function} is not linear on either side of 0; relu, "
            "leaky_relu, abs and identity are"
        )
    slope = {"relu": 0.0, "abs": -1.0}.get(layer.function)
    if slope is None:
        slope = 0.01 if layer.parameter is None else layer.parameter
    return np.where(x > 0, y, np.float32(slope) * y)


@_register(PReLU)
def _prelu(layer: PReLU, y: Image, x: Image) -> Image:
    return np.where(x > 0, y, layer.slope * y)


@_register(Clip)
def _clip(layer: Clip, y: Image, x: Image) -> Image:
    low, high = layer.limits
    return np.where((x >= low) & (x <= high), y, np.float32(0))


@_register(Multiply)
def _multiply(layer: Multiply, y: Image, *images: Image) -> tuple[Image, ...]:
    """Each image by itself, the others being given."""
    parts = []
    for i, x in enumerate(images):
        product = y
        for j, other in enumerate(images):
            product = product if i == j else product * other.astype(np.float32)
        parts.append(_summed_to(product, x.shape))
    return tuple(parts)


@_register(MaxPool)
def _largest(layer: MaxPool, y: Image, x: Image) -> Image:
    return unpool(y, x, layer.adjacency, stride=layer.stride, border=layer.border)


@_register(MinPool)
def _smallest(layer: MinPool, y: Image, x: Image) -> Image:
    return unpool(y, x, layer.adjacency, stride=layer.stride, border=layer.border, function="min")


@_register(DivisiveNormalize)
def _divided(layer: DivisiveNormalize, y: Image, x: Image) -> Image:
    """Division by the norms of the image, which are given: a product, its own adjoint."""
    norms = norms_of(layer, x)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(norms == 0, np.float32(0), (y / norms)).astype(np.float32)


def norms_of(layer: DivisiveNormalize, x: npt.ArrayLike) -> Image:
    """The norm that the layer divides each value of an image by.

    Parameters
    ----------
    layer : DivisiveNormalize
    x : array
        The image.

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> norms_of(DivisiveNormalize(Adjacency.box(3)), [[[3.0], [4.0]]]).ravel().tolist()
    [5.0, 5.0]
    """
    return window_norms(x, layer.area, across_channels=layer.across_channels)


def undo_division(layer: DivisiveNormalize, y: npt.ArrayLike, norms: npt.ArrayLike) -> Image:
    """The image that gave a normalized one, with the norms that it was divided by.

    Parameters
    ----------
    layer : DivisiveNormalize
    y : array
        What the layer gave.
    norms : array
        What `norms_of` gives for the image.

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> layer = DivisiveNormalize(Adjacency.box(3))
    >>> image = np.array([[[3.0], [4.0]]], dtype=np.float32)
    >>> undo_division(layer, layer(image), norms_of(layer, image)).ravel().tolist()
    [3.0, 4.0]
    """
    parts = [as_real("undo_division", values) for values in (y, norms)]
    if parts[0].shape != parts[1].shape:
        raise ShapeError(
            f"undo_division: an image of shape {parts[0].shape} and norms of {parts[1].shape}; "
            "expected the same shape"
        )
    return np.multiply(*parts, dtype=np.float32, casting="unsafe")


def _summed_to(y: Image, shape: tuple[int, ...]) -> Image:
    """What reaches an image whose one channel, or one spel, served all."""
    axes = tuple(i for i, (n, m) in enumerate(zip(y.shape, shape)) if n != m)
    if not axes:
        return y
    total: Image = y.sum(axis=axes, keepdims=True, dtype=np.float64).astype(np.float32)
    return total
