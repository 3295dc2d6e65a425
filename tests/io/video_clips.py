"""Clips made for a test by ffmpeg, and stand-ins for the decoder's process that fail."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from spel.io.video.process import DecoderProcess

needs_ffmpeg = pytest.mark.skipif(
    not shutil.which("ffmpeg") or importlib.util.find_spec("av") is None,
    reason="the program ffmpeg, which makes the clips, or the package av is missing",
)
LOSSLESS = ("-c:v", "ffv1")
SIZE = (24, 32)

STAND_IN = """
import json, os, sys, time
out = sys.stdout.buffer
def say(**message):
    out.write(json.dumps(message).encode() + b"\\n")
    out.flush()
def frame(k, rows=4, cols=8, cut=0):
    say(index=k, seconds=k / 10, rows=rows, cols=cols)
    out.write(bytes([k]) * (rows * cols * 3 - cut))
    out.flush()
def end(words=""):
    say(end=words)
{info}
{body}
"""
INFO = "say(codec='fake', rows=4, cols=8, seconds=0.3, rate=10, frames=3)"


def stand_in(monkeypatch: pytest.MonkeyPatch, body: str = "", *, info: str = INFO) -> None:
    """A program in place of the decoder's process."""
    program = STAND_IN.format(info=info, body=body)
    command = [sys.executable, "-c", program]
    monkeypatch.setattr(DecoderProcess, "command", lambda self: command)


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
