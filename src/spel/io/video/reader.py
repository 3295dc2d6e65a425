"""Frames of a video, one at a time, with their own time stamps, decoded in another process."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.io.image.header import MAX_PIXELS
from spel.io.opening import (
    DAMAGED,
    RAISE_LIMIT,
    DecodeError,
    Reading,
    open_binary,
    translating_errors,
)

from .containers import container
from .process import DecoderProcess, require_av

__all__ = ["VIDEO_SUFFIXES", "Every", "Frame", "VideoInfo", "describe", "frames", "is_video"]

_SUFFIXES = "mp4 m4v mov mkv webm avi mpg mpeg ts mts m2ts flv ogv wmv asf y4m 3gp"
VIDEO_SUFFIXES = frozenset("." + name for name in _SUFFIXES.split(" "))
SECONDS = 60.0


@dataclass(frozen=True)
class Every:
    """The choice of frames: every n-th, or the first one of each interval of some seconds.

    Examples
    --------
    >>> Every.of("5"), Every.of("0.5s"), str(Every.of("2s"))
    (Every(count=5, seconds=0.0), Every(count=0, seconds=0.5), '2s')
    """

    count: int = 1
    seconds: float = 0.0

    @classmethod
    def of(cls, text: int | str | Every) -> Every:
        """Read ``5`` or ``2s``."""
        if isinstance(text, Every):
            return text
        words = str(text).strip()
        try:
            if words.endswith("s"):
                seconds = float(words[:-1])
                if not 1e-3 <= seconds <= 1e6:
                    raise ValueError
                return cls(0, seconds)
            count = int(words)
            if not 1 <= count < 1 << 31:
                raise ValueError
            return cls(count)
        except ValueError:
            raise ParameterError(
                f"every {text!r}; expected a number of frames such as 5, or seconds such as 2s"
            ) from None

    def __str__(self) -> str:
        return f"{self.seconds:g}s" if self.seconds else str(self.count)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame.

    Attributes
    ----------
    index : int
        Its number in the video, from 0.
    seconds : float
        Time at which it is shown, from the beginning of the file.
    image : (rows, cols, 3) array of uint8
        RGB, upright: it is rotated as the file demands.
    """

    index: int
    seconds: float
    image: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class VideoInfo:
    """The description of a video.

    Attributes
    ----------
    format, codec : str
    rows, cols : int
        Size of a frame as displayed.
    rotation : int
        Degrees by which the stored frames are rotated.
    seconds : float
        Length; 0 if unknown.
    rate : float
        Frames per second on average; 0 if unknown.
    frames : int
        Number of frames that the file states, or that follows from length and rate; 0 if unknown.
    """

    format: str
    codec: str
    rows: int
    cols: int
    rotation: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    frames: int = 0

    def chosen(self, every: Every) -> int:
        """About the number of frames that are chosen."""
        if every.count:
            return -(-self.frames // every.count)
        return min(self.frames, math.ceil(self.seconds / every.seconds))

    def __str__(self) -> str:
        turned = f", turned by {self.rotation} degrees" if self.rotation else ""
        return (
            f"{self.format}, {self.codec}, {self.rows} x {self.cols} (rows x cols), "
            f"{self.frames} frames, {self.seconds:g} s, {self.rate:g} a second{turned}"
        )


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins like a video; False if it cannot be opened."""
    try:
        with open_binary(path) as file:
            return container(file.read(256)) is not None
    except (DecodeError, OSError, ValueError):
        return False


def describe(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> VideoInfo:
    """Describe a video from its header and its first frame.

    Raises
    ------
    ImageReadError
        If it is no video, damaged, or its frames have more than `max_pixels`.
    BackendMissingError
        If the package av is not installed.
    """
    with (
        translating_errors(path) as reading,
        open_binary(path) as file,
        _decoder(file, reading, max_pixels, SECONDS, {"frames": False}) as decoder,
    ):
        info = _described(decoder.message(), reading, max_pixels)
        rotation = int(_number(decoder.message().get("rotation")))
        if rotation % 180:
            info = replace(info, rows=info.cols, cols=info.rows)
        return replace(info, rotation=rotation)


def frames(
    path: str | os.PathLike[str],
    *,
    every: int | str | Every = 1,
    max_pixels: int = MAX_PIXELS,
    seconds: float | None = None,
    on_open: Callable[[VideoInfo], object] | None = None,
) -> Iterator[Frame]:
    """The frames of a video in order; only one is in memory at a time.

    PyAV (the libraries of FFmpeg) decodes them in another process, which gets this open file and no
    other. The first bytes decide the container, and only decoders of a list are used. The memory of
    the process is limited, and it is ended if it sends nothing for too long.

    Parameters
    ----------
    path : path
        MP4, MOV, Matroska, WebM, AVI, MPEG, FLV, Ogg, ASF or Y4M.
    every : int or str
        ``5`` chooses frames 0, 5, 10, ...; ``"2s"`` the first frame at or after 0 s, 2 s, 4 s, ...
    max_pixels : int
        Largest number of pixels of a frame.
    seconds : float, optional
        Longest time in which the decoder sends nothing; by default a minute.
    on_open : callable, optional
        Called with the description of the video, without its rotation, before its first frame.

    Yields
    ------
    Frame

    Raises
    ------
    ParameterError
        If `every` is neither a number of frames nor seconds.
    BackendMissingError
        If the package av is not installed.
    ImageReadError
        If the file is no video; or, after the last whole frame, if it is cut short or damaged, or
        the decoder dies or hangs.

    Examples
    --------
    ::

        for frame in frames("gate.mp4", every="2s"):
            print(frame.seconds, spel.detect(network, frame.image).boxes)
    """
    return _frames(Path(path), Every.of(every), max_pixels, seconds or SECONDS, on_open)


def _frames(
    path: Path,
    every: Every,
    max_pixels: int,
    seconds: float,
    on_open: Callable[[VideoInfo], object] | None,
) -> Iterator[Frame]:
    count = 0
    with (
        translating_errors(path) as reading,
        open_binary(path) as file,
        _decoder(file, reading, max_pixels, seconds, asdict(every)) as decoder,
    ):
        info = _described(decoder.message(), reading, max_pixels)
        if on_open is not None:
            on_open(info)
        try:
            while "end" not in (message := decoder.message()):
                yield _frame(decoder, message, max_pixels)
                count += 1
            problem = str(message["end"])
        except DecodeError as error:
            problem = error.reason
        if problem:
            raise DecodeError(f"after {count} frames: {problem}", DAMAGED)
        if not count:
            raise DecodeError("it holds no frame", DAMAGED)


def _decoder(
    file: BinaryIO, reading: Reading, max_pixels: int, seconds: float, options: dict[str, Any]
) -> DecoderProcess:
    demuxer = container(file.read(256))
    if demuxer is None:
        raise DecodeError("it is no video of a format that is read", "convert it to MP4")
    reading.format = demuxer.upper()
    require_av()
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return DecoderProcess(file, {"demuxer": demuxer, "max_pixels": max_pixels, **options}, seconds)


def _described(message: dict[str, Any], reading: Reading, max_pixels: int) -> VideoInfo:
    """The description, checked before a frame is decoded."""
    if "end" in message:
        raise DecodeError(str(message["end"]) or "it holds no video stream", DAMAGED)
    rows, cols = int(_number(message.get("rows"))), int(_number(message.get("cols")))
    if not 1 <= rows * cols <= max_pixels:
        raise DecodeError(
            f"its frames have {rows} x {cols} pixels; at least one and at most {max_pixels} are "
            "read",
            RAISE_LIMIT,
        )
    seconds, rate = _number(message.get("seconds")), _number(message.get("rate"))
    count = int(_number(message.get("frames"))) or round(seconds * rate)
    codec = str(message.get("codec", "unknown"))[:40]
    return VideoInfo(reading.format, codec, rows, cols, 0, seconds, rate, count)


def _frame(decoder: DecoderProcess, message: dict[str, Any], max_pixels: int) -> Frame:
    values = [_number(message.get(name)) for name in ("index", "rows", "cols")]
    index, rows, cols = map(int, values)
    if not 1 <= rows * cols <= max_pixels:
        raise DecodeError(f"frame {index} has {rows} x {cols} pixels, above max_pixels")
    seconds = float(message.get("seconds", 0.0))
    return Frame(index, seconds, decoder.pixels(rows, cols))


def _number(value: Any) -> float:
    """A finite number from 0; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return value if 0 <= value < 1e12 else 0.0
