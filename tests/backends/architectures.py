"""Well-known networks as their papers and PyTorch's model zoo have them, of any width.

`width` divides the number of channels; the random weights keep activations of ordinary size.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def settled(module: nn.Module) -> nn.Module:
    """In evaluation mode, with statistics of batch normalization that are not 0 and 1."""
    torch.manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, 0, 0.1)
    return module.eval()


class Vgg(nn.Module):
    """VGG-16 with batch normalization (Simonyan and Zisserman, 2015)."""

    PLAN = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)

    def __init__(self, width: int = 1, classes: int = 10) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        channels = 3
        for count in self.PLAN:
            if not count:
                parts.append(nn.MaxPool2d(2, 2))
                continue
            out = count // width
            parts += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(True)]
            channels = out
        self.features = nn.Sequential(*parts)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        hidden = 4096 // width
        self.classifier = nn.Sequential(
            nn.Linear(channels * 49, hidden),
            nn.ReLU(True),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(True),
            nn.Dropout(),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


class AlexNet(nn.Module):
    """AlexNet with its local response normalization (Krizhevsky and others, 2012)."""

    def __init__(self, width: int = 1, classes: int = 10) -> None:
        super().__init__()
        a, b, c, d = (n // width for n in (64, 192, 384, 256))
        self.features = nn.Sequential(
            nn.Conv2d(3, a, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(a, b, 5, padding=2, groups=2),
            nn.ReLU(inplace=True),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(b, c, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c, d, 3, padding=1, groups=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(d, d, 3, padding=1, groups=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        hidden = 4096 // width
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Linear(d * 36, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(x.view(x.size(0), -1))


class Block(nn.Module):
    """Two convolutions and the way around them."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or channels != out:
            around = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.downsample = nn.Sequential(around, nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.downsample is not None:
            identity = self.downsample(x)
        y += identity
        return self.relu(y)


class ResNet18(nn.Module):
    """ResNet-18 (He and others, 2016)."""

    def __init__(self, width: int = 1, classes: int = 10) -> None:
        super().__init__()
        channels = 64 // width
        self.conv1 = nn.Conv2d(3, channels, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        blocks = []
        for level in range(4):
            out = 64 * 2**level // width
            stride = 1 if level == 0 else 2
            blocks += [Block(channels, out, stride), Block(out, out, 1)]
            channels = out
        self.layers = nn.Sequential(*blocks)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = torch.flatten(self.avgpool(self.layers(x)), 1)
        return self.fc(x)


class Inverted(nn.Module):
    """An inverted residual block: wider, depthwise, narrower."""

    def __init__(self, channels: int, out: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = channels * expand
        parts: list[nn.Module] = []
        if expand != 1:
            parts += [
                nn.Conv2d(channels, hidden, 1, bias=False),
                nn.BatchNorm2d(hidden),
                nn.ReLU6(),
            ]
        parts += [
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, out, 1, bias=False),
            nn.BatchNorm2d(out),
        ]
        self.conv = nn.Sequential(*parts)
        self.adds = stride == 1 and channels == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """MobileNetV2 (Sandler and others, 2018)."""

    PLAN = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2))
    DEEP = ((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

    def __init__(self, width: int = 1, classes: int = 10) -> None:
        super().__init__()
        channels = 32 // width
        first = nn.Conv2d(3, channels, 3, 2, 1, bias=False)
        parts: list[nn.Module] = [first, nn.BatchNorm2d(channels), nn.ReLU6(inplace=True)]
        for expand, count, times, stride in self.PLAN + self.DEEP:
            for i in range(times):
                out = count // width
                parts.append(Inverted(channels, out, stride if i == 0 else 1, expand))
                channels = out
        last = 1280 // width
        parts += [nn.Conv2d(channels, last, 1, bias=False), nn.BatchNorm2d(last), nn.ReLU6()]
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


def twice(channels: int, out: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for count in (channels, out):
        parts += [nn.Conv2d(count, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
    return nn.Sequential(*parts)


class UNet(nn.Module):
    """A U-Net of four levels, with transposed convolutions or bilinear upsampling."""

    def __init__(self, width: int = 1, classes: int = 3, bilinear: bool = False) -> None:
        super().__init__()
        sizes = [64 * 2**level // width for level in range(5)]
        self.down = nn.ModuleList(twice(channels, out) for channels, out in zip([3, *sizes], sizes))
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList()
        self.join = nn.ModuleList()
        for low, high in zip(sizes[::-1], sizes[-2::-1]):
            wide = nn.Upsample(scale_factor=2, mode="bilinear")
            reduce = nn.Sequential(wide, nn.Conv2d(low, high, 1))
            self.up.append(reduce if bilinear else nn.ConvTranspose2d(low, high, 2, stride=2))
            self.join.append(twice(2 * high, high))
        self.out = nn.Conv2d(sizes[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else self.pool(x))
            kept.append(x)
        for up, join, skip in zip(self.up, self.join, kept[-2::-1]):
            x = join(torch.cat([skip, up(x)], dim=1))
        return torch.softmax(self.out(x), dim=1)
