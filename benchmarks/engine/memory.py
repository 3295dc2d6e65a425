"""Peak memory of streaming row by row, each height in a fresh process; size of the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.engine.series import Series

SCRIPT = """
import resource, sys
from pathlib import Path
import numpy as np
import spel
from spel import Adjacency

rows, how = int(sys.argv[1]), sys.argv[2]
box = Adjacency.rectangle(width=25, height=5)
bank = spel.KernelBank.random(Adjacency.box(3), kernels=8, seed=0)
net = spel.chain(
    spel.Convolution(bank),
    spel.Activation("relu"),
    spel.MaxPool(box),
    spel.Residue(spel.DivisiveNormalize(box)),
    spel.WeightedSum([0.125] * 8),
)
shape = (rows, 2000, 1)
random = np.random.default_rng(0)
if how == "rows":
    blocks = (random.random((100, 2000, 1), np.float32) for _ in range(rows // 100))
    total = sum(float(block.sum()) for block in net.plan(shape).rows(blocks))
elif how == "whole":
    total = float(net(random.random(shape, np.float32)).sum())
elif how == "steps":
    total = float(list(net.activations(random.random(shape, np.float32)).values())[-1].sum())
# Linux counts in ru_maxrss what the parent held when it started this process, VmHWM does not.
peak, status = None, Path("/proc/self/status")
if status.exists():
    lines = status.read_text().splitlines()
    peak = next((line.split()[1] for line in lines if line.startswith("VmHWM")), None)
print(int(peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024)
"""


def measure(threads: int, quick: bool) -> list[Series]:
    series = Series(
        "Peak memory of the plate layer with 8 kernels and a weighted sum, 2000 columns",
        "rows",
        "MiB",
    )
    short, tall = (300, 3000) if quick else (3000, 30000)
    for rows in (short, tall):
        figures = {"row by row": _peak(rows, "rows", threads)}
        figures["whole image in memory"] = _peak(rows, "whole", threads)
        figures["input and output"] = 2 * rows * 2000 * 4 / 2**20
        if rows == short:
            figures["every step kept"] = _peak(rows, "steps", threads)
        series.rows.append((rows, figures))
    first, last = (row[1]["row by row"] for row in series.rows)
    series.note = (
        f"Ten times the rows, row by row: {last / first:.3f} times the peak (target: 1.1)."
    )

    from spel.kernels import engine

    size = Series("Size of the compiled engine", "file", "MiB")
    path = Path(engine.native.__file__)
    size.rows.append((path.name, {"size": path.stat().st_size / 2**20}))
    return [series, size]


def _peak(rows: int, how: str, threads: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(rows), how],
        env={**os.environ, "SPEL_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)
