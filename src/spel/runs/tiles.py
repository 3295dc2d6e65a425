"""Images larger than memory, tile by tile (`spel.nn.tiles`); the bits are equal.

Components that cross seams, also diagonally, become one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.detections import Detections
from spel.core.intensity import largest_number, white_of_largest
from spel.decide import Decision, decision_of
from spel.decide.boxes import DecisionResult, check_axes, one_channel, select_regions
from spel.decide.detection import AnyDecision, check_volume
from spel.errors import ShapeError
from spel.io.large.pyramid import BLOCK
from spel.io.large.stored_band import StoredBand
from spel.nn import Network
from spel.nn.geometry import geometry
from spel.nn.global_layers import resolve_global_layers
from spel.nn.intensity import expected_white, match_white
from spel.nn.tiles import SIZE, sides, tiles
from spel.ops.streamed import Parts, threshold_of_parts
from spel.rigid.large import detect_in_levels
from spel.runs.seams import Seams

Band = npt.NDArray[Any]


class Source(Protocol):
    """An image that is read by windows: an array, a memory map, a `spel.io.large.LargeImage`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, cols, channels), with planes before them for voxels."""

    def __getitem__(self, window: Any) -> Any:
        """A part of the image, by a slice of each axis."""


@dataclass(frozen=True)
class InUnits:
    """A source in the units that a network expects, see `spel.nn.match_white`."""

    network: Network
    source: Source
    white: float

    @classmethod
    def of(
        cls, network: Network, source: Source, white: float | None, size: int | Sequence[int]
    ) -> Source:
        """The source itself if it is in those units; its values are looked through if need be."""
        expected = expected_white(network)
        if expected is None:
            return source
        if white is None:
            parts = [(part.dtype, largest_number(part)) for part in _windows(source, size)]
            white = white_of_largest(parts[0][0], max(most for _, most in parts)) or expected
        return source if white == expected else cls(network, source, white or expected)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the source."""
        return self.source.shape

    def __getitem__(self, window: Any) -> Any:
        return match_white(self.network, self.source[window], self.white)


def apply(
    network: Network, source: Source, *, size: int = SIZE, out: npt.NDArray[Any] | None = None
) -> npt.NDArray[Any]:
    """Run a network tile by tile; the same bits as ``network(source)``.

    Parameters
    ----------
    network : Network
    source : array or `spel.io.large.LargeImage`
        (rows, cols, channels), with planes before them for voxels.
    size : int
        Side of a tile in pixels of the image.
    out : float32 array, optional
        The result is written there, for example into a memory map.

    Examples
    --------
    >>> from spel import Adjacency, MaxPool, chain
    >>> net = chain(MaxPool(Adjacency.disk(2)))
    >>> image = np.random.default_rng(0).random((50, 70, 1))
    >>> np.array_equal(apply(net, image, size=16), net(image))
    True
    """
    shape = tuple(int(n) for n in source.shape)
    expected = network.shape(shape)
    if out is None:
        out = np.empty(expected, dtype=np.float32)
    elif out.shape != expected or out.dtype != np.float32:
        raise ShapeError(
            f"apply: out of shape {out.shape} and {out.dtype}; expected float32 of {expected}"
        )
    network = resolve_by_tiles(network, source, size)
    for tile in tiles(network, shape, size):
        out[tile.out] = network(np.asarray(source[tile.read]))[tile.inner]
    return out


def detect(
    network: Network,
    source: Source,
    *,
    smaller: Sequence[Source] = (),
    size: int = SIZE,
    decision: AnyDecision | None = None,
    white: float | None = None,
) -> Detections:
    """Detect objects tile by tile: the boxes of `spel.detect`, in memory for one tile.

    Parameters
    ----------
    network : Network
    source : array or `spel.io.large.LargeImage`
    smaller : sequence of such images, optional
        Smaller levels of a pyramid. A decision by windows reads each of its scales from the
        smallest level that has it; other decisions do not read them.
    size : int
        Side of a tile in pixels of the image.
    decision : Decision, Windows or ClassWindows, optional
        Used instead of the network's own. Otsu's threshold and percentiles need two more passes.
    white : float, optional
        Full intensity of the image; by default told by its type, as in `spel.detect`.

    Returns
    -------
    Detections
        Without the component map.

    Raises
    ------
    ShapeError, ParameterError
        As `tiles`; if a layer of the network needs the whole image.
    """
    chosen = decision or decision_of(network)
    if isinstance(chosen, Decision):
        return decide(network, source, chosen, size=size, white=white).detections
    first = InUnits.of(network, source, white, size)
    own = first.white if isinstance(first, InUnits) else None
    levels = [first, *(InUnits(network, level, own) if own else level for level in smaller)]
    return detect_in_levels(network, levels, chosen, size=size)


