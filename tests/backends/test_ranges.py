"""Exported networks take images of 16 bits as images of 16 bits."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel.nn import Activation, Color, Convolution, chain


@pytest.fixture
def net() -> spel.Network:
    bank = spel.KernelBank.random(spel.Adjacency.box(3), kernels=2, channels=3, seed=0)
    return chain(Color("labnorm2"), Convolution(bank), Activation())


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)


def test_torch_scales_unsigned_integers(net, photo):
    torch = pytest.importorskip("torch")
    module = spel.to_torch(net)

    def run(image: np.ndarray) -> np.ndarray:
        planar = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
        with torch.no_grad():
            return module(planar).numpy()

    expected = run(photo.astype(np.float32))
    assert np.array_equal(run(photo), expected)
    if hasattr(torch, "uint16"):
        assert np.array_equal(run(photo.astype(np.uint16) * 257), expected)


def test_onnx_scales_unsigned_integers(net, photo, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    from spel.backends import to_onnx

    deep = photo.astype(np.uint16) * 257
    to_onnx(net, tmp_path / "a.onnx", images=[deep], dtype="uint16")
    session = runtime.InferenceSession(tmp_path / "a.onnx")
    (output,) = session.run(["output"], {"image": deep[None]})
    assert np.abs(output[0] - net(photo)).max() < 1e-4 * np.abs(net(photo)).max()


def test_other_whites_are_stated_by_the_network(photo):
    net = chain(Color("grey", white=65535.0))
    assert spel.nn.expected_white(net) == 65535
    assert np.allclose(
        net(spel.nn.match_white(net, photo)), net(photo.astype(np.uint16) * 257), atol=1e-6
    )
