"""LITERAL: kernels on numbers worked by hand, native and reference alike."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from spel.kernels import native, native_patches, reference, reference_groups

both = pytest.mark.parametrize("kernels", [native, reference], ids=["native", "reference"])
LEFT_RIGHT = np.array([(0, 0, -1), (0, 0, 1)])
ROW = np.array([[[[[1, 5, 2, 0, 3]]]]], np.float32)
HERE: dict[str, Any] = {"start": (0, 0, 0), "stride": (1, 1, 1)}


def empty(image: Any = ROW) -> Any:
    return np.empty(image.shape, np.float32)


@both
@pytest.mark.parametrize(
    ("border", "expected"),
    [
        ("constant", [5 - 10, 1, -5, 1, 10]),
        ("edge", [5 - 1, 1, -5, 1, 3]),
        ("reflect", [5 - 5, 1, -5, 1, 0]),
    ],
)
def test_difference_of_neighbours(kernels: ModuleType, border: str, expected: list[float]) -> None:
    out = empty()
    kernels.convolve(
        ROW,
        LEFT_RIGHT,
        np.array([[[-1], [1]]], np.float32),
        np.zeros(1, np.float32),
        border=border,
        fill=np.full(1, 10, np.float32),
        out=out,
        **HERE,
    )
    assert out.ravel().tolist() == expected


@both
def test_stride_and_start(kernels: ModuleType) -> None:
    out = np.empty((1, 1, 1, 1, 2), np.float32)
    kernels.extremum(ROW, LEFT_RIGHT, maximum=True, start=(0, 0, 1), stride=(1, 1, 2), out=out)
    assert out.ravel().tolist() == [2, 3]


@both
def test_only_spels_inside_count(kernels: ModuleType) -> None:
    out = empty()
    kernels.extremum(-ROW, LEFT_RIGHT, maximum=True, out=out, **HERE)
    assert out.ravel().tolist() == [-5, -1, 0, -2, 0]
    kernels.mean_pool(ROW, LEFT_RIGHT, full=False, out=out, **HERE)
    assert out.ravel().tolist() == [5, 1.5, 2.5, 2.5, 0]
    kernels.mean_pool(ROW, LEFT_RIGHT, full=True, out=out, **HERE)
    assert out.ravel().tolist() == [2.5, 1.5, 2.5, 2.5, 0]


@both
def test_a_window_without_spels_gives_zero(kernels: ModuleType) -> None:
    out = empty()
    far = np.array([(0, 0, 4), (0, 1, 0)])
    kernels.extremum(ROW, far, maximum=False, out=out, **HERE)
    assert out.ravel().tolist() == [3, 0, 0, 0, 0]
    kernels.mean_pool(ROW, far, full=False, out=out, **HERE)
    assert out.ravel().tolist() == [3, 0, 0, 0, 0]


@both
def test_minus_infinity_is_a_value(kernels: ModuleType) -> None:
    image = np.full((1, 1, 1, 2, 2), -np.inf, np.float32)
    out = empty(image)
    kernels.extremum(image, LEFT_RIGHT, maximum=True, out=out, **HERE)
    assert np.all(out == -np.inf)


@both
def test_norm(kernels: ModuleType) -> None:
    image = np.array([3, 4, 0, 0, 0], np.float32).reshape(1, 1, 1, 1, 5)
    out = empty()
    window = np.array([(0, 0, 0), (0, 0, 1)])
    kernels.divide_by_norm(image, window, across_channels=False, out=out)
    assert out.ravel().tolist() == pytest.approx([0.6, 1, 0, 0, 0])
    kernels.divide_by_norm(image, LEFT_RIGHT, across_channels=False, out=out)
    assert out.ravel().tolist() == pytest.approx([0.75, 4 / 3, 0, 0, 0])


@both
def test_norm_across_channels(kernels: ModuleType) -> None:
    image = np.array([3, 4], np.float32).reshape(1, 2, 1, 1, 1)
    out = empty(image)
    kernels.divide_by_norm(image, np.zeros((1, 3), np.int64), across_channels=True, out=out)
    assert out.ravel().tolist() == pytest.approx([0.6, 0.8])


@both
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("identity", [-2, 0, 3]),
        ("relu", [0, 0, 3]),
        ("leaky_relu", [-1, 0, 3]),
        ("elu", [(np.exp(-2) - 1) / 2, 0, 3]),
        ("sigmoid", [0.11920292, 0.5, 0.95257413]),
        ("tanh", [-0.96402758, 0, 0.99505475]),
        ("gelu", [-0.04550026, 0, 2.99595031]),
        ("softplus", [0.12692801, 0.69314718, 3.04858735]),
        ("hard_sigmoid", [1 / 6, 0.5, 1]),
        ("abs", [2, 0, 3]),
        ("square", [4, 0, 9]),
    ],
)
def test_activations(kernels: ModuleType, kind: str, expected: list[float]) -> None:
    image = np.array([-2, 0, 3, np.nan], np.float32).reshape(1, 1, 1, 1, 4)
    out = empty(image)
    kernels.activate(image, kind, 0.5, out=out)
    assert out.ravel()[:3].tolist() == pytest.approx(expected, rel=1e-6)
    assert np.isnan(out.ravel()[3])


@both
def test_labels_in_raster_order(kernels: ModuleType) -> None:
    mask = np.array([[[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 1]]], bool)
    four = np.array([(0, -1, 0), (0, 0, -1)])
    eight = np.array([(0, r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)])
    labels, count = kernels.label(mask, four)
    assert labels.tolist() == [[[0, 1, 0, 2], [3, 0, 0, 2], [0, 0, 0, 0], [4, 4, 0, 5]]]
    assert count == 5
    labels, count = kernels.label(mask, eight)
    assert labels.tolist() == [[[0, 1, 0, 2], [1, 0, 0, 2], [0, 0, 0, 0], [3, 3, 0, 4]]]
    assert count == 4


@pytest.mark.parametrize("kernels", [native_patches, reference_groups], ids=["native", "reference"])
@pytest.mark.parametrize("count", [1, 2, 32])
def test_groups_pass_what_the_guide_has(kernels: ModuleType, count: int) -> None:
    """Of one patch, which stands for all of its group, the mean passes if the guide has nothing."""
    source, noise = np.random.default_rng(0).random((2, 8, 8), np.float32)
    options = {"reach": 1, "step": 4, "count": count, "power": 0.25, "rows": (0, 1)}
    for guide, expected, passed in (
        (np.float32(0), source.mean(), 1),
        (np.float32(1e6), source, 64),
    ):
        sums, weights = np.zeros((2, 8, 8), np.float32)
        kernels.add_groups(source, guide * noise, np.zeros_like(source), (sums, weights), **options)
        np.testing.assert_allclose(weights, count / passed, rtol=1e-5)
        np.testing.assert_allclose(sums / weights, np.broadcast_to(expected, (8, 8)), atol=1e-5)


@pytest.mark.parametrize("kernels", [native_patches, reference_groups], ids=["native", "reference"])
def test_a_group_has_the_patches_most_like_its_own(kernels: ModuleType) -> None:
    """Stripes of 5 columns come again: with their likes, patches of noise become one mean."""
    marks = np.tile(np.array([0, 90, 20, 60, 10], np.float32), (8, 4))
    source = np.zeros_like(marks)
    source[:, 5:10] = 4
    sums, weights = np.zeros((2, *marks.shape), np.float32)
    options = {"reach": 12, "step": 8, "count": 2, "power": 1e15, "rows": (0, 1)}
    kernels.add_groups(source, marks, marks, (sums, weights), **options)
    # Patches begin at columns 0, 8 and 12; those most like them at 5, 3 and 7, the nearest.
    expected, over = np.zeros((2, marks.shape[1]))
    for pair in ((0, 5), (8, 3), (12, 7)):
        mean = np.mean([source[:, first : first + 8] for first in pair])
        for first in pair:
            expected[first : first + 8] += mean
            over[first : first + 8] += 1
    np.testing.assert_allclose(weights[0], over, rtol=1e-5)
    np.testing.assert_allclose(sums[0], expected, rtol=1e-5)


@both
def test_rotate_turns_counter_clockwise_about_the_middle(kernels: ModuleType) -> None:
    image = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.float32)
    quarter = kernels.rotate(image, 90.0, (3, 3))
    np.testing.assert_allclose(quarter, [[3, 6, 9], [2, 5, 8], [1, 4, 7]], atol=1e-5)
    # The neighbours on the diagonal, at a distance of 1: between the middle and the corners.
    diagonal = kernels.rotate(image, 45.0, (1, 3))
    np.testing.assert_allclose(diagonal, [[5 - 4 / 2**0.5, 5, 5 + 4 / 2**0.5]], atol=1e-5)
    np.testing.assert_allclose(kernels.rotate(image, 0.0, (1, 5)), [[4, 4, 5, 6, 6]])


@both
def test_resize_is_the_mean_by_triangles(kernels: ModuleType) -> None:
    row = np.array([[0, 8, 0, 0]], np.float32)
    np.testing.assert_allclose(kernels.resize(row, (0, 0, 4, 1), (1, 4)), row)
    # Half the size: triangles two spels wide, cut at the ends: 1/4 3/4 3/4 1/4 of each four.
    np.testing.assert_allclose(
        kernels.resize(row, (0, 0, 4, 1), (1, 2)), [[8 * 0.75 / 1.75, 8 * 0.25 / 1.75]], rtol=1e-6
    )
    # Twice the size: between two spels a quarter and three quarters.
    np.testing.assert_allclose(
        kernels.resize(row, (0, 0, 4, 1), (1, 8)), [[0, 2, 6, 6, 2, 0, 0, 0]], rtol=1e-6
    )
    np.testing.assert_allclose(kernels.resize(row, (1, 0, 2, 1), (2, 1)), [[8], [8]])


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_histogram_in_bins_follows_the_edges(
    kernels: ModuleType, dtype: type[np.floating[Any]]
) -> None:
    edges = np.array([0, 1, 2.5, 4])  # the second is not where equal bins would end
    values = np.array([[0, 1, 1.25], [2.49, 2.5, 4], [np.nextafter(dtype(1), dtype(0)), 4, 3]])
    counts = kernels.histogram_in_bins(values.astype(dtype)[:, ::-1], edges)
    assert counts.tolist() == [2, 3, 4]


@both
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_histogram_counts_each_value(
    kernels: ModuleType, dtype: type[np.unsignedinteger[Any]]
) -> None:
    highest = np.iinfo(dtype).max
    values = np.array([[3, 3, 0], [highest, 3, 7], [7, 0, 3]], dtype)
    counts = kernels.histogram(values[:, ::-1])
    assert len(counts) == highest + 1
    assert {int(v): int(counts[v]) for v in np.flatnonzero(counts)} == {
        0: 2,
        3: 4,
        7: 2,
        highest: 1,
    }


@both
def test_histogram_of_many_values(kernels: ModuleType) -> None:
    values = np.arange(600_001, dtype=np.uint32).astype(np.uint8)  # an odd number, counted in pairs
    counts = kernels.histogram(values)
    assert counts.tolist() == [2344] * 193 + [2343] * 63


@both
def test_activation_of_a_long_row_and_what_is_left_over(kernels: ModuleType) -> None:
    image = np.tile(np.float32([-2, 0, 3]), 20_001).reshape(1, 1, 1, 20_001, 3)
    out = np.empty_like(image)
    kernels.activate(image, "relu", 0.0, out=out)
    assert np.array_equal(out.reshape(-1, 3), np.tile(np.float32([0, 0, 3]), (20_001, 1)))
