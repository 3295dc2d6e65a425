"""The worked examples of the lecture, as literals."""

import numpy as np
import pytest

import spel
from spel import Adjacency, KernelBank, ops
from spel.data import street

BEFORE = [[6, 1, 7, -9], [9, 8, -2, -17], [12, 13, -10, -19], [11, 11, -9, -13]]


def test_relu_of_the_lecture():
    after = [[6, 1, 7, 0], [9, 8, 0, 0], [12, 13, 0, 0], [11, 11, 0, 0]]
    assert ops.activate(BEFORE, "relu").tolist() == after


def test_sobel_and_relu_keep_dark_to_bright_from_left_to_right():
    step = np.zeros((5, 8))
    step[:, 2:5] = 10  # bright from column 2 to 4
    kept = ops.activate(ops.convolve(step, KernelBank.sobel("col")))[2, :, 0]
    assert kept.tolist() == [0, 40, 40, 0, 0, 0, 0, 0]


def test_convolution_is_not_flipped():
    spike = np.zeros((3, 3))
    spike[1, 1] = 1
    numbers = np.arange(9.0).reshape(3, 3)
    assert ops.convolve(spike, KernelBank.from_array(numbers))[..., 0].tolist() == (
        numbers[::-1, ::-1].tolist()
    )


def test_a_bank_gives_one_channel_per_kernel_and_sums_over_channels():
    image = np.array([[[1.0, 2.0, 3.0]]])
    bank = KernelBank.from_array(np.array([[[[1, 1, 1]]], [[[0, 0, 2]]]]), bias=[0.5, -1])
    assert ops.convolve(image, bank).tolist() == [[[6.5, 5.0]]]


def test_borders_by_hand():
    row = [[1.0, 2.0, 4.0]]
    bank = KernelBank.from_array([[1, 0, 0, 0, 0]])  # what stands two to the left
    given = {b: ops.convolve(row, bank, border=b)[0, :, 0].tolist() for b in ("zero", "edge", 7.0)}
    assert given == {"zero": [0, 0, 1], "edge": [1, 1, 1], 7.0: [7, 7, 1]}
    assert ops.convolve(row, bank, border="reflect")[0, :, 0].tolist() == [4, 2, 1]


def test_a_border_per_channel():
    image = np.ones((1, 1, 2))
    bank = KernelBank.from_array(np.ones((1, 1, 3, 2)))
    assert ops.convolve(image, bank, border=(10.0, 100.0)).item() == 2 + 2 * 110


def test_poolings_by_hand():
    row = [[3, 9, 1, 4, 5]]
    wide = Adjacency.rectangle(width=3, height=1)
    assert ops.max_pool(row, wide).tolist() == [[9, 9, 9, 5, 5]]
    assert ops.min_pool(row, wide).tolist() == [[3, 1, 1, 1, 4]]
    assert ops.mean_pool(row, wide, stride=2).tolist() == [[6, np.float32(14 / 3), 4.5]]
    assert ops.max_pool(row, wide, border="valid").tolist() == [[9, 9, 5]]
    assert ops.max_pool(row, wide, border="valid", stride=2).tolist() == [[9, 5]]


def test_a_window_without_a_spel_of_the_image_gives_zero():
    far = Adjacency.from_displacements([(0, 5)])
    for pool in (ops.max_pool, ops.min_pool, ops.mean_pool):
        assert pool([[-1.0, -2.0]], far).tolist() == [[0, 0]]


def test_linear_normalization_over_domain_batch_and_channels():
    batch = np.array([[[[0.0, 4.0]], [[2.0, 4.0]]], [[[4.0, 6.0]], [[6.0, 4.0]]]])
    domain = ops.linear_normalize(batch)
    assert domain.tolist() == [[[[0, 0]], [[1, 0]]], [[[0, 1]], [[1, 0]]]]
    assert ops.linear_normalize(batch, over="batch").tolist() == [
        [[[0, 0]], [[0, 0]]],
        [[[1, 1]], [[1, 0]]],
    ]
    assert ops.linear_normalize(batch, over="channels").tolist() == [
        [[[0, 1]], [[0, 1]]],
        [[[0, 1]], [[1, 0]]],
    ]


