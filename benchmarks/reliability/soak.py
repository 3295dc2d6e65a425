"""Ten thousand images: memory, open files and processes must not grow; the same again does nothing.

    python -m benchmarks.reliability.soak [--images 10000] [--workers 1 2]

Small streets (every hundredth file is no image) are detected into a folder, with an overlay each.
After every 500 images the resident memory and the open files of the run's process are taken, and of
its workers together. Exit status 1 if memory grew by more than 5 % after the first thousand, a file
or process was left, or the same run again takes 2 s or does an image.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import spel
from spel.data import street
from spel.jobs import DetectJob
from spel.runs import run

EVERY, WARM, GROWTH = 500, 1000, 0.05


def render(folder: Path, images: int, distinct: int = 100) -> list[Path]:
    """Many names for a hundred small streets, the last of each hundred broken."""
    kinds = [folder / f"kind-{seed:03d}.png" for seed in range(distinct)]
    for seed, path in enumerate(kinds[:-1]):
        spel.write(path, street(seed, size=(120, 160)).image)
    kinds[-1].write_bytes(b"no image")
    paths = [folder / f"{i:06d}.png" for i in range(images)]
    for i, path in enumerate(paths):
        os.link(kinds[i % distinct], path)
    return paths


def children() -> list[int]:
    """Living processes that this one started."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(word) for word in (task / "children").read_text().split()]
    return found


def sizes(processes: list[int]) -> tuple[int, int]:
    """Resident bytes and open files of processes together."""
    memory = files = 0
    for process in processes:
        with contextlib.suppress(OSError):
            place = Path(f"/proc/{process}")
            memory += int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
            files += len(list((place / "fd").iterdir()))
    return memory, files


class Watch:
    """Takes the sizes after every 500 outcomes."""

    def __init__(self) -> None:
        self.done = 0
        self.rows: list[dict[str, Any]] = []

    def __call__(self, outcome: object) -> None:
        self.done += 1
        if self.done % EVERY == 0:
            gc.collect()
            own, files = sizes([os.getpid()])
            others, their_files = sizes(children())
            row = {"done": self.done, "own": own, "workers": others}
            self.rows.append({**row, "files": files, "workers' files": their_files})

    def growth(self, key: str) -> float:
        """Largest value after the warm part beside the largest in it."""
        first = max(row[key] for row in self.rows if row["done"] <= WARM)
        last = max(row[key] for row in self.rows)
        return last / first - 1 if first else 0.0


def soak(paths: list[Path], out: Path, workers: int) -> dict[str, Any]:
    """One run of all images, and the same again."""
    watch = Watch()
    pictures = out / "pictures"
    pictures.mkdir(parents=True)
    net = spel.zoo.plate_lecture()
    job = DetectJob(net, save=("overlay",), folder=str(pictures))
    before = sizes([os.getpid()])[1]
    report = run(job, paths, out, workers=workers, tell=watch)
    left = sizes([os.getpid()])[1] - before
    begin = time.perf_counter()
    again: list[object] = []
    same = run(job, paths, out, workers=workers, tell=again.append)
    seconds = time.perf_counter() - begin
    last = watch.rows[-1]
    return {
        "workers": workers,
        "images": report.images,
        "failed": report.failed,
        "seconds": round(report.seconds, 1),
        "own MB after 1000": next(r["own"] >> 20 for r in watch.rows if r["done"] == WARM),
        "own MB at the end": last["own"] >> 20,
        "own growth": round(watch.growth("own"), 4),
        "workers' growth": round(watch.growth("workers"), 4),
        "open files": sorted({row["files"] for row in watch.rows}),
        "workers' open files": sorted({row["workers' files"] for row in watch.rows}),
        "files left open": left,
        "processes left": len(children()),
        "temporary files left": len(list(out.rglob(".*.part*"))),
        "again: images done, seconds": [len(again), round(seconds, 2)],
        "all kept": same.kept == len(paths),
    }


def good(facts: dict[str, Any]) -> bool:
    grown = max(facts["own growth"], facts["workers' growth"]) > GROWTH
    left = any(facts[k] for k in ("files left open", "processes left", "temporary files left"))
    done, seconds = facts["again: images done, seconds"]
    return not grown and not left and not done and seconds < 2 and facts["all kept"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    given = parser.parse_args()
    passed = True
    with tempfile.TemporaryDirectory() as place, spel.threads(1):
        images = Path(place) / "images"
        images.mkdir()
        paths = render(images, given.images)
        for workers in given.workers:
            facts = soak(paths, Path(place) / f"out{workers}", workers)
            print(json.dumps(facts), flush=True)
            passed = passed and good(facts)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
