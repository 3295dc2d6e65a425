"""Row (d): the architecture of the patch-learned encoder, learned by backpropagation alone."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.classify.fashion import parts
from benchmarks.classify.measure import Row
from spel.metrics.classification import confusion
from spel.nn import Convolution, MeanPool, Network, chain
from spel.sklearn import PatchEncoder

EPOCHS = 3


def architecture(images: Any, kernels: int = 64) -> Network:
    """The encoder, means over boxes, and a linear layer over the map as a convolution."""
    from spel import Adjacency, KernelBank

    encoder = PatchEncoder(kernels=kernels, count=3000, small=0).fit(images[:500]).network_
    before = encoder.upto("patch.positive")
    rows, cols, channels = chain(before, pooled=MeanPool(Adjacency.box(7), 4, "valid")).shape(
        (*images.shape[1:3], 1)
    )
    head = KernelBank.random(Adjacency.box((rows, cols)), kernels=10, channels=channels, seed=0)
    return chain(
        encoder=before,
        pooled=MeanPool(Adjacency.box(7), 4, "valid"),
        scores=Convolution(head, border="valid"),
    )


def compare(data: Path, *, test: bool, epochs: int = EPOCHS, count: int | None = None) -> list[Row]:
    """One row, or none without PyTorch."""
    if find_spec("torch") is None:
        print("  (d) is left out: PyTorch is not installed")
        return []
    from spel.backends import to_torch
    from spel.backends.torch_train import fit, predict, randomized

    (images, labels), (judged, truth) = parts(data, test=test)
    images, labels = images[:count], labels[:count]
    network = architecture(images)
    module = randomized(to_torch(network), seed=0)
    clock, cpu = time.perf_counter(), time.process_time()
    fit(module, images[..., None], labels, epochs=epochs, rate=2e-3, batch=128, seed=0)
    fitted, used = time.perf_counter() - clock, time.process_time() - cpu
    clock = time.perf_counter()
    called = predict(module, judged[..., None]).reshape(len(judged), -1).argmax(axis=1)
    found = confusion(truth, called)
    row = Row(
        f"(d) the same layers by backpropagation, {epochs} epochs",
        "test" if test else "validation",
        len(labels),
        round(found.accuracy, 4),
        round(found.kappa, 4),
        round(fitted, 1),
        round(used, 1),
        round(time.perf_counter() - clock, 1),
        0,
        network.parameters,
        "all",
        round(os.getloadavg()[0], 1),
        {"epochs": epochs},
        np.asarray(found.counts).tolist(),
    )
    print(f"  {row.name}: {row.accuracy:.4f}  {fitted:.1f} s", flush=True)
    return [row]
