"""The network's kernels scored at windows of an image: at all scales, or near given boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.errors import ShapeError
from spel.nn import Color, Convolution, Network, Node
from spel.nn.blocks import Source
from spel.nn.geometry import Geometry, geometry
from spel.nn.node import INPUT
from spel.nn.tiles import tile_of
from spel.rigid.features import cells_of_crops
from spel.rigid.octaves import Colored, is_in_memory
from spel.rigid.pyramid import Level, Pyramid
from spel.rigid.views import Floats, ScoredWindows, View
from spel.rigid.windows import Windows

Ints = npt.NDArray[np.int64]
Part = tuple[slice, slice]

MIN_SIDE = 8
"""Smallest side, in spels, of a scaled image that kernels slide over."""

NEIGHBOURS = Adjacency.box(3)
"""The windows among which one of a higher score is a local maximum."""

NO_CELLS = np.zeros((0, 0, 0), dtype=np.float32)

SLIDE_MARGIN = 2
"""Number of cells by which a kernel slides to each side of the middle of a box."""


class Scanner:
    """A network split for scanning: colour, cells, and the kernels that slide over the cells.

    Raises
    ------
    ShapeError
        If the scoring node is not a convolution with one kernel per window size, or the network
        does not begin with a `Color` layer.
    """

    def __init__(self, network: Network, windows: Windows) -> None:
        self.windows = windows
        self.name = network.output if windows.score_node is None else windows.score_node
        first, score = network.nodes[0].layer, network[self.name]
        if not isinstance(score, Convolution) or not isinstance(first, Color):
            raise ShapeError(
                f"detect: windows need a network from Color to Convolution; this one goes from "
                f"{type(first).__name__} to {type(score).__name__}"
            )
        self.score = score
        self.score_inside = replace(score, border="valid")
        self.score_sliding = replace(score, stride=windows.stride)
        if len(self.score.bank) != len(windows.sizes):
            raise ShapeError(
                f"detect: {len(self.score.bank)} kernels for {len(windows.sizes)} window sizes; "
                "expected one size per kernel"
            )
        self.refiner = None if windows.refine_node is None else network[windows.refine_node]
        self.adjuster: Any = None if windows.adjust_node is None else network[windows.adjust_node]
        self.around: Any = None if windows.around_node is None else network[windows.around_node]
        scored = next(n.inputs[0] for n in network.nodes if n.name == self.name)
        self.color, self.cells = split_color(network, scored)
        self.cell: Geometry = geometry(self.cells)
        self.place = self.cell.then(self.score.scope)
        self.proposals = None
        if windows.proposals is not None:
            small = windows.proposals.enlarge * windows.enlarge
            self.proposals = Scanner(network, replace(windows.proposals, enlarge=small))

    def scan_area(self, pyramid: Pyramid) -> float:
        """Number of spels that a scan of all scales reads."""
        rows, cols = pyramid.size
        return float(rows * cols * sum(s * s for s in self.windows.scales))

    @property
    def place_area(self) -> float:
        """Number of spels that `score_at` reads for one box."""
        size, _, _ = self.crop_geometry()
        return float(np.prod(size))

    def pyramid(self, image: npt.ArrayLike, *, share: bool = False) -> Pyramid:
        """The scale space of the image, in the colour space of the network.

        With `share`, all scanners whose cells are the same compute them once.
        """
        array = np.asarray(image)
        return Pyramid(self.color(array[..., None] if array.ndim == 2 else array), share=share)

    def large_pyramid(self, levels: Sequence[Source], tile: int, each: Any = map) -> Pyramid:
        """The scale space of an image larger than memory; the first level has the full size."""
        image, *smaller = (Colored(self.color, level) for level in levels)
        return Pyramid(image, smaller=smaller, tile=tile, each=each)

    def scan(self, pyramid: Pyramid, *, min_log_odds: float, max_windows: int) -> ScoredWindows:
        """The best windows of kernels that slide over all scales of the image, refined."""
        options: dict[str, Any] = {"min_log_odds": min_log_odds, "max_windows": max_windows}
        if pyramid.tile is None:
            return self.refine(self.score_views(self.views(pyramid), **options))
        best = ScoredWindows.empty()
        for level in pyramid.levels(self.windows.scales, min_side=MIN_SIDE):
            number = len(best.views)
            best = replace(best, views=[*best.views, View(level.scale, NO_CELLS)])
            scan = partial(_scan_part, self, level, min_log_odds, max_windows)
            # What lies in memory is not sent to workers, which read windows of files.
            each = map if is_in_memory(level.image) else pyramid.each
            for more in each(scan, self._places(level, pyramid.tile)):
                best = best.with_more(ScoredWindows.of_arrays(level.scale, *more), number)
                best = best.best(max_windows)
        return best

    def _places(self, level: Level, tile: int) -> Iterator[Part]:
        """The parts of a level in raster order, as slices of its cells."""
        rows, cols = self.cells.shape((*level.image.shape, 1))[:2]
        step = max(1, tile // int(self.cell.scale[0]))
        for top, left in product(range(0, rows, step), range(0, cols, step)):
            yield slice(top, min(top + step, rows)), slice(left, min(left + step, cols))

    def part_of(self, level: Level, own: Part) -> View:
        """The cells of a part of a level, and the cells around it that kernels read."""
        shape = (*level.image.shape, 1)
        cells = self.cells.shape(shape)[:2]
        box = [  # a part begins where a window of the whole does
            (max(0, o.start - low) // step * step, min(n, o.stop + high))
            for o, n, (low, high), step in zip(own, cells, self._around(), self.windows.stride)
        ]
        part = tile_of(self.cells, shape, box)
        read = (part.read[0], part.read[1])
        values = self.cells(level.image[read])[part.inner]
        return View(level.scale, values, origin=(box[0][0], box[1][0]), own=own)

    def _around(self) -> list[tuple[int, int]]:
        """Number of cells before and after a cell that decide its score, and if it is a maximum."""
        halos = [self.score.scope.halo]
        if isinstance(self.refiner, Convolution):
            halos.append(self.refiner.scope.halo)
        sides = (zip(*axis) for axis in zip(*halos))
        return [
            (step + max(low), step + max(high))
            for step, (low, high) in zip(self.windows.stride, sides)
        ]

    def views(self, pyramid: Pyramid) -> list[View]:
        """The cells of the image at all scales."""
        return [view for scale in self.windows.scales for view in self._views_at(scale, pyramid)]

    def _views_at(self, scale: float, pyramid: Pyramid) -> list[View]:
        """The cells at one scale; none if the image is too small there."""
        key = (self.cells, pyramid.size_at(scale))
        views = pyramid.shared.get(key)
        if views is None:
            levels = pyramid.levels([scale], min_side=MIN_SIDE)
            views = [View(level.scale, self.cells(np.asarray(level.image))) for level in levels]
            if pyramid.shares:
                pyramid.shared[key] = views
        return views

    def score_views(
        self, views: Sequence[View], *, min_log_odds: float, max_windows: int = 1000
    ) -> ScoredWindows:
        """Local maxima of the scores above `min_log_odds`, at most `max_windows`, best first."""
        parts: list[tuple[Any, ...]] = []
        for index, view in enumerate(views):
            scores = self.score_sliding(view.cells)
            above = scores > min_log_odds
            if above.any():
                above &= scores >= ops.max_pool(scores, NEIGHBOURS)
                rows, cols, kernels = np.nonzero(above)
                values, stride = scores[above], self.windows.stride
                rows, cols = (n * s + o for n, s, o in zip((rows, cols), stride, view.origin))
                own = view.owns(rows, cols)
                rows, cols, kernels, values = (v[own] for v in (rows, cols, kernels, values))
                parts.append((values, kernels, np.full(len(rows), index), rows, cols))
        if not parts:
            return ScoredWindows.empty(views)
        values, kernels, indices, rows, cols = (np.concatenate(p) for p in zip(*parts))
        order = np.argsort(-values, kind="stable")[:max_windows]
        cells = np.stack([rows, cols], axis=1)[order]
        return ScoredWindows(
            self._windows(cells, kernels[order]),
            values[order].astype(np.float64),
            kernels[order],
            indices[order],
            cells,
            views,
            np.zeros(len(order)),
        )

    def score_at(
        self,
        pyramid: Pyramid,
        boxes: Floats,
        *,
        octaves: npt.ArrayLike = 0.0,
        degrees: npt.ArrayLike = 0.0,
        prior: Floats | None = None,
    ) -> ScoredWindows:
        """The best window near each box, in a view of its own.

        Parameters
        ----------
        pyramid : Pyramid
        boxes : (n, 4) array
            Boxes of the image; each is scaled to the size of an average window.
        octaves : float or (n,) array
            Octaves by which the content is enlarged further.
        degrees : float or (n,) array
            Angles by which the content is rotated.
        prior : (n,) array, optional
            Log-odds that are added to the scores.

        Returns
        -------
        ScoredWindows
            One window for each box, in the order of the boxes.
        """
        if not len(boxes):
            return ScoredWindows.empty()
        added = np.zeros(len(boxes)) if prior is None else prior
        area = np.mean([np.log(w * h) for w, h in self.windows.sizes])
        scales = np.exp(area / 2) / np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
        scales = np.tile(scales * 2 ** np.asarray(octaves), (2, 1)).T
        views = self._crop_views(pyramid, boxes, scales, degrees)
        scores = self.score_inside(np.stack([view.cells for view in views]))
        flat = scores.reshape(len(boxes), -1)
        rows, cols, kernels = np.unravel_index(flat.argmax(axis=1), scores.shape[1:])
        (above, _), (left, _) = self.score.scope.halo
        cells = np.stack([rows + above, cols + left], axis=1)
        log_odds = flat.max(axis=1).astype(np.float64) + added
        indices = np.arange(len(boxes))
        windows = self._windows(cells, kernels)
        return ScoredWindows(windows, log_odds, kernels, indices, cells, views, added)

    def crop_geometry(self, layer: Any = None) -> tuple[Ints, Ints, Ints]:
        """Size of a view's crop in spels, and in cells its frame and what is around the frame.

        The frame is that of the scoring kernels and a margin to slide in, or that of the kernels of
        another `layer`, which do not slide.
        """
        margin = SLIDE_MARGIN if layer is None else 0
        (above, below), (left, right) = (layer or self.score).scope.halo
        frame = np.array([above + below + 1, left + right + 1]) + 2 * margin
        cell = np.array(self.cell.scale)
        # The normalization of the frame's cells reads whole cells around it.
        around = np.array([low for low, _ in self.cells.halo or ()]) // cell.astype(int)
        return ((frame + 2 * around) * cell).astype(int), frame, around

    def score_stretched(self, pyramid: Pyramid, boxes: Floats) -> ScoredWindows:
        """One window for each box, in a view that is stretched until the box fills the window.

        The kernel is that of the most similar aspect.
        """
        if not len(boxes):
            return ScoredWindows.empty()
        sides, sizes = boxes[:, 2:] - boxes[:, :2], np.array(self.windows.sizes)
        aspects, own = np.log(sides[:, 0] / sides[:, 1]), np.log(sizes[:, 0] / sizes[:, 1])
        kernels = np.abs(aspects[:, None] - own).argmin(axis=1)
        views = self._crop_views(pyramid, boxes, (sizes[kernels] / sides)[:, ::-1], 0.0)
        (above, _), (left, _) = self.score.scope.halo
        cells = np.tile((above + SLIDE_MARGIN, left + SLIDE_MARGIN), (len(boxes), 1))
        none, indices = np.zeros(len(boxes)), np.arange(len(boxes))
        windows = self._windows(cells, kernels)
        scored = ScoredWindows(windows, none, kernels, indices, cells, views, none)
        bank = self.score.bank
        weights = bank.weights.reshape(len(bank), -1)[kernels]
        scores = np.einsum("nd,nd->n", scored.patches(bank.adjacency), weights)
        return replace(scored, log_odds=scores.astype(np.float64) + bank.bias[kernels])

    def adjusting_deltas(self, pyramid: Pyramid, boxes: Floats) -> Floats:
        """What each adjusting kernel gives for each box: (n, kernels).

        The view of a box is stretched until the box is of the size that the kernels are made for.
        """
        return self._applied(self.adjuster, pyramid, boxes, self.windows.adjust_size)

    def log_odds_around(self, pyramid: Pyramid, boxes: Floats) -> Floats:
        """Log-odds of an object in each box by what lies around it; 0 without a kernel for it."""
        if self.around is None or not len(boxes):
            return np.zeros(len(boxes))
        return self._applied(self.around, pyramid, boxes, self.windows.around_size)[:, 0]

    def _applied(self, layer: Any, pyramid: Pyramid, boxes: Floats, size: Any) -> Floats:
        """What the kernels of a layer give for boxes that are stretched to one size."""
        bank, cells = layer.bank, self.stretched_cells(pyramid, boxes, layer, size)
        values = np.einsum("nd,kd->nk", cells, bank.weights.reshape(len(bank), -1))
        return np.asarray(values + bank.bias.astype(np.float64))

    def stretched_cells(
        self, pyramid: Pyramid, boxes: Floats, layer: Convolution, size: tuple[float, float]
    ) -> npt.NDArray[np.float32]:
        """The cells that a layer reads of boxes that are stretched to one size: (n, |A| C)."""
        places = layer.bank.adjacency.displacements
        rows, cols = (places - places.min(axis=0)).T
        scales = np.array(size) / (boxes[:, 2:] - boxes[:, :2])
        views = self._crop_views(pyramid, boxes, scales[:, ::-1], 0.0, layer)
        return np.stack([view.cells[rows, cols] for view in views]).reshape(len(boxes), -1)

    def _crop_views(
        self,
        pyramid: Pyramid,
        boxes: Floats,
        scales: Floats,
        degrees: npt.ArrayLike,
        layer: Any = None,
    ) -> list[View]:
        """Views around the boxes' middles, as large as `crop_geometry` says.

        `scales` is (row, col) for each box.
        """
        size, frame, around = self.crop_geometry(layer)
        rows, cols = (boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 0] + boxes[:, 2]) / 2
        angles = np.broadcast_to(degrees, len(boxes))
        poses = list(zip(rows.tolist(), cols.tolist(), scales.tolist(), angles.tolist()))
        crops = (
            pyramid.crop((row, col), (scale[0], scale[1]), (size[0], size[1]), degrees=angle)
            for row, col, scale, angle in poses
        )
        down, across = (int(side) for side in self.cell.scale)
        inner = cells_of_crops(self.cells, crops, (down, across), tuple(around), tuple(frame))
        middle = size / 2 - around * np.array(self.cell.scale)
        return [
            View((scale[0], scale[1]), one, (row, col), (middle[0], middle[1]), angle)
            for one, (row, col, scale, angle) in zip(inner, poses)
        ]

    def _windows(self, cells: Ints, kernels: Ints) -> Floats:
        """The boxes of the objects in the kernels' windows, in spels of the view."""
        middle = self.place.boxes(np.tile(cells[:, ::-1] + 0.5, 2))
        half = np.array(self.windows.sizes)[kernels] / 2
        return np.asarray(middle + np.concatenate([-half, half], axis=1))

    def refine(self, windows: ScoredWindows) -> ScoredWindows:
        """The same windows, moved and resized as the four refining kernels of each predict."""
        if not isinstance(self.refiner, Convolution) or not len(windows):
            return windows
        bank = self.refiner.bank
        patches = windows.patches(bank.adjacency)
        weights = bank.weights.reshape(len(self.windows.sizes), 4, -1)
        bias = bank.bias.reshape(-1, 4).astype(np.float64)
        deltas = np.einsum("nd,nkd->nk", patches, weights[windows.kernels])
        return windows.move(deltas + bias[windows.kernels])

    @property
    def adjusts(self) -> bool:
        """Whether boxes of detected objects are adjusted."""
        return self.adjuster is not None


def _scan_part(
    scanner: Scanner, level: Level, min_log_odds: float, max_windows: int, own: Part
) -> tuple[npt.NDArray[Any], ...]:
    """The best windows of a part of a level, refined, as arrays."""
    views = [scanner.part_of(level, own)]
    scored = scanner.score_views(views, min_log_odds=min_log_odds, max_windows=max_windows)
    return scanner.refine(scored).arrays


def split_color(network: Network, last: str) -> tuple[Network, Network]:
    """The first layer, of colour, and the layers between it and the node `last`, included."""
    return _split(network.upto(last).nodes)


@lru_cache(maxsize=8)
def _split(nodes: tuple[Node, ...]) -> tuple[Network, Network]:
    """The parts of the last few networks are cached, because they hold their plans.

    Networks of the same cells share them: a detector is learned in rounds, and without each photo.
    """
    first, *others = nodes
    names = {first.name: INPUT}
    rest = [Node(n.name, n.layer, tuple(names.get(i, i) for i in n.inputs)) for n in others]
    return Network((first,)), Network(tuple(rest))
