"""Adjacency: literals, laws, refusals."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spel import Adjacency, ParameterError, ShapeError
from spel.testing import adjacencies

# -- literals --------------------------------------------------------------------------------


def test_distance_based_relations_of_the_lecture():
    assert len(Adjacency.disk(1)) == 5  # 4-neighbours and the spel
    assert len(Adjacency.disk(2**0.5)) == 9  # 8-neighbours and the spel
    assert len(Adjacency.disk(1).without_centre()) == 4


def test_voxel_neighbourhoods():
    assert [len(Adjacency.ball(r)) - 1 for r in (1, 2**0.5, 3**0.5)] == [6, 18, 26]


def test_even_sizes_reach_further_left_and_up():
    assert Adjacency.rectangle(width=4, height=2).reach == ((-1, 0), (-2, 1))


def test_runs_join_what_is_adjacent_in_a_row():
    assert Adjacency.from_displacements([(0, 2), (0, 1), (0, 4), (1, 0)]).runs == (
        (0, 1, 2),
        (0, 4, 1),
        (1, 0, 1),
    )


def test_mask_with_an_origin_outside():
    a = Adjacency.from_mask([[1, 1]], origin=(0, -3))
    assert a.displacements.tolist() == [[0, 3], [0, 4]]


def test_order_of_displacements_is_kept():
    assert Adjacency.from_displacements([(0, 1), (0, -1)]).displacements.tolist() == [
        [0, 1],
        [0, -1],
    ]


# -- laws ------------------------------------------------------------------------------------


@given(adjacencies())
def test_mask_and_displacements_are_two_faces(a):
    low = [lo for lo, _ in a.reach]
    again = Adjacency.from_mask(a.mask(), origin=[-lo for lo in low])
    assert sorted(again.displacements.tolist()) == sorted(a.displacements.tolist())


@given(adjacencies(ndim=3))
def test_reflection_is_its_own_inverse(a):
    assert a.reflected().reflected() == a
    assert a.is_symmetric == (
        sorted(a.displacements.tolist()) == sorted(a.reflected().displacements.tolist())
    )


@given(adjacencies())
def test_runs_hold_each_displacement_once(a):
    spread = [(row, col + i) for row, col, length in a.runs for i in range(length)]
    assert sorted(spread) == sorted(map(tuple, a.displacements.tolist()))


@given(adjacencies(), st.integers(1, 4))
def test_dilation_stretches_the_reach(a, factor):
    assert a.dilated(factor).reach == tuple((factor * lo, factor * hi) for lo, hi in a.reach)
    assert len(a.dilated(factor)) == len(a)


@given(adjacencies(ndim=2))
def test_repr_can_be_pasted_back(a):
    assert eval(repr(a), {"Adjacency": Adjacency}) == a or len(a) > 1
    if "rectangle" not in repr(a):
        assert eval(repr(a), {"Adjacency": Adjacency}) == a


def test_values_are_frozen_and_hashable():
    a = Adjacency.box(3)
    with pytest.raises(ValueError):
        a.displacements[0, 0] = 9
    assert {a: 1}[Adjacency.box(3)] == 1


def test_the_callers_array_is_copied():
    steps = np.array([[0, 0], [0, 1]])
    a = Adjacency.from_displacements(steps)
    steps[0, 0] = 5
    assert a.displacements.tolist() == [[0, 0], [0, 1]]


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Adjacency.from_displacements([]), ShapeError, "expected"),
        (lambda: Adjacency.from_displacements([(0, 0), (0, 0)]), ParameterError, "repeats"),
        (lambda: Adjacency.from_displacements([(0.5, 0)]), ParameterError, "whole numbers"),
        (lambda: Adjacency.from_displacements([(0, 1 << 40)]), ParameterError, "exceeds"),
        (lambda: Adjacency.from_mask(np.zeros((2, 2))), ParameterError, "no true cell"),
        (lambda: Adjacency.from_mask(np.ones(3)), ShapeError, "expected 2"),
        (lambda: Adjacency.disk(-1), ParameterError, "radius -1"),
        (lambda: Adjacency.disk(float("nan")), ParameterError, "radius nan"),
        (lambda: Adjacency.disk(1e9), ParameterError, "at most"),
        (lambda: Adjacency.box(0), ParameterError, "size 0"),
        (lambda: Adjacency.box((10**6, 10**6)), ParameterError, "at most"),
        (lambda: Adjacency.cross(1.5), ParameterError, "radius 1.5"),
        (lambda: Adjacency.box(3).dilated(0), ParameterError, "factor 0"),
        (lambda: Adjacency.ball(1, ndim=4), ParameterError, "ndim 4"),
    ],
)
def test_refusals_say_what_was_given(make, error, words):
    with pytest.raises(error, match=words):
        make()


SHAPES = {
    "disk(3)": Adjacency.disk(3),
    "disk(1)": Adjacency.disk(1),
    "disk(2.237)": Adjacency.disk(5**0.5),
    "cross(3)": Adjacency.cross(3),
    "rectangle(width=25, height=5)": Adjacency.rectangle(width=25, height=5),
    "ball(2)": Adjacency.ball(2),
    "cross(2, ndim=3)": Adjacency.cross(2, ndim=3),
    "disk(2).dilated(3)": Adjacency.disk(2).dilated(3),
    "rectangle(width=3, height=3).dilated((2, 1))": Adjacency.box(3).dilated((2, 1)),
    "from_displacements([[0, 1], [3, 4]])": Adjacency.from_displacements([(0, 1), (3, 4)]),
}


@pytest.mark.parametrize("text", SHAPES)
def test_an_adjacency_prints_its_constructor(text):
    assert repr(SHAPES[text]) == f"Adjacency.{text}"
    assert eval(repr(SHAPES[text])) == SHAPES[text]
