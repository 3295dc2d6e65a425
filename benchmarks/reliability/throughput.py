"""How fast a folder is detected, segmented and applied beside decoding alone; and its memory.

    python -m benchmarks.reliability.throughput [FOLDER] [--images 2000] [--size 720 1280]
        [--only "segment, edges"]

Without a folder, streets of that size are rendered as JPEG. "halves" are decoded at a half of their
rows and columns (--reduce 2). Processor time of one core, minimum of
three rounds in one run; then the same small images over and over, with the resident memory after
each tenth.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import spel
from benchmarks.environment import environment
from spel.allocator import keep_freed_memory
from spel.data import street
from spel.decide import Decision
from spel.decide.boxes import decide
from spel.decide.detection import decision_of, with_decision
from spel.jobs import ApplyJob, DetectJob, SegmentJob
from spel.runs import Identity, ImageJob, run_tasks

ROUNDS = 3


def jobs() -> dict[str, ImageJob]:
    """Detection by the lecture's network, and by edges with a fixed threshold: less to decide.

    Masks and float32 outputs by the encoder of the eggs, and by the edges.
    """
    box = spel.Adjacency.rectangle(width=11, height=3)
    light = spel.chain(
        grey=spel.Color("grey"),
        edges=spel.Convolution(spel.KernelBank.sobel("col")),
        positive=spel.Activation("relu"),
        join=spel.MaxPool(box),
        close=spel.MinPool(box),
    )
    fixed, eggs = Decision(0.9, select="widest"), spel.zoo.get("parasite-eggs")
    return {
        "detect, plate-lecture": DetectJob(spel.zoo.plate_lecture(), isolate=False),
        "detect, plate-lecture, halves": DetectJob(
            spel.zoo.plate_lecture(), isolate=False, reduce=2
        ),
        "detect, edges": DetectJob(with_decision(light, fixed), isolate=False),
        "segment, edges": SegmentJob(light, isolate=False),
        "segment, edges, halves": SegmentJob(light, isolate=False, reduce=2),
        "segment, parasite-eggs": SegmentJob(eggs, isolate=False),
        "apply, edges": ApplyJob(light, formats=("npy",), isolate=False),
        "apply, edges, halves": ApplyJob(light, formats=("npy",), isolate=False, reduce=2),
        "apply, parasite-eggs": ApplyJob(eggs, formats=("npy",), isolate=False),
    }


def seconds(work: Callable[[], object]) -> float:
    """Least processor time of a few rounds."""
    taken = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def rates(paths: list[Path], out: str, chosen: dict[str, ImageJob]) -> dict[str, float]:
    """Images per second of one core, which decodes, computes and writes."""
    found = {"decoding alone": len(paths) / seconds(lambda: [spel.read(p) for p in paths])}
    for name, job in chosen.items():
        tasks = job.tasks([str(path) for path in paths], out)
        found[name] = len(paths) / seconds(lambda tasks=tasks: list(run_tasks(tasks)))
    return found


def parts(path: Path) -> dict[str, float]:
    """Milliseconds of one core for each part of detecting with the lecture's network."""
    net, image = spel.zoo.plate_lecture(), spel.read(path)
    saliency, decision = net(image), decision_of(net)
    work: dict[str, Callable[[], object]] = {
        "decoding": lambda: spel.read(path),
        "hash of the input": lambda: Identity.of(path),
        "network": lambda: net(image),
        "threshold, labels, boxes": lambda: decide(saliency, decision),
    }
    return {
        name: round(min(seconds(call) for _ in range(7)) * 1e3, 2) for name, call in work.items()
    }


def memory(path: Path, images: int) -> list[int]:
    """Resident megabytes after each tenth of many images."""
    job = jobs()["detect, plate-lecture"]
    sizes = []
    for done, _ in enumerate(run_tasks(job.tasks([str(path)] * images)), 1):
        if done % max(1, images // 10) == 0:
            text = Path("/proc/self/statm").read_text()
            sizes.append(int(text.split()[1]) * 4096 >> 20)
    return sizes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=40, help="images of a round")
    parser.add_argument("--size", type=int, nargs=2, default=(720, 1280), help="rows and columns")
    parser.add_argument("--only", nargs="+", choices=list(jobs()), default=list(jobs()))
    parser.add_argument("--images", type=int, default=2000, help="for the memory; 0 leaves it out")
    given = parser.parse_args()
    keep_freed_memory()  # as workers and the command line do
    with tempfile.TemporaryDirectory() as place, spel.threads(1):
        folder = given.folder or Path(place)
        if given.folder is None:
            for i in range(given.count):
                spel.write(folder / f"{i}.jpg", street(i % 8, size=tuple(given.size)).image)
        from spel.io.sources import expand

        paths = expand([folder])[: given.count]
        chosen = {name: job for name, job in jobs().items() if name in given.only}
        rate, parts_of = rates(paths, place, chosen), parts(paths[0])
        small = Path(place) / "small.png"
        spel.write(small, street(0, size=(120, 160)).image)
        sizes = memory(small, given.images) if given.images else []
    facts = {
        "images per second of one core": {k: round(v, 1) for k, v in rate.items()},
        "share of decoding": {k: round(v / rate["decoding alone"], 2) for k, v in rate.items()},
        "milliseconds of an image": parts_of,
        "megabytes after each tenth": sizes,
        "processor": environment()["processor"],
    }
    print(json.dumps(facts, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
