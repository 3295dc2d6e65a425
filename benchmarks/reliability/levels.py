"""An OME-Zarr image by level: seconds and memory of each, with a network over the whole image.

    python -m benchmarks.reliability.levels [--side 16384] [--levels 4]

Writes a street, repeated, as OME-Zarr 0.5 with its halvings (needs the package zarr), and detects
in each level with `plate-lecture`, which normalizes over the whole image and takes a percentile: so
what exceeds the limit is read in four passes. One process per level.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

CHILD = """
import json, resource, sys, time
from spel import zoo
from spel.jobs import DetectJob
path, level = sys.argv[1], int(sys.argv[2])
(task,) = DetectJob(zoo.plate_lecture(), level=level).tasks([path])
begin = time.perf_counter()
found = task()
took = time.perf_counter() - begin
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"boxes": len(found), "seconds": round(took, 1), "MiB": rss >> 10}))
"""


def write(path: Path, side: int, levels: int) -> None:
    """The picture, band by band: it never lies in memory as a whole."""
    import zarr

    from spel.data import street

    tile = street(5, cars=2, size=(1024, 2048)).image[..., :3].transpose(2, 0, 1)
    axes = [{"name": name} for name in "cyx"]
    sets = [{"path": str(k)} for k in range(levels)]
    ome = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": sets}]}
    group = zarr.create_group(str(path), zarr_format=3, attributes={"ome": ome})
    for k in range(levels):
        part = np.tile(tile[:, :: 2**k, :: 2**k], (1, 1, -(-side // 2048)))[:, :, : side >> k]
        size = (3, side >> k, side >> k)
        array = group.create_array(str(k), shape=size, chunks=(3, 512, 512), dtype=np.uint8)
        for top in range(0, size[1], part.shape[1]):
            band = part[:, : size[1] - top]
            array[:, top : top + band.shape[1]] = band


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=16384)
    parser.add_argument("--levels", type=int, default=4)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "scan.ome.zarr"
        write(path, given.side, given.levels)
        for level in reversed(range(given.levels)):
            command = [sys.executable, "-c", CHILD, str(path), str(level)]
            done = subprocess.run(command, capture_output=True, check=True)
            print(json.dumps({"side": given.side >> level, **json.loads(done.stdout)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
