"""Decoders of several classes, and the one that is fitted to masks: LITERAL and LAW."""

from __future__ import annotations

import numpy as np
import pytest

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.core.provenance import Provenance
from spel.errors import ParameterError, ShapeError
from spel.flim.backprop import backprop_decoder
from spel.flim.class_decoder import class_decoder, class_labels, decoders_by_class

ROW = np.array([[[0.0, 3.0], [1.0, 3.0], [4.0, 3.0], [5.0, 3.0], [8.0, 3.0], [9.0, 3.0]]])


def drawn(labels, background=None, ndim=2):
    points = [(0,) * (ndim - 1) + (c,) for c in range(len(labels))]
    return Markers(points, labels, (1,) * (ndim - 1) + (len(labels),), background=background)


def answers(bank, image, labels):
    scores = image.reshape(-1, image.shape[-1]) @ bank.weights[:, 0].T + bank.bias
    return [labels[k] for k in scores.argmax(axis=1)]


def test_the_background_comes_first_and_the_others_in_order():
    assert class_labels([drawn([9, 2, 5, 2])]) == (2, 5, 9)
    assert class_labels([drawn([9, 2, 5], background=5), drawn([5, 4, 5], background=5)]) == (
        5, 2, 4, 9,
    )  # fmt: skip
    with pytest.raises(ParameterError, match="background labels"):
        class_labels([drawn([1, 0], background=0), drawn([1, 2], background=2)])


@pytest.mark.parametrize("labels", [[5, 5, 2, 2, 9, 9], [0, 0, 255, 255, 70000, 70000]])
def test_every_class_is_found_whatever_its_label(labels):
    marks = drawn(labels)
    bank = class_decoder([ROW], [marks], ridge=1e-4)
    assert bank.weights.shape == (3, 1, 2)
    assert answers(bank, ROW, class_labels([marks])) == labels
    assert np.all(bank.weights[:, 0, 1] == 0)  # a channel that never varies says nothing


def test_a_volume_and_two_images_of_which_none_has_all_classes():
    volume = ROW[None]
    bank = class_decoder([volume], [drawn([1, 1, 2, 2, 3, 3], ndim=3)], ridge=1e-4)
    assert bank.adjacency.ndim == 3
    marks = [drawn([1, 1, 2, 2]), drawn([2, 2, 3, 3])]
    bank = class_decoder([ROW[:, :4], ROW[:, 2:]], marks, ridge=1e-4)
    assert answers(bank, ROW, class_labels(marks)) == [1, 1, 2, 2, 3, 3]


def test_what_tells_no_classes_apart_is_refused():
    with pytest.raises(ParameterError, match="at least two classes"):
        class_decoder([ROW], [drawn([1] * 6)])
    with pytest.raises(ParameterError, match="ridge"):
        class_decoder([ROW], [drawn([1, 1, 1, 2, 2, 2])], ridge=0)


def test_published_decoders_take_each_class_against_the_rest():
    origins = tuple(Provenance(label, 1, "a", (0, 0)) for label in (4, 7, 4))
    bank = KernelBank(Adjacency.ball(0), np.ones((3, 1, 1), np.float32), provenance=origins)
    first, second = decoders_by_class("lt", bank, (4, 7))
    assert first.labels == (True, False, True)
    assert second.labels == (False, True, False)
    with pytest.raises(ParameterError, match="strokes of label 8"):
        decoders_by_class("lt", bank, (4, 8))
    with pytest.raises(ParameterError, match="uses no labels"):
        decoders_by_class("ps", bank, (4, 7))
    with pytest.raises(ParameterError, match="no provenance"):
        decoders_by_class("lt", KernelBank(Adjacency.ball(0), np.ones((1, 1, 1), np.float32)), (4,))


def test_the_decoder_fitted_to_masks_tells_them_apart_and_repeats():
    truth = np.zeros((8, 8), bool)
    truth[2:5, 2:6] = True
    image = np.stack([truth * 200.0, np.zeros((8, 8)), 30.0 * ~truth], axis=-1)
    layer = backprop_decoder([image, image], [truth, truth.astype(np.uint8) * 255])
    assert np.array_equal(layer(image)[..., 0] > 0, truth)
    again = backprop_decoder([image, image], [truth, truth])
    other = backprop_decoder([image, image], [truth, truth], seed=1)
    assert layer == again
    assert layer != other
    with pytest.raises(ShapeError, match="1 images, 2 masks"):
        backprop_decoder([image], [truth, truth])
    with pytest.raises(ShapeError, match="the same spels"):
        backprop_decoder([image], [truth[:4]])
    with pytest.raises(ParameterError, match="epochs 0"):
        backprop_decoder([image], [truth], epochs=0)
