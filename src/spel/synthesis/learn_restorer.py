"""Restorers learned from clean pictures: k-means of patches, and a ridge solution per anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, plural
from spel.linear.ridge import ridge_from_moments
from spel.synthesis.anchored import (
    Real,
    Stage,
    members,
    nearest_up_to_sign,
    softened,
    view,
)
from spel.synthesis.degrade import Plane, Task
from spel.synthesis.plans import Plan, plan, usual
from spel.synthesis.restorer import MAX_STAGES, Restorer
from spel.synthesis.sight import Sight

PENALTY = 1e-5
"""Penalty of the ridge, in units of the mean variance of the spels of a patch."""

FEW = 0.3
"""Weight of all patches in the ridge of an anchor, in patches per weight of the hyperplane."""

LEAST = 96
"""Least side of the middle of a degraded picture that is learned from, if it is as large."""

KEYS = 60_000
"""Largest number of patches among which anchors are found."""


def learn_restorer(
    pictures: Sequence[npt.ArrayLike],
    task: Task,
    *,
    anchors: int | None = None,
    stages: int | None = None,
    side: int | None = None,
    patches: int = 1_000_000,
    seed: int = 0,
    say: Callable[[str], object] = lambda text: None,
) -> Restorer:
    """Learn to undo noise, reduction or blur.

    Parameters
    ----------
    pictures : sequence of (rows, cols) arrays
        Clean planes of numbers from 0 to 1, see `spel.synthesis.luma`; they are degraded here.
    task : Task
    anchors : int, optional
        Number of hyperplanes of a stage, by default 64 against noise, else 256; fewer are learned
        if there are few patches.
    stages : int, optional
        Each stage sees what the stage before restored; by default 3 against noise, else 2.
    side : int, optional
        Side of the patches, odd; by default 9 for deblurring and in the last stage against noise,
        else 7.
    patches : int
        Largest number of patches for a stage, which come from all pictures alike; of large or
        many pictures the middle is taken, see `spel.synthesis.enough`.
    seed : int
        Seed of the noise, the sample and k-means.
    say : function, optional
        Called with a line of text before each step.

    Returns
    -------
    Restorer

    Raises
    ------
    ParameterError
        If there is no picture, one is too small or not finite, or a number is out of range.

    Notes
    -----
    R. Timofte, V. De Smet, L. Van Gool, "A+: Adjusted anchored neighborhood regression for fast
    super-resolution", ACCV 2014; Y. Romano and others, "RAISR", IEEE TCI 2017. Patches are turned
    alike and averaged where they overlap, and stages follow one another, as in R. Timofte,
    R. Rothe, L. Van Gool, "Seven ways to improve example-based single image super resolution",
    CVPR 2016.

    Examples
    --------
    >>> from spel.data import street
    >>> from spel.synthesis import luma
    >>> clean = luma(street(3).image, 255)
    >>> learned = learn_restorer([clean], Task("enlarge", 2), anchors=4, patches=4000)
    >>> learned(learned.task.spoil(clean)).shape
    (360, 540, 1)
    """
    usual_anchors, usual_stages = usual(task)
    anchors = usual_anchors if anchors is None else anchors
    stages = usual_stages if stages is None else stages
    if not 1 <= stages <= MAX_STAGES or anchors < 1 or not len(pictures):
        raise ParameterError(
            f"learn-restore: {len(pictures)} pictures, {anchors} anchors, {stages} stages; "
            f"expected at least one of each, and at most {MAX_STAGES} stages"
        )
    plans = [plan(task, side, number, stages) for number in range(stages)]
    clean = _parts(pictures, task, plans[0].layout.source, patches)
    done: list[Stage] = []
    for number, own in enumerate(plans):
        say(f"stage {number + 1} of {stages}: {plural(len(clean), 'picture')}")
        planes = [_spoiled(task, plane, done, (seed, number, i)) for i, plane in enumerate(clean)]
        shown = [view(pair, own.groups) for pair in planes]
        done.append(_stage(Sample(own, clean, shown, patches, seed), anchors, say))
    return Restorer(task, tuple(done))


def enough(count: int, task: Task, patches: int = 1_000_000) -> tuple[list[int], int]:
    """What is enough to learn from, so that memory is bounded: some pictures, and their middle.

    Parameters
    ----------
    count : int
        Number of pictures.
    task : Task
    patches : int
        Largest number of patches for a stage.

    Returns
    -------
    list of int
        Numbers of pictures.
    int
        The side of their middle part.

    Examples
    --------
    >>> numbers, side = enough(20, Task("denoise", 25))
    >>> len(numbers), side
    (20, 774)
    >>> numbers, side = enough(100_000, Task("denoise", 25))
    >>> len(numbers), side
    (1302, 96)
    """
    spels = 3 * patches * max(4, task.factor**2)
    side = max(LEAST * task.factor, int((spels / max(count, 1)) ** 0.5))
    most = max(1, spels // side**2)
    return np.linspace(0, count - 1, min(count, most)).astype(int).tolist(), side


def middle(plane: Plane, side: int) -> Plane:
    """The middle of a plane, at most `side` spels along each axis."""
    starts = [max(0, (n - side) // 2) for n in plane.shape]
    return np.array(plane[starts[0] : starts[0] + side, starts[1] : starts[1] + side], np.float32)


def _parts(pictures: Sequence[npt.ArrayLike], task: Task, source: int, patches: int) -> list[Plane]:
    """The parts of the pictures to learn from."""
    numbers, side = enough(len(pictures), task, patches)
    side = max(side, 2 * task.factor * source)
    clean = [task.whole(middle(np.asarray(pictures[number]), side)) for number in numbers]
    small = min(min(plane.shape) for plane in clean)
    if small < 2 * task.factor * source:
        raise ParameterError(
            f"learn-restore: a picture with a side of {small} spels; expected at least "
            f"{2 * task.factor * source}"
        )
    if not all(np.isfinite(plane).all() for plane in clean):
        raise ParameterError("learn-restore: a picture holds NaN or infinity; leave it out")
    return clean


def _spoiled(
    task: Task, clean: Plane, stages: Sequence[Stage], seeds: tuple[int, int, int]
) -> list[Plane]:
    """A degraded picture, and what the stages so far make of it.

    Each stage learns from noise of its own: what the stages before made of the noise that they
    were learned from is better than what they make of other noise.
    """
    planes = [task.spoil(clean, seeds)]
    for stage in stages:
        planes = [planes[0], stage([planes[0], *planes[1:]], lambda: None)]
    return planes


class Sample:
    """Patches of all pictures, picture by picture, with the clean patches that they stand for."""

    def __init__(
        self, own: Plan, clean: list[Plane], planes: list[list[Plane]], count: int, seed: int
    ) -> None:
        layout = own.layout
        margin = layout.out // 2 * layout.factor
        self.plan, self.layout, self.planes, self.seed = own, layout, planes, seed
        self.clean = [np.pad(plane, margin, mode="symmetric") for plane in clean]
        grids = [layout.grid(shown[0].shape) for shown in planes]
        self.share = min(1.0, count / sum(rows * cols for rows, cols in grids))
        self.count = int(self.share * sum(rows * cols for rows, cols in grids))

    def portions(self, share: float = 1.0) -> Iterator[tuple[Sight, Plane]]:
        """What the stage sees of some patches, and the clean picture with margins."""
        for number, own in enumerate(self.planes):
            rng = np.random.default_rng((self.seed, number))
            padded, shape = self.layout.padded(own), own[0].shape
            for first, last in self.layout.bands(shape):
                rows, cols = self.layout.places(shape, first, last)
                chosen = rng.random(len(rows)) < share * self.share
                yield Sight(self.layout, padded, rows[chosen], cols[chosen]), self.clean[number]

    def keys(self) -> Real:
        """The compared parts of at most about 60,000 patches."""
        parts = self.portions(min(1.0, KEYS / max(self.count, 1)))
        return np.concatenate([sight.keys for sight, _ in parts])


def _stage(sample: Sample, anchors: int, say: Callable[[str], object]) -> Stage:
    layout, keys = sample.layout, sample.keys()
    softness = float(np.median(np.linalg.norm(keys, axis=1))) + 1e-6
    say(f"finding {anchors} anchors among {len(keys)} patches")
    centres = _centres(softened(keys, softness), min(anchors, len(keys)), sample.seed)
    more = sample.plan.gates, sample.plan.groups
    plain = Stage(layout, softness, centres, np.zeros((len(centres), 0, 0), np.float32), *more)
    say(f"solving one ridge per anchor over {sample.count} patches")
    moments = Moments(plain, layout.length * (1 + len(more[0])), layout.out_side**2)
    for sight, clean in sample.portions():
        aims = sight.turned(clean, layout.out_side, layout.step * layout.factor)
        moments.add(sight, aims)
    return Stage(layout, softness, centres, moments.hyperplanes(), *more)


def _centres(points: Real, count: int, seed: int, rounds: int = 12) -> Real:
    """k-means of points up to their sign."""
    rng = np.random.default_rng(seed)
    centres = points[rng.choice(len(points), count, replace=False)]
    for _ in range(rounds):
        nearest = nearest_up_to_sign(points, centres)
        for number, own in members(nearest, count):
            signs = np.sign(points[own] @ centres[number])
            centres[number] = signs @ points[own] / len(own)
    return centres


class Moments:
    """Sums over the patches of each anchor, enough for their ridges."""

    def __init__(self, stage: Stage, length: int, targets: int) -> None:
        self.stage, anchors = stage, len(stage.anchors)
        self.counts = np.zeros(anchors)
        self.squares = np.zeros((anchors, length, length))
        self.products = np.zeros((anchors, length, targets))

    def add(self, sight: Sight, aims: Real) -> None:
        """Take patches, and the clean ones that they stand for, turned alike."""
        vectors = sight.patches()
        for number, own in members(self.stage.nearest(sight), len(self.counts)):
            rows = self.stage.inputs(vectors[own])
            self.counts[number] += len(own)
            self.squares[number] += rows.T @ rows
            self.products[number] += rows.T @ aims[own]

    def hyperplanes(self) -> Real:
        """The ridge solution of each anchor, mixed with that of all patches if it has few."""
        total = max(float(self.counts.sum()), 1.0)
        every = self.squares.sum(axis=0) / total, self.products.sum(axis=0) / total
        out = np.empty(self.products.shape, dtype=np.float32)
        length, targets = out.shape[1:]
        few = FEW * length
        for number, count in enumerate(self.counts.tolist()):
            covariance = (self.squares[number] + few * every[0]) / (count + few)
            cross = (self.products[number] + few * every[1]) / (count + few)
            penalty = PENALTY * float(np.trace(covariance)) / length + 1e-12
            zeros = np.zeros(length), np.zeros(targets)
            model = ridge_from_moments(zeros[0], covariance, zeros[1], cross, penalty)
            out[number] = model.weights
        return out
