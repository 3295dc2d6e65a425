"""A TIFF of 40,000 x 40,000 pixels, tile by tile: seconds and the memory that it took.

    python -m benchmarks.reliability.huge [--side 40000] [--tile 2048] [--job detect] [--workers 1]

Writes a tiled, compressed TIFF with plates in it (some of them across seams), detects them in a
process of its own, checks that every one is found, and compares the peak memory with that of a
quarter of the side. The jobs segment and apply write a pyramid each, and objects that of numbered
objects, chosen by their shape and delineated; its components are counted at a coarse level, and for
the quarter its values are compared with those of the whole image. With several workers, the memory
is that of the run, without the workers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

BLOCK = 512
CHILD = """
import json, sys, time
import spel
from spel.decide import Decision
from spel.io.large import LargeImage
from spel.runs import tiles
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
from spel.jobs import ApplyJob, SegmentJob
from spel.decide.segmentation import Segmentation
from spel.runs import run
from benchmarks.reliability.huge import network, objects, peak_mb
path, tile, job, out = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
workers = int(sys.argv[5])
begin = time.perf_counter()
if job == "segment":
    made = SegmentJob(network(), Segmentation(threshold=0.5), tile=tile)
elif job == "objects":
    made = SegmentJob(network(), objects(), tile=tile, save=("instances", "csv"))
else:
    made = ApplyJob(network(), tile=tile)
report = run(made, path, out, workers=workers)
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


def objects():
    """Objects of the size of a plate, delineated on the image."""
    from spel.decide.delineate import Delineation
    from spel.decide.object_model import ObjectModel
    from spel.decide.segmentation import Segmentation

    model = ObjectModel(
        area=5000, elongation=0.33, levels=(0.5, 200.0), min_score=-4, multiple=True
    )
    return Segmentation(model, delineation=Delineation(inner=2, outer=5))


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


def write(path: Path, side: int, corners: np.ndarray) -> None:
    """The picture, block by block: it never lies in memory as a whole."""
    import tifffile

    def blocks() -> Iterator[np.ndarray]:
        for top in range(0, side, BLOCK):
            for left in range(0, side, BLOCK):
                block = np.zeros((BLOCK, BLOCK), dtype=np.uint8)
                for row, col in corners:
                    y, x = row - top, col - left
                    if -40 < y < BLOCK and -120 < x < BLOCK:
                        part = plate()[max(0, -y) : BLOCK - y, max(0, -x) : BLOCK - x]
                        high, wide = part.shape
                        block[max(0, y) : max(0, y) + high, max(0, x) : max(0, x) + wide] = part
                yield block

    tifffile.imwrite(
        path,
        blocks(),
        shape=(side, side),
        dtype=np.uint8,
        tile=(BLOCK, BLOCK),
        compression="zlib",
        bigtiff=True,
        photometric="minisblack",
    )


def measured(folder: Path, side: int, tile: int) -> dict[str, float]:
    """Write, detect in a process of its own, check."""
    path = folder / f"{side}.tif"
    corners = plates(side)
    write(path, side, corners)
    command = [sys.executable, "-c", CHILD, str(path), str(tile)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(answer.stdout)
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


def written(folder: Path, side: int, tile: int, job: str, workers: int = 1) -> dict[str, object]:
    """Write, segment or apply in a process of its own, check the pyramid."""
    import spel
    from spel.io.large import LargeImage

    path, out = folder / f"{side}.tif", folder / f"{job}-{side}"
    corners = plates(side)
    write(path, side, corners)
    command = [sys.executable, "-c", JOB, str(path), str(tile), job, str(out), str(workers)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    facts = json.loads(answer.stdout)
    pyramid = out / f"{side}{'.instances' if job == 'objects' else ''}.ome.tif"
    if job == "apply":
        (pyramid,) = out.glob("*.ome.tif")
    with LargeImage(pyramid) as image:
        coarse = next(k for k, (rows, _) in enumerate(image.levels) if rows * 8 <= max(side, 8000))
    with LargeImage(pyramid, level=coarse) as image:
        found = int(spel.ops.label(image[:][..., 0] > 0, spel.Adjacency.box(3)).max())
    good = found == len(corners)
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
    if job == "objects":
        return segment_image(network(), image, objects()).instances.labels
    output = network()(image)[..., 0]
    return np.where(output > 0.5, 255, 0) if job == "segment" else output


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=40_000)
    parser.add_argument("--tile", type=int, default=2048)
    parser.add_argument(
        "--job", choices=["detect", "segment", "objects", "apply"], default="detect"
    )
    parser.add_argument("--workers", type=int, default=1, help="of segment, objects and apply")
    given = parser.parse_args()
    sides = given.side // 4, given.side
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if given.job == "detect":
            rows = [measured(place, side, given.tile) for side in sides]
        else:
            rows = [written(place, side, given.tile, given.job, given.workers) for side in sides]
    for row in rows:
        print(json.dumps(row), flush=True)
    return 0 if all(row["all found"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
