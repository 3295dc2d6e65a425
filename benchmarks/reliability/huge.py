"""A TIFF of 40,000 x 40,000 pixels, tile by tile: seconds and the memory that it took.

    python -m benchmarks.reliability.huge [--side 40000] [--tile 2048] [--job detect] [--workers 1]

Writes a tiled, compressed TIFF with plates in it (some of them across seams), detects them in a
process of its own, checks that every one is found, and compares the peak memory with that of a
quarter of the side. The jobs segment and apply write a pyramid each, and three others that of
numbered objects: objects, chosen by their shape and delineated; parts, those of a delineated mask;
classes, those of delineated classes. The components of a pyramid are counted at a coarse level, and
for a side of up to 9,000 pixels its values are compared with those of the whole image. For parts
and classes a frame surrounds the plates, an object that from a side of 5,800 on does not fit into a
window. With several workers, the memory is that of the run, without the workers.

The job plates searches a colour scan with the network ``plates``, whose windows look for all sizes;
it holds rendered plates of three sizes, and for a side of up to 9,000 pixels the boxes are compared
with those of the whole image.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 512
CHILD = """
import json, sys, time
import spel
from spel.decide import Decision
from spel.io.large import LargeImage
from spel.large import tiles
from benchmarks.reliability.huge import network, peak_mb
path, tile = sys.argv[1], int(sys.argv[2])
begin = time.perf_counter()
with LargeImage(path) as image:
    found = tiles.detect(network(), image, size=tile, decision=Decision(0.5))
took = time.perf_counter() - begin
print(json.dumps({"boxes": found.boxes.tolist(), "seconds": took, "peak": peak_mb()}))
"""

JOB = """
import json, sys, time
from spel.runs import run
from benchmarks.reliability.huge import job_of, peak_mb
path, tile, job, out = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
workers = int(sys.argv[5])
begin = time.perf_counter()
report = run(job_of(job, tile), path, out, workers=workers)
assert not report.failed, report.failures
print(json.dumps({"seconds": time.perf_counter() - begin, "peak": peak_mb()}))
"""


def peak_mb() -> int:
    """Largest resident memory of this process (not what its parent held when it started it)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def network():
    """Local steps only: edges, ReLU, max-pooling, mean."""
    import spel

    box = spel.Adjacency.rectangle(width=25, height=5)
    return spel.chain(
        grey=spel.Color("grey"),
        edges=spel.Convolution(spel.KernelBank.sobel("col")),
        positive=spel.Activation("relu"),
        join=spel.MaxPool(box),
        close=spel.MinPool(box),
    )


NUMBERED = ("objects", "parts", "classes")
"""The jobs that number objects."""


def job_of(name: str, tile: int):
    """The job of a name."""
    import spel
    from spel.jobs import ApplyJob, DetectJob, SegmentJob

    if name == "apply":
        return ApplyJob(network(), tile=tile)
    if name == "plates":
        return DetectJob(spel.zoo.plates(), tile=tile)
    save = ("instances", "csv") if name in NUMBERED else ()
    return SegmentJob(*segmentation_of(name), tile=tile, save=save)


def segmentation_of(name: str):
    """The network of a job, and what it takes for plates."""
    import spel
    from spel.decide.delineate import Delineation
    from spel.decide.object_model import ObjectModel
    from spel.decide.segmentation import ObjectClass, Segmentation

    line = Delineation(inner=2, outer=5)
    if name == "objects":
        size = {"area": 5000, "elongation": 0.33, "levels": (0.5, 200.0)}
        model = ObjectModel(**size, min_score=-4, multiple=True)
        return network(), Segmentation(model, delineation=line)
    if name == "classes":
        both = spel.KernelBank(spel.Adjacency.box(1), [[[-1]], [[1]]], [1, 0])
        classes = (ObjectClass(0, background=True), ObjectClass(1))
        two = spel.chain(plate=network(), both=spel.Convolution(both))
        return two, Segmentation(classes=classes, delineation=line)
    return network(), Segmentation(threshold=0.5, delineation=line if name == "parts" else None)


