"""SIGKILL at random instants, resume, compare with an uninterrupted run, byte for byte.

    python -m benchmarks.reliability.kill9 [--job detect] [--images 1000] [--kills 50] [--workers 2]

Renders small streets (and a few files that are no images), runs a job over them once without
interruption, then again and again: the whole process group is killed at a random instant, the same
command goes on. At the end all files but the manifest and ``run.json``, which hold times, must be
the same bytes, every image must stand in the manifest exactly once, and no temporary file may be
left. The jobs are detect, segment, apply, classify, features, or "all", one after the other.
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

TIMES = ("manifest.jsonl", "run.json")
OPTIONS: dict[str, list[str]] = {
    "detect": ["--save", "mask", "--format", "csv,coco"],
    "segment": ["--save", "saliency"],
    "apply": ["--save", "all", "--format", "npy"],
    "classify": ["--format", "csv"],
    "features": ["--format", "npz,csv"],
}
"""The jobs, each with options that make it write all that it can."""


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


def models(folder: Path) -> dict[str, str]:
    """What each job is given: a network that ships, a small one, and a classifier."""
    import spel
    from spel.learning.classifier import ClassifierConfig
    from spel.sklearn import save

    network, classifier = folder / "net.safetensors", folder / "classifier.safetensors"
    box = spel.Adjacency.box(3)
    spel.chain(grey=spel.Color("grey"), blur=spel.MeanPool(box)).save(network)
    made = [np.full((8, n, 3), v, np.uint8) for n, v in ((8, 10), (9, 20), (8, 200), (9, 220))]
    save(
        ClassifierConfig("pooled", "ridge").fit(made, ["dark", "dark", "light", "light"]),
        classifier,
    )
    small = {job: str(network) for job in ("segment", "apply", "features")}
    return {"detect": "plate-lecture", "classify": str(classifier), **small}


def command(job: str, model: str, images: Path, out: Path, workers: int) -> list[str]:
    words = [job, model, str(images), "--out", str(out), "--workers", str(workers), *OPTIONS[job]]
    return [sys.executable, "-m", "spel", *words, "-q"]


def contents(folder: Path) -> dict[str, bytes]:
    """All files but those that hold times."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name not in TIMES}


def entries(out: Path) -> int:
    """Lines of the manifest so far."""
    path = out / "manifest.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def broken_run(words: list[str], out: Path, kills: int, total: int) -> list[int]:
    """Kill until it was done `kills` times, then let it end; entries at each kill."""
    random = np.random.default_rng(0)
    seen: list[int] = []
    while True:
        child = subprocess.Popen(
            words,
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


def checked(job: str, model: str, images: Path, place: Path, given: argparse.Namespace) -> bool:
    """Run a job whole and killed; print the facts, and tell whether all is well."""
    whole, broken = place / f"{job}-whole", place / f"{job}-broken"
    begin, null = time.perf_counter(), subprocess.DEVNULL
    words = command(job, model, images, whole, given.workers)
    subprocess.run(words, stdout=null, stderr=null)
    alone = time.perf_counter() - begin
    words = command(job, model, images, broken, given.workers)
    seen = broken_run(words, broken, given.kills, given.images)
    lines = (broken / "manifest.jsonl").read_text().splitlines()[1:]
    times = Counter(json.loads(line)["entry"]["image"] for line in lines)
    facts = {
        "job": job,
        "images": given.images,
        "workers": given.workers,
        "kills": len(seen),
        "done at the kills": seen,
        "files": len(contents(whole)),
        "same bytes": contents(whole) == contents(broken),
        "each image once": len(times) == given.images and set(times.values()) == {1},
        "files left": len(list(broken.glob(".*"))),
        "seconds uninterrupted": round(alone, 1),
    }
    print(json.dumps(facts), flush=True)
    good = facts["same bytes"] and facts["each image once"] and not facts["files left"]
    return bool(good and seen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=[*OPTIONS, "all"], default="detect")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        images = place / "images"
        images.mkdir()
        render(images, given.images)
        named = models(place)
        chosen = OPTIONS if given.job == "all" else [given.job]
        good = [checked(job, named[job], images, place, given) for job in chosen]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
