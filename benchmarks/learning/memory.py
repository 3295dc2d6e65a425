"""Peak memory of ``spel fit`` on made images of 1,000 and 10,000: it must not grow with them.

    python benchmarks/learning/memory.py [--counts 1000 10000] [--workers 1]

Prints a line for each number of images: its peak of resident memory, that of the program itself.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from spel.io import write

SIDE = 28
CLASSES = ("bright", "dark", "split")

PROGRAM = """
import resource, sys
from spel.cli.main import run
code = run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def make_images(folder: Path, count: int) -> None:
    """Noise with a brighter part, which tells the class."""
    random = np.random.default_rng(0)
    for number in range(count):
        image = random.normal(110, 25, (SIDE, SIDE, 1))
        kind = number % len(CLASSES)
        image[kind * 9 : kind * 9 + 9] += 60
        place = folder / CLASSES[kind]
        place.mkdir(parents=True, exist_ok=True)
        write(place / f"{number:06d}.png", image.clip(0, 255).astype(np.uint8))


def peak_mb(folder: Path, workers: int) -> float:
    """Megabytes that ``spel fit`` takes at most, in this process or in the first of several."""
    words = ["fit", str(folder), "--out", str(folder / "model"), "--kernels", "16", "--test", "0"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, "--workers", str(workers), "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return int(done.stderr.split()[-1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    peaks = []
    for count in options.counts:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            make_images(folder, count)
            peaks.append(peak_mb(folder, options.workers))
        print(f"{count:7,} images: {peaks[-1]:.0f} MB", flush=True)
    print(f"the largest is {max(peaks) / min(peaks):.3f} times the smallest")


if __name__ == "__main__":
    main()
