"""Layers as linear maps at an image: how a small change of the image moves an activation.

`push` takes a change of the images to the change of the activation, and `pull` is its adjoint. For
a linear layer they are the layer itself without its biases, and its adjoint. With the winners of a
maximum, the slopes of an activation function and the norms of a division held fixed, these layers
are linear as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.bank import KernelBank
from spel.errors import UnsupportedLayerError
from spel.nn import (
    Activation,
    Center,
    Clip,
    Color,
    Convolution,
    DivisiveNormalize,
    GroupedConvolution,
    Layer,
    MaxPool,
    MinPool,
    Multiply,
    PReLU,
    Residue,
    TransposedConvolution,
    adjoint,
    norms_of,
)
from spel.nn.layer import Image
from spel.ops.arrays import as_planar
from spel.ops.normalize import scale_to_one
from spel.synthesis.winners import gather, scatter, winners

Real = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tangent:
    """A layer as a linear map at an image.

    Attributes
    ----------
    push : function of the changes of the images to the change of the activation
    pull : function of an activation to one image for each that the layer takes; its adjoint
    """

    push: Callable[..., Image]
    pull: Callable[[Image], Sequence[Image]]


@singledispatch
def tangent(layer: Layer, *images: Image) -> Tangent:
    """The layer as a linear map at these images.

    Raises
    ------
    UnsupportedLayerError
        If the layer has no adjoint.

    Examples
    --------
    >>> at = tangent(Activation("relu"), np.array([[[-1.0], [2.0]]], dtype=np.float32))
    >>> at.push(np.array([[[5.0], [7.0]]], dtype=np.float32)).ravel().tolist()
    [0.0, 7.0]
    """
    zeros = [np.zeros(image.shape, dtype=np.float32) for image in images]
    adjoint(layer, np.zeros(layer.shape(*[z.shape for z in zeros]), np.float32), *zeros)
    constant = layer(*zeros)
    return Tangent(
        lambda *changes: layer(*changes) - constant,
        lambda y: adjoint(layer, y, *images),
    )


@tangent.register(Convolution)
@tangent.register(GroupedConvolution)
@tangent.register(TransposedConvolution)
def _without_bias(layer: Any, image: Image) -> Tangent:
    linear = replace(layer, bank=KernelBank(layer.bank.adjacency, layer.bank.weights))
    if isinstance(getattr(layer, "border", None), tuple):
        linear = replace(linear, border="zero")
    return Tangent(linear, lambda y: adjoint(linear, y, image))


@tangent.register(Activation)
@tangent.register(PReLU)
@tangent.register(Clip)
def _elementwise(layer: Layer, image: Image) -> Tangent:
    """The slope of the function at every value, from the right."""
    step = np.float32(2**-8) * np.maximum(np.abs(image), np.float32(2**-8))
    slope = (layer(image + step) - layer(image)) / step
    return Tangent(lambda change: slope * change, lambda y: [slope * y])


@tangent.register
def _(layer: Center, image: Image) -> Tangent:
    """The medians are held fixed, so a change passes unchanged."""
    return Tangent(lambda change: change, lambda y: [y])


@tangent.register
def _(layer: Color, image: Image) -> Tangent:
    """At every spel a small matrix of slopes, from differences; without libift's rounding."""
    smooth = replace(layer, space="labnorm2-direct") if "labnorm2" in layer.space else layer
    step = np.float32(layer.white / 512)
    columns = []
    for channel in range(image.shape[-1]):
        moved = [image.astype(np.float32), image.astype(np.float32)]
        moved[0][..., channel] = np.minimum(moved[0][..., channel] + step, layer.white)
        moved[1][..., channel] = np.maximum(moved[1][..., channel] - step, 0)
        apart = (moved[0] - moved[1])[..., channel, None]
        columns.append((smooth(moved[0]) - smooth(moved[1])) / np.where(apart > 0, apart, step))
    matrix = np.stack(columns, axis=-1)
    return Tangent(
        lambda change: np.einsum("...ij,...j->...i", matrix, change),
        lambda y: [np.einsum("...ij,...i->...j", matrix, y)],
    )


@tangent.register
def _(layer: MaxPool, image: Image) -> Tangent:
    return _pooled(layer, image)


@tangent.register
def _(layer: MinPool, image: Image) -> Tangent:
    return _pooled(layer, -image)


def _pooled(layer: MaxPool | MinPool, image: Image) -> Tangent:
    places = winners(image, layer.scope)
    return Tangent(
        lambda change: gather(change, places), lambda y: [scatter(y, places, image.shape)]
    )


@tangent.register
def _(layer: DivisiveNormalize, image: Image) -> Tangent:
    """The norms are held fixed; a window of zeros has none, so that of ones stands for it."""
    norms = norms_of(layer, image)
    size = len(layer.area) * (image.shape[-1] if layer.across_channels else 1)
    ones = np.float32(1 / np.sqrt(size))
    factor = np.divide(1, norms, out=np.full_like(norms, ones), where=norms > 0)
    return Tangent(lambda change: change * factor, lambda y: [y * factor])


@tangent.register
def _(layer: Multiply, *images: Image) -> Tangent:
    def push(*changes: Image) -> Image:
        total: Any = np.float32(0)
        for i in range(len(images)):
            product: Any = changes[i]
            for j, image in enumerate(images):
                product = product if i == j else product * image
            total = total + product
        return np.asarray(total, dtype=np.float32)

    return Tangent(push, lambda y: adjoint(layer, y, *images))


@tangent.register
def _(layer: Residue, *images: Image) -> Tangent:
    if layer.layer is not None:
        raise UnsupportedLayerError(
            "invert: a Residue that holds a layer has no adjoint; write it as spel.residue(...)"
        )
    factors: Any = [np.float32(1)] * 2
    if layer.scale is not None:
        factors = [
            scale_to_one(as_planar("invert", i, i.ndim - 1).array)[0].reshape(-1) for i in images
        ]
    first, second = (image * factor for image, factor in zip(images, factors))
    slope = (first >= second).astype(np.float32)  # from the right, as of activations
    a, b = (slope * f for f in factors)
    return Tangent(lambda x, n: a * x - b * n, lambda y: [a * y, -b * y])
