"""Writing a video: frames into a process of ffmpeg, the file there whole or not at all."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing
from spel.errors import ShapeError, TaskError, printable

from .ffmpeg import ended, environment, found, meaning

__all__ = ["held", "write_video"]

FASTEST = 60.0
_SECONDS = 60.0


def held(seconds: Sequence[float]) -> tuple[float, list[int]]:
    """A constant rate for frames of these times, and for how many of its ticks each one stays.

    The rate is that of the closest two frames, at most `FASTEST`.

    Examples
    --------
    >>> held([0.0, 0.5, 1.0]), held([0.0, 0.1, 0.4])
    ((2.0, [1, 1, 1]), (10.0, [1, 3, 1]))
    """
    gaps = [b - a for a, b in pairwise(seconds) if b > a]
    if not gaps:
        return 1.0, [1] * len(seconds)
    rate = round(min(FASTEST, 1 / min(gaps)), 6)
    ticks = [round((t - seconds[0]) * rate) for t in seconds]
    return rate, [max(0, b - a) for a, b in pairwise(ticks)] + [1]


@cache
def _encoder(program: str) -> tuple[str, ...]:
    """H.264 where it was built in, else MPEG-4."""
    said = subprocess.run(
        [program, "-hide_banner", "-encoders"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=False,
    ).stdout
    if b" libx264 " in said:
        return ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20")
    return ("-c:v", "mpeg4", "-q:v", "3")


def write_video(
    path: str | os.PathLike[str],
    images: Iterable[tuple[npt.NDArray[np.uint8], int]],
    *,
    size: tuple[int, int],
    rate: float,
) -> None:
    """Write images, each with the number of ticks that it stays, as an MP4 file.

    Parameters
    ----------
    path : path
    images : iterable of ((rows, cols, 3) array of uint8, int)
    size : (rows, cols)
        Of every image; an odd side gets one more line, for the format knows none.
    rate : float
        Ticks per second.

    Raises
    ------
    ShapeError
        If an image has another size.
    BackendMissingError
        If ffmpeg is not installed.
    TaskError
        If ffmpeg cannot write the file.
    """
    program = found("ffmpeg")
    rows, cols = size
    with replacing(path) as temporary:
        command = [
            *(program, "-hide_banner", "-loglevel", "level+error", "-y"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{cols}x{rows}", "-r", f"{rate!r}"),
            *("-i", "pipe:0", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,format=yuv420p"),
            *(*_encoder(program), "-threads", "2", "-movflags", "+faststart"),
            *("-fflags", "+bitexact", "-f", "mp4", "file:" + os.path.abspath(temporary)),
        ]
        process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        log: list[bytes] = []
        listener = threading.Thread(target=_listen, args=(process.stderr, log), daemon=True)
        listener.start()
        try:
            _feed(process, images, size)
            process.wait(_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            listener.join(_SECONDS)
            if process.stderr is not None:
                process.stderr.close()
        if process.returncode:
            reason = meaning(log) or ended(process.returncode)
            raise TaskError(f"{printable(os.fsdecode(path))}: ffmpeg cannot write it: {reason}")


def _feed(process: Any, images: Iterable[tuple[Any, int]], size: tuple[int, int]) -> None:
    pipe = process.stdin
    try:
        for image, ticks in images:
            if image.shape != (*size, 3):
                raise ShapeError(f"write_video: image of {image.shape}; expected {(*size, 3)}")
            data = np.ascontiguousarray(image, np.uint8).tobytes()
            for _ in range(ticks):
                pipe.write(data)
    except BrokenPipeError:  # it died; its log says why
        pass
    finally:
        with suppress(BrokenPipeError):
            pipe.close()


def _listen(pipe: IO[bytes] | None, log: list[bytes]) -> None:
    assert pipe is not None
    for line in pipe:
        if len(log) < 20:
            log.append(line[:2000])
