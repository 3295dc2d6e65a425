"""Hypothesis strategies for kernels: five-axis images in any layout, displacement sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Array = npt.NDArray[Any]

DTYPES = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8", ">u2", ">f4", ">f8")


@dataclass(frozen=True)
class Case:
    """An image, an adjacency, and where the output stands."""

    image: Array
    displacements: Array
    start: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def out_size(self) -> tuple[int, ...]:
        return tuple(
            max(0, -(-(n - a) // s))
            for n, a, s in zip(self.image.shape[2:], self.start, self.stride, strict=True)
        )


@st.composite
def images(draw: st.DrawFn) -> Array:
    """(N, C, D, H, W) of any dtype, planar, interleaved, reversed, sliced or broadcast."""
    planes = draw(st.sampled_from([1, 1, 1, 3]))
    shape = (
        draw(st.integers(1, 2)),
        draw(st.integers(1, 3)),
        planes,
        draw(st.integers(1, 12)),
        draw(st.one_of(st.integers(1, 12), st.integers(13, 70))),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    if dtype.kind == "f":
        image = rng.standard_normal(shape).astype(dtype)
    else:
        image = rng.integers(0, 2 if dtype.kind == "b" else 100, shape).astype(dtype)
    layout = draw(st.sampled_from(["planar", "interleaved", "reversed", "sliced", "broadcast"]))
    if layout == "interleaved":
        image = np.moveaxis(np.ascontiguousarray(np.moveaxis(image, 1, -1)), -1, 1)
    elif layout == "reversed":
        image = image[:, ::-1, :, ::-1, ::-1]
    elif layout == "sliced":
        image = np.repeat(image, 2, axis=4)[..., ::2]
    elif layout == "broadcast":
        image = np.broadcast_to(image[..., :1], shape)
    return image


@st.composite
def adjacencies(draw: st.DrawFn, planes: bool) -> Array:
    """(n, 3): a box, a disk or any set, also off centre and larger than the image."""
    kind = draw(st.sampled_from(["box", "disk", "any"]))
    depth = draw(st.integers(0, 1)) if planes else 0
    if kind == "any":
        place = st.tuples(st.integers(-depth, depth), st.integers(-9, 9), st.integers(-9, 9))
        return np.array(draw(st.lists(place, min_size=1, max_size=12, unique=True)), dtype=np.int64)
    low, height, width = (draw(st.integers(*r)) for r in ((-8, 2), (1, 16), (1, 30)))
    d, r, c = (a.ravel() for a in np.mgrid[-depth : depth + 1, low : low + height, -9 : -9 + width])
    displacements = np.stack([d, r, c], axis=1)
    if kind == "disk":
        radius = draw(st.integers(1, 8))
        near = displacements[:, 1] ** 2 + displacements[:, 2] ** 2 <= radius**2
        displacements = displacements[near] if near.any() else displacements[:1]
    return displacements.astype(np.int64)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    image = draw(images())
    displacements = draw(adjacencies(image.shape[2] > 1))
    strided = draw(st.booleans())
    stride = tuple(draw(st.integers(1, 3)) if strided else 1 for _ in range(3))
    start = tuple(draw(st.integers(0, n - 1)) if strided else 0 for n in image.shape[2:])
    return Case(image, displacements, start, stride)
