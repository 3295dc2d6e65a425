"""PyTorch agrees wherever it defines the same thing; skipped without it."""

import numpy as np
import pytest

from spel import Adjacency, KernelBank, ops
from spel.ops.activate import KINDS

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'spel[torch]'")
functional = torch.nn.functional

IMAGE = np.random.default_rng(0).normal(size=(17, 23, 3)).astype(np.float32)


def planar(image):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, -1, 0)))[None]


def spels(tensor):
    return np.moveaxis(tensor[0].numpy(), 0, -1)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 3])
def test_convolution(stride, dilation):
    weights = np.random.default_rng(1).normal(size=(4, 3, 5, 3)).astype(np.float32)
    adjacency = Adjacency.box((3, 5)).dilated(dilation)
    bank = KernelBank(adjacency, weights.reshape(4, 15, 3), np.arange(4.0))
    wanted = functional.conv2d(
        planar(IMAGE),
        torch.from_numpy(np.moveaxis(weights, -1, 1).copy()),
        torch.arange(4.0),
        stride=stride,
        dilation=dilation,
        padding=(dilation, 2 * dilation),
    )
    assert np.allclose(ops.convolve(IMAGE, bank, stride=stride), spels(wanted), atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_pooling(stride):
    box = Adjacency.box(3)
    largest = functional.max_pool2d(planar(IMAGE), 3, stride, padding=1)
    assert np.array_equal(ops.max_pool(IMAGE, box, stride=stride), spels(largest))
    for count, full in (("valid", False), ("full", True)):
        mean = functional.avg_pool2d(planar(IMAGE), 3, stride, padding=1, count_include_pad=full)
        given = ops.mean_pool(IMAGE, box, stride=stride, count=count)
        assert np.allclose(given, spels(mean), atol=1e-6)


NAMES = {
    "hard_sigmoid": "hardsigmoid",
    "hard_swish": "hardswish",
    "abs": None,
    "square": None,
    "identity": None,
}


@pytest.mark.parametrize("kind", [k for k in KINDS if NAMES.get(k, k)])
def test_activations(kind):
    x = np.linspace(-20, 20, 401, dtype=np.float32)
    wanted = getattr(functional, NAMES.get(kind, kind))(torch.from_numpy(x)).numpy()
    assert np.allclose(ops.activate(x, kind), wanted, atol=1e-6)


def test_batch_normalization_per_channel_is_the_layer_in_training_mode():
    batch = np.random.default_rng(2).normal(size=(5, 6, 7, 3)).astype(np.float32)
    tensor = torch.from_numpy(np.moveaxis(batch, -1, 1).copy())
    wanted = functional.batch_norm(tensor, None, None, training=True)
    given = ops.batch_normalize(batch, over="channel")
    assert np.allclose(np.moveaxis(given, -1, 1), wanted.numpy(), atol=1e-5)
