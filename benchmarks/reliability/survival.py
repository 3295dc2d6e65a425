"""Every job killed at random instants and resumed; then a cluster whose workers are killed.

    python -m benchmarks.reliability.survival [--job all] [--files 200] [--kills 10] [--workers 2]

Renders small streets (and a few files that are no images), and runs each of detect, segment, apply,
classify and features over them three times:

1. once without interruption;
2. killed: the whole process group gets SIGKILL at a random instant, the same command goes on, again
   and again. At the end all files but the manifest and ``run.json``, which hold times, must be the
   same bytes, every image must stand in the manifest exactly once, and no temporary file may be
   left;
3. on a Dask cluster of three processes, one of which is killed every few seconds (``--every``): the
   same bytes again.

Prints a line of a table for each job; the exit status is 1 if one of them fails.
"""

from __future__ import annotations

import argparse
import contextlib
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


def killed(
    words: list[str], whole: Path, out: Path, given: argparse.Namespace
) -> dict[str, object]:
    """Kill and resume a run, and compare it with the whole one."""
    seen = broken_run(words, out, given.kills, given.files)
    lines = (out / "manifest.jsonl").read_text().splitlines()[1:]
    times = Counter(json.loads(line)["entry"]["image"] for line in lines)
    return {
        "kills": len(seen),
        "same bytes": contents(whole) == contents(out),
        "each file once": len(times) == given.files and set(times.values()) == {1},
        "left over": len(list(out.glob(".*"))),
    }


def cluster_workers(parent: int) -> list[int]:
    """Processes of the cluster's workers: those that run spawned code and have no such child."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry.name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], list(children.get(parent, ()))
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, ())
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{process}/cmdline").read_bytes()
            if b"spawn_main" in words and process not in children:
                found.append(process)
    return found


def on_cluster(words: list[str], whole: Path, out: Path, every: float) -> dict[str, object]:
    """Run on three Dask workers, one of which is killed every few seconds that give results.

    If the cluster gives up, because the machine is too busy to start workers as fast as they are
    killed, the same command is run again, as a user would.
    """
    random, null, kills, starts = np.random.default_rng(0), subprocess.DEVNULL, 0, 0
    while starts < 5:
        child, starts = subprocess.Popen(words, stdout=null, stderr=null), starts + 1
        done = entries(out)
        while child.poll() is None:
            time.sleep(every)
            alive, before, done = cluster_workers(child.pid), done, entries(out)
            if alive and done > before and child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(random.choice(alive)), signal.SIGKILL)
                    kills += 1
        if contents(whole) == contents(out):
            break
    same = contents(whole) == contents(out)
    return {"workers killed": kills, "starts": starts, "same bytes, cluster": same}


def survives(job: str, model: str, images: Path, given: argparse.Namespace) -> dict[str, object]:
    """Run a job whole, killed, and on a cluster; the facts."""
    whole, broken, cluster = (images.parent / f"{job}-{n}" for n in ("whole", "killed", "cluster"))
    begin, null = time.perf_counter(), subprocess.DEVNULL
    subprocess.run(command(job, model, images, whole, given.workers), stdout=null, stderr=null)
    facts = {"job": job, "files": given.files, "seconds": round(time.perf_counter() - begin, 1)}
    facts |= killed(command(job, model, images, broken, given.workers), whole, broken, given)
    words = [*command(job, model, images, cluster, 3), "--dask", "local"]
    return facts | on_cluster(words, whole, cluster, given.every)


def is_good(facts: dict[str, object]) -> bool:
    """Whether a job was killed, and nothing of it was lost."""
    same = facts["same bytes"] and facts["same bytes, cluster"] and facts["each file once"]
    return bool(same and facts["kills"] and not facts["left over"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=[*OPTIONS, "all"], default="all")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10, help="of the run, for each job")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between killed workers")
    given, good = parser.parse_args(), True
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images"
        images.mkdir()
        render(images, given.files)
        named = models(Path(folder))
        for number, job in enumerate(OPTIONS if given.job == "all" else [given.job]):
            facts = survives(job, named[job], images, given)
            good &= is_good(facts)
            if not number:
                print("| " + " | ".join(facts) + " |\n|" + "---|" * len(facts))
            print("| " + " | ".join(map(str, facts.values())) + " |", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
