"""A video: killed and resumed to the same bytes, memory flat, speed beside decoding alone.

    python -m benchmarks.reliability.video [--frames 750] [--kills 20] [--workers 2]

Renders a drive past a street as H.264 (1280 x 720, 25 a second), plays it, detects in every frame
without interruption, then again and again: the process group is killed at a random instant and the
same command goes on. Needs ffmpeg.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.reliability.survival import broken_run

CHILD = """
import json, resource, sys, time
from spel.io import video
peaks, begin = [], time.perf_counter()
for frame in video.frames(sys.argv[1]):
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
took = time.perf_counter() - begin
print(json.dumps({
    "frames": len(peaks), "last second": frame.seconds, "a second": round(len(peaks) / took, 1),
    "MiB after 20 frames": peaks[19] >> 10, "MiB at the end": peaks[-1] >> 10,
}))
"""


def render(path: Path, frames: int, size: tuple[int, int] = (720, 1280)) -> None:
    """A camera that moves past a street, to and fro."""
    from spel.data import street

    rows, cols = size
    wide = street(3, cars=3, size=(rows, 2 * cols)).image[..., :3]
    into = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{cols}x{rows}", "-r", "25")
    how = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-y", str(path))
    command = ["ffmpeg", "-v", "error", *into, "-i", "pipe:0", *how]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert writer.stdin is not None
    for k in range(frames):
        at = abs((5 * k) % (2 * cols) - cols)
        writer.stdin.write(np.ascontiguousarray(wide[:, at : at + cols]).tobytes())
    writer.stdin.close()
    if writer.wait():
        sys.exit("ffmpeg could not write the clip")


def command(clip: Path, out: Path, workers: int) -> list[str]:
    words = ["detect", "plate-lecture", str(clip), "--out", str(out), "--workers", str(workers)]
    return [sys.executable, "-m", "spel", *words, "-q"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=750)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        clip, whole, broken = (Path(place) / name for name in ("clip.mp4", "whole", "broken"))
        render(clip, given.frames)
        played = subprocess.run(
            [sys.executable, "-c", CHILD, str(clip)], capture_output=True, check=True
        )
        begin = time.perf_counter()
        null = subprocess.DEVNULL
        subprocess.run(command(clip, whole, given.workers), stdout=null, stderr=null)
        alone = time.perf_counter() - begin
        seen = broken_run(command(clip, broken, given.workers), broken, given.kills, given.frames)
        lines = (broken / "manifest.jsonl").read_text().splitlines()[1:]
        times = Counter(json.loads(line)["entry"]["image"] for line in lines)
        facts = {
            "played": json.loads(played.stdout),
            "workers": given.workers,
            "kills": len(seen),
            "frames done at the kills": seen,
            "same bytes": all(
                (whole / name).read_bytes() == (broken / name).read_bytes()
                for name in ("results.jsonl", "failures.jsonl")
            ),
            "each frame once": len(times) == given.frames + 1 and set(times.values()) == {1},
            "detected, frames a second": round(given.frames / alone, 1),
        }
    print(json.dumps(facts, indent=1))
    return 0 if facts["same bytes"] and facts["each frame once"] and seen else 1


if __name__ == "__main__":
    sys.exit(main())
