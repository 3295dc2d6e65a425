"""The plate layer, convolutions, ReLU and encoders against what one core can do at best."""

from __future__ import annotations

import numpy as np

import spel
from benchmarks.engine.encoder import encoder
from benchmarks.engine.series import Series
from benchmarks.harness import measure as timed
from benchmarks.operators.convolution import ROWS
from spel.nn.profile import machine


def measure(threads: int, quick: bool) -> list[Series]:
    here = machine()
    note = (
        "Limit: the larger of multiply-adds by definition at "
        f"{here.multiply_adds / 1e9:.0f} G/s and one read and one write at "
        f"{here.bytes / 1e9:.0f} GB/s, both measured on one core in this run; {threads} thread(s). "
        "Below 1 where the engine needs fewer operations than the definition."
    )
    layers = Series("Time against the limit", "layer", "", note=note)
    box = spel.Adjacency.rectangle(width=25, height=5)
    rows, cols = (240, 320) if quick else (960, 1280)
    for kernels in (1, 8):
        bank = spel.KernelBank.random(spel.Adjacency.box(3), kernels=kernels, seed=1)
        net = spel.chain(
            spel.Convolution(bank),
            spel.Activation("relu"),
            spel.MaxPool(box),
            spel.Residue(spel.DivisiveNormalize(box)),
        )
        _row(layers, f"plate layer, {kernels} kernel(s)", net, (rows, cols, 1), threads, quick)
    for m, b, side, rows, cols in ROWS:
        bank = spel.KernelBank.random(spel.Adjacency.box(side), kernels=b, channels=m, seed=1)
        net = spel.chain(spel.Convolution(bank), spel.Activation("relu"))
        name = f"{m} to {b}, {side} x {side}, {rows} x {cols}"
        _row(layers, name, net, (rows, cols, m), threads, quick)
    rows, cols = (240, 320) if quick else (960, 1280)
    relu = spel.chain(spel.Activation("relu"))
    _row(layers, f"ReLU, {rows} x {cols}", relu, (rows, cols, 1), threads, quick)
    side = 100 if quick else 400
    for stride in (1, 2):
        name = f"encoder {side} x {side} x 3 to 16, 32, 64, stride {stride}"
        _row(layers, name, encoder(3, stride), (side, side, 3), threads, quick)
    return [layers]


def _row(
    series: Series, name: str, net: spel.Network, shape: tuple[int, ...], threads: int, quick: bool
) -> None:
    image = np.random.default_rng(0).random((shape[2], *shape[:2]), dtype=np.float32)
    image = image.transpose(1, 2, 0)
    with spel.threads(threads):
        taken = timed({"spel": lambda: net(image)}, seconds=0.2 if quick else 1.0)["spel"].best
    work = net.multiply_adds(shape)
    moved = 4 * (image.size + int(np.prod(net.shape(shape))))
    limit = machine().limit(work, moved)
    figures = {"ms": taken * 1e3, "limit ms": limit * 1e3, "time / limit": taken / limit}
    figures["GFLOP/s"] = 2 * work / taken / 1e9
    series.rows.append((name, figures))
