"""Outputs larger than memory, band by band from the top, each of them computed tile by tile.

The bands of an image are rows, those of a volume are planes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.boxes import one_channel
from spel.decide.segmentation import Segmentation
from spel.errors import ParameterError, ShapeError
from spel.io.large.stored_band import StoredBand
from spel.nn import Network
from spel.nn.tiles import SIZE
from spel.ops.streamed import threshold_of_parts
from spel.runs.tiles import InUnits, Source, bands, outputs, resolve_by_tiles, tile_size

Band = npt.NDArray[Any]
Folder = str | os.PathLike[str] | None


def output_bands(
    network: Network,
    source: Source,
    *,
    size: int = SIZE,
    white: float | None = None,
    folder: Folder = None,
) -> Iterator[StoredBand]:
    """The output of a network in bands of rows or planes, the same bits as those of the whole.

    Parameters
    ----------
    network : Network
    source : array or `spel.io.large.LargeImage`
        (rows, cols, channels) of any size, with planes before them for voxels.
    size : int
        Side of a tile in pixels of the image; made what bands need, see `tile_size`.
    white : float, optional
        Full intensity of the image; by default told by its type.
    folder : path, optional
        On the disk where the bands lie, one at a time; by default that of temporary files.

    Yields
    ------
    (rows, cols, channels) or (planes, rows, cols, channels) StoredBand of float32
        From the top; all but the last have a multiple of `BLOCK` rows, if they are of rows.

    Raises
    ------
    ShapeError
        If the output is no image, or a layer needs the whole image.
    """
    each = tile_size(network, source, size)
    source = InUnits.of(network, source, white, each)
    yield from bands(resolve_by_tiles(network, source, each), source, each, np.asarray, folder)


def check_labels(network: Network, segmentation: Segmentation) -> None:
    """Refuse what `label_bands` refuses, before an image is read."""
    delineation = segmentation.delineation
    for needed, what in (
        (segmentation.objects is not None, "selects components by their shape"),
        (delineation is not None and delineation.method != "none", "delineates objects"),
    ):
        if needed:
            raise ParameterError(
                f"segment: the network's segmentation {what}, which needs the whole image; use a "
                "level of the pyramid, or a segmentation by a threshold"
            )
    if max(network.footprints[network.output].stride) > 1:
        raise ShapeError(
            "segment: the output of the network has strides and is enlarged over the whole image; "
            "use a level of the pyramid, or a network without strides"
        )


def label_bands(
    network: Network,
    source: Source,
    segmentation: Segmentation,
    of_labels: Callable[[npt.NDArray[np.int32]], Band],
    *,
    size: int = SIZE,
    white: float | None = None,
    folder: Folder = None,
) -> Iterator[StoredBand]:
    """What a function makes of the label image of each tile, in bands.

    The label image is that of `SegmentedImage.labels`, bit for bit. The function takes the labels
    of a tile and returns an array with channels.

    Raises
    ------
    ParameterError
        If the segmentation selects components by their shape, or delineates: they need the whole
        image.
    ShapeError
        As `output_bands`; if the network has strides.
    """
    check_labels(network, segmentation)
    each = tile_size(network, source, size)
    source = InUnits.of(network, source, white, each)
    network = resolve_by_tiles(network, source, each)
    if segmentation.classes:
        yield from bands(network, source, each, lambda x: of_labels(segmentation.labels(x)), folder)
        return
    level = threshold_of_parts(lambda: outputs(network, source, each), segmentation.threshold)

    def picture(output: Band) -> Band:
        return of_labels((one_channel(output) > level).astype(np.int32))

    yield from bands(network, source, each, picture, folder)
