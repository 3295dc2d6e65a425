"""The network's kernels scored at windows of an image: at all scales, or near given boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.errors import ShapeError
from spel.nn import Color, Convolution, Network, Node
from spel.nn.geometry import Geometry, geometry
from spel.nn.node import INPUT
from spel.rigid.pyramid import Pyramid
from spel.rigid.views import Floats, ScoredWindows, View
from spel.rigid.windows import Windows

Ints = npt.NDArray[np.int64]

MIN_SIDE = 8
"""Smallest side, in spels, of a scaled image that kernels slide over."""

SLIDE_MARGIN = 2
"""Cells by which a kernel slides to each side of the middle of a given box."""


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
        if len(self.score.bank) != len(windows.sizes):
            raise ShapeError(
                f"detect: {len(self.score.bank)} kernels for {len(windows.sizes)} sizes; expected "
                "one size per kernel"
            )
        self._refine = None if windows.refine_node is None else network[windows.refine_node]
        self._color, self._cells = _split(network, self.name)
        self.cell: Geometry = geometry(self._cells)
        self._place = self.cell.then(self.score.scope)
        self.proposals = None if windows.proposals is None else Scanner(network, windows.proposals)

    def scan_area(self, pyramid: Pyramid) -> float:
        """Spels of the image at all scales together, which a scan of all scales reads."""
        return pyramid.size[0] * pyramid.size[1] * sum(s * s for s in self.windows.scales)

    @property
    def place_area(self) -> float:
        """Spels of one view of a place, which `score_at` reads."""
        size, _, _ = self._crop_geometry()
        return float(np.prod(size))

    def pyramid(self, image: npt.ArrayLike, *, share: bool = False) -> Pyramid:
        """The scale space of the image, in the colour space of the network.

        With `share`, scanners of the same cells that scan it compute them once.
        """
        array = np.asarray(image)
        return Pyramid(self._color(array[..., None] if array.ndim == 2 else array), share=share)

    def views(self, pyramid: Pyramid) -> list[View]:
        """The cells of the image at all scales."""
        return [view for scale in self.windows.scales for view in self._views_at(scale, pyramid)]

    def _views_at(self, scale: float, pyramid: Pyramid) -> list[View]:
        """The cells at one scale; none if the image is too small there."""
        key = (self._cells, pyramid.size_at(scale))
        views = pyramid.shared.get(key)
        if views is None:
            levels = pyramid.levels([scale], min_side=MIN_SIDE)
            views = [View(level.scale, self._cells(level.image)) for level in levels]
            if pyramid.shares:
                pyramid.shared[key] = views
        return views

    def score_views(
        self, views: Sequence[View], *, min_log_odds: float, max_windows: int = 1000
    ) -> ScoredWindows:
        """Local maxima of the scores above `min_log_odds`, at most `max_windows`, best first."""
        parts: list[tuple[Any, ...]] = []
        for index, view in enumerate(views):
            scores = self.score(view.cells)
            rows, cols, kernels = np.nonzero(scores > min_log_odds)
            values = scores[rows, cols, kernels]
            if len(rows):
                highest = ops.max_pool(scores, Adjacency.box(3))[rows, cols, kernels]
                peak = values >= highest
                rows, cols, kernels, values = (v[peak] for v in (rows, cols, kernels, values))
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
        """The best window near each box.

        Parameters
        ----------
        pyramid : Pyramid
        boxes : (n, 4) array
            Boxes of the image; each is scaled to the size of an average window.
        octaves : float or (n,) array
            Octaves by which the content is enlarged beyond that.
        degrees : float or (n,) array
            Angles by which the content is rotated.
        prior : (n,) array, optional
            Log-odds that are added to the scores.
        """
        if not len(boxes):
            return ScoredWindows.empty()
        added = np.zeros(len(boxes)) if prior is None else prior
        views = self._crop_views(pyramid, boxes, octaves, degrees)
        valid = replace(self.score, border="valid")
        scores = valid(np.stack([view.cells for view in views]))
        flat = scores.reshape(len(boxes), -1)
        rows, cols, kernels = np.unravel_index(flat.argmax(axis=1), scores.shape[1:])
        (above, _), (left, _) = self.score.scope.halo
        cells = np.stack([rows + above, cols + left], axis=1)
        log_odds = flat.max(axis=1).astype(np.float64) + added
        indices = np.arange(len(boxes))
        windows = self._windows(cells, kernels)
        return ScoredWindows(windows, log_odds, kernels, indices, cells, views, added)

    def _crop_geometry(self) -> tuple[Ints, Ints, Ints]:
        """Size of a view's crop in spels, of its inner frame in cells, and cells around that."""
        (above, below), (left, right) = self.score.scope.halo
        frame = np.array([above + below + 1, left + right + 1]) + 2 * SLIDE_MARGIN
        cell = np.array(self.cell.scale)
        # Whole cells around the frame, which the normalization of its cells reads.
        around = np.array([low for low, _ in self._cells.halo or ()]) // cell.astype(int)
        return ((frame + 2 * around) * cell).astype(int), frame, around

    def _crop_views(
        self, pyramid: Pyramid, boxes: Floats, octaves: npt.ArrayLike, degrees: npt.ArrayLike
    ) -> list[View]:
        """Views around the boxes' middles, of the size of the kernels' frame and its margin."""
        size, frame, around = self._crop_geometry()
        area = np.mean([np.log(w * h) for w, h in self.windows.sizes])
        scales = np.exp(area / 2) / np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
        scales = scales * 2 ** np.asarray(octaves)
        rows, cols = (boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 0] + boxes[:, 2]) / 2
        angles = np.broadcast_to(degrees, len(boxes))
        poses = list(zip(rows.tolist(), cols.tolist(), scales.tolist(), angles.tolist()))
        crops = [
            pyramid.crop((row, col), (scale, scale), (size[0], size[1]), degrees=angle)
            for row, col, scale, angle in poses
        ]
        cells = self._cells(np.stack(crops)[..., None])
        inner = cells[:, around[0] : around[0] + frame[0], around[1] : around[1] + frame[1]]
        down, across = size / 2 - around * np.array(self.cell.scale)
        return [
            View((scale, scale), one, (row, col), (down, across), angle)
            for one, (row, col, scale, angle) in zip(inner, poses)
        ]

    def _windows(self, cells: Ints, kernels: Ints) -> Floats:
        """The boxes of the objects in the kernels' windows, in spels of the view."""
        middle = self._place.boxes(np.tile(cells[:, ::-1] + 0.5, 2))
        half = np.array(self.windows.sizes)[kernels] / 2
        return np.asarray(middle + np.concatenate([-half, half], axis=1))

    def refine(self, windows: ScoredWindows) -> ScoredWindows:
        """The same windows, moved and resized as the refining kernels predict."""
        if not isinstance(self._refine, Convolution) or not len(windows):
            return windows
        bank = self._refine.bank
        patches = windows.patches(bank.adjacency)
        weights = bank.weights.reshape(len(self.windows.sizes), 4, -1)
        bias = bank.bias.reshape(-1, 4).astype(np.float64)
        deltas = np.einsum("nd,nkd->nk", patches, weights[windows.kernels])
        return windows.move(deltas + bias[windows.kernels])


def _split(network: Network, name: str) -> tuple[Network, Network]:
    """The colour layer, and the layers between it and the kernels."""
    return _split_at(network, next(n.inputs[0] for n in network.nodes if n.name == name))


@lru_cache(maxsize=8)
def _split_at(network: Network, last: str) -> tuple[Network, Network]:
    """The first layer, and the layers from there to another.

    The parts of the last networks are remembered, because they hold the plans of their runs.
    """
    first = network.nodes[0]
    names = {first.name: INPUT}
    between = [
        Node(n.name, n.layer, tuple(names.get(i, i) for i in n.inputs))
        for n in network.upto(last).nodes[1:]
    ]
    return network.upto(first.name), Network(tuple(between))
