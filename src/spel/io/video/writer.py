"""Writing a video with PyAV; the file appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing
from spel.errors import ShapeError, TaskError, printable

from .process import require_av

__all__ = ["frame_ticks", "write_video"]

MAX_RATE = 60.0


def frame_ticks(seconds: Sequence[float]) -> tuple[float, list[int]]:
    """A constant rate for frames at these times, and the number of ticks that each one is shown.

    The rate is that of the two closest frames, at most `MAX_RATE`.

    Examples
    --------
    >>> frame_ticks([0.0, 0.5, 1.0]), frame_ticks([0.0, 0.1, 0.4])
    ((2.0, [1, 1, 1]), (10.0, [1, 3, 1]))
    """
    gaps = [b - a for a, b in pairwise(seconds) if b > a]
    if not gaps:
        return 1.0, [1] * len(seconds)
    rate = round(min(MAX_RATE, 1 / min(gaps)), 6)
    ticks = [round((t - seconds[0]) * rate) for t in seconds]
    return rate, [max(0, b - a) for a, b in pairwise(ticks)] + [1]


def write_video(
    path: str | os.PathLike[str],
    images: Iterable[tuple[npt.NDArray[np.uint8], int]],
    *,
    size: tuple[int, int],
    rate: float,
) -> None:
    """Write images, each with the number of ticks that it is shown, as an MP4 file.

    Parameters
    ----------
    path : path
    images : iterable of ((rows, cols, 3) array of uint8, int)
    size : (rows, cols)
        Size of every image; an odd side gets one black line more, because the format needs even
        sides.
    rate : float
        Ticks per second.

    Raises
    ------
    ShapeError
        If an image has another size.
    BackendMissingError
        If the package av is not installed.
    TaskError
        If the file cannot be encoded.
    """
    require_av()
    import av

    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with replacing(path) as temporary:
        try:
            with av.open(os.fspath(temporary), "w", format="mp4", options=options) as video:
                _encode(video, images, size, rate)
        except av.FFmpegError as error:
            name = printable(os.fsdecode(path))
            raise TaskError(f"{name}: the video cannot be written: {error}") from None


def _encode(
    video: Any,
    images: Iterable[tuple[npt.NDArray[np.uint8], int]],
    size: tuple[int, int],
    rate: float,
) -> None:
    """Encode all images into an open video."""
    import av

    stream = _stream(video, size, rate)
    for image, ticks in images:
        frame = av.VideoFrame.from_ndarray(_even(image, size), format="rgb24")
        for _ in range(ticks):
            frame.pts = None
            video.mux(stream.encode(frame))
    video.mux(stream.encode(None))


def _stream(video: Any, size: tuple[int, int], rate: float) -> Any:
    """A stream of H.264 if FFmpeg can encode it, else of MPEG-4."""
    import av

    if "libx264" in av.codecs_available:
        name, options = "libx264", {"preset": "veryfast", "crf": "20"}
    else:
        name, options = "mpeg4", {"q": "3"}
    stream = video.add_stream(name, Fraction(rate).limit_denominator(1_000_000), options=options)
    stream.height, stream.width = (side + side % 2 for side in size)
    stream.pix_fmt = "yuv420p"
    stream.codec_context.thread_count = 1  # with more, the bytes differ from run to run
    return stream


def _even(image: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    if image.shape != (*size, 3):
        raise ShapeError(f"write_video: image of {image.shape}; expected {(*size, 3)}")
    rows, cols = size
    return np.pad(np.asarray(image, np.uint8), ((0, rows % 2), (0, cols % 2), (0, 0)))
