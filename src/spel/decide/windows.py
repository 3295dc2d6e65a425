"""Detection of rigid objects: a wide kernel slid over a scale space, boxes where it is positive.

The network's last layer scores, at each cell, one window per kernel; the decision says how large
the object in each window is, which sizes of the image are tried, and what is done with the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.core.objects import Detections, Why
from spel.core.window import Window
from spel.decide.geometry import Geometry, geometry
from spel.decide.pyramid import Pyramid, scale_steps
from spel.decide.suppress import suppress
from spel.errors import FormatError, ParameterError, ShapeError
from spel.nn import Color, Convolution, Network, Node
from spel.nn.network import INPUT

Floats = npt.NDArray[np.float64]

MOST_SPELS = 9

SMALLEST = 8
"""Spels that the shorter side of a level has at least."""

NEAR = 0.9
"""Windows that share more than this of the smaller one are one answer, whatever is refined."""


@dataclass(frozen=True)
class Windows:
    """How scores of windows become boxes.

    Parameters
    ----------
    sizes : tuple of (width, height)
        Of the object in each kernel's window, in spels of the level that it is seen in.
    largest, smallest : float
        Extreme scales of the image that are tried.
    steps : int
        Scales to an octave.
    threshold : float
        Probability from which a window is a detection, in 0..1.
    overlap : float
        Share of the smaller box that two detections may have in common.
    most : int
        At most so many detections.
    refine : str, optional
        Node whose kernels, four to a window, give the shift of the box's middle (in widths and
        heights) and the logarithms of its stretching.

    Examples
    --------
    >>> Windows.from_dict(Windows(sizes=((48, 16),)).to_dict()).sizes
    ((48.0, 16.0),)
    """

    sizes: tuple[tuple[float, float], ...]
    largest: float = 1.0
    smallest: float = 0.125
    steps: int = 4
    threshold: float = 0.5
    overlap: float = 0.5
    most: int = 100
    refine: str | None = None

    def __post_init__(self) -> None:
        sizes = tuple((float(w), float(h)) for w, h in self.sizes)
        object.__setattr__(self, "sizes", sizes)
        if not sizes or any(not (w > 0 and h > 0) for w, h in sizes):
            raise ParameterError(f"Windows: sizes {self.sizes!r}; expected (width, height) above 0")
        scale_steps(self.largest, self.smallest, self.steps)
        for name in ("threshold", "overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"Windows: {name} {getattr(self, name)!r}; expected 0 to 1")
        if self.most < 1:
            raise ParameterError(f"Windows: most {self.most!r}; expected at least 1")

    @property
    def scales(self) -> tuple[float, ...]:
        """The scales that are tried, largest first."""
        return scale_steps(self.largest, self.smallest, self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON."""
        sizes = [list(size) for size in self.sizes]
        return {"kind": "windows", **asdict(self), "sizes": sizes}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Windows:
        """The decision that `to_dict` wrote.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        try:
            return cls(**{key: value for key, value in values.items() if key != "kind"})
        except (TypeError, ValueError) as error:
            raise FormatError(f"Windows: {error}") from error


@dataclass(frozen=True, eq=False)
class Seen:
    """One size of an image as the kernels see it: its scale (row, col), and its cells."""

    scale: tuple[float, float]
    cells: npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Windows of one image, best first: boxes of the image, log-odds, and where each was seen.

    Attributes
    ----------
    boxes : (n, 4) array
    odds : (n,) array
        Log-odds, the network's output.
    kernels : (n,) array of int
    levels : (n,) array of int
        Index into `seen`.
    places : (n, 2) array of int
        Cell (row, col) in the level's activation.
    seen : sequence of Seen
        What the kernels were slid over.
    """

    boxes: Floats
    odds: Floats
    kernels: npt.NDArray[np.int64]
    levels: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    seen: Sequence[Seen]

    def __getitem__(self, choice: npt.NDArray[Any]) -> Candidates:
        parts = (self.boxes, self.odds, self.kernels, self.levels, self.places)
        return Candidates(*(part[choice] for part in parts), self.seen)

    def patches(self, adjacency: Adjacency) -> npt.NDArray[np.float32]:
        """What each window holds, as `spel.ops.patches` gives it: (n, |A| C)."""
        channels = self.seen[0].cells.shape[2] if self.seen else 0
        found = np.zeros((len(self.odds), len(adjacency), channels), dtype=np.float32)
        (above, below), (left, right) = Window(adjacency).halo
        rows, cols = (adjacency.displacements + (above, left)).T
        for level in np.unique(self.levels):
            here = np.flatnonzero(self.levels == level)
            cells = np.pad(self.seen[level].cells, ((above, below), (left, right), (0, 0)))
            row, col = self.places[here].T
            found[here] = cells[row[:, None] + rows, col[:, None] + cols]
        return found.reshape(len(self.odds), len(adjacency) * channels)


