"""Images larger than memory, tile by tile: the network says the halo, the bits are the whole's.

A tile is a box of the *output*; what it reads of the image follows from the network's footprint.
Components that cross seams, diagonals too, become one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.core.detections import Detections
from spel.decide import Decision, decision_of
from spel.decide.boxes import DecisionResult, one_channel, select_regions
from spel.errors import ParameterError, ShapeError
from spel.nn import Network
from spel.nn.geometry import geometry
from spel.nn.global_layers import resolve_global_layers
from spel.ops.streamed import Parts, threshold_of_parts

SIZE = 2048
Slices = tuple[slice, ...]


class Source(Protocol):
    """What gives windows of an image: an array, a `spel.io.large.LargeImage`, a memory map."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, window: Any) -> Any: ...


@dataclass(frozen=True)
class Tile:
    """One part of an output.

    Attributes
    ----------
    out : tuple of slice
        Where it lies in the output.
    read : tuple of slice
        What of the image it needs.
    inner : tuple of slice
        Where it lies in the network's output on what was read.
    """

    out: Slices
    read: Slices
    inner: Slices


def tiles(network: Network, shape: Sequence[int], size: int = SIZE) -> Iterator[Tile]:
    """The tiles of a network's output for an image of a shape, in raster order.

    Parameters
    ----------
    network : Network
    shape : (rows, cols[, channels]), with planes before them for voxels
    size : int
        Spels of the *image* per side of a tile, its halo not counted.

    Raises
    ------
    ShapeError
        If a node of the network reads the whole image, or the image does not fit.
    ParameterError
        If the size is below 1.
    """
    if int(size) != size or size < 1:
        raise ParameterError(f"tiles: size {size!r}; expected an integer of at least 1")
    field = network.footprints[network.output]
    if field.whole:
        wide = next(n for n in network.nodes if network.footprints[n.name].whole)
        raise ShapeError(
            f"tiles: node {wide.name!r} ({wide.layer.describe()}) reads the whole image, so the "
            "network cannot run tile by tile; give it an image that fits in memory, or another "
            "layer there"
        )
    ndim = len(field.stride)
    result = network.shape(tuple(shape))[:ndim]
    axes = []
    for n, m, stride, before, after in zip(shape, result, field.stride, field.before, field.after):
        step = max(1, size // stride)
        spans = []
        for first in range(0, m, step):
            last = min(m, first + step)
            begin = max(0, first * stride - before) // stride * stride  # on the network's grid
            end = min(n, (last - 1) * stride + after + 1)
            shift = begin // stride
            spans.append(
                (slice(first, last), slice(begin, end), slice(first - shift, last - shift))
            )
        axes.append(spans)
    for parts in product(*axes):
        yield Tile(*(tuple(part[i] for part in parts) for i in range(3)))


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
        Spels of the image per side of a tile.
    out : float32 array, optional
        Written and returned instead of new memory, for example a memory map.

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
    decision: Decision | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Detections:
    """Find objects tile by tile; the boxes of `spel.detect`, with memory for a row of tiles.

    Parameters
    ----------
    network : Network
        Its output has one channel.
    source : array or `spel.io.large.LargeImage`
    size : int
        Spels of the image per side of a tile.
    decision : Decision, optional
        In place of the network's own. Otsu's threshold and percentiles take two passes more.
    tell : callable, optional
        Gets (tiles done, tiles) after each.

    Returns
    -------
    Detections
        Without the component map.

    Raises
    ------
    ShapeError, ParameterError
        As `tiles`; if a step of the network, or the decision, can only be told from the whole
        image.
    """
    return decide(network, source, size=size, decision=decision, tell=tell).detections


def decide(
    network: Network,
    source: Source,
    *,
    size: int = SIZE,
    decision: Decision | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> DecisionResult:
    """As `detect`, with the threshold and the strongest spel of each box."""
    chosen = decision or decision_of(network)
    if not isinstance(chosen, Decision):
        raise ParameterError(
            f"tiles: a decision by {type(chosen).__name__} reads the image in several sizes; it "
            "cannot run tile by tile"
        )
    shape = tuple(int(n) for n in source.shape)
    result = network.shape(shape)
    network = resolve_by_tiles(network, source, size)
    threshold = threshold_of_parts(lambda: _saliencies(network, source, size), chosen.threshold)
    parts = list(tiles(network, shape, size))
    seams = Seams(result[1], chosen.adjacency or Adjacency.box(3))
    for done, tile in enumerate(parts, 1):
        saliency = one_channel(network(np.asarray(source[tile.read]))[tile.inner])
        seams.add(saliency, threshold, tile.out)
        if tell is not None:
            tell(done, len(parts))
    found, strongest = seams.regions()
    place, extent = geometry(network), (shape[0], shape[1])
    boxes, order = select_regions(found, chosen, place, extent)
    detections = Detections(boxes[order], found.maxima[order], found.areas[order], extent)
    at = tuple(divmod(int(i), result[1]) for i in strongest[order])
    return DecisionResult(detections, threshold, at)


def resolve_by_tiles(network: Network, source: Source, size: int) -> Network:
    """The network with its steps over the whole image worked out on this one, tile by tile.

    Raises
    ------
    ShapeError
        If a step can only be told from the whole image.
    """
    if not network.footprints[network.output].whole:
        return network

    def parts(before: Network | None) -> Parts:
        if before is None:
            return lambda: _windows(source, size)
        return lambda: _outputs(before, source, size)

    return resolve_global_layers(network, parts)


def _outputs(network: Network, source: Source, size: int) -> Iterator[npt.NDArray[Any]]:
    for tile in tiles(network, tuple(int(n) for n in source.shape), size):
        yield network(np.asarray(source[tile.read]))[tile.inner]


def _saliencies(network: Network, source: Source, size: int) -> Iterator[npt.NDArray[Any]]:
    for output in _outputs(network, source, size):
        yield one_channel(output)


def _windows(source: Source, size: int) -> Iterator[npt.NDArray[Any]]:
    axes = [range(0, int(n), size) for n in source.shape[: max(2, len(source.shape) - 1)]]
    for corner in product(*axes):
        yield np.asarray(source[tuple(slice(at, at + size) for at in corner)])


class Seams:
    """Components of tiles that come in raster order, joined where they touch.

    Keeps the labels of the last rows of the tiles above and of the last columns of the tile before,
    as many as the adjacency reaches.
    """

    def __init__(self, cols: int, adjacency: Adjacency) -> None:
        self.cols, self.adjacency = cols, adjacency
        steps = adjacency.displacements
        back = (steps[:, 0] < 0) | ((steps[:, 0] == 0) & (steps[:, 1] < 0))
        ahead = (steps[:, 0] > 0) | ((steps[:, 0] == 0) & (steps[:, 1] > 0))
        # Two spels are joined by a displacement or its opposite: backwards ones say it all.
        self.steps = np.unique(np.concatenate([steps[back], -steps[ahead]]), axis=0)
        self.reach = tuple(int(np.abs(self.steps[:, i]).max(initial=0)) for i in (0, 1))
        self.above = np.zeros((self.reach[0], cols), dtype=np.int64)
        self.below = self.above.copy()
        self.before = np.zeros((0, self.reach[1]), dtype=np.int64)
        self.count = 0
        self.pairs: list[npt.NDArray[np.int64]] = []
        self.parts: list[dict[str, npt.NDArray[Any]]] = []

    def add(self, saliency: npt.NDArray[Any], threshold: float, out: Slices) -> None:
        """Label a tile and join it with those above and before it."""
        rows, cols = out
        if cols.start == 0:
            self._next_row(rows)
        local = ops.label(saliency > threshold, self.adjacency).astype(np.int64)
        numbered = np.where(local > 0, local + self.count, 0)
        self._measure(saliency, local, rows.start, cols.start)
        self._join(numbered, cols)
        high, wide = self.reach
        if high:
            self._remember(numbered, cols)
        kept = np.concatenate([self.before, numbered], axis=1) if wide else numbered[:, :0]
        self.before = kept[:, max(0, kept.shape[1] - wide) :]

    def regions(self) -> tuple[ops.Regions, npt.NDArray[np.int64]]:
        """The joined components in the raster order of their first spels, and where each is
        strongest (as a flat index).
        """
        whole = {key: np.concatenate([p[key] for p in self.parts]) for key in _FIELDS}
        group = self._groups()
        n = int(group.max(initial=-1)) + 1
        areas = np.bincount(group, whole["areas"], minlength=n).astype(np.int64)
        first = np.full(n, np.iinfo(np.int64).max)
        low, high = np.full((n, 2), np.iinfo(np.int64).max), np.zeros((n, 2), dtype=np.int64)
        maxima = np.full(n, -np.inf)
        np.minimum.at(first, group, whole["first"])
        np.minimum.at(low, group, whole["low"])
        np.maximum.at(high, group, whole["high"])
        np.maximum.at(maxima, group, whole["maxima"])
        strongest = np.full(n, np.iinfo(np.int64).max)
        top = whole["maxima"] == maxima[group]
        np.minimum.at(strongest, group[top], whole["strongest"][top])
        order = np.argsort(first, kind="stable")
        unknown = np.full(n, np.nan)
        found = ops.Regions(
            np.arange(1, n + 1),
            areas[order],
            low[order],
            high[order],
            np.full((n, 2), np.nan),
            unknown,
            maxima[order],
        )
        return found, strongest[order]

    def _next_row(self, rows: slice) -> None:
        self.above, self.below = self.below, self.below.copy()
        self.before = np.zeros((rows.stop - rows.start, 0), dtype=np.int64)

    def _remember(self, numbered: npt.NDArray[np.int64], cols: slice) -> None:
        high = self.reach[0]
        stacked = np.concatenate([self.above[:, cols], numbered])[-high:]
        self.below[:, cols] = stacked

    def _join(self, numbered: npt.NDArray[np.int64], cols: slice) -> None:
        """Pairs of labels that a backward step joins across a seam."""
        high, wide = self.reach
        rows, width = numbered.shape
        left = self.before.shape[1]
        right = min(wide, self.cols - cols.stop)
        field = np.zeros((high + rows, left + width + right), dtype=np.int64)
        field[:high] = self.above[:, cols.start - left : cols.stop + right]
        field[high:, :left] = self.before
        field[high:, left : left + width] = numbered
        inside = np.zeros(field.shape, dtype=bool)
        inside[high:, left : left + width] = True
        for step in self.steps.tolist():
            if any(abs(s) >= n for s, n in zip(step, field.shape)):
                continue
            here, there = _pairs(field, step)
            crossing = np.not_equal(*_pairs(inside, step)) & (here > 0) & (there > 0)
            if crossing.any():
                pairs = np.stack([here[crossing], there[crossing]], axis=1)
                self.pairs.append(np.unique(pairs, axis=0))

    def _measure(
        self, saliency: npt.NDArray[Any], local: npt.NDArray[np.int64], top: int, left: int
    ) -> None:
        found = ops.regions(local, saliency)
        rows, cols = np.nonzero(local)
        labels = local[rows, cols]
        flat = (rows + top) * self.cols + cols + left
        values = saliency[rows, cols].astype(np.float64)
        first = np.full(len(found), np.iinfo(np.int64).max)
        np.minimum.at(first, labels - 1, flat)
        top_value = values == found.maxima[labels - 1]
        strongest = np.full(len(found), np.iinfo(np.int64).max)
        np.minimum.at(strongest, labels[top_value] - 1, flat[top_value])
        shift = np.array([top, left])
        self.parts.append(
            {
                "areas": found.areas,
                "low": found.low + shift,
                "high": found.high + shift,
                "maxima": found.maxima,
                "first": first,
                "strongest": strongest,
            }
        )
        self.count += len(found)

    def _groups(self) -> npt.NDArray[np.int64]:
        """The component, from 0, that each tile's component belongs to."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        pairs = np.concatenate([np.zeros((0, 2), dtype=np.int64), *self.pairs]) - 1
        links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(self.count,) * 2)
        _, group = connected_components(links, directed=False)
        return np.asarray(group, dtype=np.int64)


_FIELDS = ("areas", "low", "high", "maxima", "first", "strongest")


def _pairs(
    field: npt.NDArray[Any], step: Sequence[int]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The values of all spels that have a partner one step away, and of those partners."""
    here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, field.shape))
    there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, field.shape))
    return field[here], field[there]
