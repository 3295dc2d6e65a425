"""Hypothesis strategies: adjacencies of any shape, windows, images of any layout, networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.window import Window
from spel.nn import (
    Activation,
    Convolution,
    DivisiveNormalize,
    MaxPool,
    MeanPool,
    MinPool,
    Network,
    Residue,
    branch,
    chain,
)

DTYPES = ("bool", "uint8", "int16", "uint16", "int32", "float16", "float32", "float64", ">f4")


@st.composite
def adjacencies(draw: Any, ndim: int = 2, reach: int = 4) -> Adjacency:
    """Boxes, disks, crosses, dilated ones, and any set of displacements, off-centre ones too.

    Parameters
    ----------
    ndim : {2, 3}
    reach : int
        Largest distance along an axis.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(adjacencies(), lambda area: len(area) >= 3).ndim
    2
    """
    form = draw(st.sampled_from(("box", "ball", "cross", "any", "dilated")))
    if form == "box":
        return Adjacency.box(draw(st.tuples(*[st.integers(1, 2 * reach)] * ndim)))
    if form == "ball":
        return Adjacency.ball(draw(st.floats(0, reach / 2)), ndim=ndim)
    if form == "cross":
        return Adjacency.cross(draw(st.integers(0, reach)), ndim=ndim)
    if form == "dilated":
        return Adjacency.box(draw(st.integers(1, 3)), ndim=ndim).dilated(draw(st.integers(1, 3)))
    place = st.tuples(*[st.integers(-reach, reach)] * ndim)
    return Adjacency.from_displacements(draw(st.lists(place, min_size=1, max_size=9, unique=True)))


@st.composite
def windows(draw: Any, ndim: int = 2) -> Window:
    """Any adjacency with any stride and border.

    Parameters
    ----------
    ndim : {2, 3}

    Examples
    --------
    >>> from hypothesis import find
    >>> find(windows(), lambda window: window.border == "wrap").strides
    (1, 1)
    """
    return Window(
        draw(adjacencies(ndim)),
        draw(st.tuples(*[st.integers(1, 3)] * ndim)),
        draw(st.sampled_from(("zero", "edge", "reflect", "symmetric", "wrap", "valid", 1.5))),
    )


@st.composite
def images(
    draw: Any, ndim: int = 2, channels: int | None = None, smallest: int = 0, largest: int = 9
) -> np.ndarray[Any, Any]:
    """Images of any real dtype and memory layout, sizes 0 and 1 included.

    Parameters
    ----------
    ndim : {2, 3}
    channels : int, optional
        1 to 4 by default.
    smallest, largest : int
        Limits of the length of each spatial axis.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(images(channels=2), lambda image: image.size > 0).shape
    (1, 1, 2)
    """
    size = draw(st.tuples(*[st.integers(smallest, largest)] * ndim))
    depth = draw(st.integers(1, 4)) if channels is None else channels
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low = 0 if dtype.kind in "bu" else -9
    image = rng.integers(low, 10, size=(*size, depth)).astype(dtype)
    layout = draw(st.sampled_from(("C", "F", "planar", "reversed", "every second")))
    if layout == "F":
        return np.asfortranarray(image)
    if layout == "planar":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(image, -1, 0)), 0, -1)
    if layout == "reversed":
        return image[::-1, ::-1][(slice(None),) * image.ndim]
    if layout == "every second":
        return np.repeat(np.repeat(image, 2, axis=0), 2, axis=-1)[::2][..., ::2]
    return image


@st.composite
def banks(draw: Any, channels: int, ndim: int = 2, kernels: int = 3) -> KernelBank:
    """Kernels of small whole weights over any adjacency.

    Parameters
    ----------
    channels : int
    ndim : {2, 3}
    kernels : int
        Largest number of kernels.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(banks(3), lambda bank: len(bank) == 2).channels
    3
    """
    adjacency = draw(adjacencies(ndim, reach=2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, kernels))
    return KernelBank(
        adjacency,
        rng.integers(-3, 4, size=(count, len(adjacency), channels)),
        rng.integers(-3, 4, size=count),
    )


@st.composite
def networks(draw: Any, channels: int, layers: int = 4, strided: bool = True) -> Network:
    """Chains of local layers with branches and residues.

    Parameters
    ----------
    channels : int
        Of the images.
    layers : int
        Largest number of layers in the chain.
    strided : bool
        Whether layers may have strides.

    Examples
    --------
    >>> from hypothesis import find
    >>> len(find(networks(1), lambda net: True).names) >= 1
    True
    """
    parts: list[Any] = []
    for _ in range(draw(st.integers(1, layers))):
        form = draw(st.sampled_from(("convolution", "pool", "activation", "divisive", "branch")))
        stride = draw(st.integers(1, 2)) if strided else 1
        area = draw(adjacencies(reach=2))
        if form == "convolution":
            bank = draw(banks(channels))
            border = draw(st.sampled_from(("zero", "edge", "reflect", "symmetric")))
            parts.append(Convolution(bank, stride, border))
            channels = len(bank)
        elif form == "pool":
            parts.append(draw(st.sampled_from((MaxPool, MinPool, MeanPool)))(area, stride))
        elif form == "activation":
            parts.append(Activation(draw(st.sampled_from(("relu", "abs", "leaky_relu")))))
        elif form == "divisive":
            normalize = DivisiveNormalize(area)
            parts.append(draw(st.sampled_from((normalize, Residue(normalize)))))
        else:
            parts.append(branch(MaxPool(area), Activation("relu")))
            channels *= 2
    return chain(*parts)
