"""PyTorch's own modules at random settings: the same numbers, or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np

import spel
from benchmarks.suites.count import Count

MODULES = 600


def window(rng: np.random.Generator) -> dict[str, Any]:
    """Kernel size, stride, padding and dilation, each at random; PyTorch refuses some of them."""
    return {
        "kernel_size": tuple(int(n) for n in rng.integers(1, 6, 2)),
        "stride": tuple(int(n) for n in rng.integers(1, 4, 2)),
        "padding": tuple(int(n) for n in rng.integers(0, 3, 2)),
        "dilation": tuple(int(n) for n in rng.integers(1, 4, 2)),
    }


def module(rng: np.random.Generator, channels: int) -> Any:
    """One module at random, in evaluation mode."""
    from torch import nn

    options = window(rng)
    kind = rng.choice(["conv", "max", "mean", "norm", "activation"])
    if kind == "conv":
        options["padding"] = rng.choice(["same", "valid", ""]) or options["padding"]
        if options["padding"] == "same":
            options["stride"] = 1
        groups = int(rng.choice([1, 1, channels]))
        mode = str(rng.choice(["zeros", "zeros", "reflect", "replicate", "circular"]))
        return nn.Conv2d(
            channels,
            2 * channels,
            groups=groups,
            padding_mode=mode,
            bias=bool(rng.integers(2)),
            **options,
        )
    if kind == "max":
        return nn.MaxPool2d(**options, ceil_mode=bool(rng.integers(2)))
    if kind == "mean":
        del options["dilation"]
        flags = {"ceil_mode": bool(rng.integers(2)), "count_include_pad": bool(rng.integers(2))}
        return nn.AvgPool2d(**options, **flags)
    if kind == "norm":
        layer = nn.BatchNorm2d(channels, affine=bool(rng.integers(2)))
        layer.running_mean.copy_(layer.running_mean + float(rng.normal()))
        layer.running_var.copy_(layer.running_var * float(rng.uniform(0.5, 2)))
        return layer
    activations = [
        nn.ReLU(), nn.LeakyReLU(float(rng.uniform(0, 1))), nn.ELU(float(rng.uniform(0.5, 2))),
        nn.Sigmoid(), nn.Tanh(), nn.GELU(), nn.GELU("tanh"), nn.Hardsigmoid(), nn.ReLU6(),
        nn.Softplus(float(rng.uniform(0.5, 2)), float(rng.choice([1, 20]))), nn.Hardtanh(),
    ]  # fmt: skip
    return activations[int(rng.integers(len(activations)))]


def count() -> Count:
    """Compare `spel.from_torch(module)` with the module on one random image each."""
    import torch

    total = Count(f"PyTorch {torch.__version__} modules at random settings")
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    for _ in range(MODULES):
        channels = int(rng.integers(1, 4))
        image = rng.normal(size=(12, 13, channels)).astype(np.float32)
        try:
            part = module(rng, channels).eval()
            with torch.no_grad():
                expected = part(torch.from_numpy(image).permute(2, 0, 1)[None])[0]
        except (ValueError, RuntimeError):
            total.other += 1  # PyTorch itself refuses these settings
            continue
        try:
            network = spel.from_torch(part)
        except spel.SpelError:
            total.refused += 1
            continue
        result = np.moveaxis(np.asarray(network(image)), -1, 0)
        total.compare(str(part), result, expected.numpy(), rtol=1e-4, atol=1e-4)
    return total
