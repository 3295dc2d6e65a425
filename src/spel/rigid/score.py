"""The network's wide kernels slid over all sizes of an image, or held to a few of its places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
from spel.rigid.views import Candidates, Floats, Seen
from spel.rigid.windows import Windows

SMALLEST = 8
"""Spels that the shorter side of a level has at least."""

ROOM = 2
"""Cells by which a kernel slides to each side of a place that it is held to."""


class Scanner:
    """A network taken apart for scanning: color, cells, and the kernels slid over them.

    Raises
    ------
    ShapeError
        If the scoring node is not a convolution of one kernel per size, or the network does not
        begin with a `Color` layer.
    """

    def __init__(self, network: Network, windows: Windows) -> None:
        self.windows = windows
        self.name = network.output if windows.score is None else windows.score
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
        self.refine = None if windows.refine is None else network[windows.refine]
        self.color, self.cells = _parts(network, self.name)
        self.cell: Geometry = geometry(self.cells)
        self.place = self.cell.then(self.score.scope)
        self.first = None if windows.first is None else Scanner(network, windows.first)

    def pyramid(self, image: npt.ArrayLike) -> Pyramid:
        """The image's scale space, in what the network's first layer makes of it."""
        array = np.asarray(image)
        return Pyramid(self.color(array[..., None] if array.ndim == 2 else array))

    def look(self, pyramid: Pyramid) -> list[Seen]:
        """The cells of an image at all scales."""
        levels = pyramid.levels(self.windows.scales, smallest=SMALLEST)
        return [Seen(level.scale, self.cells(level.image)) for level in levels]

    def candidates(self, seen: Sequence[Seen], *, odds: float, most: int = 1000) -> Candidates:
        """Local maxima of the scores above `odds`, at most so many, best first."""
        found: list[tuple[Any, ...]] = []
        for number, one in enumerate(seen):
            scores = self.score(one.cells)
            rows, cols, kernels = np.nonzero(scores > odds)
            values = scores[rows, cols, kernels]
            if len(rows):
                best = ops.max_pool(scores, Adjacency.box(3))[rows, cols, kernels]
                peak = values >= best
                rows, cols, kernels, values = (v[peak] for v in (rows, cols, kernels, values))
                found.append((values, kernels, np.full(len(rows), number), rows, cols))
        if not found:
            return Candidates.none(seen)
        values, kernels, parts, rows, cols = (np.concatenate(p) for p in zip(*found))
        order = np.argsort(-values, kind="stable")[:most]
        places = np.stack([rows, cols], axis=1)[order]
        known, before = kernels[order], np.zeros(len(order))
        boxes = self._windows(places, known)
        odds_ = values[order].astype(np.float64)
        return Candidates(boxes, odds_, known, parts[order], places, seen, before)

    def held(
        self,
        pyramid: Pyramid,
        boxes: Floats,
        *,
        stretch: npt.ArrayLike = 0.0,
        degrees: npt.ArrayLike = 0.0,
        before: Floats | None = None,
    ) -> Candidates:
        """The best window near each box, whose content is cut to fill it, stretched and turned.

        Parameters
        ----------
        pyramid : Pyramid
        boxes : (n, 4) array
            Places of the image.
        stretch : float or (n,) array
            Octaves by which the content is larger than would fill the window.
        degrees : float or (n,) array
            By which the content is turned upright.
        before : (n,) array, optional
            Log-odds that are known of the places.
        """
        if not len(boxes):
            return Candidates.none()
        known = np.zeros(len(boxes)) if before is None else before
        seen = self._cut(pyramid, boxes, stretch, degrees)
        scores = replace(self.score, border="valid")(np.stack([one.cells for one in seen]))
        flat = scores.reshape(len(boxes), -1)
        rows, cols, kernels = np.unravel_index(flat.argmax(axis=1), scores.shape[1:])
        (above, _), (left, _) = self.score.scope.halo
        places = np.stack([rows + above, cols + left], axis=1)
        odds = flat.max(axis=1).astype(np.float64) + known
        parts = np.arange(len(boxes))
        return Candidates(self._windows(places, kernels), odds, kernels, parts, places, seen, known)

    def _cut(
        self, pyramid: Pyramid, boxes: Floats, stretch: npt.ArrayLike, degrees: npt.ArrayLike
    ) -> list[Seen]:
        """Parts that hold the kernels' frame, with room to slide, around the boxes' middles."""
        (above, below), (left, right) = self.score.scope.halo
        frame = np.array([above + below + 1, left + right + 1]) + 2 * ROOM
        cell = np.array(self.cell.scale)
        # Whole cells around them that their normalization reads.
        around = np.array([low for low, _ in self.cells.halo]) // cell.astype(int)
        size = ((frame + 2 * around) * cell).astype(int)
        area = np.mean([np.log(w * h) for w, h in self.windows.sizes])
        scales = np.exp(area / 2) / np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
        scales = scales * 2 ** np.asarray(stretch)
        rows, cols = (boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 0] + boxes[:, 2]) / 2
        turns = np.broadcast_to(degrees, len(boxes))
        views = list(zip(rows.tolist(), cols.tolist(), scales.tolist(), turns.tolist()))
        crops = [
            pyramid.crop((row, col), (scale, scale), (size[0], size[1]), degrees=turn)
            for row, col, scale, turn in views
        ]
        cells = self.cells(np.stack(crops)[..., None])
        inner = cells[:, around[0] : around[0] + frame[0], around[1] : around[1] + frame[1]]
        down, along = size / 2 - around * cell
        return [
            Seen((scale, scale), one, (row, col), (down, along), turn)
            for one, (row, col, scale, turn) in zip(inner, views)
        ]

    def _windows(self, places: npt.NDArray[Any], kernels: npt.NDArray[Any]) -> Floats:
        """Where the objects in the kernels' windows stand, in spels of the part."""
        middle = self.place.boxes(np.tile(places[:, ::-1] + 0.5, 2))
        half = np.array(self.windows.sizes)[kernels] / 2
        return middle + np.concatenate([-half, half], axis=1)

    def refined(self, candidates: Candidates) -> Candidates:
        """The same windows moved and stretched as the refining kernels say."""
        if not isinstance(self.refine, Convolution) or not len(candidates):
            return candidates
        bank = self.refine.bank
        patches = candidates.patches(bank.adjacency)
        weights = bank.weights.reshape(len(self.windows.sizes), 4, -1)
        bias = bank.bias.reshape(-1, 4).astype(np.float64)
        told = np.einsum("nd,nkd->nk", patches, weights[candidates.kernels])
        return candidates.moved(told + bias[candidates.kernels])


def _parts(network: Network, name: str) -> tuple[Network, Network]:
    """The color, and what lies between it and the kernels; built once, for both keep plans."""
    kept: dict[str, tuple[Network, Network]] = vars(network).setdefault("_parts", {})
    last = next(node.inputs[0] for node in network.nodes if node.name == name)
    if last not in kept:
        first = network.nodes[0]
        names = {first.name: INPUT}
        between = [
            Node(n.name, n.layer, tuple(names.get(i, i) for i in n.inputs))
            for n in network.upto(last).nodes[1:]
        ]
        kept[last] = network.upto(first.name), Network(tuple(between))
    return kept[last]
