"""A Dask cluster of three processes, one of which is killed every few seconds: the same results.

python -m benchmarks.reliability.dask_kill [--job detect] [--images 600] [--every 3]
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
from pathlib import Path

import numpy as np

from benchmarks.reliability.kill9 import OPTIONS, command, contents, models, render


def workers(parent: int) -> list[int]:
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=list(OPTIONS), default="detect")
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between kills")
    given = parser.parse_args()
    random = np.random.default_rng(0)
    null = subprocess.DEVNULL
    with tempfile.TemporaryDirectory() as place:
        images, alone, cluster = (Path(place) / name for name in ("images", "alone", "cluster"))
        images.mkdir()
        render(images, given.images)
        model = models(Path(place))[given.job]
        words = command(given.job, model, images, alone, 1)
        subprocess.run(words, stdout=null, stderr=null)
        begin, kills = time.perf_counter(), 0
        child = subprocess.Popen(
            [*command(given.job, model, images, cluster, 3), "--dask", "local"],
            stdout=null,
            stderr=null,
        )
        while child.poll() is None:
            time.sleep(given.every)
            alive = workers(child.pid)
            if alive and (cluster / "results.jsonl").exists() and child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(random.choice(alive)), signal.SIGKILL)
                    kills += 1
        same = contents(alone) == contents(cluster)
        facts = {
            "job": given.job,
            "images": given.images,
            "workers killed": kills,
            "same bytes": same,
            "exit code": child.returncode,
            "seconds": round(time.perf_counter() - begin, 1),
        }
    print(json.dumps(facts))
    return 0 if same and kills else 1


if __name__ == "__main__":
    sys.exit(main())
