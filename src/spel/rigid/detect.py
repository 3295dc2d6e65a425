"""Detection of rigid objects in two stages: proposals at all scales, then their refinement.

1. The proposal stage slides small kernels over the scale space, a few cells at a time; their best
   windows are proposals, as many as the scores of the image call for.
2. The refinement stage scores larger kernels near the proposals, at several scales around each.
   Without a proposal stage, or if this is quicker because there are many proposals, the larger
   kernels slide over the whole scale space.
3. The best windows are scored again in rotated views.
4. Of windows that overlap, the best one is kept; its box is the mean of all that vote for it.
5. Where a detector adjusts boxes, their sides are moved to the edges of the objects, in views that
   are stretched until each box has one size, and the objects are scored again; of boxes that now
   overlap, the best one is kept (`spel.rigid.adjust`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.detections import Detections, Why
from spel.nn import Network
from spel.rigid.adjust import MOST_GAIN, adjust_boxes
from spel.rigid.nms import non_maximum_suppression, vote_boxes
from spel.rigid.pyramid import Pyramid, image_of_plane
from spel.rigid.score import Scanner
from spel.rigid.views import Floats, ScoredWindows
from spel.rigid.windows import Windows

MAX_SPELS = 9
"""Largest number of spels in an explanation."""

MIN_LOG_ODDS = float(np.log(0.002 / 0.998))
"""Windows with lower log-odds are refined only if the threshold is lower still."""

MAX_WINDOWS = 5000
"""Largest number of windows of a scan that are considered, best first, for each `MANY_SPELS`.
More are where more boxes are asked for: the largest number of boxes decides, and what it leaves out
is counted.
"""

WINDOWS_PER_BOX = 20
"""Windows that are considered for each box that a detector may give, at neighbouring scales."""

MANY_SPELS = 100_000_000
"""Number of spels of an image for which `MAX_WINDOWS` are considered; larger images get more."""

MISSED_SHARE = 0.01
"""Share of the expected number of objects that may lie in the places that are left out."""

PROPOSAL_OVERLAP = 0.9
"""Largest intersection over union of two proposals. It is high because small kernels rank sizes
badly: boxes of different sizes at one place are all refined."""

REVISIT_OVERLAP = 0.8
"""Largest intersection over union of two proposals that are scored again."""

SCALE_OFFSETS = (-0.3, -0.15, 0.15, 0.3)
"""Octaves by which the best proposals are scored again, larger and smaller."""

REVISIT_FRACTION = 1 / 4
"""Share of the proposals that are scored again at other scales and rotations."""

PRIOR_WEIGHT = 0.5
"""Weight of the proposal stage's log-odds in those of the refinement stage."""

MIN_PRIOR = -2.0
"""Lower log-odds of the proposal stage count as this: both stages measure the same weak edges,
which would otherwise count twice against an object."""

ROTATION_PENALTY = 1.0
"""Log-odds that are subtracted in rotated views, which are further attempts at the same place."""


def detect_rigid(
    network: Network, image: npt.ArrayLike, windows: Windows, *, why: bool = False
) -> Detections:
    """Detect with a network of sliding-window kernels; `spel.detect` calls this.

    The score of a box is its probability ``1 / (1 + exp(-o))`` for the log-odds o: the score
    ``<X, W_k> + w_k0`` of the kernel, plus half of the log-odds of the proposal stage if there is
    one (`PRIOR_WEIGHT`, `MIN_PRIOR`). Where boxes are adjusted, it is the greater one of this and
    of the score of the kernel in the adjusted box.
    """
    array = image_of_plane(image)
    size = (int(array.shape[0]), int(array.shape[1]))
    if 0 in size:
        return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0), size)
    scanner = Scanner(network, windows)
    return detect_in_pyramid(scanner, scanner.pyramid(array), why=why)


