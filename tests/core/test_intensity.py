"""The range of an image's numbers: by type, by bits, and brought from one to another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spel.core.intensity import count_non_finite, full_range, to_white, white_of, white_of_type
from spel.errors import ParameterError

# LITERAL


@pytest.mark.parametrize(
    ("kind", "bits", "white"),
    [
        ("uint8", None, 255.0),
        ("uint8", 4, 255.0),  # fewer than 8 bits are stretched to 8 on reading
        ("uint16", None, 65535.0),
        ("uint16", 12, 4095.0),
        ("uint16", 16, 65535.0),
        ("uint32", None, 4294967295.0),
        ("int16", None, 32767.0),
        ("bool", None, 1.0),
        ("float16", None, 1.0),
        ("float64", 64, 1.0),
    ],
)
def test_white_by_type_and_bits(kind, bits, white):
    assert white_of_type(kind, bits) == white
    assert white_of(np.full((2, 2), white, kind), white) == white


def test_numbers_above_one_have_no_known_white():
    assert white_of(np.array([0.0, 1.0, np.nan, np.inf])) == 1.0
    assert white_of(np.array([-0.1, 1.5])) == 1  # resampled, sharpened, with noise
    assert white_of(np.array([0.0, 2.5])) is None
    assert white_of(np.zeros((0, 3), np.float32)) == 1.0


def test_text_and_complex_numbers_are_refused():
    for array in (np.array(["a"]), np.array([1j])):
        with pytest.raises(ParameterError, match="expected real numbers"):
            white_of(array)


def test_units():
    same = np.array([1, 2], np.uint8)
    assert to_white(same, 255, 255) is same
    assert to_white(np.array([0, 65535], np.uint16), 65535, 255).tolist() == [0.0, 255.0]
    assert to_white(np.array([0.5]), 1, 255).tolist() == [127.5]
    assert full_range(np.array([0, 1, 4095], np.uint16), 4095).tolist() == [0, 16, 65535]
    assert count_non_finite(np.array([[1, np.nan], [-np.inf, 2]])) == 2


# LAW


@given(st.sampled_from([np.float16, np.float32, np.float64]))
def test_eight_bits_come_back_bit_by_bit(kind):
    grey = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_white(grey.astype(np.uint16) * 257, 65535, 255), grey)
    if kind is not np.float16:  # which has fewer bits than it takes
        assert np.array_equal(to_white((grey / 255).astype(kind), 1, 255), grey)
