"""Outputs and boxes of images larger than memory, tile by tile (`spel.nn.tiles`).

The bits are equal; components that cross seams, also diagonally, become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.detections import Detections
from spel.decide import Decision, decision_of
from spel.decide.boxes import DecisionResult, check_axes, one_channel, select_regions
from spel.decide.detection import AnyDecision
from spel.errors import ShapeError
from spel.large.seams import Seams, components_of_tile
from spel.large.tiling import Array, InUnits, Tiling, axes_of
from spel.nn import Network
from spel.nn.blocks import Source
from spel.nn.geometry import geometry
from spel.nn.tiles import SIZE, Slices, sides
from spel.nn.volumes import refuse_volume
from spel.ops.streamed import threshold_of_parts
from spel.rigid.large import detect_in_levels


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
    tiling = Tiling(source, size)
    network = tiling.resolved(network)
    parts = tiling.outputs(network)(np.asarray)
    for tile, part in zip(tiling.tiles(network), parts, strict=True):
        out[tile.out] = part
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
    tiling = Tiling(source, size).in_units(network, white)
    return detect_tiled(network, tiling, decision or decision_of(network), smaller)


def detect_tiled(
    network: Network, tiling: Tiling, decision: AnyDecision, smaller: Sequence[Source] = ()
) -> Detections:
    """As `detect`, for an image in the units of the network."""
    if isinstance(decision, Decision):
        return decide(network, tiling, decision).detections
    levels = [tiling, *(replace(tiling, source=level) for level in smaller)]
    own = tiling.source
    if isinstance(own, InUnits):
        levels[1:] = [level.in_units(network, own.white) for level in levels[1:]]
    side = max(sides(tiling.size, 2))
    sources = [level.source for level in levels]
    return detect_in_levels(network, sources, decision, size=side, each=tiling.each)


def decide(network: Network, tiling: Tiling, decision: Decision) -> DecisionResult:
    """As `detect_tiled` by a decision about components, with the strongest pixel of each box."""
    shape = tiling.shape
    result = network.shape(shape)
    refuse_volume(network, shape, "detect")
    check_axes(decision, len(shape) - 1)
    network = tiling.resolved(network)
    axes = axes_of(network, tiling.source)
    one_channel(np.zeros((*(1,) * axes, *result[axes:])))  # refused before all passes
    threshold = threshold_of_parts(tiling.outputs(network), decision.threshold)
    adjacency = decision.adjacency or Adjacency.box(3, ndim=axes)
    seams = Seams(adjacency, result[:axes])
    take = partial(_components, adjacency, result[:axes], threshold)
    parts = tiling.over_tiles(network, take)
    for tile, part in zip(tiling.tiles(network), parts, strict=True):
        seams.add(tile.out, part)
    regions, strongest = seams.regions()
    place, extent = geometry(network), shape[:axes]
    boxes, order = select_regions(regions, decision, place, extent)
    detections = Detections(boxes[order], regions.maxima[order], regions.areas[order], extent)
    at = tuple(tuple(int(n) for n in np.unravel_index(i, result[:axes])) for i in strongest[order])
    return DecisionResult(detections, threshold, at)


def _components(
    adjacency: Adjacency, size: Sequence[int], threshold: float, place: Slices, output: Array
) -> tuple[Array, ...]:
    return components_of_tile(adjacency, size, place, one_channel(output), threshold)
