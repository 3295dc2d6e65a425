"""Maxima, minima, means and divisive normalization over boxes and disks."""

from __future__ import annotations

from typing import Any

import numpy as np

import spel
from benchmarks.harness import Table
from benchmarks.operators.peers import channels_last, cv2, onnx_run, torch_run
from spel import Adjacency, ops

SHAPES = [
    ("3 x 3", Adjacency.box(3)),
    ("25 x 5", Adjacency.rectangle(width=25, height=5)),
    ("51 x 51", Adjacency.box(51)),
    ("disk of radius 5", Adjacency.disk(5)),
    ("disk of radius 15", Adjacency.disk(15)),
    ("disk of radius 20", Adjacency.disk(20)),
]


def measure(table: Table, quick: bool) -> None:
    rows, cols = (240, 320) if quick else (960, 1280)
    image = np.random.default_rng(0).random((rows, cols), dtype=np.float32)
    for word, adjacency in SHAPES:
        _extremum(table, image, word, adjacency, maximum=True)
    _extremum(table, image, "9 x 9", Adjacency.box(9), maximum=False)
    for width, height in ((3, 3), (25, 5), (51, 51), (127, 127)):
        _mean(table, image, width, height)
        _divisive(table, image, width, height)


def _extremum(table: Table, image: Any, word: str, adjacency: Adjacency, *, maximum: bool) -> None:
    from scipy import ndimage
    from skimage import morphology

    mask = adjacency.mask()
    box = bool(mask.all())
    filtered = ndimage.maximum_filter if maximum else ndimage.minimum_filter
    empty = -np.inf if maximum else np.inf
    how: dict[str, Any] = {"size": mask.shape} if box else {"footprint": mask}
    footprint = mask.astype(np.uint8)
    if box:  # scikit-image's own decomposition of a rectangle
        footprint = morphology.footprint_rectangle(mask.shape, decomposition="separable")
    scikit = morphology.dilation if maximum else morphology.erosion
    opencv = (cv2.dilate if maximum else cv2.erode) if cv2 is not None else None
    pool = ops.max_pool if maximum else ops.min_pool
    table.row(
        f"{'max' if maximum else 'min'}-pooling, {word}, {image.shape[0]} x {image.shape[1]}",
        tolerance=0.0,
        compare=channels_last,
        spel=lambda: pool(image, adjacency),
        opencv=(lambda: opencv(image, mask.astype(np.uint8))) if opencv else None,
        scipy=lambda: filtered(image, mode="constant", cval=empty, **how),
        skimage=lambda: scikit(image, footprint, mode="ignore"),
        torch=torch_run(lambda torch: _torch_max(torch, mask.shape, maximum), image[None])
        if box
        else None,
        onnxruntime=onnx_run(lambda onnx: _graph_max(onnx, mask.shape), image[None], table.threads)
        if box and maximum
        else None,
    )


def _torch_max(torch: Any, size: tuple[int, ...], maximum: bool) -> Any:
    pool = torch.nn.functional.max_pool2d
    pad = tuple(n // 2 for n in size)
    if maximum:
        return lambda x: pool(x, size, 1, pad)[0, 0].numpy()
    return lambda x: -pool(-x, size, 1, pad)[0, 0].numpy()


def _graph_max(onnx: Any, size: tuple[int, ...]) -> Any:
    pads = [n // 2 for n in size] * 2
    node = onnx.helper.make_node("MaxPool", ["x"], ["p"], kernel_shape=list(size), pads=pads)
    return [node, onnx.helper.make_node("Squeeze", ["p"], ["y"])], []


def _mean(table: Table, image: Any, width: int, height: int) -> None:
    from scipy import ndimage

    adjacency = Adjacency.rectangle(width=width, height=height)
    size = (height, width)
    table.row(
        f"mean-pooling, {width} x {height}, {image.shape[0]} x {image.shape[1]}",
        note="full count",
        spel=lambda: ops.mean_pool(image, adjacency, count="full"),
        opencv=(
            lambda: cv2.boxFilter(
                image, cv2.CV_32F, (width, height), borderType=cv2.BORDER_CONSTANT
            )
        )
        if cv2 is not None
        else None,
        scipy=lambda: ndimage.uniform_filter(image, size, mode="constant"),
        torch=torch_run(
            lambda torch: (
                lambda x: torch.nn.functional.avg_pool2d(x, size, 1, tuple(n // 2 for n in size))[
                    0, 0
                ].numpy()
            ),
            image[None],
        ),
    )


def _divisive(table: Table, image: Any, width: int, height: int) -> None:
    from scipy import ndimage

    adjacency = Adjacency.rectangle(width=width, height=height)
    size, count = (height, width), float(width * height)

    def scipy() -> Any:
        squares = ndimage.uniform_filter(image * image, size, mode="constant") * count
        return image / np.sqrt(np.maximum(squares, 1e-20))

    def opencv() -> Any:
        squares = cv2.sqrBoxFilter(
            image, cv2.CV_32F, (width, height), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        return cv2.divide(image, cv2.sqrt(cv2.max(squares, 1e-20)))

    def torch_divide(torch: Any) -> Any:
        pool, pad = torch.nn.functional.avg_pool2d, tuple(n // 2 for n in size)
        return lambda x: (x / (pool(x * x, size, 1, pad) * count).clamp_min_(1e-20).sqrt_())[
            0, 0
        ].numpy()

    table.row(
        f"divisive normalization, {width} x {height}, {image.shape[0]} x {image.shape[1]}",
        spel=lambda: spel.ops.divisive_normalize(image, adjacency),
        opencv=opencv if cv2 is not None else None,
        scipy=scipy,
        torch=torch_run(torch_divide, image[None]),
    )