def detect_in_pyramid(scanner: Scanner, pyramid: Pyramid, *, why: bool = False) -> Detections:
    """Detect in a scale space, which several scanners may share; see `detect_rigid`."""
    windows, size = scanner.windows, pyramid.size
    threshold = log_odds_of(windows.threshold)
    objects, boxes, left_out = _find_objects(scanner, pyramid, threshold)
    boxes = np.clip(windows.with_margin(boxes), 0, [size[1], size[0]] * 2)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    probabilities = 1 / (1 + np.exp(-objects.log_odds))
    explanations = (
        tuple(_explain_window(scanner, objects, i, threshold, size) for i in range(len(objects)))
        if why
        else ()
    )
    return Detections(boxes, probabilities, areas, size, why=explanations, left_out=left_out)


def _find_objects(
    scanner: Scanner, pyramid: Pyramid, threshold: float
) -> tuple[ScoredWindows, Floats, int]:
    """The best window and the box of each object, best first, and how many are left out."""
    scored = scan_windows(scanner, pyramid)
    above = np.flatnonzero(scored.log_odds > threshold - scanner.adjusts * MOST_GAIN)
    peaks = above[
        non_maximum_suppression(
            scored.boxes[above], scored.log_odds[above], overlap=scanner.windows.overlap
        )
    ]
    most = scanner.windows.max_detections
    chosen, rest = np.split(peaks, [most * (1 + scanner.adjusts)])
    left_out = int((scored.log_odds[rest] > threshold).sum())
    angles = [scored.views[index].degrees for index in scored.view_indices]
    boxes = vote_boxes(scored.boxes, scored.log_odds, chosen, angles)
    if not scanner.adjusts:
        return scored[chosen], boxes, left_out
    objects = adjust_boxes(scanner, pyramid, boxes, scored.log_odds[chosen])
    objects = objects[objects.log_odds > threshold]
    peaks = non_maximum_suppression(
        objects.boxes, objects.log_odds, overlap=scanner.windows.overlap
    )
    objects, left_out = objects[peaks[:most]], left_out + len(peaks[most:])
    return objects, objects.boxes, left_out


def log_odds_of(probability: float) -> float:
    """``log(p / (1 - p))``, finite for all of 0..1."""
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return float(np.log(clipped / (1 - clipped)))


def scan_windows(scanner: Scanner, pyramid: Pyramid) -> ScoredWindows:
    """All scored windows, with refined boxes, before non-maximum suppression."""
    places = None if scanner.proposals is None else _propose(scanner, pyramid)
    if places is None:
        boxes = scanner.windows.max_detections
        scored = _scan_all_scales(scanner, pyramid, lowest_log_odds(scanner.windows), boxes)
    else:
        scored = _refine_proposals(scanner, pyramid, places)
    if not scanner.windows.rotations:
        return scored
    rotated = _penalize_rotated(_score_again(scanner, pyramid, scored, "degrees"))
    return ScoredWindows.concatenate([scored, rotated])


def lowest_log_odds(windows: Windows) -> float:
    """The log-odds down to which windows of both stages are considered."""
    return min(MIN_LOG_ODDS, float(np.log(max(windows.threshold, 1e-6))))


