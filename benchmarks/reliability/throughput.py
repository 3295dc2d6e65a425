"""How fast a folder is detected, segmented and applied beside decoding alone; and its memory.

    python -m benchmarks.reliability.throughput [FOLDER] [--size 720 1280] [--count 40]
        [--only "segment, edges"] [--images 2000]

Without a folder, streets are rendered as JPEG; photos of more than a megapixel repeat one street.
"halves" are decoded at a half of their rows and columns (--reduce 2). All times are processor time
of this process and of its decoder, least of three rounds in one run.

"here" decodes in the process of the run, and "isolated" in another, as commands do by themselves.
"network" is the network alone, on an image in memory. No run can have a larger share of decoding
than the limit, for which all else takes no time: decoding over the sum of decoding and network.
At the end the same small image is read over and over, with the resident memory after each tenth.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import spel
from benchmarks.environment import environment
from spel.allocator import keep_freed_memory
from spel.data import street
from spel.decide import Decision
from spel.decide.boxes import decide
from spel.decide.detection import decision_of, with_decision
from spel.io.image.isolate import shared_decoder
from spel.io.sources import expand
from spel.jobs import ApplyJob, DetectJob, NetworkJob, SegmentJob
from spel.runs import Identity, run_tasks

ROUNDS = 3
STREET = (750, 1000)
"""Largest street that is rendered; larger photos repeat it."""


def jobs() -> dict[str, NetworkJob]:
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
    plate = spel.zoo.plate_lecture()
    return {
        "detect, plate-lecture": DetectJob(plate),
        "detect, plate-lecture, halves": DetectJob(plate, reduce=2),
        "detect, edges": DetectJob(with_decision(light, fixed)),
        "segment, edges": SegmentJob(light),
        "segment, edges, halves": SegmentJob(light, reduce=2),
        "segment, parasite-eggs": SegmentJob(eggs),
        "apply, edges": ApplyJob(light, formats=("npy",)),
        "apply, edges, halves": ApplyJob(light, formats=("npy",), reduce=2),
        "apply, parasite-eggs": ApplyJob(eggs, formats=("npy",)),
    }


def spent() -> float:
    """Processor seconds of this process and of its decoder."""
    pid = shared_decoder().pid
    stats = [] if pid is None else Path(f"/proc/{pid}/task").glob("*/schedstat")
    return time.process_time() + sum(int(one.read_text().split()[0]) for one in stats) / 1e9


def seconds(work: Callable[[], object]) -> float:
    """Least processor time of a few rounds."""
    taken = []
    for _ in range(ROUNDS):
        begin = spent()
        work()
        taken.append(spent() - begin)
    return min(taken)


def row(job: NetworkJob, paths: list[Path], out: str, decoding: float) -> dict[str, float]:
    """Milliseconds of an image and shares of decoding, for one job."""
    image = spel.read(paths[0], reduce=job.reduce)
    network = seconds(lambda: job.network(image))
    found = {"network, ms": network * 1e3}
    for where, isolate in (("here", False), ("isolated", True)):
        tasks = replace(job, isolate=isolate).tasks([str(path) for path in paths], out)
        took = seconds(lambda tasks=tasks: list(run_tasks(tasks))) / len(paths)
        found |= {f"{where}, ms": took * 1e3, f"{where}, share": decoding / took}
    alone = seconds(lambda: spel.read(paths[0], reduce=job.reduce))
    found["limit of the share"] = decoding / (alone + network)
    return {name: round(value, 2) for name, value in found.items()}


def parts(path: Path) -> dict[str, float]:
    """Milliseconds of one core for each part of detecting with the lecture's network."""
    net, image = spel.zoo.plate_lecture(), spel.read(path)
    saliency, decision = net(image), decision_of(net)
    work: dict[str, Callable[[], object]] = {
        "decoding": lambda: spel.read(path),
        "decoding in another process": lambda: spel.read(path, isolate=True),
        "hash of the input": lambda: Identity.of(path),
        "network": lambda: net(image),
        "threshold, labels, boxes": lambda: decide(saliency, decision),
    }
    return {
        name: round(min(seconds(call) for _ in range(7)) * 1e3, 2) for name, call in work.items()
    }


def memory(path: Path, images: int) -> list[int]:
    """Resident megabytes after each tenth of many images."""
    job = replace(jobs()["detect, plate-lecture"], isolate=False)
    sizes = []
    for done, _ in enumerate(run_tasks(job.tasks([str(path)] * images)), 1):
        if done % max(1, images // 10) == 0:
            text = Path("/proc/self/statm").read_text()
            sizes.append(int(text.split()[1]) * 4096 >> 20)
    return sizes


def render(folder: Path, count: int, size: tuple[int, int]) -> None:
    """Write streets of a size as JPEG, eight different ones."""
    times = [-(-side // most) for side, most in zip(size, STREET, strict=True)]
    large = max(times) > 2
    for number in range(count):
        if number >= 8:
            (folder / f"{number}.jpg").hardlink_to(folder / f"{number % 8}.jpg")
            continue
        image = street(number, size=STREET if large else size).image
        whole = np.tile(image, (*times, 1))[: size[0], : size[1]] if large else image
        spel.write(folder / f"{number}.jpg", whole)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
            render(folder, given.count, tuple(given.size))
        first, *_ = paths = expand([folder])[: given.count]
        spel.read(first, isolate=True)  # starts the decoder
        decoding = seconds(lambda: [spel.read(path) for path in paths]) / len(paths)
        rows = {name: row(jobs()[name], paths, place, decoding) for name in given.only}
        parts_of, size = parts(first), spel.io.describe(first).shape[:2]
        small = Path(place) / "small.png"
        spel.write(small, street(0, size=(120, 160)).image)
        sizes = memory(small, given.images) if given.images else []
    facts = {
        "rows and columns": size,
        "decoding alone, ms": round(decoding * 1e3, 2),
        "jobs": rows,
        "milliseconds of detecting": parts_of,
        "megabytes after each tenth": sizes,
        "processor": environment()["processor"],
    }
    print(json.dumps(facts, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
