"""A guard that needs no quiet machine: instructions per spel of the hot loops, counted, not timed.

Runs where `perf` may count instructions; a change that makes a loop a third longer fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from spel.kernels import _native

SCRIPT = """
import sys
import numpy as np
import spel
from spel import Adjacency, KernelBank
case, repeats = sys.argv[1], int(sys.argv[2])
wide, box = Adjacency.rectangle(width=25, height=5), Adjacency.box(3)
bank = KernelBank.random(box, kernels=32, channels=16, seed=0)
layers, channels = {
    "plate": ([spel.Convolution(KernelBank.sobel("col")), spel.Activation(), spel.MaxPool(wide),
               spel.Residue(spel.DivisiveNormalize(wide))], 1),
    "convolution": ([spel.Convolution(bank)], 16),
    "max": ([spel.MaxPool(wide)], 1),
    "disk": ([spel.MaxPool(Adjacency.disk(15))], 1),
}[case]
net = spel.chain(*layers)
image = np.random.default_rng(0).random((channels, 240, 640), np.float32).transpose(1, 2, 0)
with spel.threads(1):
    for _ in range(repeats):
        net(image)
"""
SPELS = 240 * 640
RUNS = {"plate": 205, "convolution": 25, "max": 405, "disk": 205}
"""Enough that what Python's own start differs by, some 30 million, is lost in the loops."""

MOST = {  # instructions per spel, by instruction set: about 4/3 of those counted when written
    "plate": {"v4": 27, "v3": 44},
    "convolution": {"v4": 770, "v3": 1730},
    "max": {"v4": 11.3, "v3": 14.6},
    "disk": {"v4": 34, "v3": 46},
}


def counted(case: str, isa: str, repeats: int) -> int:
    """Instructions of the process, or a skip."""
    perf = shutil.which("perf")
    if perf is None:
        pytest.skip("perf is not installed")
    done = subprocess.run(
        [
            perf,
            "stat",
            "-x,",
            "-e",
            "instructions:u",
            sys.executable,
            "-c",
            SCRIPT,
            case,
            str(repeats),
        ],
        env={**os.environ, "SPEL_ISA": isa, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    line = next((line for line in done.stderr.splitlines() if "instructions" in line), "")
    if done.returncode or not line.split(",")[0].isdigit():
        pytest.skip("perf may not count instructions here")
    return int(line.split(",")[0])


@pytest.mark.slow
@pytest.mark.parametrize("isa", [name for name in _native.available() if name in ("v3", "v4")])
@pytest.mark.parametrize("case", list(MOST))
def test_instructions_per_spel(case: str, isa: str) -> None:
    few, many = counted(case, isa, 5), counted(case, isa, RUNS[case])
    per_spel = (many - few) / (RUNS[case] - 5) / SPELS
    assert per_spel < MOST[case][isa]
