"""Windows of one stage of a detector in a graph: at all scales, or near boxes.

The same as `spel.rigid.score.Scanner`, in ONNX operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spel.backends.onnx_graph import Graph, Value
from spel.backends.onnx_layers import translate
from spel.backends.onnx_network import translated
from spel.backends.onnx_pyramid import OnnxPyramid, Pair, around_turned, halvings_of, turned
from spel.backends.onnx_tensor import Tensor, constant, count_up, join, loop
from spel.core.adjacency import Adjacency
from spel.core.window import Window
from spel.nn import Convolution, MaxPool
from spel.rigid.adjust import AROUND_WEIGHT, FINE, MOST_LOSS, ROUNDS, SURE
from spel.rigid.score import MIN_SIDE, SLIDE_MARGIN, Scanner

CROPS = 32
"""Number of crops that are computed at once."""

Places = tuple[Tensor, Tensor, Tensor, Tensor]
"""Of windows: the image of the batch, the cell's row and column, and the kernel; all int64."""


@dataclass(frozen=True)
class OnnxScored:
    """Windows with their log-odds, as `spel.rigid.views.ScoredWindows`; all float64.

    Attributes
    ----------
    boxes : (n, 4)
        In the image.
    log_odds, prior, degrees : (n,)
    """

    boxes: Tensor
    log_odds: Tensor
    prior: Tensor
    degrees: Tensor

    @property
    def tensors(self) -> list[Tensor]:
        """The four tensors, as states of a loop."""
        return [self.boxes, self.log_odds, self.prior, self.degrees]

    def __getitem__(self, places: Tensor) -> OnnxScored:
        return OnnxScored(*[tensor.at(places) for tensor in self.tensors])

    def __add__(self, more: OnnxScored) -> OnnxScored:
        """These windows, and then more."""
        return OnnxScored(*[join(both) for both in zip(self.tensors, more.tensors)])

    @classmethod
    def empty(cls, graph: Graph) -> OnnxScored:
        """No windows."""
        none = constant(graph, np.zeros(0), "float64")
        return cls(constant(graph, np.zeros((0, 4)), "float64"), none, none, none)