def test_divisive_normalization_by_hand():
    row, wide = [[3.0, 4.0, 0.0, 0.0]], Adjacency.rectangle(width=3, height=1)
    assert np.allclose(ops.divisive_normalize(row, wide), [[0.6, 0.8, 0, 0]])
    assert np.allclose(ops.divisive_normalize(row, wide, centre=False), [[0.75, 4 / 3, 0, 0]])
    pair = np.array([[[3.0, 4.0]]])
    assert np.allclose(ops.divisive_normalize(pair, wide), [[[1, 1]]])
    assert np.allclose(ops.divisive_normalize(pair, wide, across_channels=True), [[[0.6, 0.8]]])


def test_residue_as_printed_and_brought_to_one():
    p, n = [[8.0, 2.0, 0.0]], [[0.5, 1.0, 0.0]]
    assert ops.residue(p, n).tolist() == [[7.5, 1.0, 0.0]]
    assert ops.residue(p, n, scale="max").tolist() == [[0.5, 0.0, 0.0]]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_one_bad_number_does_not_scale_the_residue_of_the_others(wrong):
    image = np.array([[4.0, 1.0, wrong, 2.0]])
    found = ops.residue(image, [[0.25, 0.5, 0.5, 0.125]], scale="max")
    assert np.delete(found, 2).tolist() == [0.5, 0.0, 0.25]
    assert not np.isfinite(found[0, 2])


def test_one_bad_spel_changes_the_plate_network_only_around_it():
    network = spel.load("plate-lecture")
    image = street(3, size=(120, 160)).image.astype(np.float32)
    clean = network(image)
    image[5, 6] = np.nan
    far = np.s_[20:, 40:]
    np.testing.assert_allclose(network(image)[far], clean[far], atol=1e-6)


def test_batch_normalization_has_epsilon_beside_sigma_and_n_minus_one():
    batch = np.array([1.0, 2.0, 6.0]).reshape(3, 1, 1, 1)
    sigma = np.sqrt(((1 - 3) ** 2 + (2 - 3) ** 2 + (6 - 3) ** 2) / 2)
    wanted = (np.array([1.0, 2.0, 6.0]) - 3) / (sigma + 0.1) * 2 + 1
    given = ops.batch_normalize(batch, gamma=2.0, beta=1.0, epsilon=0.1)
    assert np.allclose(given.ravel(), wanted)
    channel = ops.batch_normalize(batch, over="channel", epsilon=0.1)
    assert np.allclose(channel.ravel(), (np.array([1.0, 2, 6]) - 3) / np.sqrt(14 / 3 + 0.1))


def test_fitted_statistics_serve_one_image():
    batch = np.random.default_rng(0).normal(size=(4, 3, 2, 5))
    fitted = ops.batch_statistics(batch)
    alone = ops.batch_normalize(batch[2], statistics=fitted)
    assert np.array_equal(alone, ops.batch_normalize(batch)[2])


def test_patches_are_displacement_major_and_channel_minor():
    image = np.arange(8.0).reshape(2, 2, 2)
    column = Adjacency.rectangle(width=1, height=2)  # above, here
    assert ops.patches(image, column, at=[(1, 1)]).tolist() == [[2, 3, 6, 7]]


def test_colour_ranges():
    white = np.full((1, 1, 3), 255, dtype=np.uint8)
    assert np.allclose(ops.grey(white), 255)
    assert np.allclose(ops.lab(white), [[[100, 0, 0]]], atol=0.01)
    assert np.allclose(ops.ycbcr(white), [[[235, 128, 128]]], atol=0.01)
    assert np.allclose(ops.ycbcr(white * 257.0, white=65535), [[[235, 128, 128]]], atol=0.01)


def test_labels_count_in_raster_order():
    mask = [[0, 0, 1], [1, 0, 1], [1, 0, 0]]
    assert ops.label(mask).tolist() == [[0, 0, 1], [2, 0, 1], [2, 0, 0]]
    far = Adjacency.from_displacements([(0, 2)])
    assert ops.label([[1, 0, 1, 1, 0, 1]], far).tolist() == [[1, 0, 1, 2, 0, 2]]


def test_regions_by_hand():
    found = ops.regions([[0, 3, 3], [0, 3, 0]], [[9, 1, 2], [9, 6, 9]])
    assert found.labels.tolist() == [3]
    assert found.boxes.tolist() == [[1, 0, 3, 2]]
    assert (found.areas[0], found.means[0], found.maxima[0]) == (3, 3.0, 6.0)
    assert found.centroids.round(3).tolist() == [[0.333, 1.333]]
    assert len(ops.regions(np.zeros((3, 3), dtype=int))) == 0
