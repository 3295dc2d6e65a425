"""Window: how many outputs, where they stand, what the border supplies."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spel import Adjacency, ParameterError, ShapeError, Window
from spel.testing import windows


@pytest.mark.parametrize(
    ("n", "w", "s", "padded", "exact", "printed"),
    [
        (10, 3, 1, 10, 8, 8),
        (10, 3, 2, 5, 4, 4),
        (10, 5, 1, 10, 6, 7),
        (11, 5, 2, 6, 4, 4),
        (10, 2, 1, 10, 9, 9),
        (7, 7, 3, 3, 1, 1),
        (2, 3, 1, 2, 0, 0),
    ],
)
def test_counts_of_the_lecture(n, w, s, padded, exact, printed):
    line = Adjacency.rectangle(width=w, height=1)
    assert Window(line, s).shape((1, n))[1] == padded
    assert Window(line, (1, s), "valid").shape((1, n))[1] == exact
    assert (2 * n - w) // (2 * s) == printed  # the formula as the lecture prints it


@given(windows(), st.tuples(st.integers(0, 12), st.integers(0, 12)))
def test_valid_windows_lie_inside_and_no_other_does(window, size):
    if window.border != "valid":
        return
    for axis, n in enumerate(size):
        steps = window.adjacency.displacements[:, axis]
        places = [
            p
            for p in range(window.start[axis], n, window.strides[axis])
            if (p + steps >= 0).all() and (p + steps < n).all()
        ]
        assert window.shape(size)[axis] == len(places)


def test_border_values_per_channel():
    window = Window(Adjacency.box(3), border=(1.0, 2.0))
    assert window.border_mode(2) == ("constant", (1.0, 2.0))
    with pytest.raises(ShapeError, match="2 values for an image of 3 channels"):
        window.border_mode(3)


@pytest.mark.parametrize("stride", [0, -1, 1.5, (1, 2, 3), (0, 1)])
def test_strides_are_whole_and_positive(stride):
    with pytest.raises(ParameterError, match="stride"):
        Window(Adjacency.box(3), stride)


@pytest.mark.parametrize("border", ["mirror", float("nan"), (np.inf,)])
def test_unknown_borders_are_refused(border):
    with pytest.raises(ParameterError, match="border"):
        Window(Adjacency.box(3), 1, border)