def _scan_all_scales(
    scanner: Scanner, pyramid: Pyramid, lowest: float, boxes: int
) -> ScoredWindows:
    """The best windows of kernels that slide over all scales, for at most so many boxes."""
    count = MAX_WINDOWS * -(-pyramid.size[0] * pyramid.size[1] // MANY_SPELS)
    count = max(count, WINDOWS_PER_BOX * boxes)
    return scanner.scan(pyramid, min_log_odds=lowest, max_windows=count)


def _propose(scanner: Scanner, pyramid: Pyramid) -> ScoredWindows | None:
    """The places to refine, or None if their views are larger than the image at all scales."""
    assert scanner.proposals is not None
    lowest = lowest_log_odds(scanner.windows)
    boxes = scanner.windows.max_detections
    proposals = _scan_all_scales(scanner.proposals, pyramid, lowest, boxes)
    places = best_windows(proposals, scanner.windows.max_proposals, lowest=lowest)
    views = len(places) * (1 + len(SCALE_OFFSETS))
    return None if views * scanner.place_area > scanner.scan_area(pyramid) else places


def _refine_proposals(scanner: Scanner, pyramid: Pyramid, places: ScoredWindows) -> ScoredWindows:
    """The larger kernels scored at the proposed places, the best of them at more scales."""
    prior = PRIOR_WEIGHT * np.maximum(places.log_odds, MIN_PRIOR)
    scored = scanner.score_at(pyramid, places.boxes, prior=prior)
    scored = scanner.refine(scored)
    rescaled = _score_again(scanner, pyramid, scored, "octaves")
    return ScoredWindows.concatenate([scored, rescaled])


def _score_again(
    scanner: Scanner, pyramid: Pyramid, scored: ScoredWindows, how: Literal["octaves", "degrees"]
) -> ScoredWindows:
    """The best windows, scored again at other scales or rotations."""
    values = SCALE_OFFSETS if how == "octaves" else scanner.windows.rotations
    count = max(1, int(scanner.windows.max_proposals * REVISIT_FRACTION))
    # Together, the views are no larger than the image at all scales.
    limit = int(scanner.scan_area(pyramid) / (len(values) * scanner.place_area))
    best = best_windows(scored, count, max(limit, 1), overlap=REVISIT_OVERLAP)
    changes = {how: np.repeat(values, len(best))}
    boxes, prior = np.tile(best.boxes, (len(values), 1)), np.tile(best.prior, len(values))
    return scanner.refine(scanner.score_at(pyramid, boxes, prior=prior, **changes))


def best_windows(
    scored: ScoredWindows,
    count: int,
    limit: int | None = None,
    *,
    lowest: float = MIN_LOG_ODDS,
    overlap: float = PROPOSAL_OVERLAP,
) -> ScoredWindows:
    """The best windows at different places: at least `count`, and as many as the scores call for.

    The probabilities of all places add up to the expected number of objects in the image. Places
    are added until less than `MISSED_SHARE` of it is left out. No place with log-odds below
    `lowest` counts, and at most `limit` places are added. Different places have at most the
    intersection over union `overlap`.
    """
    places = non_maximum_suppression(scored.boxes, scored.log_odds, overlap=overlap, of="union")
    log_odds = scored.log_odds[places]
    probabilities = 1 / (1 + np.exp(-log_odds[log_odds >= lowest]))
    left_out = probabilities.sum() - np.cumsum(probabilities)
    needed = int((left_out > MISSED_SHARE * probabilities.sum()).sum()) + 1
    return scored[places[: max(count, min(needed, limit or needed))]]


def _penalize_rotated(rotated: ScoredWindows) -> ScoredWindows:
    """The windows of rotated views, with lower log-odds."""
    return replace(
        rotated,
        log_odds=rotated.log_odds - ROTATION_PENALTY,
        prior=rotated.prior - ROTATION_PENALTY,
    )


def _explain_window(
    scanner: Scanner, scored: ScoredWindows, i: int, threshold: float, size: tuple[int, int]
) -> Why:
    """The window's kernel, its distance to the threshold, and the cells that contribute most."""
    kernel, at = int(scored.kernels[i]), tuple(int(c) for c in scored.cells[i])
    view = scored.views[int(scored.view_indices[i])]
    bank = scanner.score.bank
    patch = ops.patches(view.cells, bank.adjacency, at=[at]).reshape(bank.weights.shape[1:])
    shares = (patch * bank.weights[kernel]).sum(axis=1)
    highest = np.argsort(-shares, kind="stable")[:MAX_SPELS]
    rows, cols = (bank.adjacency.displacements[highest] + at).T + 0.5
    middle = scanner.cell.boxes(np.stack([cols, rows] * 2, axis=1))[:, :2]
    spels = np.floor(view.points(middle)[:, ::-1]).astype(int)
    inside = ((spels >= 0) & (spels < size)).all(axis=1)
    value = float(scored.log_odds[i])
    return Why(
        at=at,
        saliency=value,
        threshold=threshold,
        margin=value - threshold,
        kernels=((scanner.name, kernel, value - float(scored.prior[i])),),
        spels=tuple((int(r), int(c)) for r, c in spels[inside]),
    )
