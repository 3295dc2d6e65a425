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
    if theirs.ndim > 1:
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
        *[
            nn.Conv2d(2, 4, 3, padding=2, padding_mode=m)
            for m in ("reflect", "replicate", "circular")
        ],
        *[nn.Conv2d(2, 4, 3, 2, 1, padding_mode=m) for m in ("reflect", "replicate", "circular")],
        nn.Conv2d(2, 4, 4, 2, 1, groups=2),
        nn.Conv2d(2, 6, 3, 1, 1, groups=2, bias=False),
        nn.Conv2d(2, 2, 1, padding=1),
        nn.ConvTranspose2d(2, 3, 2, 2),
        nn.ConvTranspose2d(2, 3, 4, 2, 1, bias=False),
        nn.ConvTranspose2d(2, 3, 3, 2, 1, 1),
        nn.ConvTranspose2d(2, 3, 3, 2, 1),
        nn.ConvTranspose2d(2, 3, (3, 5), (1, 3), (1, 0), dilation=(2, 1)),
        nn.AdaptiveAvgPool2d((3, 5)),
        nn.AdaptiveMaxPool2d(4),
        nn.Upsample(scale_factor=2),
        nn.Upsample(scale_factor=(3, 2), mode="bilinear"),
        nn.ZeroPad2d((1, 2, 3, 4)),
        nn.ConstantPad2d((1, 2, 0, 0), 0.5),
        nn.ReflectionPad2d(2),
        nn.ReplicationPad2d(3),
        nn.ZeroPad2d((-1, -2, 0, -3)),
        nn.GroupNorm(2, 2),
        nn.GroupNorm(1, 2, affine=False),
        nn.InstanceNorm2d(2, affine=True),
        nn.LocalResponseNorm(3, 0.5, 0.75, 2.0),
        nn.Softmax(1),
        nn.Softmax2d(),
        nn.PReLU(2),
        nn.PReLU(),
        nn.ReLU6(),
        nn.Hardtanh(-0.5, 0.25),
        nn.SiLU(),
        nn.Hardswish(),
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


def test_a_forward_is_followed():
    network = compare(nn.Sequential(Residual(nn.Conv2d(2, 2, 3, padding=1)), nn.ReLU()))
    assert [node.layer.kind for node in network] == ["convolution.v1", "add.v1", "activation.v1"]


