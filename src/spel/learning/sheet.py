"""A picture of a learned network: strokes, saliency, mask, kernels and their provenance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.decide.segmentation import KEY
from spel.decide.segmented import segment
from spel.draw import Tile, as_rgb, shade, sheet
from spel.errors import plural
from spel.nn import Convolution, Network
from spel.ops.pool import max_pool

RGB = npt.NDArray[np.uint8]

OBJECT, BACKGROUND, OUTLINE = (30, 200, 60), (40, 90, 240), (235, 40, 40)
MAX_IMAGES, MAX_KERNELS = 8, 24


def learning_sheet(
    network: Network,
    images: Sequence[npt.ArrayLike],
    markers: Sequence[Markers],
    names: Sequence[str],
) -> RGB:
    """One picture of a learned network: first the marked images, then kernels of every layer.

    The first marked images are shown with their strokes, their saliency with its scale, and the
    outline of the mask if the network carries a segmentation. The first kernels of each layer are
    shown with their weights, their stroke and pixel, and their activation on that image.

    Returns
    -------
    (rows, cols, 3) array of uint8
    """
    arrays = [np.asarray(image) for image in images]
    tiles = []
    for array, drawn, name in list(zip(arrays, markers, names))[:MAX_IMAGES]:
        tiles.append(Tile(with_strokes(array, drawn), f"{name}: strokes", _counts(drawn)))
        output = network(array)
        if output.shape[-1] == 1:
            tiles.append(Tile(shade(output[..., 0], "positive"), f"{name}: {network.output}"))
        if KEY in network.meta:
            mask = segment(network, array)
            answer = f"{int(mask.sum())} pixels" if mask.any() else "no object found"
            tiles.append(Tile(with_outline(array, mask), f"{name}: mask", answer))
    for node in network.nodes:
        if isinstance(node.layer, Convolution):
            tiles += _kernels(network, node.name, arrays, names)
    first = f", the first {MAX_IMAGES} are shown" if len(arrays) > MAX_IMAGES else ""
    return sheet(
        tiles,
        columns=6,
        tile_width=200,
        title="Learned from strokes",
        subtitle=f"{plural(len(arrays), 'marked image')}{first}, {network.parameters} weights; "
        "strokes on objects are green, on background blue",
    )


def with_strokes(image: npt.NDArray[Any], drawn: Markers) -> RGB:
    """The image with its strokes in colour."""
    picture = np.array(as_rgb(image))
    picture[tuple(drawn.points[drawn.is_object].T)] = OBJECT
    picture[tuple(drawn.points[~drawn.is_object].T)] = BACKGROUND
    return picture


def with_outline(image: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> RGB:
    """The image with the border of a mask in red."""
    picture = np.array(as_rgb(image))
    picture[(max_pool(mask, Adjacency.box(3)) > 0) & ~mask] = OUTLINE
    return picture


def _kernels(
    network: Network, name: str, arrays: Sequence[Any], names: Sequence[str]
) -> list[Tile]:
    """The first kernels of a layer, each with its origin and its activation there."""
    layer = network[name]
    assert isinstance(layer, Convolution)
    dense = layer.bank.dense()
    place = {image: number for number, image in enumerate(names)}
    done: dict[int, Any] = {}
    tiles = []
    for k in range(min(len(layer.bank), MAX_KERNELS)):
        source = layer.bank.provenance[k] if layer.bank.provenance else None
        caption = "origin unknown"
        if source is not None:
            caption = (
                f"label {source.label}, image {source.image}, stroke {source.marker}, pixel "
                f"{source.at}"
            )
        middle = dense[k] if dense.ndim == 4 else dense[k][dense.shape[1] // 2]
        title = f"{name} {k} of {len(layer.bank)}"
        tiles.append(Tile(shade(middle.mean(axis=-1), "signed"), title, caption))
        if source is not None and source.image in place:
            number = place[source.image]
            if number not in done:
                done[number] = network.select(arrays[number], [name])[name]
            part = np.maximum(done[number][..., k], 0)
            tiles.append(Tile(shade(part, "positive"), f"{name} {k} on {source.image}", "ReLU"))
    return tiles


def _counts(drawn: Markers) -> str:
    """Number of marked pixels of each side, in words."""
    objects = int(drawn.is_object.sum())
    return f"{objects} object and {len(drawn) - objects} background pixels"
