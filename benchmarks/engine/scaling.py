"""How time grows: with the width of a window, the channels, the rows, the threads."""

from __future__ import annotations

import os

import numpy as np

import spel
from benchmarks.engine.series import Series
from benchmarks.harness import measure as timed, threads as with_threads
from benchmarks.operators.peers import cv2
from spel import Adjacency, ops


def measure(threads: int, quick: bool) -> list[Series]:
    seconds = 0.1 if quick else 0.6
    return [
        _widths(threads, quick, seconds),
        _channels(threads, quick, seconds),
        _rows(threads, quick, seconds),
        _threads(quick, seconds),
    ]


def _best(seconds: float, **contenders: object) -> dict[str, float]:
    present = {name: run for name, run in contenders.items() if run is not None}
    return {n: t.best * 1e3 for n, t in timed(present, seconds=seconds).items()}  # type: ignore[arg-type]


def _widths(threads: int, quick: bool, seconds: float) -> Series:
    series = Series("Square windows of growing width, 960 x 1280", "width", "ms")
    image = np.random.default_rng(0).random((240, 320) if quick else (960, 1280), np.float32)
    with with_threads(threads):
        for width in (3, 7, 15, 31, 63, 127):
            box = Adjacency.box(width)
            element = np.ones((width, width), np.uint8)
            contenders = {
                "max": lambda box=box: ops.max_pool(image, box),
                "mean": lambda box=box: ops.mean_pool(image, box),
                "norm": lambda box=box: ops.divisive_normalize(image, box),
            }
            if cv2 is not None:
                contenders["OpenCV dilate"] = lambda e=element: cv2.dilate(image, e)
                contenders["OpenCV boxFilter"] = lambda w=width: cv2.boxFilter(image, -1, (w, w))
            series.rows.append((width, _best(seconds, **contenders)))
    return series


def _channels(threads: int, quick: bool, seconds: float) -> Series:
    series = Series("3 x 3 convolution, as many kernels as channels, 128 x 128", "channels", "")
    side = 32 if quick else 128
    with with_threads(threads):
        for channels in (1, 2, 4, 8, 16, 32, 64, 128):
            box = Adjacency.box(3)
            bank = spel.KernelBank.random(box, kernels=channels, channels=channels, seed=0)
            net = spel.chain(spel.Convolution(bank), spel.Activation("relu"))
            image = np.random.default_rng(0).random((channels, side, side), np.float32)
            image = image.transpose(1, 2, 0)
            figures = _best(seconds, ms=lambda net=net, image=image: net(image))
            rate = 2 * net.multiply_adds(image.shape) / figures["ms"] / 1e6
            series.rows.append((channels, figures | {"GFLOP/s": rate}))
    return series


def _plate() -> spel.Network:
    box = Adjacency.rectangle(width=25, height=5)
    return spel.chain(
        spel.Convolution(spel.KernelBank.sobel("col")),
        spel.Activation("relu"),
        spel.MaxPool(box),
        spel.Residue(spel.DivisiveNormalize(box)),
    )


def _rows(threads: int, quick: bool, seconds: float) -> Series:
    series = Series("The plate layer on images of growing height, 1280 columns", "rows", "")
    net = _plate()
    with with_threads(threads):
        for rows in (60, 240, 960) if quick else (60, 240, 960, 3840, 15360):
            image = np.random.default_rng(0).random((rows, 1280), np.float32)
            figures = _best(seconds, ms=lambda image=image: net(image))
            series.rows.append((rows, figures | {"per 1000 rows": figures["ms"] / rows * 1e3}))
    return series


def _threads(quick: bool, seconds: float) -> Series:
    series = Series("The plate layer on 1, 2, .. threads, 1920 x 2560", "threads", "")
    net = _plate()
    image = np.random.default_rng(0).random((480, 640) if quick else (1920, 2560), np.float32)
    counts = [n for n in (1, 2, 4, 8, 16) if n <= (os.cpu_count() or 1)]
    for count in counts:
        with spel.threads(count):
            figures = _best(seconds, ms=lambda: net(image))
        first = series.rows[0][1]["ms"] if series.rows else figures["ms"]
        series.rows.append((count, figures | {"times as fast": first / figures["ms"]}))
    return series
