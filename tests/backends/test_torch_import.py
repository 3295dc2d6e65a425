"""from_torch never approximates: the same numbers as PyTorch, or a refusal by name."""

import warnings

import numpy as np
import pytest

import spel
from spel import UnsupportedLayerError

torch = pytest.importorskip("torch")
nn = torch.nn

RNG = np.random.default_rng(3)


def compare(module, shape=(13, 17, 2)):
    """The module and its network on the same image."""
    module = module.eval()
    network = spel.from_torch(module, shape)
    image = RNG.normal(size=shape).astype(np.float32)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = module(torch.from_numpy(np.moveaxis(image, -1, 0)[None].copy()))[0].numpy()
    ours = network(image)
    if theirs.ndim == 3:
        theirs = np.moveaxis(theirs, 0, -1)
    else:
        ours = ours.reshape(-1)
    assert ours.shape == theirs.shape
    assert np.allclose(ours, theirs, atol=2e-5)
    return network


def test_an_even_kernel_with_an_even_dilation_by_hand():
    module = nn.Conv2d(1, 1, (1, 2), dilation=2, padding=(0, 1), bias=False)
    with torch.no_grad():
        module.weight[:] = torch.tensor([[[[10.0, 1.0]]]])
    network = spel.from_torch(module)
    assert network.nodes[0].layer.bank.adjacency.displacements.tolist() == [[0, -1], [0, 1]]
    assert network([[1.0, 2.0, 3.0, 4.0]]).ravel().tolist() == [2.0, 13.0, 24.0, 30.0]


@pytest.mark.parametrize("dilation", [1, 2, 3, (2, 1)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, (2, 3), (1, 4)])
@pytest.mark.parametrize("padding", ["half", "same", "valid", 0])
@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
def test_convolutions(kernel, dilation, padding, stride):
    sizes = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    steps = dilation if isinstance(dilation, tuple) else (dilation, dilation)
    extents = [(k - 1) * d for k, d in zip(sizes, steps)]
    if padding == "half":
        padding = tuple(e // 2 for e in extents)
    if padding == "same" and stride != 1:
        return
    module = nn.Conv2d(2, 3, kernel, stride=stride, padding=padding, dilation=dilation)
    odd = any(e % 2 for e in extents)
    mixed = isinstance(padding, tuple) and any(padding) and odd
    if mixed:
        with pytest.raises(UnsupportedLayerError, match="Conv2d"):
            spel.from_torch(module)
        return
    compare(module)


@pytest.mark.parametrize(
    "module",
    [
        nn.MaxPool2d(2),
        nn.MaxPool2d(3, 2, 1),
        nn.MaxPool2d(2, 1, 1, dilation=2),
        nn.MaxPool2d((2, 3), (1, 2), (0, 0)),
        nn.MaxPool2d(3, dilation=2),
        nn.AvgPool2d(2),
        nn.AvgPool2d(3, 2, 1),
        nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        nn.AvgPool2d(3, 2, 0, count_include_pad=False),
        nn.BatchNorm2d(2, affine=False),
        nn.Softplus(),
        nn.Sequential(nn.Conv2d(2, 1, 3), nn.Flatten()),
        nn.Sequential(nn.Conv2d(2, 5, (13, 17)), nn.ReLU(), nn.Flatten()),
        nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(442, 4), nn.Tanh(), nn.Linear(4, 3)),
    ],
    ids=str,
)
def test_other_modules(module):
    compare(module)


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Doubled(nn.Conv2d):
    def forward(self, x):
        return 2 * super().forward(x)


def hooked():
    module = nn.Conv2d(2, 2, 1)
    module.register_forward_hook(lambda module, x, y: 2 * y)
    return module


@pytest.mark.parametrize(
    ("module", "word"),
    [
        (nn.Softplus(threshold=1), "Softplus"),
        (nn.Softplus(beta=2), "Softplus"),
        (nn.MaxPool2d(2, return_indices=True), "MaxPool2d"),
        (nn.MaxPool2d(2, ceil_mode=True), "MaxPool2d"),
        (nn.AvgPool2d(2, ceil_mode=True), "AvgPool2d"),
        (nn.AvgPool2d(2, divisor_override=3), "AvgPool2d"),
        (Residual(nn.Conv2d(2, 2, 3, padding=1)), "Residual"),
        (nn.Sequential(Residual(nn.Conv2d(2, 2, 1)), nn.ReLU()), "Residual"),
        (Doubled(2, 2, 1), "Doubled"),
        (hooked(), "hooks"),
        (nn.Conv2d(2, 2, 1).double(), "float64"),
        (nn.Conv2d(2, 2, 1).bfloat16(), "bfloat16"),
        (nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 2, 1)), "Conv2d"),
        (nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"), "Conv2d"),
        (nn.Conv2d(2, 2, 3, padding=(1, 0)), "Conv2d"),
        (nn.Sequential(nn.Conv2d(2, 2, 1), nn.Flatten()), "Flatten"),
        (nn.Sequential(nn.Flatten(2), nn.Linear(4, 2)), "Flatten"),
        (nn.Sequential(nn.Flatten(), nn.Conv2d(2, 2, 1)), "Conv2d"),
        (nn.Linear(17, 2), "Linear"),
        (nn.Sequential(nn.ReLU(), nn.Linear(17, 2)), "Linear"),
        (nn.BatchNorm2d(2).train(), "training mode"),
        (nn.Sequential(nn.ReLU(), nn.Dropout(0.5)).train(), "training mode"),
        (nn.BatchNorm2d(2, track_running_stats=False), "BatchNorm2d"),
        (nn.Conv1d(2, 2, 1), "Conv1d"),
        (nn.ReLU6(), "ReLU6"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_has_no_meaning_here_is_refused_by_name(module, word):
    with pytest.raises(UnsupportedLayerError, match=word):
        spel.from_torch(module, (13, 17, 2))
