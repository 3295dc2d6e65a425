"""KernelBank: the named kernels, hyperplanes, joins."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spel import Adjacency, KernelBank, ParameterError, Provenance, ShapeError
from spel.testing import banks


def dense(bank):
    return bank.dense()[0, ..., 0].tolist()


def test_named_kernels():
    assert dense(KernelBank.sobel("col")) == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert dense(KernelBank.prewitt("row")) == [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]
    assert dense(KernelBank.scharr("col"))[1] == [-10, 0, 10]
    assert dense(KernelBank.laplacian(diagonal=True)) == [[1, 1, 1], [1, -8, 1], [1, 1, 1]]


def test_gabor_answers_to_its_orientation():
    bank = KernelBank.gabor(orientations=2, wavelength=6, sigma=2)
    _, cols = np.mgrid[-6:7, -6:7]
    vertical = np.cos(2 * np.pi * cols / 6)
    answers = np.abs(bank.weights[..., 0] @ vertical.ravel())
    assert answers[0] > 20 * answers[1]


def test_laplacian_of_gaussian_is_negative_inside_and_sums_to_zero():
    box = KernelBank.laplacian_of_gaussian(2.0).dense()[0, ..., 0]
    assert box[8, 8] < 0 < box[8, 4]
    assert abs(box.sum()) < 1e-5


def test_shapes_of_from_array():
    assert KernelBank.from_array(np.ones((2, 3))).weights.shape == (1, 6, 1)
    assert KernelBank.from_array(np.ones((4, 2, 3))).weights.shape == (4, 6, 1)
    assert KernelBank.from_array(np.ones((4, 2, 3, 5))).weights.shape == (4, 6, 5)
    assert KernelBank.from_array(np.ones((4, 2, 2, 3, 5))).weights.shape == (4, 12, 5)


def test_distance_by_hand():
    bank = KernelBank.from_array([[3.0, 4.0]], bias=-5.0)
    assert bank.distance([[1.0, 3.0], [3.0, -1.0]]).tolist() == [[2.0], [0.0]]
    assert KernelBank.from_array([[0.0]], bias=1.0).distance([[5.0]]).tolist() == [[0.0]]


@given(banks(channels=2), st.integers(0, 99))
def test_distance_changes_sign_with_the_bank_and_not_with_its_scale(bank, seed):
    patches = np.random.default_rng(seed).normal(size=(5, len(bank.adjacency) * 2))
    there = bank.distance(patches)
    assert np.allclose((-bank).distance(patches), -there)
    twice = KernelBank(bank.adjacency, bank.weights * 2, bank.bias * 2)
    assert np.allclose(twice.distance(patches), there)


def test_random_kernels_are_seeded_unit_vectors_without_mean():
    first, again, other = (
        KernelBank.random(Adjacency.box(3), kernels=3, channels=2, seed=s) for s in (7, 7, 8)
    )
    assert first == again != other
    assert np.allclose(np.linalg.norm(first.weights.reshape(3, -1), axis=1), 1)
    assert np.allclose(first.weights.mean(axis=(1, 2)), 0, atol=1e-7)


def test_join_and_choose_keep_provenance():
    told = (Provenance(1, 0, "a.png", (2, 3)),)
    one = KernelBank(Adjacency.cross(0), [[[1.0]]], [0.5], told)
    both = one + one
    assert len(both) == 2
    assert both[1:].provenance == told
    assert both[[1, 0]] == both
    assert (one + KernelBank(Adjacency.cross(0), [[[2.0]]])).provenance == ()


def test_values_are_read_only():
    bank = KernelBank.sobel()
    with pytest.raises(ValueError):
        bank.weights[0, 0, 0] = 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: KernelBank.from_array([1.0]), "expected"),
        (lambda: KernelBank.from_array(np.ones((0, 3, 3))), "not empty"),
        (lambda: KernelBank.from_array([[np.nan]]), "NaN"),
        (lambda: KernelBank.from_array([["a"]]), "real numbers"),
        (lambda: KernelBank.from_array([[1, 2], [3]]), "different lengths"),
        (lambda: KernelBank(Adjacency.box(3), np.ones((1, 8, 1))), "9 displacements"),
        (lambda: KernelBank(Adjacency.box(1), np.ones((2, 1, 1)), [1.0]), "2 kernels"),
        (lambda: KernelBank.sobel("x"), "'row' or 'col'"),
        (lambda: KernelBank.gaussian(0), "sigma"),
        (lambda: KernelBank.sobel() + KernelBank.laplacian(), "different adjacencies"),
        (lambda: KernelBank.sobel().distance([[1.0]]), "9 displacements"),
    ],
)
def test_refusals(make, words):
    with pytest.raises((ShapeError, ParameterError), match=words):
        make()
