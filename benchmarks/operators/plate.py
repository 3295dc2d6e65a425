"""The plate layer: convolution, ReLU, max-pool, divisive normalization, residue."""

from __future__ import annotations

from typing import Any

import numpy as np

import spel
from benchmarks.harness import Table
from benchmarks.operators.peers import channels_last, cv2, onnx_run, torch_run
from spel import Adjacency

WIDE, HIGH = 25, 5


def measure(table: Table, quick: bool) -> None:
    rows, cols = (240, 320) if quick else (960, 1280)
    for kernels in (1, 8):
        _row(table, kernels, rows, cols)


def _row(table: Table, kernels: int, rows: int, cols: int) -> None:
    image = np.random.default_rng(0).random((rows, cols), dtype=np.float32)
    bank = spel.KernelBank.sobel("col")
    if kernels > 1:
        bank = spel.KernelBank.random(Adjacency.box(3), kernels=kernels, seed=1)
    box = Adjacency.rectangle(width=WIDE, height=HIGH)
    layer = spel.chain(
        edges=spel.Convolution(bank),
        positive=spel.Activation("relu"),
        join=spel.MaxPool(box),
        plate=spel.Residue(spel.DivisiveNormalize(box)),
    )
    weights = np.ascontiguousarray(bank.dense()[..., 0])
    table.row(
        f"plate layer, {kernels} kernel{'s' * (kernels > 1)}, {rows} x {cols}",
        compare=channels_last,
        spel=lambda: layer(image),
        opencv=(lambda: _opencv(image, weights)) if cv2 is not None else None,
        scipy=lambda: _scipy(image, weights),
        onnxruntime=onnx_run(lambda onnx: _graph(onnx, weights), image[None], table.threads),
        torch=torch_run(lambda torch: _torch(torch, weights), image[None]),
    )


def _opencv(image: Any, weights: Any) -> Any:
    element = np.ones((HIGH, WIDE), np.uint8)
    out = np.empty((*image.shape, len(weights)), np.float32)
    for k, kernel in enumerate(weights):
        edges = cv2.filter2D(image, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
        cv2.max(edges, 0.0, dst=edges)
        pooled = cv2.dilate(edges, element)
        squares = cv2.sqrBoxFilter(
            pooled, cv2.CV_32F, (WIDE, HIGH), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        cv2.max(squares, 1e-20, dst=squares)
        cv2.sqrt(squares, dst=squares)
        cv2.divide(pooled, squares, dst=squares)
        cv2.subtract(pooled, squares, dst=pooled)
        out[..., k] = cv2.max(pooled, 0.0, dst=pooled)
    return out


def _scipy(image: Any, weights: Any) -> Any:
    from scipy.ndimage import correlate, maximum_filter, uniform_filter

    out = np.empty((*image.shape, len(weights)), np.float32)
    for k, kernel in enumerate(weights):
        edges = np.maximum(correlate(image, kernel, mode="constant"), 0)
        pooled = maximum_filter(edges, (HIGH, WIDE), mode="constant", cval=0.0)
        squares = uniform_filter(pooled * pooled, (HIGH, WIDE), mode="constant") * (HIGH * WIDE)
        out[..., k] = np.maximum(pooled - pooled / np.sqrt(np.maximum(squares, 1e-20)), 0)
    return out


def _torch(torch: Any, weights: Any) -> Any:
    functional = torch.nn.functional
    w, size, pad = torch.from_numpy(weights[:, None]), (HIGH, WIDE), (HIGH // 2, WIDE // 2)

    def run(x: Any) -> Any:
        pooled = functional.max_pool2d(
            torch.relu_(functional.conv2d(x, w, padding=1)), size, 1, pad
        )
        squares = functional.avg_pool2d(pooled * pooled, size, 1, pad).mul_(HIGH * WIDE)
        return torch.relu_(pooled - pooled / squares.clamp_min_(1e-20).sqrt_()).numpy()

    return run


def _graph(onnx: Any, weights: Any) -> Any:
    node, array = onnx.helper.make_node, onnx.numpy_helper.from_array
    size = {"kernel_shape": [HIGH, WIDE], "pads": [HIGH // 2, WIDE // 2] * 2}
    nodes = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("MaxPool", ["r"], ["p"], **size),
        node("Mul", ["p", "p"], ["pp"]),
        node("AveragePool", ["pp"], ["a"], count_include_pad=1, **size),
        node("Mul", ["a", "count"], ["s"]),
        node("Max", ["s", "tiny"], ["t"]),
        node("Sqrt", ["t"], ["n"]),
        node("Div", ["p", "n"], ["d"]),
        node("Sub", ["p", "d"], ["e"]),
        node("Relu", ["e"], ["y"]),
    ]
    constants = [
        array(weights[:, None], "w"),
        array(np.float32([HIGH * WIDE]), "count"),
        array(np.float32([1e-20]), "tiny"),
    ]
    return nodes, constants
