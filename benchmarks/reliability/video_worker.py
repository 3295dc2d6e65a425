"""Frames of a video: a decoder that runs ahead, against a worker that answers call by call.

    python benchmarks/reliability/video_worker.py [--repeats 3]

A clip of 200 frames of 720 x 1280 (H.264, made by the program ffmpeg) is read by
`spel.io.video.frames` and, with the same decoder, by calls of `spel.worker` that pass each frame
in a nameless file. The reader computes for a while on every frame. Printed: seconds of each way,
the best of the repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parent))  # where the worker finds this file

import numpy as np

from spel.io import video
from spel.io.isolation import Isolation, Reply, reply
from spel.io.video.containers import container
from spel.io.video.decoder import Decoding

FRAMES, ROWS, COLS = 200, 720, 1280
MEMORY, MAX_PIXELS = 4 << 30, 1 << 24
Frames = Iterator[np.ndarray[Any, Any]]


def write(path: Path) -> None:
    """A clip of moving blocks of noise."""
    blocks = np.random.default_rng(0).integers(0, 255, (ROWS // 8, COLS // 8, 3), np.uint8)
    image = blocks.repeat(8, 0).repeat(8, 1)
    size = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{COLS}x{ROWS}", "-r", "25")
    command = ["ffmpeg", "-v", "error", "-y", *size, "-i", "pipe:0", "-c:v", "libx264", str(path)]
    data = b"".join(np.roll(image, 3 * k, 1).tobytes() for k in range(FRAMES))
    subprocess.run(command, input=data, check=True)


def ahead(path: Path, every: str) -> Frames:
    """The frames by the package's decoder."""
    return (frame.image for frame in video.frames(path, every=every))


def call_by_call(path: Path, every: str) -> Frames:
    """The frames by one call of a worker for each."""
    isolation = Isolation(60.0)
    with open(path, "rb") as file:
        demuxer = container(file.read(256))
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        options = {"demuxer": demuxer, "max_pixels": MAX_PIXELS, **asdict(video.Every.of(every))}
        isolation.call(path, begin, (json.dumps(options),), file=file.fileno(), memory=MEMORY)
        while True:
            _, image = isolation.call(path, following, (), memory=MEMORY, max_bytes=3 * MAX_PIXELS)
            if image is None:
                break
            yield image
    isolation.worker.close()


messages: Any = None


def begin(handle: int, options: str) -> Reply:
    """In the worker: open the video."""
    global messages
    messages = Decoding(os.fdopen(os.dup(handle), "rb"), **json.loads(options)).messages()
    return reply("video", lambda: (next(messages)[0], None))


def following() -> Reply:
    """In the worker: the next frame."""
    message, pixels = next(messages, ({"end": ""}, None))
    return reply("video", lambda: (message, pixels))


def seconds(frames: Callable[[Path, str], Frames], path: Path, every: str, work: float) -> float:
    """Time for all frames, with computations of `work` seconds on each."""
    began = time.perf_counter()
    for image in frames(path, every):
        end = time.perf_counter() + work
        while time.perf_counter() < end:
            np.square(image[:200, :200], dtype=np.float32)
    return time.perf_counter() - began


def main() -> None:
    import video_worker  # the functions under the name by which the worker imports them

    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write(path)
        for every, work in (("1", 0.0), ("1", 0.02), ("10", 0.1)):
            times = [
                min(seconds(way, path, every, work) for _ in range(repeats))
                for way in (ahead, video_worker.call_by_call)
            ]
            print(
                f"every {every}, {work * 1e3:g} ms of work: ahead {times[0]:.2f} s, "
                f"call by call {times[1]:.2f} s, ratio {times[1] / times[0]:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
