"""Labels from strokes on the image itself; minimum cuts beside all labellings."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from spel.core.markers import Markers
from spel.errors import FormatError, ParameterError
from spel.flim import label_from_strokes
from spel.ops.cut import Borders, least_cost


def energies(labellings: np.ndarray, costs: np.ndarray, borders: Borders) -> np.ndarray:
    """Of many labellings (n, rows, cols)."""
    own = np.take_along_axis(costs[None], labellings[:, None], axis=1).sum((1, 2, 3))
    for (p, q, _), weight in zip(borders.pairs, borders.weights):
        own += (weight * (labellings[:, *p] != labellings[:, *q])).sum((1, 2))
    return own


@pytest.mark.parametrize(("labels", "size"), [(2, (2, 4)), (3, (2, 3))])
def test_the_cut_is_the_least_of_all_labellings(labels, size):
    random = np.random.default_rng(labels)
    every = np.array(list(product(range(labels), repeat=size[0] * size[1]))).reshape(-1, *size)
    for smoothness in (0.2, 0.6, 1.5):
        costs = random.normal(size=(labels, *size)).astype(np.float32)
        borders = Borders(random.normal(size=(*size, 2)).astype(np.float32), smoothness)
        start = np.full(costs.shape, 1 / labels, np.float32)
        found = least_cost(costs, borders, start, steps=400).argmax(axis=0)
        least = energies(every, costs, borders).min()
        assert energies(found[None], costs, borders) == pytest.approx(least, abs=1e-4)


def test_an_object_of_two_colours_is_whole_and_strokes_keep_their_labels():
    random = np.random.default_rng(0)
    image = random.normal(0, 0.05, (24, 36, 3)) + [0.2, 0.6, 0.2]
    image[6:18, 6:18] = random.normal(0, 0.05, (12, 12, 3)) + [0.8, 0.2, 0.2]
    image[6:18, 18:30] = random.normal(0, 0.05, (12, 12, 3)) + [0.2, 0.2, 0.8]
    drawn = np.full((24, 36), -1)
    drawn[11:13, 9:27], drawn[1:3, 4:30] = 5, 2
    drawn[9, 20] = 2  # denies one spel of the object
    labels = label_from_strokes(image, Markers.from_image(drawn))
    true = np.full((24, 36), 2)
    true[6:18, 6:30] = 5
    true[9, 20] = 2
    np.testing.assert_array_equal(labels, true)
    drawn[9, 20], true[9, 20] = -1, 5
    by_twos = label_from_strokes(image[:23, :35], Markers.from_image(drawn[:23, :35]), stride=2)
    np.testing.assert_array_equal(by_twos, true[:23, :35])


def test_three_labels_of_a_volume():
    volume = np.zeros((4, 6, 18), np.float32)
    volume[..., 6:12], volume[..., 12:] = 1, 3
    seeds = [(1, 2, 2), (2, 3, 8), (2, 3, 15)]
    labels = label_from_strokes(volume, Markers(seeds, [0, 3, 7], volume.shape))
    np.testing.assert_array_equal(labels, np.select([volume == 0, volume == 1], [0, 3], 7))


def test_what_cannot_be_labelled_is_refused():
    image, both = np.zeros((4, 5)), Markers([(0, 0), (1, 1)], [0, 1], (4, 5))
    with pytest.raises(ParameterError, match="at least two"):
        label_from_strokes(image, both.only(both.labels == 1))
    with pytest.raises(ParameterError, match="expected at least 1, 0 and 1"):
        label_from_strokes(image, both, parts=0)
    with pytest.raises(ParameterError, match="not finite"):
        label_from_strokes(image + np.nan, both)
    with pytest.raises(FormatError, match="belong to an image of 4 x 5"):
        label_from_strokes(np.zeros((5, 5)), both)


def test_strokes_of_one_square_and_borders_of_one_pixel_are_kept():
    image = np.zeros((12, 12), np.float32)
    image[:, 5] = 1
    labels = label_from_strokes(image, Markers([(4, 4), (4, 5)], [0, 1], (12, 12)))
    assert labels[4, 4:6].tolist() == [0, 1]  # both lie in one square of 2 x 2
    random = np.random.default_rng(1)
    image = random.normal(0, 0.05, (40, 41))
    true = np.zeros((40, 41), np.int32)
    true[9:30, 11:32] = 1
    drawn = np.full(image.shape, -1)
    drawn[15:25, 20], drawn[4, 5:30] = 1, 0
    labels = label_from_strokes(image + true, Markers.from_image(drawn), stride=3)
    np.testing.assert_array_equal(labels, true)  # though squares of 3 x 3 cut across the border


def test_an_image_that_memory_does_not_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spel.core.memory.memory_limit", lambda: 1 << 10)
    image = np.zeros((8, 12, 3), np.float32)
    strokes = Markers([(4, 1), (4, 9)], [0, 1], (8, 12))
    with pytest.raises(ParameterError, match=r"an image of 8 x 12 with strokes of 2 labels .* GiB"):
        label_from_strokes(image, strokes)