@dataclass(frozen=True)
class OnnxScanner:
    """The kernels of a stage over a pyramid."""

    scanner: Scanner
    pyramid: OnnxPyramid

    @property
    def graph(self) -> Graph:
        """What all is recorded in."""
        return self.pyramid.graph

    def constant(self, value: object, dtype: str = "float64") -> Tensor:
        """Numbers that are part of the file."""
        return constant(self.graph, value, dtype)

    def scan(self, lowest: float, most: Tensor) -> OnnxScored:
        """The best windows of all scales, at most so many, as `Scanner.scan`."""
        series = self.scanner.windows.scales
        scales = self.constant(series)
        halvings = self.constant([halvings_of(scale) for scale in series], "int64")
        last = self.constant(len(series) - 1, "int64")

        def large_enough(trip: Tensor) -> Tensor:
            rows_cols = self.pyramid.size_at(scales.at(trip))
            return rows_cols.op("ReduceMin", keepdims=0) >= float(MIN_SIDE)

        def body(trip: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
            scale = scales.at(trip)
            image = self.pyramid.level(scale, halvings.at(trip))
            ratio = self.pyramid.size_at(scale) / self.pyramid.size
            peaks = self._peaks(image, ratio, lowest)
            return large_enough((trip + 1).minimum(last)), (OnnxScored(*states) + peaks).tensors

        begin = large_enough(self.constant(0, "int64"))
        best = OnnxScored(*loop(last + 1, OnnxScored.empty(self.graph).tensors, body, begin=begin))
        return best[best.log_odds.order(most)]

    def _peaks(self, image: Value, ratio: Tensor, lowest: float) -> OnnxScored:
        """The local maxima of the scores in one level."""
        cells = translated(self.scanner.cells, self.graph, image)
        scored = translate(self.scanner.score_sliding, self.graph, cells)
        around = translate(MaxPool(Adjacency.box(3)), self.graph, scored)
        scores, highest = (
            Tensor(self.graph, value.name, "float32").op("Transpose", perm=[0, 2, 3, 1])
            for value in (scored, around)
        )
        peak = ((scores > lowest) & (scores >= highest)).reshape(-1)
        index = count_up(peak.size(0)).where(peak)
        kernels, cols = scores.size(3), scores.size(2)
        cell = index // kernels
        down, along = self.scanner.windows.stride
        places = (index * 0, cell // cols * down, cell % cols * along, index % kernels)
        boxes = self._refined(cells, places) / ratio.at([1, 0, 1, 0])
        log_odds = scores.reshape(-1).where(peak).to("float64")
        return OnnxScored(boxes, log_odds, log_odds * 0.0, log_odds * 0.0)

    def score_at(
        self, boxes: Tensor, prior: Tensor, octaves: Tensor, turns: Tensor | None = None
    ) -> OnnxScored:
        """The best window near each box, as `Scanner.score_at`, refined.

        Parameters
        ----------
        boxes : (n, 4) float64
        prior, octaves : (n,) float64
        turns : (n,) int64, optional
            Index of the rotation of each view.
        """
        further = () if turns is None else (turns,)

        def body(trip: Tensor, states: Sequence[Tensor]) -> tuple[None, Sequence[Tensor]]:
            start = trip * CROPS
            chunk = [t.part(start, start + CROPS) for t in (boxes, prior, octaves, *further)]
            return None, (OnnxScored(*states) + self._best_near(*chunk)).tensors

        trips = (boxes.size(0) + (CROPS - 1)) // CROPS
        return OnnxScored(*loop(trips, OnnxScored.empty(self.graph).tensors, body))

    def _best_near(
        self, boxes: Tensor, prior: Tensor, octaves: Tensor, turns: Tensor | None = None
    ) -> OnnxScored:
        windows = self.scanner.windows
        area = float(np.mean([np.log(w * h) for w, h in windows.sizes]))
        sides = boxes.at([2, 3], 1) - boxes.at([0, 1], 1)
        sides_product = sides.at(0, 1) * sides.at(1, 1)
        scales = octaves.like(2.0).op("Pow", octaves) * float(np.exp(area / 2))
        scales = scales / sides_product.op("Sqrt")
        middle = _middles(boxes)
        cells, offset = self._cells_near(middle, (scales, scales), turns)
        scored = translate(self.scanner.score_inside, self.graph, cells)
        scores = Tensor(self.graph, scored.name, "float32").op("Transpose", perm=[0, 2, 3, 1])
        flat = scores.reshape(scores.size(0), -1)
        best = flat.op("ArgMax", dtype="int64", axis=1, keepdims=0)
        cell, cols = best // scored.channels, scores.size(2)
        (above, _), (left, _) = self.scanner.score.scope.halo
        number = count_up(boxes.size(0))
        places = (number, cell // cols + above, cell % cols + left, best % scored.channels)
        refined = self._refined(cells, places)
        log_odds = flat.highest(1).to("float64") + prior
        degrees = self.constant(windows.rotations or [0.0])
        angles = log_odds * 0.0 if turns is None else degrees.at(turns)
        return OnnxScored(
            self._in_image(refined, middle, (scales, scales), offset, angles),
            log_odds,
            prior,
            angles,
        )

    def adjust(self, boxes: Tensor, log_odds: Tensor) -> tuple[Tensor, Tensor]:
        """The boxes adjusted, and their log-odds anew, as `spel.rigid.adjust.adjust_boxes`."""

        def body(trip: Tensor, states: Sequence[Tensor]) -> tuple[None, Sequence[Tensor]]:
            start = trip * CROPS
            some, odds = (t.part(start, start + CROPS) for t in (boxes, log_odds))
            moved = some
            for first in ROUNDS:
                moved = _with_deltas(moved, self._adjusting_deltas(moved, first))
                moved = (moved * float(FINE)).op("Round") / float(FINE)
            before, after = self._score_stretched(some), self._score_stretched(moved)
            stays = (after < before - MOST_LOSS).to("float64")
            share = (odds - SURE).op("Sigmoid").maximum(stays).expand(1)
            between = share * some + (share * -1.0 + 1.0) * moved
            total = odds.maximum(self._score_stretched(between))
            if self.scanner.around is not None:
                total = total + self._log_odds_around(between) * AROUND_WEIGHT
            return None, [join(both) for both in zip(states, (between, total))]

        empty = OnnxScored.empty(self.graph)
        trips = (boxes.size(0) + (CROPS - 1)) // CROPS
        adjusted, total = loop(trips, [empty.boxes, empty.log_odds], body)
        return adjusted, total

    def _adjusting_deltas(self, boxes: Tensor, first: int) -> Tensor:
        """What four of the adjusting kernels give for boxes that are stretched to one size."""
        layer = self.scanner.adjuster
        bank = layer.bank
        cells = self._cells_stretched(boxes, layer, self.scanner.windows.adjust_size)
        frame = Tensor(self.graph, cells.name, "float32").op("Transpose", perm=[0, 2, 3, 1])
        weights = bank.weights[first : first + 4].reshape(4, -1)
        products = frame.reshape(-1, weights.shape[1]) @ self.constant(weights.T, "float32")
        return products.to("float64") + self.constant(bank.bias[first : first + 4])

    def _log_odds_around(self, boxes: Tensor) -> Tensor:
        """Log-odds by what lies around boxes, as `Scanner.log_odds_around`."""
        layer = self.scanner.around
        (above, _), (left, _) = layer.scope.halo
        number = count_up(boxes.size(0))
        places = (number, number * 0 + above, number * 0 + left, number * 0)
        cells = self._cells_stretched(boxes, layer, self.scanner.windows.around_size)
        patches = self._patches(cells, places, layer.bank.adjacency)
        weights = self.constant(layer.bank.weights.reshape(1, -1), "float32")
        return (patches * weights).sum(1).to("float64") + float(layer.bank.bias[0])

    def _cells_stretched(self, boxes: Tensor, layer: Convolution, size: object) -> Value:
        """The cells that a layer reads of boxes that are stretched to one size."""
        stretch = self.constant(size) / _sides(boxes)
        middle, scales = _middles(boxes), (stretch.at(1, 1), stretch.at(0, 1))
        return self._cells_near(middle, scales, layer=layer)[0]

    def _score_stretched(self, boxes: Tensor) -> Tensor:
        """Scores of boxes in views where each fills its window, as `Scanner.score_stretched`."""
        sizes, bank = np.array(self.scanner.windows.sizes), self.scanner.score.bank
        sides = _sides(boxes)
        aspects = (sides.at(0, 1) / sides.at(1, 1)).op("Log")
        away = (aspects.expand(1) - np.log(sizes[:, 0] / sizes[:, 1])).op("Abs")
        kernels = away.op("ArgMin", dtype="int64", axis=1, keepdims=0)
        stretch = self.constant(sizes).at(kernels) / sides
        middle, scales = _middles(boxes), (stretch.at(1, 1), stretch.at(0, 1))
        cells, _ = self._cells_near(middle, scales)
        (above, _), (left, _) = self.scanner.score.scope.halo
        number = count_up(boxes.size(0))
        row, col = number * 0 + (above + SLIDE_MARGIN), number * 0 + (left + SLIDE_MARGIN)
        places = (number, row, col, kernels)
        weights = self.constant(bank.weights.reshape(len(bank), -1), "float32").at(kernels)
        scores = (self._patches(cells, places, bank.adjacency) * weights).sum(1).to("float64")
        return scores + self.constant(bank.bias).at(kernels)

    def _cells_near(
        self,
        middle: Pair,
        scales: Pair,
        turns: Tensor | None = None,
        *,
        layer: Convolution | None = None,
    ) -> tuple[Value, tuple[float, float]]:
        """The cells around points, and where in the views (row, col) these points are."""
        sides, frame, around = self.scanner.crop_geometry(layer)
        size = (int(sides[0]), int(sides[1]))
        if turns is None:
            crops = self.pyramid.crops(middle, scales, size)
        else:
            degrees = self.scanner.windows.rotations
            whole = around_turned(size, degrees)
            upright = self.pyramid.crops(middle, scales, whole)
            crops = turned(self.graph, upright, turns, degrees, size, whole)
        cells = translated(self.scanner.cells, self.graph, crops)
        inner = Tensor(self.graph, cells.name, "float32")
        for axis, (before, length) in enumerate(zip(around.tolist(), frame.tolist()), start=2):
            inner = inner.part(before, before + length, axis)
        down, across = np.array(size) / 2 - around * np.array(self.scanner.cell.scale)
        return replace(cells, name=inner.name), (float(down), float(across))

    def _in_image(
        self,
        boxes: Tensor,
        middle: Pair,
        scales: Pair,
        offset: tuple[float, float],
        angles: Tensor,
    ) -> Tensor:
        """Boxes of views as upright boxes of the image, as `View.boxes`."""
        radians = angles * (np.pi / 180)
        c, s = radians.op("Cos"), radians.op("Sin")
        low, high = boxes.at([0, 1], 1), boxes.at([2, 3], 1)
        points, half = (low + high) / 2.0 - [offset[1], offset[0]], (high - low) / 2.0
        x, y = (points.at(axis, 1) for axis in (0, 1))
        w, h = (half.at(axis, 1) for axis in (0, 1))
        right = (x * c - y * s) / scales[1] + middle[1]
        down = (x * s + y * c) / scales[0] + middle[0]
        c, s = c.op("Abs"), s.op("Abs")
        w, h = (w * c + h * s) / scales[1], (w * s + h * c) / scales[0]
        sides = [right - w, down - h, right + w, down + h]
        return join([side.expand(1) for side in sides], axis=1)

    # -- windows ---------------------------------------------------------------------------------

    def _refined(self, cells: Value, places: Places) -> Tensor:
        """The boxes of windows, moved and resized by the four refining kernels of each: (n, 4)."""
        boxes, layer = self._windows(places), self.scanner.refiner
        if not isinstance(layer, Convolution):
            return boxes
        bank, kernels = layer.bank, len(self.scanner.windows.sizes)
        patches = self._patches(cells, places, bank.adjacency)
        weights = self.constant(bank.weights.reshape(4 * kernels, -1).T, "float32")
        deltas = (patches @ weights).reshape(-1, 4)
        chosen = count_up(places[3].size(0)) * kernels + places[3]
        bias = self.constant(bank.bias.reshape(-1, 4)).at(places[3])
        return _with_deltas(boxes, deltas.at(chosen).to("float64") + bias)

    def _windows(self, places: Places) -> Tensor:
        """The boxes of the objects in the kernels' windows, in spels of the view."""
        _, rows, cols, kernels = places
        place = self.scanner.place
        cells = join([cols.expand(1), rows.expand(1)], axis=1).to("float64") + 0.5
        middle = cells * place.scale[::-1] + place.offset[::-1]
        half = self.constant(np.array(self.scanner.windows.sizes) / 2).at(kernels)
        return join([middle - half, middle + half], axis=1)

    def _patches(self, cells: Value, places: Places, adjacency: Adjacency) -> Tensor:
        """The cells under each window, zeros outside of the view: (n, |A| C)."""
        image, rows, cols, _ = places
        halo = Window(adjacency).halo
        (above, _), (left, _) = halo
        padded = Tensor(self.graph, self.graph.padded(cells.name, halo), "float32")
        tall, wide = padded.size(2), padded.size(3)
        last = padded.op("Transpose", perm=[0, 2, 3, 1]).reshape(-1, cells.channels)
        down, along = (self.constant(d, "int64") for d in adjacency.displacements.T)
        first = (image * tall + rows + above) * wide + cols + left
        index = first.expand(1) + (down * wide + along)
        return last.at(index).reshape(-1, len(adjacency) * cells.channels)


def _middles(boxes: Tensor) -> Pair:
    """Rows and columns of the middles of boxes."""
    middles = (boxes.at([1, 0], 1) + boxes.at([3, 2], 1)) / 2.0
    return middles.at(0, 1), middles.at(1, 1)


def _sides(boxes: Tensor) -> Tensor:
    """Widths and heights of boxes: (n, 2)."""
    return boxes.at([2, 3], 1) - boxes.at([0, 1], 1)


def _with_deltas(boxes: Tensor, deltas: Tensor) -> Tensor:
    """Boxes moved and resized, as `spel.rigid.views.apply_deltas`."""
    clipped = deltas.clip(-0.5, 0.7)
    size = _sides(boxes)
    middle = (boxes.at([0, 1], 1) + boxes.at([2, 3], 1)) / 2.0 + clipped.at([0, 1], 1) * size
    half = size * clipped.at([2, 3], 1).op("Exp") / 2.0
    return join([middle - half, middle + half], axis=1)
