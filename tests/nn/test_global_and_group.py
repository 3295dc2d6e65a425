"""Global pooling, group and local response normalization: literals and what is refused."""

import numpy as np
import pytest

from spel import ParameterError, ShapeError, ops
from spel.nn import (
    GlobalPool,
    GroupNormalize,
    LocalResponseNormalize,
    Multiply,
    Network,
    Node,
    chain,
)

RNG = np.random.default_rng(0)


def test_parts_share_a_spel_where_they_do_not_divide():
    row = np.arange(7.0)[None]
    assert ops.global_pool(row, (1, 3)).tolist() == [[1.0, 3.0, 5.0]]
    assert ops.global_pool(row, (1, 3), function="max").tolist() == [[2.0, 4.0, 6.0]]
    assert ops.global_pool([[5.0]], (1, 2)).tolist() == [[5.0, 5.0]]


def test_images_of_any_size_come_out_alike():
    for size in ((7, 7), (3, 11), (40, 1)):
        assert GlobalPool(4)(np.ones((*size, 3))).tolist() == np.ones((4, 4, 3)).tolist()
    volume = RNG.normal(size=(3, 4, 5, 2)).astype(np.float32)
    net = chain(GlobalPool((1, 1, 1)))
    assert np.allclose(net(volume)[0, 0, 0], volume.mean(axis=(0, 1, 2)), atol=1e-6)


def test_a_channel_gate():
    image = RNG.normal(size=(6, 8, 3)).astype(np.float32)
    net = Network((Node("mean", GlobalPool()), Node("gated", Multiply(), ("input", "mean"))))
    assert np.allclose(net(image), image * image.mean(axis=(0, 1)), atol=1e-6)
    assert np.array_equal(net(np.stack([image, 2 * image]))[1], net(2 * image))
    assert net.footprints["gated"].whole
    trace = net.trace(image, at=(2, 3), channel=1)
    assert trace["mean"].terms["count"] == 48


def test_groups_are_centred_by_themselves():
    image = RNG.normal(5, 3, size=(9, 8, 6)).astype(np.float32)
    result = chain(GroupNormalize(3, epsilon=1e-12))(image).reshape(-1, 3, 2)
    assert np.allclose(result.mean(axis=(0, 2)), 0, atol=1e-6)
    assert np.allclose(result.std(axis=(0, 2)), 1, atol=1e-6)
    batch = np.stack([image, image * 9 + 1])
    assert np.allclose(*chain(GroupNormalize(3, epsilon=1e-12))(batch), atol=1e-5)
    far = 2e7 + np.arange(4.0).reshape(1, 4, 1)
    assert np.allclose(
        chain(GroupNormalize())(far).ravel(), [-1.342, -0.447, 0.447, 1.342], atol=5e-4
    )


def test_a_volume_in_a_network_is_one_image():
    volume = RNG.normal(size=(3, 4, 5, 2)).astype(np.float32)
    net = chain(GlobalPool((3, 4, 5)), GroupNormalize(2, epsilon=1e-12))
    assert np.allclose(net(volume).mean(axis=(0, 1, 2)), 0, atol=1e-6)


def test_local_response_by_hand():
    one = ops.local_response_normalize([[[1.0, 2.0, 3.0]]], 3, alpha=3.0, beta=1.0, k=1.0)
    assert one[0, 0].tolist() == pytest.approx([1 / 6, 2 / 15, 3 / 14])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="at least one"):
        GlobalPool()(np.zeros((0, 3, 1)))
    with pytest.raises(ParameterError, match="size 0"):
        GlobalPool(0)
    with pytest.raises(ShapeError, match="2 groups for an image of 3 channels"):
        GroupNormalize(2)(np.zeros((4, 4, 3)))
    with pytest.raises(ShapeError, match="2 values of gamma"):
        GroupNormalize(1, gamma=[1.0, 2.0]).shape((4, 4, 3))
    with pytest.raises(ParameterError, match="odd"):
        LocalResponseNormalize(4)
