"""Outputs larger than memory, band by band from the top, each of them computed tile by tile.

The bands of an image are rows, those of a volume are planes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from spel.decide.boxes import one_channel
from spel.decide.segmentation import Segmentation
from spel.errors import ParameterError, ShapeError
from spel.io.large.stored_band import StoredBand
from spel.large.tiling import Array, Folder, Tiling
from spel.large.view import View
from spel.nn import Network

Labels = npt.NDArray[np.int32]


def output_bands(network: Network, tiling: Tiling, folder: Folder = None) -> Iterator[StoredBand]:
    """The output of a network in bands of rows or planes from the top, the bits of the whole.

    All bands but the last have a multiple of `BLOCK` rows, if they are of rows. They lie on the
    disk of the folder, one at a time.

    Raises
    ------
    ShapeError
        If the output is no image, or a layer needs the whole image.
    """
    tiling = tiling.for_bands(network)
    network = tiling.resolved(network)
    yield from _joined(network, tiling, tiling.outputs(network)(np.asarray), folder)


def check_tiled(network: Network, segmentation: Segmentation) -> None:
    """Refuse what needs the whole image, before an image is read.

    Raises
    ------
    ParameterError
        If classes are delineated by Dynamic Trees, or masks are cut by the colours of their image.
    ShapeError
        If the node that the delineation looks at has strides.
    """
    if segmentation.cut:
        raise ParameterError(
            "segment: the network's segmentation cuts masks by the colours of the whole image; "
            "learn it without --cut, or use a level of the pyramid (--level)"
        )
    line = segmentation.delineation
    if line is not None and line.method == "trees" and segmentation.classes:
        raise ParameterError(
            "segment: the network's segmentation delineates classes by Dynamic Trees, whose means "
            "are those of all pixels of a class in the order in which they are reached, so that "
            "the whole image is needed; learn it with --delineation watershed or growcut, which "
            "tiles compute, or use a level of the pyramid (--level)"
        )
    if segmentation.delineates and max(network.footprints[segmentation.features].stride) > 1:
        raise ShapeError(
            f"segment: features {segmentation.features!r} have strides; delineate on a node "
            "without strides"
        )


def label_bands(view: View, of_labels: Callable[[Labels], Array]) -> Iterator[StoredBand]:
    """What a picklable function makes of the label image of each tile, in bands of one channel.

    The label image is that of `SegmentedImage.labels`, bit for bit; the segmentation is one without
    object model, except for those of classes.
    """
    picture = partial(_picture, view.how, view.level, of_labels)
    pictures = view.bands.outputs(view.network)(picture)
    yield from _joined(view.network, view.bands, pictures, view.folder)


def _picture(
    how: Segmentation, level: float, of_labels: Callable[[Labels], Array], output: Array
) -> Array:
    return of_labels(labels_in(how, level, output))[..., None]


def labels_in(how: Segmentation, level: float, output: Array) -> Labels:
    """The labels of classes in a part of an output, or those of a threshold, not delineated."""
    return how.labels(output) if how.classes else (one_channel(output) > level).astype(np.int32)


def _joined(
    network: Network, tiling: Tiling, parts: Iterable[Array], folder: Folder
) -> Iterator[StoredBand]:
    """Parts of an output, one for each tile, joined into bands on the disk of a folder."""
    across = network.shape(tiling.shape)[1:-1]
    band: StoredBand | None = None
    for tile, part in zip(tiling.tiles(network), parts, strict=True):
        first, *rest = tile.out
        if band is None:
            lengths = (first.stop - first.start, *across, part.shape[-1])
            band = StoredBand(lengths, part.dtype, folder)
        band[(slice(None), *rest)] = part
        if all(span.stop == n for span, n in zip(rest, across)):
            yield band
            band = None
