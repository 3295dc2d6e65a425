"""Flooding: literals by hand, laws, native against the reference bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from skimage.segmentation import watershed as skimage_watershed

from spel import ops
from spel.core.adjacency import Adjacency
from spel.errors import ParameterError, ShapeError
from spel.kernels import reference_flood
from spel.ops.flood import PATH, seeds_at

native = pytest.importorskip("spel.kernels.native")

# -- LITERAL -------------------------------------------------------------------------------------


def test_water_meets_on_the_ridge():
    heights = [[0, 1, 2, 9, 2, 1, 0]]
    seeds = [[0, -1, -1, -1, -1, -1, 1]]
    # The ridge is offered at cost 9 by both sides; the side that came first has it.
    assert ops.watershed(heights, seeds).tolist() == [[0, 0, 0, 0, 1, 1, 1]]


def test_a_path_costs_its_highest_value_not_its_length():
    heights = np.array([[0, 5, 0], [1, 9, 0], [1, 1, 0]])
    seeds = np.array([[3, -1, -1], [-1, -1, -1], [-1, -1, -1]])
    assert (ops.watershed(heights, seeds) == 3).all()


def test_nan_is_a_wall():
    assert ops.watershed([[0, np.nan, 0]], [[1, -1, -1]]).tolist() == [[1, -1, -1]]


def test_a_tree_learns_what_it_conquers():
    ramp = np.arange(8.0)[None]
    seeds = np.full((1, 8), -1)
    seeds[0, 0], seeds[0, 7] = 0, 1
    assert ops.dynamic_trees(ramp, seeds).tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]


def test_two_roots_of_one_label_have_two_means_or_one():
    values = np.array([[0, 10, 4, 4, 4, 5, 5]], dtype=float)
    seeds = np.array([[0, 0, -1, -1, -1, -1, 1]])
    together = ops.dynamic_trees(values, seeds, trees="labels")
    apart = ops.dynamic_trees(values, seeds, trees="roots")
    assert together[0, 2] == 0  # the mean of 0 and 10 is near 4
    assert apart.tolist() != together.tolist()


def test_growcut_strengths():
    seeds = [[0, -1, -1, -1, 1]]
    even = ops.growcut([[0, 0, 0, 0, 0]], seeds, strengths=[[1, 0, 0, 0, 0.5]])
    assert even.tolist() == [[0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ops.watershed(np.zeros((3, 3, 2)), np.zeros((3, 3), int)), ShapeError),
        (lambda: ops.watershed(np.zeros((3, 3)), np.zeros((3, 4), int)), ShapeError),
        (lambda: ops.watershed(np.zeros((3, 3)), np.zeros((3, 3))), ParameterError),
        (lambda: ops.watershed(np.zeros((3, 3)), np.full((3, 3), -2)), ParameterError),
        (lambda: ops.watershed(np.zeros((3, 3)), np.full((3, 3), 1 << 30)), ParameterError),
        (
            lambda: ops.watershed(
                np.zeros((3, 3)), np.zeros((3, 3), int), Adjacency.box(3, ndim=3)
            ),
            ShapeError,
        ),
        (
            lambda: ops.dynamic_trees(np.zeros((3, 3)), np.zeros((3, 3), int), trees="all"),
            ParameterError,
        ),
        (
            lambda: ops.growcut(
                np.zeros((3, 3)), np.zeros((3, 3), int), strengths=np.full((3, 3), 2.0)
            ),
            ParameterError,
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error):
    with pytest.raises(error, match=r"watershed|dynamic_trees|growcut"):
        call()


def test_empty_images_and_no_seeds():
    assert ops.watershed(np.zeros((0, 4)), np.zeros((0, 4), int)).shape == (0, 4)
    assert (ops.watershed(np.zeros((3, 4)), np.full((3, 4), -1)) == -1).all()


# -- LAW -----------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_seeds_keep_their_labels_and_everything_is_reached(seed):
    rng = np.random.default_rng(seed)
    seeds = np.where(rng.random((9, 11)) < 0.1, rng.integers(0, 4, (9, 11)), -1)
    seeds[4, 5] = 2
    image = rng.normal(size=(9, 11, 2)).astype(np.float32)
    for labels in (
        ops.watershed(image[..., :1], seeds),
        ops.dynamic_trees(image, seeds),
        ops.dynamic_trees(image, seeds, trees="roots"),
    ):
        assert (labels[seeds >= 0] == seeds[seeds >= 0]).all()
        assert (labels >= 0).all()


def test_growcut_is_the_automaton_at_rest():
    """Iterate the cellular automaton until nothing changes; strengths must agree."""
    rng = np.random.default_rng(3)
    image = rng.random((12, 13)).astype(np.float32)
    seeds = np.full((12, 13), -1)
    seeds[2, 2], seeds[9, 10] = 0, 1
    reach = float(image.astype(float).max() - image.astype(float).min())
    power = (seeds >= 0).astype(float)
    labels = seeds.copy()
    while True:
        before = power.copy()
        for step in Adjacency.box(3).without_centre().displacements:
            for p in np.argwhere(before > 0):
                q = p + step
                if ((q < 0) | (q >= power.shape)).any():
                    continue
                away = abs(float(image[tuple(p)]) - float(image[tuple(q)]))
                attack = before[tuple(p)] * (1 - away / reach)
                if attack > power[tuple(q)]:
                    power[tuple(q)], labels[tuple(q)] = attack, labels[tuple(p)]
        if np.array_equal(power, before):
            break
    assert np.array_equal(ops.growcut(image, seeds), labels)


# -- PARITY --------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", range(30))
@pytest.mark.parametrize("rule", native.FLOODS)
def test_native_is_the_reference_bit_for_bit(case, rule):
    rng = np.random.default_rng(case)
    size = (1 if case % 3 else 3, *rng.integers(1, 12, 2).tolist())
    channels = 1 + case % 3
    image = rng.normal(size=(channels, *size)).astype(np.float32)
    if case % 4 == 0:
        image = np.round(image)  # many equal costs
    if case % 7 == 0:
        image[:, 0, 0, 0] = np.nan
    seeds = np.where(rng.random(size) < 0.1, rng.integers(0, 4, size), -1).astype(np.int32)
    steps = np.pad(Adjacency.box(3).without_centre().displacements, ((0, 0), (1, 0)))
    if case % 2:
        steps = np.array([[0, 0, 1], [0, 1, 0], [0, -1, 0], [0, 0, -2], [1, 0, 0], [-1, 0, 0]])
    own = -rng.random(size) if rule == "growcut" else np.zeros(size)
    roots = np.random.default_rng(case).permutation(seeds.size).reshape(size)
    results = []
    for module in (native, reference_flood):
        paths = seeds_at(seeds, roots, own)
        with np.errstate(invalid="ignore"):
            module.flood(image, steps, rule=rule, reach=5.0, paths=paths)
        results.append(paths)
    for name in ("label", "cost") if rule.startswith("trees") else PATH.names:
        assert np.array_equal(*(one[name] for one in results), equal_nan=name == "cost"), name


def test_watershed_is_skimages_where_heights_differ():
    """No two values alike: no ties, and only the basins' own borders may differ (they do not)."""
    rng = np.random.default_rng(0)
    heights = rng.permutation(40 * 50).reshape(40, 50).astype(np.float32)
    seeds = np.full((40, 50), -1)
    seeds[5, 5], seeds[30, 40], seeds[20, 10] = 0, 1, 2
    ours = ops.watershed(heights, seeds)
    theirs = skimage_watershed(heights, seeds + 1) - 1
    assert (ours == theirs).mean() > 0.99
