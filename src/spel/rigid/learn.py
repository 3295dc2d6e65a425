"""Learn to detect rigid objects from a few photos with boxes: closed form, no backpropagation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank, Provenance
from spel.errors import ParameterError, ShapeError
from spel.nn import Convolution, Network, Node
from spel.rigid.config import Floats, Group, RigidConfig, frame_of, groups, scale_range
from spel.rigid.features import cell_network
from spel.rigid.linear import Plane, left_out, logistic, ridge, separating
from spel.rigid.sampling import Background, Samples, cut_objects, random_plane
from spel.rigid.score import Scanner
from spel.rigid.windows import Windows

Tell = Callable[[str], None]


def learn_detector(
    images: Sequence[npt.ArrayLike],
    boxes: Sequence[npt.ArrayLike],
    recipe: RigidConfig | None = None,
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

    From many objects smaller kernels are learned as well, the same way, for a first look that
    proposes places.

    Parameters
    ----------
    images : sequence of (rows, cols[, C]) arrays
        Photos; read one by one, so that it may read files when asked for an item.
    boxes : sequence of (n, 4) arrays
        ``x0 y0 x1 y1`` of all objects in each photo; a photo may have none.
    recipe : RigidConfig, optional
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
    recipe = recipe or RigidConfig()
    say = tell or (lambda line: None)
    truth = [np.asarray(b, dtype=np.float64).reshape(-1, 4) for b in boxes]
    if len(images) != len(truth):
        raise ShapeError(f"learn_detector: {len(images)} images and {len(truth)} lists of boxes")
    objects = sum(len(b) for b in truth)
    if not objects:
        raise ParameterError("learn_detector: no object in any photo; give at least one box")
    photos = _Photos(images, truth, list(names) or [str(i) for i in range(len(images))])
    nodes: list[Node] = []
    first = None
    if objects >= recipe.first_from:
        say("kernels of the first look")
        learned, first = _Learner(recipe.for_places(), photos, "first").learn(say)
        nodes += learned
    learner = _Learner(recipe, photos, "score")
    learned, windows = learner.learn(say)
    network = Network((*learner.cells.nodes, *nodes, *learned))
    most = max(windows.most, 2 * max(len(b) for b in truth))
    decision = replace(windows, first=first, turns=recipe.turns, most=most)
    return network.with_meta(decision=decision.to_dict())


class _Photos:
    """Photos, their objects and their names."""

    def __init__(self, images: Sequence[Any], truth: Sequence[Floats], names: list[str]) -> None:
        self.images, self.truth, self.names = images, truth, names


class _Learner:
    """One look's kernels, and what is known so far of each group of objects."""

    def __init__(self, recipe: RigidConfig, photos: _Photos, name: str) -> None:
        self.recipe, self.photos, self.name = recipe, photos, name
        self.cells = cell_network(
            orientations=recipe.orientations,
            cell=recipe.cell,
            every=recipe.every,
            around=recipe.around,
            floor=recipe.floor,
        )
        self.groups = groups(recipe, photos.truth)
        self.frame = frame_of(self.groups)
        self.adjacency = Adjacency.from_mask(np.ones(self.frame))
        self.scales = scale_range(recipe, self.groups)
        self.random = np.random.default_rng(recipe.seed)

    def learn(self, say: Tell) -> tuple[list[Node], Windows]:
        """The look's layers, and how they are slid."""
        say(f"{len(self.groups)} kernels of {self.frame[0]} x {self.frame[1]} cells")
        images, recipe = self.photos.images, self.recipe
        samples = [
            cut_objects(recipe, self.cells, images, group, self.random) for group in self.groups
        ]
        planes = [random_plane(own, self.random) for own in samples]
        background = Background(recipe, images, self.photos.truth)
        for number in range(recipe.rounds + 1):
            network = Network((*self.cells.nodes, self.node(self.name, planes)))
            added = background.gather(Scanner(network, self.windows()), self.groups, samples)
            planes = [
                separating(own.near, own.false, recipe.weight, recipe.ridge_of(len(group.objects)))
                for group, own in zip(self.groups, samples)
            ]
            say(f"round {number}: {added} false answers added")
        return self.finished(planes, samples)

    def finished(
        self, planes: Sequence[Plane], samples: Sequence[Samples]
    ) -> tuple[list[Node], Windows]:
        """Kernels scaled to log-odds and refining kernels, each with its provenance."""
        refining, provenance, answers, true = [], [], [], []
        for group, own, plane in zip(self.groups, samples, planes):
            rows, targets, shares, photos = own.all_rows(self.recipe.weight)
            with_objects = np.unique(own.photos)
            # An only photo cannot be left out: nothing would be known of its objects.
            asked = with_objects if len(with_objects) > 1 else with_objects[:0]
            outside = left_out(plane, rows, targets, shares, photos, asked)
            known = np.isin(photos, with_objects)
            best = _best_of_photo(outside[known], targets[known] > 0, photos[known])
            answers.append(best[0])
            true.append(best[1])
            even = np.ones(len(own.positive))
            refining.append(ridge(own.positive, own.changes, even, self.recipe.firmness))
            provenance.append(self._source(group, own, outside[targets > 0]))
        # One scale for all kernels: from few objects a kernel cannot know its own.
        slope, shift = logistic(np.concatenate(answers), np.concatenate(true))
        scaled = [
            replace(plane, weights=plane.weights * slope, bias=plane.bias * slope + shift)
            for plane in planes
        ]
        refine = self.name + "_refine"
        nodes = [self.node(refine, refining), self.node(self.name, scaled, provenance)]
        return nodes, replace(self.windows(), refine=refine, score=self.name)

    def _source(self, group: Group, own: Samples, answers: Floats) -> Provenance:
        """The object that its kernel knows best, as the kernel's origin."""
        best = int(answers[:: own.copies].argmax())
        photo, box = group.objects[best]
        middle = ((box[1] + box[3]) // 2, (box[0] + box[2]) // 2)
        return Provenance(1, best, self.photos.names[photo], tuple(int(m) for m in middle))

    def node(
        self, name: str, planes: Sequence[Plane], provenance: Sequence[Provenance] = ()
    ) -> Node:
        """The planes as kernels over the common frame, on the cells."""
        channels = self.recipe.orientations
        kernels = []
        for group, plane in zip(self.groups, planes):
            weights = np.atleast_2d(plane.weights.T)
            full = np.zeros((len(weights), *self.frame, channels))
            down, across = ((f - n) // 2 for n, f in zip(group.box, self.frame))
            own = weights.reshape(len(weights), *group.box, channels)
            full[:, down : down + group.box[0], across : across + group.box[1]] = own
            kernels.append(full.reshape(len(weights), -1, channels))
        bias = np.concatenate([np.atleast_1d(plane.bias) for plane in planes])
        bank = KernelBank(self.adjacency, np.concatenate(kernels), bias)
        bank = replace(bank, provenance=tuple(provenance))
        return Node(name, Convolution(bank), (self.cells.output,))

    def windows(self) -> Windows:
        """Sizes and scales of the look."""
        cell = self.recipe.cell
        sizes = tuple((g.size[0] * cell, g.size[1] * cell) for g in self.groups)
        return Windows(sizes, *self.scales, self.recipe.steps)


def _best_of_photo(
    answers: Floats, true: npt.NDArray[np.bool_], photos: npt.NDArray[np.int64]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Of the crops of a photo's objects the best answer, which is what a scan would meet."""
    best = [answers[true & (photos == photo)].max() for photo in np.unique(photos[true])]
    return (
        np.concatenate([best, answers[~true]]),
        np.arange(len(best) + int((~true).sum())) < len(best),
    )
