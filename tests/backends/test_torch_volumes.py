"""from_torch over volumes: the same numbers as PyTorch."""

import pytest

torch = pytest.importorskip("torch")

from .test_torch_import import compare  # noqa: E402

nn, F = torch.nn, torch.nn.functional


class VolumeNet(nn.Module):
    """Functions that do not say of how many axes their images are."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(2, 4, 3, padding=1)
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        x = torch.relu(self.conv(F.pad(x, (0, 0, 1, 1, 1, 0))))
        x = x + F.interpolate(F.max_pool3d(F.pad(x, (0, 1)), 2), scale_factor=2)
        return self.linear(x.mean((2, 3, 4)))


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv3d(2, 3, (1, 2, 3), (1, 2, 1), (0, 1, 2), dilation=(1, 1, 2)),
        nn.Conv3d(2, 4, 3, padding=1, padding_mode="replicate", groups=2, bias=False),
        nn.Conv3d(2, 3, (2, 4, 3), padding="same"),
        nn.ConvTranspose3d(2, 3, (2, 3, 2), stride=(2, 1, 2), padding=(0, 1, 0)),
        nn.MaxPool3d((2, 3, 2), (1, 2, 1)),
        nn.MaxPool3d(3, 2, 1),
        nn.AvgPool3d(3, 1, 1, count_include_pad=False),
        nn.AdaptiveAvgPool3d((2, 3, 1)),
        nn.AdaptiveMaxPool3d(2),
        nn.Sequential(nn.InstanceNorm3d(2), nn.Conv3d(2, 4, 1), nn.GroupNorm(2, 4)),
        nn.ReplicationPad3d((1, 2, 0, 1, 3, 0)),
        nn.ConstantPad3d((-1, 0, -2, 0, 0, -1), 3.0),
        nn.Sequential(nn.BatchNorm3d(2), nn.Dropout3d(), nn.Softmax(-4)),
        nn.Sequential(nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=2, mode="trilinear")),
        nn.Sequential(nn.MaxPool3d(2), nn.Flatten(), nn.Linear(2 * 2 * 3 * 4, 5), nn.ReLU()),
        VolumeNet(),
    ],
    ids=str,
)
def test_volumes(module):
    compare(module, (5, 6, 8, 2))