def plates(side: int, count: int = 60) -> np.ndarray:
    """Upper left corners of plates, apart from one another, some across the seams of tiles."""
    random = np.random.default_rng(0)
    grid = [(r, c) for r in range(200, side - 400, 700) for c in range(200, side - 400, 700)]
    chosen = random.permutation(len(grid))[:count]
    return np.array([grid[i] for i in sorted(chosen)], int).reshape(-1, 2)


def plate() -> np.ndarray:
    """Upright bars, 40 x 120."""
    bars = np.zeros((40, 120), dtype=np.uint8)
    bars[:, 4::10] = bars[:, 5::10] = bars[:, 6::10] = 220
    return bars


def scene_plates(side: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A rendered plate with a part of its car, at three sizes in turn, and where each stands."""
    from spel.data import street

    scene = street(0, size=(360, 640))
    left, top, right, bottom = scene.boxes[0].astype(int)
    part = scene.image[top - 30 : bottom + 30, left - 30 : right + 30]
    corners = plates(side - 200)  # the largest part is 568 pixels wide
    return corners, [np.kron(part, np.ones((k, k, 1), np.uint8)) for k in SIZES]


SIZES = (1, 2, 4)
"""Of the rendered plates, which are 82 pixels wide at the first."""


def write(
    path: Path, side: int, corners: np.ndarray, stamps: list[np.ndarray], frame: int = 0
) -> None:
    """A picture with stamps at places, block by block: it never lies in memory as a whole.

    A frame of this width has upright bars, as the plates; it is open to the right, since holes of
    objects are filled.
    """
    import tifffile

    kind = stamps[0].shape[2:]

    def blocks() -> Iterator[np.ndarray]:
        for top in range(0, side, BLOCK):
            for left in range(0, side, BLOCK):
                block = np.full((BLOCK, BLOCK, *kind), 96 if kind else 0, dtype=np.uint8)
                for number, (row, col) in enumerate(corners):
                    stamp = stamps[number % len(stamps)]
                    y, x = row - top, col - left
                    if -stamp.shape[0] < y < BLOCK and -stamp.shape[1] < x < BLOCK:
                        part = stamp[max(0, -y) : BLOCK - y, max(0, -x) : BLOCK - x]
                        high, wide = part.shape[:2]
                        block[max(0, y) : max(0, y) + high, max(0, x) : max(0, x) + wide] = part
                rows, cols = np.ogrid[top : top + BLOCK, left : left + BLOCK]
                outer = (rows < frame) | (rows >= side - frame) | (cols < frame)
                block[outer & (cols % 10 // 3 == 1)] = 220
                yield block

    tifffile.imwrite(
        path,
        blocks(),
        shape=(side, side, *kind),
        dtype=np.uint8,
        tile=(BLOCK, BLOCK),
        compression="zlib",
        bigtiff=True,
        photometric="rgb" if kind else "minisblack",
    )


def answer_of(command: list[str]) -> dict[str, Any]:
    """What a process prints; if it fails, the program ends with the reason."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        what = " ".join(command[3:])
        sys.exit(f"{what}: it ended with {done.returncode}, and said:\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def measured(folder: Path, side: int, tile: int) -> dict[str, float]:
    """Write, detect in a process of its own, check."""
    path = folder / f"{side}.tif"
    corners = plates(side)
    write(path, side, corners, [plate()])
    command = [sys.executable, "-c", CHILD, str(path), str(tile)]
    found = answer_of(command)
    boxes = np.array(found["boxes"]).reshape(-1, 4)
    centers = np.sort((boxes[:, [1, 0]] + boxes[:, [3, 2]]) / 2, axis=0)
    expected = np.sort(corners + (20.0, 60.0), axis=0)
    hit = len(centers) == len(expected) and bool((np.abs(centers - expected) < 25).all())
    return {
        "side": side,
        "plates": len(corners),
        "all found": hit,
        "seconds": round(found["seconds"], 1),
        "peak MB": found["peak"],
        "file MB": round(path.stat().st_size / 1e6, 1),
    }


def in_own_process(path: Path, tile: int, job: str, out: Path, workers: int) -> dict[str, float]:
    """Run a job; its seconds, and the peak of its memory."""
    command = [sys.executable, "-c", JOB, str(path), str(tile), job, str(out), str(workers)]
    return answer_of(command)


def searched(folder: Path, side: int, tile: int, workers: int = 1) -> dict[str, object]:
    """Search a colour scan for plates of all sizes; whether each was found, and nothing else."""
    import spel
    from spel.decide import detect
    from spel.metrics.matching import Answers, match

    path, out = folder / f"{side}.tif", folder / f"plates-{side}"
    corners, stamps = scene_plates(side)
    write(path, side, corners, stamps)
    facts = in_own_process(path, tile, "plates", out, workers)
    line = json.loads((out / "results.jsonl").read_text())
    boxes = np.array([one["xyxy"] for one in line["boxes"]]).reshape(-1, 4)
    factors = np.resize(SIZES, len(corners))[:, None]
    starts = corners[:, ::-1] + 30 * factors
    rows, cols = (n - 60 for n in stamps[0].shape[:2])
    true = np.concatenate([starts, starts + (cols, rows) * factors], axis=1)
    taken = match(Answers("scan", boxes, np.ones(len(boxes)), true))
    row = {"job": "plates", "side": side, "plates": len(true), "found": int((taken >= 0).sum())}
    row["false alarms"] = int((taken < 0).sum())
    good = row["found"] == len(true)
    if side <= 9_000:
        row["boxes of the whole"] = np.array_equal(
            boxes, detect(spel.zoo.plates(), spel.read(path)).boxes
        )
        good &= row["boxes of the whole"]
    return {
        **row,
        "seconds": round(facts["seconds"], 1),
        "peak MB": facts["peak"],
        "all found": good,
    }


def written(folder: Path, side: int, tile: int, job: str, workers: int = 1) -> dict[str, object]:
    """Write, segment or apply in a process of its own, check the pyramid."""
    import spel
    from spel.io.large import LargeImage

    path, out = folder / f"{side}.tif", folder / f"{job}-{side}"
    corners, framed = plates(side), job in ("parts", "classes")
    write(path, side, corners, [plate()], 40 * framed)
    facts = in_own_process(path, tile, job, out, workers)
    pyramid = out / f"{side}{'.instances' if job in NUMBERED else ''}.ome.tif"
    if job == "apply":
        (pyramid,) = out.glob("*.ome.tif")
    with LargeImage(pyramid) as image:
        coarse = next(k for k, (rows, _) in enumerate(image.levels) if rows * 8 <= max(side, 8000))
    with LargeImage(pyramid, level=coarse) as image:
        found = int(spel.ops.label(image[:][..., 0] > 0, spel.Adjacency.box(3)).max())
    good = found == len(corners) + framed
    if side <= 9_000:  # what is read whole without being asked to
        with LargeImage(pyramid) as image:
            good &= np.array_equal(image[:][..., 0], _whole(path, job))
    return {
        "job": job,
        "side": side,
        "plates": len(corners),
        "all found": bool(good),
        "seconds": round(facts["seconds"], 1),
        "peak MB": facts["peak"],
        "pyramid MB": round(pyramid.stat().st_size / 1e6, 1),
    }


def _whole(path: Path, job: str) -> np.ndarray:
    """What the pyramid should hold, computed of the whole image."""
    import spel
    from spel.decide.segmented import segment_image

    image = spel.read(path)
    if job == "apply":
        return network()(image)[..., 0]
    net, how = segmentation_of(job)
    answer = segment_image(net, image, how)
    return answer.instances.labels if job in NUMBERED else np.where(answer.mask, 255, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=40_000)
    parser.add_argument("--tile", type=int, default=2048)
    parser.add_argument(
        "--job", choices=["detect", "segment", *NUMBERED, "apply", "plates"], default="detect"
    )
    parser.add_argument("--workers", type=int, default=1, help="of all jobs but detect")
    given = parser.parse_args()
    make = {"detect": measured, "plates": partial(searched, workers=given.workers)}.get(
        given.job, partial(written, job=given.job, workers=given.workers)
    )
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for side in (given.side // 4, given.side):
            row = make(Path(folder), side, given.tile)
            print(json.dumps(row), flush=True)
            good &= row["all found"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
