"""A guard that needs no quiet machine: instructions per spel of the hot loops, counted, not timed.

One Python runs under Valgrind's cachegrind, which counts each instruction. It imports spel once
and forks for each case; the child counts on from there. The difference between three calls and one
is two calls. A change that makes a loop a third longer fails. Valgrind knows no AVX-512: the loops
of AVX2 are the ones counted.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spel.kernels import _native

SCRIPT = """
import os
import sys
import numpy as np
import spel
from spel import Adjacency, KernelBank, ops

box, wide, large = Adjacency.box(3), Adjacency.rectangle(width=25, height=5), Adjacency.box(127)
nine, disk = Adjacency.box(9), Adjacency.disk(15)
random = np.random.default_rng(0)
image = random.random((1, 240, 640), np.float32).transpose(1, 2, 0)
color = random.random((3, 240, 640), np.float32).transpose(1, 2, 0)
many = random.random((8, 24, 640), np.float32).transpose(1, 2, 0)
narrow = random.random((8, 240, 28), np.float32).transpose(1, 2, 0)
eight = (image * 255).astype(np.uint8)
blobs = ops.mean_pool(image, nine)[..., 0] > 0.5
bank = KernelBank.random(box, kernels=16, channels=8, seed=0)
plate = spel.chain(spel.Convolution(KernelBank.sobel("col")), spel.Activation(), spel.MaxPool(wide),
                   spel.Residue(spel.DivisiveNormalize(wide)))
convolution = spel.Convolution(bank)
cases = {
    "nothing": lambda: None,
    "plate": lambda: plate(image),
    "convolution": lambda: convolution(many),
    "convolution of 28 columns": lambda: convolution(narrow),
    "max 3 x 3": lambda: ops.max_pool(image, box),
    "max 25 x 5": lambda: ops.max_pool(image, wide),
    "max disk": lambda: ops.max_pool(image, disk),
    "min 9 x 9": lambda: ops.min_pool(image, nine),
    "mean 3 x 3": lambda: ops.mean_pool(image, box),
    "mean 127 x 127": lambda: ops.mean_pool(image, large),
    "sigmoid": lambda: ops.activate(image, "sigmoid"),
    "lab": lambda: ops.lab(color, white=1.0),
    "otsu": lambda: ops.threshold_value(eight, "otsu"),
    "labels": lambda: ops.label(blobs),
    "patches": lambda: ops.patches(image, box),
}
with spel.threads(1):
    for name, case in cases.items():
        case()  # the first time imports and plans
        for repeats in (1, 3):
            child = os.fork()
            if child == 0:
                for _ in range(repeats):
                    case()
                os._exit(0)
            os.waitpid(child, 0)
            print(child, repeats, name, flush=True)
"""
SPELS = {"convolution": 24 * 640, "convolution of 28 columns": 240 * 28}
"""Of the outputs that are smaller than 240 x 640: Valgrind takes long for fused multiply-adds."""

MOST = {  # instructions per spel: about 4/3 of those counted when written
    "plate": 35,
    "convolution": 480,
    "convolution of 28 columns": 780,
    "max 3 x 3": 7.6,
    "max 25 x 5": 11.4,
    "max disk": 49,
    "min 9 x 9": 12,
    "mean 3 x 3": 9.5,
    "mean 127 x 127": 59,
    "sigmoid": 7.1,
    "lab": 75,
    "otsu": 7.7,
    "labels": 28,
    "patches": 96,
}


def summary(file: Path) -> int:
    """All instructions of a process, as cachegrind wrote them."""
    found = re.search(r"^summary: (\d+)", file.read_text(), re.MULTILINE)
    assert found
    return int(found[1])


@pytest.fixture(scope="module")
def per_spel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Instructions per spel of each case."""
    valgrind = shutil.which("valgrind")
    if valgrind is None or "v3" not in _native.available():
        pytest.skip("valgrind is not installed, or this machine has no AVX2")
    folder = tmp_path_factory.mktemp("instructions")
    counting = [valgrind, "-q", "--tool=cachegrind", "--cache-sim=no"]
    done = subprocess.run(
        [*counting, f"--cachegrind-out-file={folder}/%p", sys.executable, "-c", SCRIPT],
        env={**os.environ, "SPEL_ISA": "v3", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counts: dict[str, list[int]] = {}
    for child, _, name in (line.split(" ", 2) for line in done.stdout.splitlines()):
        counts.setdefault(name, []).append(summary(folder / child))
    return {
        name: (three - one) / 2 / SPELS.get(name, 240 * 640)
        for name, (one, three) in counts.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("case", list(MOST))
def test_instructions_per_spel(case: str, per_spel: dict[str, float]) -> None:
    assert per_spel[case] < MOST[case]
