"""60,000 images of 28 x 28 through a two-layer encoder into a head that stores sums only."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

from benchmarks.classify.fashion import parts
from spel.sklearn import ImageClassifier, PatchEncoder, RidgeHead


def compare(data: Path) -> dict[str, Any]:
    """Seconds of the encoder alone, batch by batch, and of learning encoder and head."""
    (images, labels), _ = parts(data, test=True)
    encoder = PatchEncoder(kernels=100, count=20_000).fit(images[:5000])
    found: dict[str, Any] = {"images": len(images), "kernels": 100}
    before = _peak_memory()
    clock, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(images), 1000):
        encoder.transform(images[first : first + 1000])
    found["encoder"] = _elapsed(clock, cpu)
    found["encoder"]["more memory MB"] = _peak_memory() - before
    model = ImageClassifier(PatchEncoder(kernels=100, count=20_000), RidgeHead(0.01))
    clock, cpu = time.perf_counter(), time.process_time()
    model.fit(images, labels)
    found["encoder, ridge head and learning both"] = _elapsed(clock, cpu)
    found["encoder, ridge head and learning both"]["more memory MB"] = _peak_memory() - before
    found["all features would take MB"] = len(images) * model.head_.n_features_in_ * 4 // 2**20
    return found


def _elapsed(clock: float, cpu: float) -> dict[str, float]:
    return {
        "seconds": round(time.perf_counter() - clock, 1),
        "cpu seconds": round(time.process_time() - cpu, 1),
    }


def _peak_memory() -> int:
    """Largest memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