class Scanner:
    """A network taken apart for scanning: color, cells, and the kernels slid over them.

    Raises
    ------
    ShapeError
        If the network does not end with a convolution of one kernel per size, or does not begin
        with a `Color` layer.
    """

    def __init__(self, network: Network, windows: Windows) -> None:
        first, last = network.nodes[0], network.nodes[-1]
        if not isinstance(last.layer, Convolution) or not isinstance(first.layer, Color):
            raise ShapeError(
                f"detect: windows need a network from Color to Convolution; this one goes from "
                f"{type(first.layer).__name__} to {type(last.layer).__name__}"
            )
        self.windows, self.color, self.score = windows, first.layer, last.layer
        self.name = last.name
        if len(self.score.bank) != len(windows.sizes):
            raise ShapeError(
                f"detect: {len(self.score.bank)} kernels for {len(windows.sizes)} sizes; expected "
                "one size per kernel"
            )
        self.refine = None if windows.refine is None else network[windows.refine]
        self.cells = _cells(network)
        self.place: Geometry = geometry(self.cells).then(self.score.scope)

    def look(self, image: npt.ArrayLike) -> list[Seen]:
        """The cells of an image at all scales."""
        array = np.asarray(image)
        pyramid = Pyramid(self.color(array[..., None] if array.ndim == 2 else array))
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
                boxes = self._boxes(rows, cols, kernels, one.scale)
                found.append((boxes, values, kernels, np.full(len(rows), number), rows, cols))
        if not found:
            none = np.zeros(0, dtype=np.int64)
            return Candidates(np.zeros((0, 4)), np.zeros(0), none, none, none.reshape(0, 2), seen)
        boxes, values, kernels, levels, rows, cols = (np.concatenate(p) for p in zip(*found))
        order = np.argsort(-values, kind="stable")[:most]
        places = np.stack([rows, cols], axis=1)
        every = Candidates(boxes, values.astype(np.float64), kernels, levels, places, seen)
        return every[order]

    def _boxes(self, rows: Any, cols: Any, kernels: Any, scale: tuple[float, float]) -> Floats:
        middle = self.place.boxes(np.stack([cols + 0.5, rows + 0.5] * 2, axis=1))
        half = np.array(self.windows.sizes)[kernels] / 2
        boxes = middle + np.concatenate([-half, half], axis=1)
        return boxes / np.array([scale[1], scale[0]] * 2)

    def refined(self, candidates: Candidates) -> Candidates:
        """The same windows with boxes moved and stretched as the refining kernels say."""
        if not isinstance(self.refine, Convolution) or not len(candidates.odds):
            return candidates
        bank = self.refine.bank
        patches = candidates.patches(bank.adjacency).astype(np.float64)
        weights = bank.weights.reshape(len(self.windows.sizes), 4, -1).astype(np.float64)
        bias = bank.bias.reshape(-1, 4).astype(np.float64)
        told = np.einsum("nd,nkd->nk", patches, weights[candidates.kernels])
        boxes = moved(candidates.boxes, told + bias[candidates.kernels])
        return replace(candidates, boxes=boxes)