class Gated(nn.Module):
    """Functions and methods, with their arguments in several ways."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.squeeze = nn.Conv2d(4, 4, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        y = self.relu(self.conv(x)).clamp(max=0.75)
        y = torch.nn.functional.max_pool2d(y, kernel_size=2, stride=2)
        gate = torch.sigmoid(self.squeeze(y.mean([2, 3], keepdim=True)))
        y = self.relu(y * gate)
        y = torch.nn.functional.interpolate(y, scale_factor=2, mode="nearest")
        x = torch.nn.functional.pad(x, (0, -1, 0, -1))
        y = torch.nn.functional.dropout(y, 0.5, self.training)
        return torch.cat([x, y], dim=1).softmax(dim=1)


def test_functions_and_methods_of_a_forward():
    network = compare(Gated())
    assert "relu_2" in network.names
    assert network.shape((13, 17, 2)) == (12, 16, 6)


class Classifier(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.how, self.head = how, nn.Linear(2 if how == "mean" else 8, 3)

    def forward(self, x):
        if self.how == "mean":
            return self.head(x.mean([2, 3]))
        x = torch.nn.functional.adaptive_avg_pool2d(x, 2)
        x = x.view(x.size(0), -1) if self.how == "view" else torch.flatten(x, 1)
        return self.head(torch.nn.functional.relu(x))


@pytest.mark.parametrize("how", ["mean", "view", "flatten"])
def test_a_classifier_of_images_of_any_size(how):
    compare(Classifier(how))
    network = spel.from_torch(Classifier(how).eval())  # needs no size: a pooling fixed it
    assert network(np.zeros((5, 9, 2))).shape == (1, 1, 3)


class Overwriting(nn.Module):
    """What is overwritten in place is overwritten for all that look at it later."""

    def __init__(self, how):
        super().__init__()
        self.conv, self.relu, self.how = nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(inplace=True), how

    def forward(self, x):
        y = self.conv(x)
        seen = y.detach()
        if self.how == "module":
            z = self.relu(y)
        elif self.how == "function":
            z = torch.nn.functional.leaky_relu(y, 0.1, True)
        elif self.how == "method":
            z = y.relu_()
        elif self.how == "unused":
            y.add_(x)
            z = x
        elif self.how == "of a copy":
            z = self.relu(y.clone())
        else:
            z = y
            z *= x
        return torch.cat([seen, z + y], dim=1)


@pytest.mark.parametrize("how", ["module", "function", "method", "unused", "of a copy", "operator"])
def test_what_is_overwritten_in_place_changes_for_all(how):
    compare(Overwriting(how))


class Zeroing(nn.Module):
    def forward(self, x):
        y = torch.nn.functional.pad(x, (1, 1))
        y.zero_()
        return torch.relu(y)


class Cut(nn.Module):
    def forward(self, x):
        y = torch.nn.functional.pad(x, (1, 1))
        y[:, :, 2] = 0
        return torch.relu(y)


def altered(module, **values):
    for key, value in values.items():
        setattr(module, key, value)
    return module


@pytest.mark.parametrize(
    "module",
    [
        altered(nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), padding=(2, 2)),
        altered(nn.Conv2d(2, 2, 3, padding=1), padding_mode="reflect"),
        altered(nn.Conv2d(2, 2, 3), weight=nn.Parameter(torch.randn(2, 2, 2, 4))),
        altered(nn.ConvTranspose2d(2, 2, 3), weight=nn.Parameter(torch.randn(2, 2, 2, 4))),
        altered(nn.BatchNorm2d(2, affine=False), weight=nn.Parameter(torch.tensor([2.0, 3.0]))),
        altered(nn.GroupNorm(1, 2), affine=False),
        altered(nn.BatchNorm2d(2), track_running_stats=False),
    ],
    ids=str,
)
def test_what_pytorch_looks_at_counts(module):
    compare(module)


def test_an_instance_normalization_of_other_channels_is_refused():
    network = spel.from_torch(nn.InstanceNorm2d(2))
    with pytest.raises(spel.ShapeError, match="4 channels"):
        network(np.zeros((5, 6, 4)))


class Scaled(nn.Module):
    def forward(self, x):
        return x * 0.5


class Sorted(nn.Module):
    def forward(self, x):
        return torch.sort(x, dim=1)[0]


class Deciding(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Dropping(nn.Module):
    def forward(self, x):
        return torch.nn.functional.dropout(x)


class Rows(nn.Module):
    def forward(self, x):
        return torch.cat([x, x], dim=2)


class Reshaping(nn.Module):
    def forward(self, x):
        return x.view(-1, 2)


@pytest.mark.parametrize(
    ("module", "word"),
    [
        (Scaled(), "mul.*only activations are joined"),
        (Sorted(), "sort"),
        (Deciding(), "Deciding.*cannot be followed"),
        (Dropping(), "F.dropout"),
        (Rows(), "dim=1"),
        (Reshaping(), "view"),
        (Zeroing(), "zero_"),
        (Cut(), "setitem"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_followed_is_refused_by_name(module, word):
    with pytest.raises(UnsupportedLayerError, match=word):
        spel.from_torch(module.eval(), (13, 17, 2))


class Doubled(nn.Conv2d):
    def forward(self, x):
        return 2 * super().forward(x)


def hooked():
    module = nn.Conv2d(2, 2, 1)
    module.register_forward_hook(lambda module, x, y: 2 * y)
    return module


def with_another_forward():
    module = nn.Conv2d(2, 2, 1)
    module.forward = lambda x: x
    return module


def with_another_step():
    module = nn.Conv2d(2, 2, 1)
    module._conv_forward = lambda x, weight, bias: x
    return module


class Calling(nn.Sequential):
    def __call__(self, x):
        return 2 * super().__call__(x)


def with_old_weight_norm():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch has a newer one, which is refused below
        return nn.utils.weight_norm(nn.Conv2d(2, 2, 1))


@pytest.mark.parametrize(
    ("module", "word"),
    [
        (with_another_step(), "_conv_forward is not that of its class"),
        (Calling(nn.ReLU()), "__call__ of its own"),
        (nn.Sequential(Calling(nn.ReLU()), nn.ReLU()), "__call__ of its own"),
        (nn.Conv2d(2, 2, 1, device="meta"), "no numbers"),
        (nn.Conv2d(2, 2, 1, dtype=torch.complex64), "complex64"),
        (nn.LazyConv2d(2, 1), "LazyConv2d"),
        (nn.utils.parametrizations.spectral_norm(nn.Conv2d(2, 2, 1)), "Conv2d"),
        (nn.Sequential(nn.InstanceNorm3d(2), nn.ReLU()), "batch of images"),
        (nn.Sequential(nn.Conv3d(1, 1, 1), nn.Softmax(-3)), "over the channels"),
        (nn.Conv1d(1, 1, 1), "Conv1d"),
        (nn.AvgPool1d(2), "AvgPool1d"),
        (with_old_weight_norm(), "hooks"),
        (with_another_forward(), "forward is not that of its class"),
        (nn.Sequential(with_another_forward(), nn.ReLU()), "forward is not that of its class"),
        (nn.Softplus(threshold=1), "Softplus"),
        (nn.Softplus(beta=2), "Softplus"),
        (nn.MaxPool2d(2, return_indices=True), "MaxPool2d"),
        (nn.MaxPool2d(2, ceil_mode=True), "MaxPool2d"),
        (nn.AvgPool2d(2, ceil_mode=True), "AvgPool2d"),
        (nn.AvgPool2d(2, divisor_override=3), "AvgPool2d"),
        (Doubled(2, 2, 1), "Doubled"),
        (hooked(), "hooks"),
        (nn.Conv2d(2, 2, 1).double(), "float64"),
        (nn.Conv2d(2, 2, 1).bfloat16(), "bfloat16"),
        (nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 2, 1)), "Conv2d"),
        (nn.MaxPool2d(3, padding=(1, 0)), "MaxPool2d"),
        (nn.AvgPool2d(2, padding=1), "AvgPool2d"),
        (nn.AdaptiveAvgPool2d((None, 3)), "AdaptiveAvgPool2d"),
        (nn.Upsample(size=(9, 9)), "Upsample"),
        (nn.Upsample(scale_factor=1.5), "Upsample"),
        (nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), "Upsample"),
        (nn.Upsample(scale_factor=2, mode="bicubic"), "Upsample"),
        (nn.ConvTranspose2d(2, 2, 3, groups=2), "ConvTranspose2d"),
        (nn.ConvTranspose2d(2, 2, 2, stride=3, output_padding=2), "ConvTranspose2d"),
        (nn.GELU("tanh"), "GELU"),
        (nn.Softmax(dim=2), "Softmax"),
        (nn.LocalResponseNorm(4), "LocalResponseNorm"),
        (nn.InstanceNorm2d(2, track_running_stats=True), "InstanceNorm2d"),
        (nn.ZeroPad2d((1, -1, 0, 0)), "ZeroPad2d"),
        (nn.Sequential(nn.Conv2d(2, 2, 1), nn.Flatten()), "Flatten"),
        (nn.Sequential(nn.Flatten(2), nn.Linear(4, 2)), "Flatten"),
        (nn.Sequential(nn.Flatten(), nn.Conv2d(2, 2, 1)), "Conv2d"),
        (nn.Linear(17, 2), "Linear"),
        (nn.Sequential(nn.ReLU(), nn.Linear(17, 2)), "Linear"),
        (nn.BatchNorm2d(2).train(), "training mode"),
        (nn.Sequential(nn.ReLU(), nn.Dropout(0.5)).train(), "training mode"),
        (nn.BatchNorm2d(2, track_running_stats=False), "BatchNorm2d"),
        (nn.Conv1d(2, 2, 1), "Conv1d"),
        (nn.Mish(), "Mish"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_has_no_meaning_here_is_refused_by_name(module, word):
    with pytest.raises(UnsupportedLayerError, match=word):
        spel.from_torch(module, (13, 17, 2))
