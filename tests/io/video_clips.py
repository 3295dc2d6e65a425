"""Clips made for a test by ffmpeg, and stand-ins for ffmpeg that fail in known ways."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

needs_ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")),
    reason="ffmpeg and ffprobe are not on PATH",
)
LOSSLESS = ("-c:v", "ffv1")
SIZE = (24, 32)

FAKE = """#!{python}
import json, sys, time
if "-version" in sys.argv:
    print("ffmpeg version 6.0")
    raise SystemExit
out, log = sys.stdout.buffer, sys.stderr
{body}
"""
PROBE = """
print(json.dumps({"streams": [{"codec_name": "fake", "width": 8, "height": 4, "nb_frames": "3",
    "avg_frame_rate": "10/1"}], "format": {"duration": "0.3"}}))
"""
FRAMES = """
print("[showinfo@all @ 0x1] [info] config in time_base: 1/10, frame_rate: 10/1", file=log)
print("[showinfo@kept @ 0x1] [info] config in time_base: 1/10, frame_rate: 10/1", file=log)
def frame(k, rows=4, cols=8, cut=0):
    for name in ("all", "kept"):
        print(f"[showinfo@{name} @ 0x1] [info] n: {k} pts: {k} pts_time:{k/10} fmt:x s:{cols}x{rows} i:P",
              file=log, flush=True)
    out.write(bytes([k]) * (rows * cols * 3 - cut))
    out.flush()
"""  # noqa: E501


def fake(folder: Path, ffmpeg: str = "", *, ffprobe: str = PROBE) -> Path:
    """A folder for PATH that holds nothing but programs of these names."""
    for name, body in (("ffmpeg", FRAMES + ffmpeg), ("ffprobe", ffprobe)):
        path = folder / name
        path.write_text(FAKE.format(python=sys.executable, body=body))
        path.chmod(0o755)
    return folder


def clip(path: Path, images: Sequence[np.ndarray], *options: str, rate: str = "10") -> Path:
    """A video of images."""
    rows, cols = images[0].shape[:2]
    data = b"".join(np.ascontiguousarray(image, np.uint8).tobytes() for image in images)
    command = [
        *("ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"),
        *("-s", f"{cols}x{rows}", "-r", rate, "-i", "pipe:0", *(options or LOSSLESS), str(path)),
    ]
    subprocess.run(command, input=data, check=True, timeout=120)
    return path


def levels(count: int, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """Images whose grey says which they are."""
    return [np.full((*size, 3), 10 + 3 * k, np.uint8) for k in range(count)]


def changed(path: Path, to: Path, *options: str) -> Path:
    """A copy of a clip, other options applied."""
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(path), *options, str(to)]
    subprocess.run(command, check=True, timeout=120, env={**os.environ})
    return to
