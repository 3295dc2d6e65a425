"""Outputs larger than memory, band by band from the top, each of them computed tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.boxes import one_channel
from spel.decide.segmentation import Segmentation
from spel.decide.segmented import SegmentedImage
from spel.errors import ParameterError, ShapeError
from spel.io.large.pyramid import BLOCK
from spel.nn import Network
from spel.nn.tiles import SIZE, tiles
from spel.ops.streamed import threshold_of_parts
from spel.runs.tiles import InUnits, Source, outputs, resolve_by_tiles

BAND_BYTES = 64 << 20
"""Largest memory of a band, if the image is not so wide that the lowest bands take more."""
Band = npt.NDArray[Any]


def output_bands(
    network: Network, source: Source, *, size: int = SIZE, white: float | None = None
) -> Iterator[Band]:
    """The output of a network in bands of rows, the same bits as those of the whole.

    Parameters
    ----------
    network : Network
    source : array or `spel.io.large.LargeImage`
        (rows, cols, channels), of any size.
    size : int
        Side of a tile in pixels of the image; made what bands need, see `BAND_BYTES`.
    white : float, optional
        Full intensity of the image; by default told by its type.

    Yields
    ------
    (rows, cols, channels) array of float32
        From the top; all but the last have a multiple of `BLOCK` rows.

    Raises
    ------
    ShapeError
        If the image is a volume, the output no image, or a layer needs the whole image.
    """
    size = tile_size(network, source, size)
    source = InUnits.of(network, source, white, size)
    yield from _bands(resolve_by_tiles(network, source, size), source, size, np.asarray)


def _bands(
    network: Network, source: Source, size: int, of_tile: Callable[[Band], Band]
) -> Iterator[Band]:
    """What a function makes of the output of each tile, joined into bands."""
    shape = tuple(map(int, source.shape))
    cols = network.shape(shape)[1]
    parts = []
    for tile in tiles(network, shape, size):
        parts.append(of_tile(network(np.asarray(source[tile.read]))[tile.inner]))
        if tile.out[1].stop == cols:
            yield np.concatenate(parts, axis=1)
            parts = []


def tile_size(network: Network, source: Source, size: int, *, bits: int = 32) -> int:
    """The size of tiles whose bands are whole rows of stored tiles, and not too large."""
    field = network.footprints[network.output]
    if len(source.shape) != 3 or len(field.stride) != 2 or len(network.shape(source.shape)) != 3:
        raise ShapeError(
            f"tiles: an image of shape {tuple(source.shape)} gives an output of shape "
            f"{network.shape(source.shape)}; planes give planes tile by tile, volumes and vectors "
            "are computed whole"
        )
    stride = max(1, int(field.stride[0]))
    step = BLOCK * stride
    _, cols, channels = network.shape(source.shape)
    highest = stride * 8 * BAND_BYTES // (bits * cols * channels)
    return max(step, min(-(-size // step), highest // step) * step)


def check_masks(network: Network, segmentation: Segmentation) -> None:
    """Refuse what `mask_bands` refuses, before an image is read."""
    for need, what in (
        (segmentation.objects, "selects components by their shape"),
        (segmentation.delineation, "delineates objects"),
    ):
        if need is not None:
            raise ParameterError(
                f"segment: the network's segmentation {what}, which needs the whole image; use a "
                "level of the pyramid, or a segmentation by a threshold"
            )
    if max(network.footprints[network.output].stride) > 1:
        raise ShapeError(
            "segment: the output of the network has strides and is enlarged over the whole image; "
            "use a level of the pyramid, or a network without strides"
        )


def mask_bands(
    network: Network,
    source: Source,
    segmentation: Segmentation,
    *,
    size: int = SIZE,
    white: float | None = None,
) -> Iterator[npt.NDArray[np.bool_]]:
    """The mask of an image in bands of rows: that of `spel.decide.segmented.segment`, bit for bit.

    Raises
    ------
    ParameterError
        If the segmentation selects components by their shape, or delineates: they need the whole
        image.
    ShapeError
        As `output_bands`; if the network has strides.
    """
    check_masks(network, segmentation)
    size = tile_size(network, source, size, bits=8)
    source = InUnits.of(network, source, white, size)
    network = resolve_by_tiles(network, source, size)
    if segmentation.classes:
        yield from _bands(network, source, size, lambda x: SegmentedImage(x, segmentation).mask)
        return
    level = threshold_of_parts(lambda: outputs(network, source, size), segmentation.threshold)
    yield from _bands(network, source, size, lambda saliency: one_channel(saliency) > level)
