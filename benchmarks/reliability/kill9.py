"""SIGKILL at random instants, resume, compare with an uninterrupted run, byte for byte.

    python -m benchmarks.reliability.kill9 [--images 1000] [--kills 50] [--workers 2]

Renders small streets (and a few files that are no images), detects them once without
interruption, then again and again: the whole process group is killed at a random instant, the same
command goes on. At the end results and failures must be the same bytes, every image must stand
in the manifest exactly once, and no temporary file may be left.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

FILES = ("results.jsonl", "failures.jsonl")


def render(folder: Path, images: int) -> None:
    """Small streets, every fiftieth file broken."""
    import spel
    from spel.data import street

    for i in range(images):
        path = folder / f"{i:05d}.png"
        if i % 50 == 49:
            path.write_bytes(b"no image")
        else:
            spel.write(path, street(i, size=(120, 160)).image)


def command(images: Path, out: Path, workers: int) -> list[str]:
    words = ["detect", "plate-lecture", str(images), "--out", str(out), "--workers", str(workers)]
    return [sys.executable, "-m", "spel", *words, "-q"]


def entries(out: Path) -> int:
    """Lines of the manifest so far."""
    path = out / "manifest.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def broken_run(images: Path, out: Path, workers: int, kills: int, total: int) -> list[int]:
    """Kill until it was done `kills` times, then let it end; entries at each kill."""
    random = np.random.default_rng(0)
    seen: list[int] = []
    while True:
        child = subprocess.Popen(
            command(images, out, workers),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if len(seen) >= kills:
            child.wait()
            return seen
        # Some kills while it starts, most after a share of what is left, at any microsecond.
        wanted = entries(out) + int(random.exponential(total / (2 * kills + 2)))
        if random.random() < 0.2:
            wanted = 0
            time.sleep(random.uniform(0, 1.5))
        while child.poll() is None and entries(out) < wanted:
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.01))
        if child.poll() is not None:
            return seen
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        seen.append(entries(out))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        images, whole, broken = (Path(place) / name for name in ("images", "whole", "broken"))
        images.mkdir()
        render(images, given.images)
        begin = time.perf_counter()
        null = subprocess.DEVNULL
        subprocess.run(command(images, whole, given.workers), stdout=null, stderr=null)
        alone = time.perf_counter() - begin
        seen = broken_run(images, broken, given.workers, given.kills, given.images)
        lines = (broken / "manifest.jsonl").read_text().splitlines()[1:]
        times = Counter(json.loads(line)["entry"]["image"] for line in lines)
        facts = {
            "images": given.images,
            "workers": given.workers,
            "kills": len(seen),
            "done at the kills": seen,
            "same bytes": all((whole / f).read_bytes() == (broken / f).read_bytes() for f in FILES),
            "each image once": len(times) == given.images and set(times.values()) == {1},
            "files left": len(list(broken.glob(".*"))),
            "seconds uninterrupted": round(alone, 1),
        }
    print(json.dumps(facts))
    good = facts["same bytes"] and facts["each image once"] and not facts["files left"]
    return 0 if good and len(seen) else 1


if __name__ == "__main__":
    sys.exit(main())
