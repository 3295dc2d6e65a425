"""The course's assignment: a bank by hand, its weights and threshold learned from masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.decide import Decision, decide, with_decision
from spel.errors import ParameterError, ShapeError
from spel.metrics.detection import iou
from spel.nn import (
    Activation,
    Color,
    Convolution,
    MaxPool,
    MinPool,
    Network,
    Scale,
    WeightedSum,
    chain,
)
from spel.nn.geometry import geometry
from spel.zoo.lecture import smaller

PLATE_WIDTH = 90
"""Width of a plate, in spels, that suits the poolings 7 x 3 and 9 x 9; that of the lecture."""

Floats = npt.NDArray[np.float64]


def plate_assignment(
    images: Sequence[npt.ArrayLike], truth: Sequence[npt.ArrayLike], *, reduce: int | None = None
) -> Network:
    """Find the licence plate as the course's assignment does.

    The idea: several kernels respond to different parts of a plate; their weights and the threshold
    are not guessed but learned from training masks.

    1. ``bank``: 8 kernels of 3 x 3 (edges in 4 directions, both diagonals, bright and dark spots).
    2. ``positive``, ``join`` (max-pooling 7 x 3), ``close`` (min-pooling 9 x 9): characters merge
       into a block, and structures thinner than the closing vanish.
    3. ``scaled``: every channel is divided by its maximum *over all training images*. (The course's
       program resets the maxima inside its loop over the images: only the last one counts there.)
    4. ``sum``: a weighted sum of the channels. The weights are the direction that best separates
       plate spels from the others: Fisher's ``w = (S + r I)^-1 (m_plate - m_rest)``, S the mean of
       both covariances. ``positive2`` and the same poolings follow.
    5. Decision: the threshold at which the boxes of the training images overlap the plates best,
       and the component whose box is closest in size to the mean plate.

    Parameters
    ----------
    images : sequence of (rows, cols[, C]) arrays
        Training images.
    truth : sequence of arrays
        Per image a (rows, cols) mask of bool, or boxes (n, 4) ``x0 y0 x1 y1``.
    reduce : int, optional
        Images are first reduced by means over boxes of this many spels. By default the mean plate
        gets as close as possible to `PLATE_WIDTH` spels.

    Returns
    -------
    Network
        It carries its decision.

    Raises
    ------
    ShapeError, ParameterError
        If the numbers of images and truths differ, or an image has no plate.

    Notes
    -----
    Lecture, "The worked examples", the assignment.

    Examples
    --------
    >>> from spel.data import street
    >>> scene = street(3)
    >>> network = plate_assignment([scene.image], [scene.boxes])
    >>> network.names[:3], network.meta["decision"]["select"]
    (('grey', 'bank', 'positive'), 'closest')
    """
    masks, boxes = _truth(images, truth)
    width, height = np.mean(boxes[:, 2:] - boxes[:, :2], axis=0)
    times = max(1, round(width / PLATE_WIDTH)) if reduce is None else int(reduce)
    base = chain(
        grey=Color("grey"),
        **smaller(times),
        bank=Convolution(directions()),
        positive=Activation("relu"),
        join=MaxPool(Adjacency.rectangle(width=7, height=3)),
        close=MinPool(Adjacency.rectangle(width=9, height=9)),
    )
    maps = [base(image) for image in images]
    maxima = np.max([m.max(axis=(0, 1), initial=0) for m in maps], axis=0)
    factors = 1 / np.where(maxima > 0, maxima, 1)
    reduced = [_reduce_mask(mask, times, m.shape[:2]) for mask, m in zip(masks, maps)]
    weights = fisher_weights([m * factors for m in maps], reduced)
    network = chain(
        base,
        scaled=Scale(factors.astype(np.float32)),
        sum=WeightedSum(weights.astype(np.float32)),
        positive2=Activation("relu"),
        join2=MaxPool(Adjacency.rectangle(width=7, height=3)),
        close2=MinPool(Adjacency.rectangle(width=9, height=9)),
    )
    size = (float(width), float(height))
    return with_decision(network, fit_decision(network, images, boxes, size))


def directions() -> KernelBank:
    """Eight kernels of 3 x 3: edges to the right, left, down, up, diagonals, bright and dark spots.

    Examples
    --------
    >>> len(directions())
    8
    """
    slash = KernelBank.from_array([[0, 1, 2], [-1, 0, 1], [-2, -1, 0]])
    spot = KernelBank.from_array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    col, row = KernelBank.sobel("col"), KernelBank.sobel("row")
    return col + -col + row + -row + slash + -slash + spot + -spot


def fisher_weights(maps: Sequence[npt.NDArray[Any]], masks: Sequence[npt.NDArray[Any]]) -> Floats:
    """The direction that best separates the spels inside the masks from those outside.

    ``w = (S + r I)^-1 (m_1 - m_0)``, S the mean of both covariances, r a thousandth of its mean
    variance, of length 1.

    Examples
    --------
    >>> maps = [np.array([[[1.0, 5.0], [1.0, 7.0], [0.0, 5.0], [0.0, 7.0]]])]
    >>> fisher_weights(maps, [np.array([[True, True, False, False]])]).round(3).tolist()
    [1.0, 0.0]
    """
    inside = np.concatenate([m[mask] for m, mask in zip(maps, masks)]).astype(np.float64)
    outside = np.concatenate([m[~mask] for m, mask in zip(maps, masks)]).astype(np.float64)
    if not len(inside) or not len(outside):
        raise ParameterError(
            f"fisher_weights: {len(inside)} pixels inside the masks and {len(outside)} outside; "
            "expected some of each"
        )
    covariance = (np.cov(inside.T, ddof=0) + np.cov(outside.T, ddof=0)) / 2
    ridge = 1e-3 * np.trace(covariance) / len(covariance) + 1e-12
    weights = np.linalg.solve(
        covariance + ridge * np.eye(len(covariance)), inside.mean(axis=0) - outside.mean(axis=0)
    )
    length = np.linalg.norm(weights)
    return np.asarray(weights / length if length > 0 else weights)


def fit_decision(
    network: Network, images: Sequence[npt.ArrayLike], boxes: Floats, size: tuple[float, float]
) -> Decision:
    """The decision whose boxes overlap the truth best, among 64 thresholds."""
    place = geometry(network)
    saliencies = [network(image) for image in images]
    low = min(float(s.min(initial=np.inf)) for s in saliencies)
    high = max(float(s.max(initial=-np.inf)) for s in saliencies)
    best, chosen = -1.0, Decision(threshold=0.0, select="closest", size=size)
    for threshold in np.linspace(low, high, 66)[1:-1]:
        decision = Decision(threshold=float(threshold), select="closest", size=size)
        overlap = 0.0
        for image, saliency, box in zip(images, saliencies, boxes):
            result = decide(saliency, decision, place=place, image_size=np.shape(image)[:2])
            overlap += float(iou(result.detections.boxes, box[None]).max(initial=0.0))
        if overlap > best:
            best, chosen = overlap, decision
    return chosen


def _truth(
    images: Sequence[npt.ArrayLike], truth: Sequence[npt.ArrayLike]
) -> tuple[list[npt.NDArray[np.bool_]], Floats]:
    """A mask per image and the box of its first plate."""
    if len(images) != len(truth) or not len(images):
        raise ShapeError(
            f"plate_assignment: {len(images)} images and {len(truth)} truths; expected the same "
            "number of each, at least 1"
        )
    masks, boxes = [], []
    for number, (image, one) in enumerate(zip(images, truth)):
        size, array = np.shape(image)[:2], np.asarray(one)
        if array.shape == size:
            mask = array.astype(bool)
            rows, cols = np.nonzero(mask)
            if len(rows):
                boxes.append([cols.min(), rows.min(), cols.max() + 1, rows.max() + 1])
        elif array.ndim == 2 and array.shape[1] == 4:
            mask = np.zeros(size, dtype=bool)
            for x0, y0, x1, y1 in np.round(array).astype(int):
                mask[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
            boxes.extend(array[:1].tolist())
        else:
            raise ShapeError(
                f"plate_assignment: truth {number} of shape {array.shape} for an image of {size}; "
                "expected a mask of that size or boxes (n, 4)"
            )
        if not mask.any():
            raise ParameterError(
                f"plate_assignment: image {number} has no plate; train on images with a plate"
            )
        masks.append(mask)
    return masks, np.array(boxes, dtype=np.float64)


def _reduce_mask(
    mask: npt.NDArray[np.bool_], times: int, size: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    small: npt.NDArray[np.bool_] = mask[::times, ::times][: size[0], : size[1]]
    return small
