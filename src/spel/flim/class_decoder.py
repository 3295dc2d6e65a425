"""Decoders of several classes: a softmax over linear scores, or published decoders one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.flim.statistics import check_finite_rows, check_pairs
from spel.linear import fit_softmax
from spel.nn.blocks import ImageLike, values_at
from spel.nn.decode import Decode
from spel.ops.decode import LABELLED, Method


def class_labels(markers: Sequence[Markers]) -> tuple[int, ...]:
    """All labels of some markers: the background's first if there is one, then the others, sorted.

    Raises
    ------
    ParameterError
        If the images have different background labels.

    Examples
    --------
    >>> drawn = Markers([(0, 0), (0, 1), (0, 2)], [3, 1, 7], (1, 3), background=3)
    >>> class_labels([drawn])
    (3, 1, 7)
    """
    grounds = {drawn.background for drawn in markers}
    if len(grounds) > 1:
        names = ", ".join(sorted(map(str, grounds)))
        raise ParameterError(
            f"class_labels: images with the background labels {names}; give the background the "
            "same label in all images"
        )
    labels = sorted({label for drawn in markers for label in drawn.classes})
    return tuple(sorted(labels, key=lambda label: (label not in grounds, label)))


def class_decoder(
    images: Sequence[ImageLike],
    markers: Sequence[Markers],
    *,
    ridge: float = 1e-2,
) -> KernelBank:
    """One kernel per class over a single spel; the softmax of their scores is the probability.

    Minimizes the weighted cross-entropy of the marked spels plus ``ridge |W|^2 / 2`` over
    standardized channels; every class has the same weight, and each image the same within a class.

    Parameters
    ----------
    images : sequence of (rows, cols, K) arrays
        Activations; concatenate those of several blocks.
    markers : sequence of Markers
        They have at least two labels, which may be any integers.
    ridge : float
        Penalty on the weights of standardized channels, above 0.

    Returns
    -------
    KernelBank
        The kernels are in the order of `class_labels`.

    Raises
    ------
    ParameterError
        If only one class is marked, or the ridge is not positive.

    Examples
    --------
    >>> image = np.array([[[0.0], [1.0], [4.0], [5.0], [8.0], [9.0]]])
    >>> drawn = Markers([(0, c) for c in range(6)], [5, 5, 2, 2, 9, 9], (1, 6), background=None)
    >>> bank = class_decoder([image], [drawn], ridge=1e-4)
    >>> scores = image[0] @ bank.weights[:, 0].T + bank.bias
    >>> [class_labels([drawn])[k] for k in scores.argmax(axis=1)]
    [5, 5, 2, 2, 9, 9]
    """
    check_pairs("class_decoder", images, markers)
    labels = class_labels(markers)
    if len(labels) < 2 or not ridge > 0:
        raise ParameterError(
            f"class_decoder: labels {labels}, ridge {ridge!r}; draw strokes of at least two "
            "classes, and give a ridge above 0"
        )
    rows = np.concatenate([values_at(image, m.points) for image, m in zip(images, markers)])
    check_finite_rows("class_decoder", rows, markers, near=True)
    drawn = np.concatenate([m.labels for m in markers])
    owner = np.repeat(np.arange(len(markers)), [len(m) for m in markers])
    shares = np.zeros(len(drawn))
    for label in labels:
        here = drawn == label
        holding = np.unique(owner[here])
        for number in holding:
            of = here & (owner == number)
            shares[of] = 1 / (len(labels) * len(holding) * of.sum())
    numbers = np.argmax(drawn[:, None] == np.array(labels), axis=1)
    weights, bias = fit_softmax(rows.astype(np.float64), numbers, shares, ridge=ridge)
    spel = Adjacency.ball(0, ndim=markers[0].ndim)
    return KernelBank(spel, weights.T[:, None].astype(np.float32), bias.astype(np.float32))


def decoders_by_class(method: Method, bank: KernelBank, labels: Sequence[int]) -> list[Decode]:
    """For each class, a published decoder that takes its kernels for the object's.

    Raises
    ------
    ParameterError
        If the method uses no labels, or the bank's kernels have no provenance.
    """
    if method not in LABELLED:
        raise ParameterError(
            f"decoders_by_class: the decoder {method!r} uses no labels; expected one of "
            f"{', '.join(LABELLED)}, or the linear decoder"
        )
    if not bank.provenance:
        raise ParameterError(
            "decoders_by_class: the kernels of the bank have no provenance; learn them from strokes"
        )
    missing = set(labels) - {origin.label for origin in bank.provenance}
    if missing:
        raise ParameterError(
            f"decoders_by_class: no kernel comes from strokes of label {min(missing)}; learn more "
            "kernels, or clusters in place of components (reduce='kmeans'), or use the linear "
            "decoder"
        )
    return [Decode(method, tuple(p.label == label for p in bank.provenance)) for label in labels]
