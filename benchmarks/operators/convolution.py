"""Convolution with bias 0 and ReLU: the rows of the performance page."""

from __future__ import annotations

from typing import Any

import numpy as np

import spel
from benchmarks.harness import Table
from benchmarks.operators.peers import channels_last, cv2, onnx_run, planar, torch_run

ROWS = [  # channels, kernels, side of the box, rows, cols
    (1, 1, 3, 960, 1280),
    (1, 8, 3, 960, 1280),
    (3, 8, 5, 480, 640),
    (3, 32, 5, 480, 640),
    (16, 32, 3, 256, 256),
    (32, 64, 3, 128, 128),
    (64, 64, 3, 64, 64),
    (64, 128, 3, 32, 32),
    (32, 16, 1, 256, 256),
]
SCIPY_LIMIT = 3e8
"""Multiply-adds beyond which SciPy, one filter per kernel and channel, takes too long to wait."""


def measure(table: Table, quick: bool) -> None:
    for m, b, side, rows, cols in ROWS:
        if quick:
            rows, cols = max(32, rows // 4), max(32, cols // 4)
        _row(table, m, b, side, rows, cols)


def _row(table: Table, m: int, b: int, side: int, rows: int, cols: int) -> None:
    random = np.random.default_rng(0)
    image = planar(random.random((rows, cols, m), dtype=np.float32))
    bank = spel.KernelBank.random(spel.Adjacency.box(side), kernels=b, channels=m, seed=1)
    first = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    weights = np.ascontiguousarray(np.moveaxis(bank.dense(), -1, 1))  # (K, C, rows, cols)
    work = float(rows * cols * m * b * side * side)
    net = spel.chain(spel.Convolution(bank), spel.Activation("relu"))
    table.row(
        f"convolution + ReLU, {m} to {b}, {side} x {side}, {rows} x {cols}",
        compare=channels_last,
        work=work,
        spel=lambda: net(image),
        opencv=_opencv(first, weights) if cv2 is not None and m <= 3 else None,
        scipy=_scipy(first, weights) if work <= SCIPY_LIMIT else None,
        onnxruntime=onnx_run(lambda onnx: _graph(onnx, weights), first, table.threads),
        torch=torch_run(lambda torch: _torch(torch, weights), first),
    )


def _opencv(first: Any, weights: Any) -> Any:
    def one(kernel: Any) -> Any:
        total = None
        for channel, part in zip(first, kernel):
            filtered = cv2.filter2D(channel, cv2.CV_32F, part, borderType=cv2.BORDER_CONSTANT)
            total = filtered if total is None else cv2.add(total, filtered, dst=total)
        return cv2.max(total, 0.0)

    return lambda: np.stack([one(kernel) for kernel in weights], axis=-1)


def _scipy(first: Any, weights: Any) -> Any:
    from scipy.ndimage import correlate

    def one(kernel: Any) -> Any:
        total = correlate(first[0], kernel[0], mode="constant")
        for channel, part in zip(first[1:], kernel[1:]):
            total += correlate(channel, part, mode="constant")
        return np.maximum(total, 0, out=total)

    return lambda: np.stack([one(kernel) for kernel in weights], axis=-1)


def _torch(torch: Any, weights: Any) -> Any:
    w = torch.from_numpy(weights)
    pad = weights.shape[-1] // 2
    return lambda x: torch.relu_(torch.nn.functional.conv2d(x, w, padding=pad)).numpy()


def _graph(onnx: Any, weights: Any) -> Any:
    pad = weights.shape[-1] // 2
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["c"], pads=[pad] * 4),
        onnx.helper.make_node("Relu", ["c"], ["y"]),
    ]
    return nodes, [onnx.numpy_helper.from_array(weights, "w")]
