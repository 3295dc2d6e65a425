"""Restorers learned from clean pictures: k-means of patches, and a ridge solution per anchor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, plural
from spel.linear.ridge import ridge_from_moments
from spel.synthesis.degrade import Plane, Task
from spel.synthesis.restorer import MAX_SIDE, Real, Restorer, bands, softened

PENALTY = 1e-5
"""Penalty of the ridge, in units of the mean variance of the spels of a patch."""


def learn_restorer(
    pictures: Sequence[npt.ArrayLike],
    task: Task,
    *,
    anchors: int = 256,
    side: int | None = None,
    patches: int = 400_000,
    seed: int = 0,
    say: Callable[[str], object] = lambda text: None,
) -> Restorer:
    """Learn to undo noise, reduction or blur.

    Parameters
    ----------
    pictures : sequence of (rows, cols) arrays
        Clean planes of numbers from 0 to 1, see `spel.synthesis.luma`; they are degraded here.
    task : Task
    anchors : int
        Number of hyperplanes; fewer are learned if there are few patches.
    side : int, optional
        Side of the patches, odd; by default 7 for enlarging, else 9.
    patches : int
        Largest number of patches, which come from all pictures alike and in the 8 symmetries of a
        square.
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
    super-resolution", ACCV 2014; Y. Romano and others, "RAISR", IEEE TCI 2017.

    Examples
    --------
    >>> from spel.data import street
    >>> from spel.synthesis import luma
    >>> clean = luma(street(3).image, 255)
    >>> learned = learn_restorer([clean], Task("enlarge", 2), anchors=4, patches=4000)
    >>> learned(learned.task.spoil(clean)).shape
    (360, 540, 1)
    """
    side = side or (7 if task.kind == "enlarge" else 9)
    if side not in range(3, MAX_SIDE, 2):
        raise ParameterError(
            f"learn-restore: patches of {side} x {side}; expected an odd side from 3 to "
            f"{MAX_SIDE - 1}"
        )
    if anchors < 1 or not len(pictures):
        raise ParameterError(
            f"learn-restore: {len(pictures)} pictures, {anchors} anchors; expected at least one "
            "of each"
        )
    small = min(min(np.shape(p)) for p in pictures)
    if small < 2 * task.factor * side:
        raise ParameterError(
            f"learn-restore: a picture with a side of {small} spels; expected at least "
            f"{2 * task.factor * side}"
        )
    if not all(np.isfinite(picture).all() for picture in pictures):
        raise ParameterError("learn-restore: a picture holds NaN or infinity; leave it out")
    say(f"taking patches of {side} x {side} spels from {plural(len(pictures), 'picture')}")
    vectors, targets = _samples(pictures, task, side, patches, seed)
    softness = float(np.median(np.linalg.norm(vectors, axis=1))) + 1e-6
    points = softened(vectors, softness)
    say(f"finding {anchors} anchors among {len(points)} patches")
    centres = _centres(points, min(anchors, len(points)), seed)
    say("solving one ridge per anchor")
    plain = Restorer(task, side, softness, centres, np.zeros((len(centres), 0, 0), np.float32))
    weights = _hyperplanes(vectors, targets, plain.nearest(vectors), len(centres))
    return Restorer(task, side, softness, centres, weights)


def _samples(
    pictures: Sequence[npt.ArrayLike], task: Task, side: int, count: int, seed: int
) -> tuple[Real, Real]:
    """Degraded patches without their means, and the clean spels on them minus the same means."""
    rng = np.random.default_rng(seed)
    each = -(-count // (8 * len(pictures)))
    rows: list[Real] = []
    wanted: list[Real] = []
    for number, picture in enumerate(pictures):
        clean = task.whole(np.asarray(picture, dtype=np.float32))
        spoiled, f = task.spoil(clean, seed + number), task.factor
        chosen = rng.permutation(spoiled.size)[:each]
        vectors, means = _patches_at(spoiled, side, chosen)
        blocks = clean.reshape(spoiled.shape[0], f, spoiled.shape[1], f).transpose(0, 2, 1, 3)
        targets = blocks.reshape(spoiled.size, f, f)[chosen] - means[:, :, None]
        squares = vectors.reshape(-1, side, side)
        for turn in range(4):
            for flip in (1, -1):
                turned = np.rot90(squares, turn, (1, 2))[:, :, ::flip]
                rows.append(turned.reshape(len(turned), -1))
                aims = np.rot90(targets, turn, (1, 2))[:, :, ::flip]
                wanted.append(aims.reshape(len(aims), -1))
    return np.concatenate(rows), np.concatenate(wanted)


def _patches_at(plane: Plane, side: int, places: npt.NDArray[np.intp]) -> tuple[Real, Real]:
    vectors = np.empty((len(places), side * side), dtype=np.float32)
    means = np.empty((len(places), 1), dtype=np.float32)
    cols = plane.shape[1]
    for first, last, part, mean in bands(plane, side):
        own = (places >= first * cols) & (places < last * cols)
        vectors[own] = part[places[own] - first * cols]
        means[own] = mean[places[own] - first * cols]
    return vectors, means


def _centres(points: Real, count: int, seed: int) -> Real:
    from sklearn.cluster import MiniBatchKMeans

    some = np.random.default_rng(seed).permutation(len(points))[:100_000]
    means = MiniBatchKMeans(count, batch_size=4096, n_init=1, max_iter=20, random_state=seed)
    return np.asarray(means.fit(points[some]).cluster_centers_, dtype=np.float32)


def _hyperplanes(vectors: Real, targets: Real, anchor: npt.NDArray[np.intp], count: int) -> Real:
    """The ridge solution of each anchor, mixed with that of all patches if the anchor has few."""
    every = vectors.astype(np.float64).T
    whole = every @ vectors / len(vectors), every @ targets / len(vectors)
    zero = np.zeros(vectors.shape[1])
    out = np.empty((count, vectors.shape[1], targets.shape[1]), dtype=np.float32)
    few = 4 * vectors.shape[1]
    for a in range(count):
        own = anchor == a
        rows = vectors[own].astype(np.float64)
        below = len(rows) + few
        covariance = (rows.T @ rows + few * whole[0]) / below
        cross = (rows.T @ targets[own] + few * whole[1]) / below
        penalty = PENALTY * float(np.trace(covariance)) / len(covariance) + 1e-12
        model = ridge_from_moments(zero, covariance, np.zeros(targets.shape[1]), cross, penalty)
        out[a] = model.weights
    return out
