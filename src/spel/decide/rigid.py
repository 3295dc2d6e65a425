"""Learn to detect rigid objects from a few photos with boxes: closed form, no backpropagation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank, Provenance
from spel.decide.cells import FLOOR, cell_network
from spel.decide.closed_form import Moments, Plane, left_out, logistic, ridge, separating
from spel.decide.pyramid import Pyramid
from spel.decide.suppress import suppress
from spel.decide.windows import Candidates, Scanner, Seen, Windows
from spel.errors import ParameterError, ShapeError
from spel.nn import Convolution, Network, Node

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float32]
Tell = Callable[[str], None]

MEMORY = 1 << 30
"""Bytes of cells that learning keeps, so that a round need not look at the photos again."""


@dataclass(frozen=True)
class Recipe:
    """How a detector of rigid objects is learned.

    Parameters
    ----------
    orientations, cell, every, around, floor
        Of the cells, see `spel.decide.cells.cell_network`.
    area : float
        Cells that the object covers in its window.
    margin : int
        Cells around it that the kernel sees too.
    spread : float
        Objects of one kernel differ in aspect by no more than this factor.
    copies : int
        Crops of each object: the first as it is, the others shifted, scaled, turned, mirrored.
    turn : float
        Degrees, at most, by which copies are turned.
    mirror : bool
        Whether every other copy is mirrored.
    strength, firmness : float
        Of the ridge, for the kernels and for those that refine the box.
    weight : float
        Share of all objects in the ridge's sum; the rest is the background's.
    rounds : int
        Times that the strongest false answers are added and the kernels learned again.
    hard : int
        False answers per photo, kernel and round, at most.
    steps : int
        Scales to an octave.
    smaller, larger : float
        Factors by which sizes may go beyond those of the photos.
    seed : int
    """

    orientations: int = 8
    cell: int = 4
    every: int = 1
    around: int = 9
    floor: float = FLOOR
    area: float = 80.0
    margin: int = 2
    spread: float = 1.25
    copies: int = 12
    turn: float = 4.0
    mirror: bool = True
    strength: float = 0.02
    firmness: float = 1.0
    weight: float = 0.3
    rounds: int = 3
    hard: int = 20
    steps: int = 4
    smaller: float = 1.1
    larger: float = 2.0
    seed: int = 0


@dataclass
class _Class:
    """Objects of one aspect: their window, and what was gathered for its kernel."""

    aspect: float
    size: tuple[float, float]
    box: tuple[int, int]
    objects: list[tuple[int, Floats]]
    positive: Rows = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    photo_of_positive: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    changes: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    moments: tuple[Moments, Moments] = field(default_factory=lambda: (Moments(0), Moments(0)))
    negative: list[Rows] = field(default_factory=list)
    photo_of_negative: list[int] = field(default_factory=list)


def learn_rigid(
    images: Sequence[npt.ArrayLike],
    boxes: Sequence[npt.ArrayLike],
    recipe: Recipe | None = None,
    *,
    names: Sequence[str] = (),
    tell: Tell | None = None,
) -> Network:
    """Learn a detector of a rigid object (a plate, a coin, an egg) from photos with boxes.

    The object's cells, with a margin, are a patch; its kernel is a hyperplane in patch space that
    separates objects from background. Background is first taken anywhere and then, in rounds, where
    the kernels answer most wrongly. Objects of different aspects get kernels of their own. Each
    kernel is solved for in closed form (ridge regression), and so are four more that tell how the
    box must move. The scores that each photo would get, had it been left out, follow in closed
    form too; on them the kernels are scaled so that their answers are log-odds.

    Parameters
    ----------
    images : sequence of (rows, cols[, C]) arrays
        Photos; read one by one, so that it may read files when asked for an item.
    boxes : sequence of (n, 4) arrays
        ``x0 y0 x1 y1`` of all objects in each photo; a photo may have none.
    recipe : Recipe, optional
    names : sequence of str, optional
        Of the photos, for the kernels' provenance.
    tell : callable, optional
        Gets a line about each stage.

    Returns
    -------
    Network
        From `Color` to the kernels, with its `Windows` decision in `meta`.

    Raises
    ------
    ShapeError, ParameterError
        If there are not as many images as boxes, or no object at all.

    Notes
    -----
    Hard negatives: Dalal & Triggs 2005; Felzenszwalb et al. 2010. Hariharan et al. 2012 for linear
    discriminants on such cells. Leaving out in closed form: Cook & Weisberg 1982.
    """
    recipe = recipe or Recipe()
    say = tell or (lambda line: None)
    truth = [np.asarray(b, dtype=np.float64).reshape(-1, 4) for b in boxes]
    if len(images) != len(truth):
        raise ShapeError(f"learn_rigid: {len(images)} images and {len(truth)} lists of boxes")
    if not sum(len(b) for b in truth):
        raise ParameterError("learn_rigid: no object in any photo; give at least one box")
    learner = _Learner(recipe, images, truth, list(names) or [str(i) for i in range(len(images))])
    say(f"{len(learner.classes)} kernels of {learner.frame[0]} x {learner.frame[1]} cells")
    learner.cut_objects()
    network = learner.network(learner.random_planes())
    for number in range(recipe.rounds + 1):
        added = learner.gather_false(network, recipe.hard)
        planes = [learner.plane(c) for c in learner.classes]
        network = learner.network(planes)
        say(f"round {number}: {added} false answers added")
    return learner.finished(planes)


class _Learner:
    """The photos, and for each class of objects what is known so far."""

    def __init__(
        self,
        recipe: Recipe,
        images: Sequence[npt.ArrayLike],
        truth: Sequence[Floats],
        names: list[str],
    ) -> None:
        self.recipe, self.images, self.truth, self.names = recipe, images, truth, names
        self.cells = cell_network(
            orientations=recipe.orientations,
            cell=recipe.cell,
            every=recipe.every,
            around=recipe.around,
            floor=recipe.floor,
        )
        self.classes = _classes(recipe, truth)
        self.frame = (
            max(c.box[0] for c in self.classes),
            max(c.box[1] for c in self.classes),
        )
        for c in self.classes:  # the middle of every window on the middle of the frame
            c.box = tuple(n + (f - n) % 2 for n, f in zip(c.box, self.frame))  # type: ignore[assignment]
        self.adjacency = Adjacency.from_mask(np.ones(self.frame))
        self.scales = _scales(recipe, self.classes)
        self.kept: dict[int, list[Seen]] = {}
        self.memory = MEMORY
        self.random = np.random.default_rng(recipe.seed)

    # -- gathering ---------------------------------------------------------------------------

    def cut_objects(self) -> None:
        """Crops of all objects at their class's size, as cells; the first of each as it is."""
        for c in self.classes:
            rows, photos, changes = [], [], []
            for photo in sorted({photo for photo, _ in c.objects}):
                pyramid = Pyramid(self.cells["grey"](_with_channels(self.images[photo])))
                for box in [box for p, box in c.objects if p == photo]:
                    crops, told = self._crops(pyramid, box, c)
                    rows.append(self._cut_cells(crops, c))
                    changes.append(told)
                    photos += [photo] * len(told)
            c.positive = np.concatenate(rows)
            c.changes = np.concatenate(changes)
            c.photo_of_positive = np.array(photos)
            c.moments = (Moments(c.positive.shape[1]), Moments(c.positive.shape[1]))
            c.moments[0].add(c.positive[self._near(c)])

    def _crops(self, pyramid: Pyramid, box: Floats, c: _Class) -> tuple[Rows, Floats]:
        r, random = self.recipe, self.random
        context = 2 * (r.around // 2)
        size = tuple((n + context) * r.cell for n in c.box)
        wide, high = box[2] - box[0], box[3] - box[1]
        centre = np.array([box[1] + box[3], box[0] + box[2]]) / 2
        base = np.sqrt(c.size[0] * c.size[1] * r.cell**2 / (wide * high))
        crops, changes = [], []
        for copy in range(2 * r.copies):
            # The first half stays where a scan would meet the object; the second strays farther
            # and only teaches the refining kernels.
            far = 1.0 if copy < r.copies else 2.0
            shift = random.uniform(-0.5, 0.5, 2) * far * r.cell / base if copy else np.zeros(2)
            octaves = random.uniform(-0.5, 0.5) * far / r.steps if copy else 0.0
            aspect = random.uniform(-0.1, 0.1) if copy >= r.copies else 0.0
            degrees = random.uniform(-r.turn, r.turn) if copy else 0.0
            mirrored = bool(r.mirror and copy % 2)
            scale = base * 2**octaves * np.exp([aspect, -aspect])
            crop = pyramid.crop(
                tuple(centre + shift), tuple(scale), size, degrees=degrees, mirrored=mirrored
            )
            crops.append(crop)
            # Where the true box lies, seen from the window's own, in its widths and heights.
            shown = np.array([high, wide]) * scale
            own = np.array([c.size[1], c.size[0]]) * r.cell
            off = -shift * scale / own
            changes.append([-off[1] if mirrored else off[1], off[0], *np.log(shown / own)[::-1]])
        return np.stack(crops), np.array(changes)

    def _cut_cells(self, crops: Rows, c: _Class) -> Rows:
        edge = self.recipe.around // 2
        batch = crops[..., None] * 1.0
        for node in self.cells.nodes[1:]:
            batch = node.layer(batch)
        inner = batch[:, edge:-edge, edge:-edge] if edge else batch
        return np.ascontiguousarray(inner, dtype=np.float32).reshape(len(crops), -1)

    def gather_false(self, network: Network, most: int) -> int:
        """Add each photo's strongest answers that lie on no object; how many there were."""
        scanner = Scanner(network, self._windows())
        added = 0
        fresh: list[list[Rows]] = [[] for _ in self.classes]
        for photo in range(len(self.images)):
            found = scanner.candidates(self._seen(scanner, photo), odds=-np.inf, most=2000)
            away = _most_overlap(found.boxes, self.truth[photo]) < 0.3
            for k, c in enumerate(self.classes):
                mine = found[np.flatnonzero(away & (found.kernels == k))]
                mine = mine[suppress(mine.boxes, mine.odds, most=most)]
                c.negative.append(self._own(mine, c))
                c.photo_of_negative += [photo] * len(mine.odds)
                fresh[k].append(c.negative[-1])
                added += len(mine.odds)
        for c, rows in zip(self.classes, fresh):
            c.moments[1].add(np.concatenate(rows))
        return added

    def _seen(self, scanner: Scanner, photo: int) -> list[Seen]:
        """The photo's cells at all scales, kept in half precision while memory allows."""
        if photo in self.kept:
            return [Seen(s.scale, s.cells.astype(np.float32)) for s in self.kept[photo]]
        seen = scanner.look(self.images[photo])
        self.memory -= sum(s.cells.size for s in seen) * 2
        if self.memory >= 0:
            half = [Seen(s.scale, np.ascontiguousarray(s.cells, dtype=np.float16)) for s in seen]
            self.kept[photo] = half
        return seen

    def _own(self, found: Candidates, c: _Class) -> Rows:
        """The part of the frame that belongs to the class's window, as rows."""
        channels = self.recipe.orientations
        rows = found.patches(self.adjacency).reshape(len(found.odds), *self.frame, channels)
        down, across = ((f - n) // 2 for n, f in zip(c.box, self.frame))
        part = rows[:, down : down + c.box[0], across : across + c.box[1]]
        return part.reshape(len(found.odds), c.box[0] * c.box[1] * channels)

    # -- solving -----------------------------------------------------------------------------

    def random_planes(self) -> list[Plane]:
        """Planes of random directions: their strongest answers are anywhere."""
        planes = []
        for c in self.classes:
            w = self.random.normal(size=c.positive.shape[1])
            none = np.zeros((0, 0))
            planes.append(Plane(w / np.linalg.norm(w), 0.0, none, none))
        return planes

    def _near(self, c: _Class) -> npt.NDArray[np.bool_]:
        """Which crops lie where a scan would meet the object."""
        copies = self.recipe.copies
        return np.arange(len(c.positive)) % (2 * copies) < copies

    def samples(self, c: _Class) -> tuple[Rows, Floats, Floats, npt.NDArray[np.int64]]:
        """Rows, targets +1 and -1, shares, photos."""
        near = self._near(c)
        positive = c.positive[near]
        negative = np.concatenate([n for n in c.negative if n.size] or [positive[:0]])
        rows = np.concatenate([positive, negative])
        targets = np.repeat([1.0, -1.0], [len(positive), len(negative)])
        weight = self.recipe.weight
        each = [weight / max(len(positive), 1), (1 - weight) / max(len(negative), 1)]
        shares = np.repeat(each, [len(positive), len(negative)])
        photos = np.concatenate([c.photo_of_positive[near], np.array(c.photo_of_negative, int)])
        return rows, targets, shares, photos

    def plane(self, c: _Class) -> Plane:
        """The class's hyperplane from all that was gathered so far."""
        return separating(*c.moments, self.recipe.weight, self.recipe.strength)

    def finished(self, planes: Sequence[Plane]) -> Network:
        """The network: kernels scaled to log-odds, refining kernels, decision, provenance."""
        scaled, refining, provenance = [], [], []
        for c, plane in zip(self.classes, planes):
            rows, targets, shares, photos = self.samples(c)
            asked = np.unique(c.photo_of_positive)
            outside = left_out(plane, rows, targets, shares, photos, asked)
            known = np.isin(photos, asked)
            slope, shift = logistic(
                *_best_of_photo(outside[known], targets[known] > 0, photos[known])
            )
            scaled.append(
                replace(plane, weights=plane.weights * slope, bias=plane.bias * slope + shift)
            )
            even = np.ones(len(c.positive))
            refining.append(ridge(c.positive, c.changes, even, self.recipe.firmness))
            provenance.append(self._source(c, outside[targets > 0]))
        network = self.network(scaled, refining, provenance)
        windows = replace(self._windows(), refine="refine")
        return network.with_meta(decision=windows.to_dict())

    def _source(self, c: _Class, answers: Floats) -> Provenance:
        """The object that its kernel knows best, as the kernel's origin."""
        best = int(answers[:: self.recipe.copies].argmax())
        photo, box = sorted(c.objects, key=lambda known: known[0])[best]
        middle = ((box[1] + box[3]) // 2, (box[0] + box[2]) // 2)
        return Provenance(1, best, self.names[photo], tuple(int(m) for m in middle))

    def network(
        self,
        planes: Sequence[Plane],
        refining: Sequence[Plane] = (),
        provenance: Sequence[Provenance] = (),
    ) -> Network:
        """Cells, then the planes as kernels over the common frame."""
        nodes = list(self.cells.nodes)
        last = nodes[-1].name
        if refining:
            bank = self._bank([p.weights.T for p in refining], [p.bias for p in refining])
            nodes.append(Node("refine", Convolution(bank), (last,)))
        bank = self._bank([p.weights[None] for p in planes], [[p.bias] for p in planes])
        bank = replace(bank, provenance=tuple(provenance))
        return Network((*nodes, Node("score", Convolution(bank), (last,))))

    def _bank(self, weights: Sequence[Floats], bias: Sequence[Any]) -> KernelBank:
        channels = self.recipe.orientations
        kernels = []
        for c, w in zip(self.classes, weights):
            full = np.zeros((len(w), *self.frame, channels))
            down, across = ((f - n) // 2 for n, f in zip(c.box, self.frame))
            own = w.reshape(len(w), *c.box, channels)
            full[:, down : down + c.box[0], across : across + c.box[1]] = own
            kernels.append(full.reshape(len(w), -1, channels))
        return KernelBank(self.adjacency, np.concatenate(kernels), np.concatenate(bias))

    def _windows(self) -> Windows:
        sizes = tuple(
            (c.size[0] * self.recipe.cell, c.size[1] * self.recipe.cell) for c in self.classes
        )
        largest, smallest = self.scales
        return Windows(sizes, largest, smallest, self.recipe.steps)


def _classes(recipe: Recipe, truth: Sequence[Floats]) -> list[_Class]:
    """Objects in groups of like aspects: cut the sorted aspects at their widest gaps."""
    objects = [(photo, box) for photo, found in enumerate(truth) for box in found]
    sides = np.array([box[2:] - box[:2] for _, box in objects])
    if not (sides > 0).all():
        raise ParameterError("learn_rigid: a box is empty; give x0 < x1 and y0 < y1")
    aspects = np.log(sides[:, 0] / sides[:, 1])
    groups = _split(np.argsort(aspects, kind="stable"), aspects, float(np.log(recipe.spread)))
    classes = []
    for group in groups:
        aspect = float(np.exp(np.mean(aspects[group])))
        size = (float(np.sqrt(recipe.area * aspect)), float(np.sqrt(recipe.area / aspect)))
        box = tuple(int(np.ceil(n)) + 2 * recipe.margin for n in size[::-1])
        members = sorted((objects[i] for i in group), key=lambda known: known[0])
        classes.append(_Class(aspect, size, (box[0], box[1]), members))
    return classes


def _split(order: npt.NDArray[Any], values: Floats, widest: float) -> list[npt.NDArray[Any]]:
    """Cut sorted values at the largest gap until no group spans more than `widest`."""
    ranked = values[order]
    if ranked[-1] - ranked[0] <= widest:
        return [order]
    cut = int(np.diff(ranked).argmax()) + 1
    return [*_split(order[:cut], values, widest), *_split(order[cut:], values, widest)]


def _scales(recipe: Recipe, classes: Sequence[_Class]) -> tuple[float, float]:
    """Largest and smallest scale at which an object of the photos fills its window."""
    fits = [
        np.sqrt(c.size[0] * c.size[1] * recipe.cell**2 / np.prod(box[2:] - box[:2]))
        for c in classes
        for _, box in c.objects
    ]
    return float(max(fits) * recipe.smaller), float(min(fits) / recipe.larger)


def _most_overlap(boxes: Floats, truth: Floats) -> Floats:
    """Largest intersection over union of each box with any true one."""
    most = np.zeros(len(boxes))
    for true in truth:
        low, high = np.maximum(boxes[:, :2], true[:2]), np.minimum(boxes[:, 2:], true[2:])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        union = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(true[2:] - true[:2]) - common
        most = np.maximum(most, common / union)
    return most


def _best_of_photo(
    answers: Floats, true: npt.NDArray[np.bool_], photos: npt.NDArray[np.int64]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Of the crops of a photo's objects the best answer, which is what a scan would meet."""
    best = [answers[true & (photos == photo)].max() for photo in np.unique(photos[true])]
    return (
        np.concatenate([best, answers[~true]]),
        np.arange(len(best) + int((~true).sum())) < len(best),
    )


def _with_channels(image: npt.ArrayLike) -> npt.NDArray[Any]:
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array
