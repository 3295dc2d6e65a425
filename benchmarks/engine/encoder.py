"""Encoders: three layers of convolution, ReLU and max-pooling, one call per image or batch."""

from __future__ import annotations

from typing import Any

import numpy as np

import spel
from benchmarks.harness import Table
from benchmarks.operators.peers import channels_last, onnx_run, torch_run

WIDTHS = (16, 32, 64)


def measure(table: Table, quick: bool) -> None:
    size = 100 if quick else 400
    _row(table, f"encoder {size} x {size} x 3 to 16, 32, 64, pooling 3 x 3 / 2", (size, size), 3, 2)
    _row(table, f"encoder {size} x {size} x 3, pooling 3 x 3, no stride", (size, size), 3, 1)
    _batch(table, 20 if quick else 200)


def _banks(channels: int, widths: tuple[int, ...] = WIDTHS) -> list[spel.KernelBank]:
    box, banks = spel.Adjacency.box(3), []
    for seed, width in enumerate(widths):
        banks.append(spel.KernelBank.random(box, kernels=width, channels=channels, seed=seed))
        channels = width
    return banks


def encoder(channels: int, stride: int) -> spel.Network:
    """The encoder of three layers that the rows measure."""
    return _network(_banks(channels), stride)


def _network(banks: list[spel.KernelBank], stride: int) -> spel.Network:
    layers: list[Any] = []
    for bank in banks:
        layers += [spel.Convolution(bank), spel.Activation("relu")]
        layers += [spel.MaxPool(spel.Adjacency.box(3), stride)]
    return spel.chain(*layers)


def _row(table: Table, name: str, size: tuple[int, int], channels: int, stride: int) -> None:
    image = np.random.default_rng(0).random((*size, channels), dtype=np.float32)
    banks = _banks(channels)
    net = _network(banks, stride)
    first = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    weights = [np.ascontiguousarray(np.moveaxis(b.dense(), -1, 1)) for b in banks]
    table.row(
        name,
        compare=channels_last,
        work=float(net.multiply_adds(image.shape)),
        spel=lambda: net(image),
        onnxruntime=onnx_run(lambda onnx: _graph(onnx, weights, stride), first, table.threads),
        torch=torch_run(lambda torch: _torch(torch, weights, stride), first),
    )


def _batch(table: Table, count: int) -> None:
    """Tiny images: the cost of a call must not hide in a batch."""
    images = np.random.default_rng(0).random((count, 28, 28, 1), dtype=np.float32)
    banks = _banks(1, (16, 32))
    net = _network(banks, 2)
    weights = [np.ascontiguousarray(np.moveaxis(b.dense(), -1, 1)) for b in banks]

    def torch_batch() -> Any:
        from benchmarks.operators.peers import torch

        if torch is None:
            return None
        tensor = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        function = _torch(torch, weights, 2)

        def run() -> Any:
            with torch.inference_mode():
                return function(tensor)

        return run

    def compare(result: Any) -> Any:
        array = np.asarray(result)
        return array if array.shape[-1] == 32 else np.moveaxis(array, 1, -1)

    table.row(
        f"encoder 1 to 16, 32 on a batch of {count} of 28 x 28",
        compare=compare,
        work=float(net.multiply_adds(images.shape)),
        spel=lambda: net(images),
        torch=torch_batch(),
    )


def _torch(torch: Any, weights: list[Any], stride: int) -> Any:
    functional = torch.nn.functional
    tensors = [torch.from_numpy(w) for w in weights]

    def run(x: Any) -> Any:
        for w in tensors:
            x = torch.relu_(functional.conv2d(x, w, padding=1))
            x = functional.max_pool2d(x, 3, stride=stride, padding=1)
        return x.numpy()

    return run


def _graph(onnx: Any, weights: list[Any], stride: int) -> Any:
    nodes, name = [], "x"
    for i in range(len(weights)):
        out = "y" if i == len(weights) - 1 else f"p{i}"
        make = onnx.helper.make_node
        nodes.append(make("Conv", [name, f"w{i}"], [f"c{i}"], pads=[1] * 4))
        nodes.append(make("Relu", [f"c{i}"], [f"r{i}"]))
        pool = {"kernel_shape": [3, 3], "strides": [stride] * 2, "pads": [1] * 4}
        nodes.append(make("MaxPool", [f"r{i}"], [out], **pool))
        name = out
    return nodes, [onnx.numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
