"""Networks as people write them: equal to PyTorch, traced, in tiles, and back from a file."""

import numpy as np
import pytest

import spel
from spel.large import tiles
from spel.nn import fold_batch_normalization

torch = pytest.importorskip("torch")
from .architectures import AlexNet, MobileNetV2, ResNet18, UNet, Vgg, settled  # noqa: E402

IMAGE = np.random.default_rng(0).normal(size=(64, 80, 3)).astype(np.float32)
CASES = {
    "vgg": lambda: Vgg(width=16),
    "alexnet": lambda: AlexNet(width=16),
    "resnet": lambda: ResNet18(width=4),
    "mobilenet": lambda: MobileNetV2(width=2),
    "unet": lambda: UNet(width=16),
    "unet-bilinear": lambda: UNet(width=16, bilinear=True),
}


def difference(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    torch.manual_seed(0)
    module = settled(CASES[request.param]())
    return module, spel.from_torch(module)


def run(module, image):
    with torch.no_grad():
        result = module(torch.from_numpy(np.moveaxis(image, -1, 0)[None].copy()))[0].numpy()
    return np.moveaxis(result, 0, -1) if result.ndim == 3 else result.reshape(1, 1, -1)


def test_the_numbers_are_those_of_pytorch(pair):
    module, network = pair
    theirs = run(module, IMAGE)
    ours = network(IMAGE)
    assert ours.shape == theirs.shape
    assert difference(ours, theirs) <= 1e-4
    assert difference(fold_batch_normalization(network)(IMAGE), theirs) <= 1e-4
    assert difference(run(spel.to_torch(network), IMAGE), theirs) <= 1e-4


def test_every_spel_can_be_traced_to_the_image(pair, tmp_path):
    _, network = pair
    output = network(IMAGE)
    at = tuple(n // 2 for n in output.shape[:2])
    trace = network.trace(IMAGE, at=at)
    assert abs(trace.value) == pytest.approx(np.abs(output[at]).max())
    assert trace.steps[0].node == network.names[0]
    assert "sum" in trace.text()
    network.save(tmp_path / "net.safetensors")
    again = spel.load(tmp_path / "net.safetensors")
    assert again.fingerprint() == network.fingerprint()
    assert "total" in again.summary(IMAGE.shape)


def test_a_u_net_runs_in_tiles():
    network = spel.from_torch(settled(UNet(width=16)))
    image = np.random.default_rng(1).random((96, 112, 3)).astype(np.float32)
    assert network.footprints[network.output].align == (16, 16)
    assert np.array_equal(tiles.apply(network, image, size=32), network(image))
