"""Images larger than memory, tile by tile (`spel.nn.tiles`); the bits are equal.

Components that cross seams, also diagonally, become one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.detections import Detections
from spel.core.intensity import white_of
from spel.decide import Decision, decision_of
from spel.decide.boxes import DecisionResult, one_channel, select_regions
from spel.decide.detection import AnyDecision
from spel.errors import ParameterError, ShapeError
from spel.nn import Network
from spel.nn.geometry import geometry
from spel.nn.global_layers import resolve_global_layers
from spel.nn.intensity import expected_white, match_white
from spel.nn.tiles import SIZE, tiles
from spel.ops.streamed import Parts, threshold_of_parts
from spel.runs.seams import Seams


class Source(Protocol):
    """An image that is read by windows: an array, a memory map, a `spel.io.large.LargeImage`."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, window: Any) -> Any: ...


@dataclass(frozen=True)
class InUnits:
    """A source in the units that a network expects, see `spel.nn.match_white`."""

    network: Network
    source: Source
    white: float

    @classmethod
    def of(cls, network: Network, source: Source, white: float | None, size: int) -> Source:
        """The source itself if it is in those units; its values are looked through if need be."""
        expected = expected_white(network)
        if expected is None:
            return source
        if white is None:
            own = [white_of(part) for part in _windows(source, size)]
            white = expected if None in own else own[0]
        return source if white == expected else cls(network, source, white or expected)

    @property
    def shape(self) -> tuple[int, ...]:
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
    size: int = SIZE,
    decision: AnyDecision | None = None,
    white: float | None = None,
    on_tile: Callable[[int, int], object] | None = None,
) -> Detections:
    """Detect objects tile by tile: the boxes of `spel.detect`, in memory for a row of tiles.

    Parameters
    ----------
    network : Network
        Its output has one channel.
    source : array or `spel.io.large.LargeImage`
    size : int
        Side of a tile in pixels of the image.
    decision : Decision, optional
        Used instead of the network's own. Otsu's threshold and percentiles need two more passes.
    white : float, optional
        Full intensity of the image; by default told by its type, as in `spel.detect`.
    on_tile : callable, optional
        Called with (tiles done, tiles) after each tile.

    Returns
    -------
    Detections
        Without the component map.

    Raises
    ------
    ShapeError, ParameterError
        As `tiles`; if a layer of the network, or the decision, needs the whole image.
    """
    return decide(
        network, source, size=size, decision=decision, white=white, on_tile=on_tile
    ).detections


def decide(
    network: Network,
    source: Source,
    *,
    size: int = SIZE,
    decision: AnyDecision | None = None,
    white: float | None = None,
    on_tile: Callable[[int, int], object] | None = None,
) -> DecisionResult:
    """As `detect`, with the threshold and the strongest pixel of each box."""
    chosen = decision or decision_of(network)
    chosen = checked_decision(chosen)
    shape = tuple(int(n) for n in source.shape)
    result = network.shape(shape)
    source = InUnits.of(network, source, white, size)
    network = resolve_by_tiles(network, source, size)
    threshold = threshold_of_parts(lambda: _saliencies(network, source, size), chosen.threshold)
    parts = list(tiles(network, shape, size))
    seams = Seams(result[1], chosen.adjacency or Adjacency.box(3))
    for done, tile in enumerate(parts, 1):
        saliency = one_channel(network(np.asarray(source[tile.read]))[tile.inner])
        seams.add(saliency, threshold, tile.out)
        if on_tile is not None:
            on_tile(done, len(parts))
    regions, strongest = seams.regions()
    place, extent = geometry(network), (shape[0], shape[1])
    boxes, order = select_regions(regions, chosen, place, extent)
    detections = Detections(boxes[order], regions.maxima[order], regions.areas[order], extent)
    at = tuple(divmod(int(i), result[1]) for i in strongest[order])
    return DecisionResult(detections, threshold, at)


def checked_decision(decision: AnyDecision) -> Decision:
    """The decision, if it can be made tile by tile."""
    if not isinstance(decision, Decision):
        raise ParameterError(
            f"tiles: a decision by {type(decision).__name__} reads the image in several sizes and "
            "cannot run tile by tile; use an image that fits in memory, or a level of a pyramid"
        )
    return decision


def resolve_by_tiles(network: Network, source: Source, size: int) -> Network:
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


def outputs(network: Network, source: Source, size: int) -> Iterator[npt.NDArray[Any]]:
    """The output of a network without layers over the whole image, tile by tile."""
    for tile in tiles(network, tuple(int(n) for n in source.shape), size):
        yield network(np.asarray(source[tile.read]))[tile.inner]


def _saliencies(network: Network, source: Source, size: int) -> Iterator[npt.NDArray[Any]]:
    for output in outputs(network, source, size):
        yield one_channel(output)


def _windows(source: Source, size: int) -> Iterator[npt.NDArray[Any]]:
    axes = [range(0, int(n), size) for n in source.shape[: max(2, len(source.shape) - 1)]]
    for corner in product(*axes):
        yield np.asarray(source[tuple(slice(at, at + size) for at in corner)])