def decide(
    network: Network,
    source: Source,
    decision: Decision,
    *,
    size: int = SIZE,
    white: float | None = None,
) -> DecisionResult:
    """As `detect` by a decision about components, with the strongest pixel of each box."""
    shape = tuple(int(n) for n in source.shape)
    result = network.shape(shape)
    check_volume(network, shape)
    check_axes(decision, len(shape) - 1)
    source = InUnits.of(network, source, white, size)
    network = resolve_by_tiles(network, source, size)
    axes = axes_of(network, source)

    def saliencies() -> Iterator[npt.NDArray[Any]]:
        return map(one_channel, outputs(network, source, size))

    threshold = threshold_of_parts(saliencies, decision.threshold)
    seams = Seams(decision.adjacency or Adjacency.box(3, ndim=axes), result[:axes])
    for tile, saliency in zip(tiles(network, shape, size), saliencies(), strict=True):
        seams.add(tile.out, saliency, threshold)
    regions, strongest = seams.regions()
    place, extent = geometry(network), shape[:axes]
    boxes, order = select_regions(regions, decision, place, extent)
    detections = Detections(boxes[order], regions.maxima[order], regions.areas[order], extent)
    at = tuple(tuple(int(n) for n in np.unravel_index(i, result[:axes])) for i in strongest[order])
    return DecisionResult(detections, threshold, at)


def resolve_by_tiles(network: Network, source: Source, size: int | Sequence[int]) -> Network:
    """The network with its layers over the whole image resolved for this image, tile by tile.

    Raises
    ------
    ShapeError
        If the values of a layer cannot be gathered from tiles.
    """
    if not network.footprints[network.output].whole:
        return network

    def parts(before: Network | None) -> Parts:
        if before is None:
            return lambda: _windows(source, size)
        return lambda: outputs(before, source, size)

    return resolve_global_layers(network, parts)


def outputs(
    network: Network, source: Source, size: int | Sequence[int]
) -> Iterator[npt.NDArray[Any]]:
    """The output of a network without layers over the whole image, tile by tile."""
    for tile in tiles(network, tuple(int(n) for n in source.shape), size):
        yield network(np.asarray(source[tile.read]))[tile.inner]


def bands(
    network: Network,
    source: Source,
    size: tuple[int, ...],
    of_tile: Callable[[Band], Band],
    folder: str | os.PathLike[str] | None = None,
) -> Iterator[StoredBand]:
    """What a function makes of the output of each tile, joined into bands of rows or planes.

    The bands lie on the disk of `folder`, so that memory does not grow with the width of the image.
    """
    shape = tuple(map(int, source.shape))
    across = network.shape(shape)[1 : len(size)]
    band: StoredBand | None = None
    for tile in tiles(network, shape, size):
        first, *rest = tile.out
        part = of_tile(network(np.asarray(source[tile.read]))[tile.inner])
        if band is None:
            lengths = (first.stop - first.start, *across, part.shape[-1])
            band = StoredBand(lengths, part.dtype, folder)
        band[(slice(None), *rest)] = part
        if all(span.stop == n for span, n in zip(rest, across)):
            yield band
            band = None


def tile_size(network: Network, source: Source, size: int) -> tuple[int, ...]:
    """The size of tiles whose bands are rows of stored tiles, or planes.

    Raises
    ------
    ShapeError
        If an image does not give an image, or a volume no volume.
    """
    axes = axes_of(network, source)
    stride = max(1, int(network.footprints[network.output].stride[0]))
    step = stride if axes == 3 else BLOCK * stride
    return (-(-size // step) * step, *(max(step, size) for _ in range(axes - 1)))


def axes_of(network: Network, source: Source) -> int:
    """Axes of an image and of the output of a network for it, without channels.

    Raises
    ------
    ShapeError
        If an image does not give an image, or a volume no volume.
    """
    axes, shape = len(network.footprints[network.output].stride), network.shape(source.shape)
    if not axes + 1 == len(source.shape) == len(shape):
        raise ShapeError(
            f"tiles: an image of shape {tuple(source.shape)} gives an output of shape {shape}; "
            "planes give planes and volumes give volumes tile by tile, others are computed whole"
        )
    return axes


def _windows(source: Source, size: int | Sequence[int]) -> Iterator[npt.NDArray[Any]]:
    lengths = source.shape[: max(2, len(source.shape) - 1)]
    each = sides(size, len(lengths))
    for corner in product(*(range(0, int(n), side) for n, side in zip(lengths, each))):
        yield np.asarray(source[tuple(slice(at, at + side) for at, side in zip(corner, each))])
