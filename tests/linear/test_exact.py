"""Sums of any order and any partition: the same bits, and as near to the truth as float64 is."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from spel.errors import ParameterError
from spel.linear.exact import GRID, LIMIT, TERMS, ExactSum


def exact(terms, unit=1.0):
    total = ExactSum(np.shape(terms[0]), unit)
    for term in terms:
        total.add(term)
    return total


numbers = st.floats(-1e12, 1e12, allow_subnormal=False)


@given(st.lists(numbers, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_any_order_and_any_partition_give_the_same_bits(terms, random):
    whole = exact(terms).total()
    shuffled = random.sample(terms, len(terms))
    cuts = sorted(random.randrange(len(terms) + 1) for _ in range(3))
    pieces = [exact(shuffled[a:b]) for a, b in zip([0, *cuts], [*cuts, len(terms)]) if b > a]
    random.shuffle(pieces)
    merged = ExactSum(())
    for piece in pieces:
        merged.merge(piece)
    assert merged.total().tobytes() == whole.tobytes()


@given(st.lists(numbers, min_size=1, max_size=40))
@example([-0.1])
@example([2.0**40, -(2.0**40) - 0.3, 1e-12])
def test_it_is_the_sum(terms):
    true = sum(map(Fraction, terms))
    got = float(exact(terms).total())
    assert abs(Fraction(got) - true) <= 4 * Fraction(math.ulp(float(true))) + len(terms) * Fraction(
        1, 2**101
    )


def test_numbers_that_cancel_leave_what_was_small():
    assert float(exact([2.0**55, 2.0**-40, -(2.0**55)]).total()) == 2.0**-40


def test_carries_after_many_terms_change_no_bit():
    """More terms than the parts can hold without order, in two orders."""
    random = np.random.default_rng(0)
    terms = random.normal(0, 1e6, TERMS + 500)
    forth, back = exact(terms), exact(terms[::-1])
    assert forth.terms < TERMS
    assert forth.total().tobytes() == back.total().tobytes()
    assert float(forth.total()) == pytest.approx(math.fsum(terms), rel=1e-15)
    largest = exact(np.full(TERMS + 3, LIMIT / 4))
    assert float(largest.total()) == (TERMS + 3) * LIMIT / 4


@given(st.integers(-200, 200))
def test_a_unit_shifts_the_range_and_nothing_else(power):
    terms = np.array([0.3, 1e-9, -7.0])
    plain = float(exact(terms).total())
    scaled = float(exact(terms * 2.0**power, 2.0**power).total())
    assert scaled == plain * 2.0**power


def test_arrays_are_summed_element_by_element():
    terms = np.random.default_rng(1).normal(size=(7, 3, 2))
    total = exact(terms).total()
    for at in np.ndindex(3, 2):
        assert total[at] == float(exact(terms[(slice(None), *at)]).total())


@pytest.mark.parametrize("bad", [np.nan, np.inf, LIMIT, -2 * LIMIT])
def test_what_does_not_fit_is_refused(bad):
    with pytest.raises(ParameterError, match="ExactSum"):
        exact([bad])


def test_sums_of_different_units_are_not_merged():
    with pytest.raises(ParameterError, match="units"):
        exact([1.0]).merge(exact([1.0], 4.0))


def test_the_steps_leave_room_for_the_terms_between_two_carries():
    """A part grows by half a step of the larger part per term; float64 holds 53 bits of steps."""
    for larger, smaller in zip((59, *GRID), GRID):
        assert larger - 1 - smaller + math.log2(2 * TERMS) <= 53
