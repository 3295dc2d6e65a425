"""PyTorch: gradients, the way back, fine-tuning, and no global state. Skips without PyTorch."""

import numpy as np
import pytest

import spel
from spel import Adjacency, KernelBank, UnsupportedLayerError
from spel.nn import (
    Activation,
    BatchNormalize,
    Convolution,
    DivisiveNormalize,
    MaxPool,
    MeanPool,
    Scale,
    Unlearned,
    WeightedSum,
    chain,
    residue,
)

torch = pytest.importorskip("torch")
nn = torch.nn

RNG = np.random.default_rng(1)
DISK = Adjacency.disk(2)


def net(channels=3):
    return chain(
        first=Convolution(KernelBank.random(DISK, kernels=4, channels=channels, seed=0)),
        relu=Activation(),
        pool=MaxPool(Adjacency.box(3), stride=2),
        norm=residue(DivisiveNormalize(Adjacency.box(5))),
        second=Convolution(KernelBank.random(Adjacency.box(3), kernels=2, channels=4, seed=1)),
    )


def planar(batch):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(batch, -1, 1)))


def test_gradients_are_those_of_finite_differences():
    layers = {
        "disk": Convolution(KernelBank.random(DISK, kernels=2, channels=2, seed=0), 2, "reflect"),
        "max": MaxPool(DISK),
        "mean": MeanPool(DISK, stride=2),
        "divisive": DivisiveNormalize(Adjacency.box(3), across_channels=True),
        "residue": residue(DivisiveNormalize(Adjacency.box(3))),
        "lab": spel.Color("lab", white=1.0),
    }
    for name, layer in layers.items():
        channels = 3 if name == "lab" else 2
        module = spel.to_torch(chain(layer)).double()
        x = torch.from_numpy(RNG.random((1, channels, 4, 5)) + 0.1).requires_grad_()
        assert torch.autograd.gradcheck(module, (x,), eps=1e-6, atol=1e-4), name


def test_flat_images_have_finite_gradients():
    module = spel.to_torch(chain(DivisiveNormalize(Adjacency.box(3))))
    x = torch.zeros(1, 1, 4, 4, requires_grad=True)
    module(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_there_and_back_is_the_same_network():
    before = net()
    assert spel.from_torch(spel.to_torch(before)).fingerprint() == before.fingerprint()


def test_only_the_adjacency_learns():
    module = spel.to_torch(net())
    images = RNG.random((4, 9, 9, 3)).astype(np.float32)
    loss = module(planar(images)).square().mean()
    loss.backward()
    with torch.no_grad():
        for p in module.parameters():
            p -= 0.1 * p.grad
    after = module.to_network()
    assert after["first"].bank.adjacency == DISK
    assert not np.array_equal(after["first"].bank.weights, net()["first"].bank.weights)
    theirs = module(planar(images)).detach().numpy()
    assert np.allclose(np.moveaxis(after(images), -1, 1), theirs, atol=1e-5)


def test_sequences_of_modules_come_back():
    torch_net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, stride=2, padding=2, dilation=2, bias=False),
        nn.LeakyReLU(0.2),
        nn.AvgPool2d(3, 1, 1),
        nn.Flatten(),
        nn.Linear(5 * 4 * 3, 7),
        nn.GELU(),
        nn.Dropout(0.5),
        nn.Linear(7, 2),
    )
    torch_net[1].running_mean += 0.3
    torch_net[1].running_var *= 2
    torch_net.eval()
    back = spel.from_torch(torch_net, (16, 12, 1))
    x = RNG.random((3, 16, 12, 1)).astype(np.float32)
    with torch.no_grad():
        wanted = torch_net(planar(x)).numpy()
    assert np.allclose(back(x).reshape(3, 2), wanted, atol=1e-5)


@pytest.mark.parametrize(
    "module",
    [nn.ConvTranspose2d(2, 2, 3, groups=2), nn.MaxPool2d(3, ceil_mode=True)]
    + [nn.LSTM(2, 2), nn.GELU("tanh")],
)
def test_what_cannot_come_back_is_named(module):
    with pytest.raises(UnsupportedLayerError, match=type(module).__name__):
        spel.from_torch(module)


def test_what_is_not_learned_is_refused_by_name():
    with pytest.raises(UnsupportedLayerError) as told:
        spel.to_torch(chain(conv=Unlearned(DISK, kernels=2)))
    assert "'conv'" in told.value.__notes__[0]


def test_classes_and_masks_can_be_learned():
    from spel.backends.torch_train import UNet, fit, predict, randomized

    images = RNG.random((24, 8, 8, 3)).astype(np.float32)
    classes = (np.arange(24) % 2).astype(int)
    images[classes == 1, :, :4] += 1
    whole = chain(net(), mean=MeanPool(Adjacency.box(4), border="valid"), head=Scale(np.ones(2)))
    module = randomized(spel.to_torch(whole), seed=3)
    history = fit(module, images, classes, epochs=30, rate=0.02, batch=8, seed=1)
    assert history.losses[-1] < 0.5 * history.losses[0]
    scores = predict(module, images).reshape(24, 2)
    assert (scores.argmax(1) == classes).mean() > 0.9
    masks = (images[..., 0] > 1).astype(int)
    unet = UNet(net().upto("norm.residue"), classes=1, seed=0)
    history = fit(unet, images, masks, epochs=20, rate=0.01, seed=0)
    assert history.losses[-1] < history.losses[0]
    assert predict(unet, images).shape == (24, 8, 8, 1)


def test_the_same_seed_gives_the_same_weights():
    from spel.backends.torch_train import fit, randomized

    images = RNG.random((6, 8, 8, 3)).astype(np.float32)
    whole = chain(net(), mean=MeanPool(Adjacency.box(4), border="valid"))
    prints = set()
    for _ in range(2):
        module = randomized(spel.to_torch(whole), seed=3)
        fit(module, images, np.arange(6) % 2, epochs=2, seed=1)
        prints.add(module.to_network().fingerprint())
    assert len(prints) == 1


def test_nothing_global_is_touched():
    from spel.backends.torch_train import UNet, fit

    state, dtype = torch.get_rng_state(), torch.get_default_dtype()
    threads, grad = torch.get_num_threads(), torch.is_grad_enabled()
    images = RNG.random((4, 8, 8, 3)).astype(np.float32)
    fit(UNet(net()), images, np.zeros((4, 8, 8), int), epochs=1)
    spel.backends.compile(net(), (8, 8, 3), "torch")(images[0])
    assert torch.equal(torch.get_rng_state(), state)
    assert (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()) == (
        dtype,
        threads,
        grad,
    )


def test_wide_windows_cost_as_their_logarithm():
    from spel.backends import torch_windows

    calls = []
    x = torch.rand(1, 1, 40, 80)

    def join(a, b):
        calls.append(1)
        return torch.maximum(a, b)

    torch_windows.join_run(x, 3, 64, 1, join)
    assert len(calls) == 6


def test_masks_of_one_weight_per_channel():
    layer = WeightedSum([1.0, 2.0], bias=0.5)
    batch = RNG.random((2, 3, 4, 2)).astype(np.float32)
    got = spel.to_torch(chain(layer, BatchNormalize([0.5], [2.0])))(planar(batch)).detach().numpy()
    assert np.allclose(got, np.moveaxis(chain(layer, BatchNormalize([0.5], [2.0]))(batch), -1, 1))
