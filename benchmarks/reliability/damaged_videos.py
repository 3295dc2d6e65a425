"""Damaged videos: how many wrong frames are given, and is the damage stated?

    python benchmarks/reliability/damaged_videos.py [--count 6]

Clips of 30 known frames in twelve containers and codecs (made by the program ffmpeg) are cut short,
get some bytes changed, or a stretch of zeros. A frame is wrong if it is none of those that the
undamaged clip gives. Printed for each clip and in all: damaged files, frames given, wrong frames,
files with wrong frames but no error, files with frames missing but no error.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import numpy as np

from spel.errors import ImageReadError
from spel.io import video

CLIPS = {
    "h264.mp4": ("-c:v", "libx264", "-preset", "fast"),
    "h264.mkv": ("-c:v", "libx264"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=none"),
    "mpeg4.mp4": ("-c:v", "mpeg4", "-q:v", "3"),
    "mjpeg.avi": ("-c:v", "mjpeg", "-q:v", "3"),
    "vp8.webm": ("-c:v", "libvpx", "-b:v", "1M"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-b:v", "1M"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-q:v", "3"),
    "ffv1.mkv": ("-c:v", "ffv1"),
    "theora.ogv": ("-c:v", "libtheora", "-q:v", "7"),
    "flv.flv": ("-c:v", "flv", "-q:v", "3"),
    "wmv2.asf": ("-c:v", "wmv2", "-q:v", "3"),
}
FRAMES, ROWS, COLS = 30, 120, 160


def write(path: Path, options: tuple[str, ...]) -> None:
    """A clip of moving gradients."""
    rows, cols = np.mgrid[:ROWS, :COLS]
    data = b"".join(
        np.stack([cols * 2 + 4 * k, rows * 3 + 2 * k, rows + cols + 6 * k], -1)
        .astype(np.uint8)
        .tobytes()
        for k in range(FRAMES)
    )
    size = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{COLS}x{ROWS}", "-r", "10")
    command = ["ffmpeg", "-v", "error", "-y", *size, "-i", "pipe:0", *options, str(path)]
    subprocess.run(command, input=data, check=True)


def damaged(data: bytes, number: int, rng: np.random.Generator) -> bytes:
    """The file, cut short, with eight bytes changed, or with 200 zeros."""
    bad = bytearray(data)
    if number % 3 == 0:
        return bytes(bad[: int(rng.integers(len(bad) // 4, len(bad) - 1))])
    if number % 3 == 1:
        for at in rng.integers(len(bad) // 8, len(bad), 8):
            bad[at] = rng.integers(256)
    else:
        at = int(rng.integers(len(bad) // 8, len(bad) - 200))
        bad[at : at + 200] = bytes(200)
    return bytes(bad)


def played(path: Path) -> tuple[list[np.ndarray], str]:
    """The frames, and the error that ended them."""
    images = []
    try:
        for frame in video.frames(path):
            images.append(frame.image)  # noqa: PERF401
    except ImageReadError as error:
        return images, str(error)
    return images, ""


def judged(path: Path, count: int) -> Counter[str]:
    """Damage a clip some times and play it."""
    whole, error = played(path)
    assert len(whole) == FRAMES, error
    data, rng, counts = path.read_bytes(), np.random.default_rng(5), Counter[str]()
    for number in range(count):
        path.write_bytes(damaged(data, number, rng))
        images, error = played(path)
        wrong = sum(
            not any(np.abs(image.astype(int) - known).max() <= 2 for known in whole)
            for image in images
        )
        counts.update(files=1, frames=len(images), wrong=wrong)
        counts.update(silently_wrong=wrong > 0 and not error)
        counts.update(silently_short=len(images) < FRAMES and not error)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=6)
    given = parser.parse_args()
    total: Counter[str] = Counter()
    words = ("files", "frames", "wrong", "silently_wrong", "silently_short")
    print("| clip | " + " | ".join(word.replace("_", " ") for word in words) + " |")
    print("|---" * 6 + "|")
    with tempfile.TemporaryDirectory() as place:
        for name, options in CLIPS.items():
            write(Path(place) / name, options)
            counts = judged(Path(place) / name, given.count)
            total.update(counts)
            print(f"| {name} | " + " | ".join(str(counts[word]) for word in words) + " |")
    print("| all | " + " | ".join(str(total[word]) for word in words) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