def _cells(network: Network) -> Network:
    """What lies between the color and the kernels; built once, for it keeps its plans."""
    known: Network | None = vars(network).get("_cells")
    if known is None:
        first, last = network.nodes[0], network.nodes[-1]
        names = {first.name: INPUT}
        known = Network(
            tuple(
                Node(n.name, n.layer, tuple(names.get(i, i) for i in n.inputs))
                for n in network.upto(last.inputs[0]).nodes[1:]
            )
        )
        vars(network)["_cells"] = known
    return known


def moved(boxes: Floats, change: npt.ArrayLike) -> Floats:
    """Boxes whose middle moves by (dx, dy) widths and heights, stretched by exp (lw, lh).

    Examples
    --------
    >>> moved(np.array([[0.0, 0.0, 4.0, 2.0]]), [[0.5, 0, 0, np.log(2)]]).tolist()
    [[2.0, -1.0, 6.0, 3.0]]
    """
    told = np.clip(np.asarray(change, dtype=np.float64), -0.5, 0.7)
    size = boxes[:, 2:] - boxes[:, :2]
    middle = (boxes[:, 2:] + boxes[:, :2]) / 2 + told[:, :2] * size
    half = size * np.exp(told[:, 2:]) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def scan(
    network: Network, image: npt.ArrayLike, windows: Windows, *, why: bool = False
) -> Detections:
    """Detect with a network of wide kernels; see `spel.detect`, which calls this.

    The score of a box is its probability, ``1 / (1 + exp(-(<X, W_k> + w_k0)))``.
    """
    array = np.asarray(image)
    size = (int(array.shape[0]), int(array.shape[1]))
    if 0 in size:
        return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0), size)
    scanner = Scanner(network, windows)
    low = np.clip(windows.threshold, 1e-6, 1 - 1e-6)
    odds = float(np.log(low / (1 - low)))
    found = scanner.candidates(scanner.look(array), odds=odds)
    near = suppress(found.boxes, found.odds, overlap=NEAR, most=2 * windows.most)
    found = scanner.refined(found[near])
    found = found[suppress(found.boxes, found.odds, overlap=windows.overlap, most=windows.most)]
    boxes = np.clip(found.boxes, 0, [size[1], size[0]] * 2)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    told = tuple(_why(scanner, found, i, odds, size) for i in range(len(boxes))) if why else ()
    return Detections(boxes, 1 / (1 + np.exp(-found.odds)), areas, size, why=told)


def _why(scanner: Scanner, found: Candidates, i: int, odds: float, size: tuple[int, int]) -> Why:
    """The window's kernel, how far it is from the threshold, and the cells that speak loudest."""
    kernel, at = int(found.kernels[i]), tuple(int(c) for c in found.places[i])
    seen = found.seen[int(found.levels[i])]
    bank = scanner.score.bank
    patch = ops.patches(seen.cells, bank.adjacency, at=[at]).reshape(bank.weights.shape[1:])
    shares = (patch * bank.weights[kernel]).sum(axis=1)
    loudest = np.argsort(-shares, kind="stable")[:MOST_SPELS]
    place = geometry(scanner.cells)
    rows, cols = (bank.adjacency.displacements[loudest] + at).T + 0.5
    middle = place.boxes(np.stack([cols, rows] * 2, axis=1))[:, :2]
    spels = np.floor(middle[:, ::-1] / seen.scale).astype(int)
    inside = ((spels >= 0) & (spels < size)).all(axis=1)
    value = float(found.odds[i])
    return Why(
        at=at,
        saliency=value,
        threshold=odds,
        margin=value - odds,
        kernels=((scanner.name, kernel, value),),
        spels=tuple((int(r), int(c)) for r, c in spels[inside]),
    )
