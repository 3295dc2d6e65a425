"""Frames of a video, one at a time, with their own time stamps, from a process of ffmpeg.

ffmpeg writes each chosen frame as RGB into a pipe and its time and size into its log; both are read
in step, so that memory holds one frame and times are the stream's, whatever its rate does.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.io.image.header import MAX_PIXELS
from spel.io.opening import DAMAGED, DecodeError, open_binary, translating_errors

from .ffmpeg import container, probe
from .player import Player

__all__ = ["VIDEO_SUFFIXES", "Every", "Frame", "VideoInfo", "describe", "frames", "is_video"]

_SUFFIXES = "mp4 m4v mov mkv webm avi mpg mpeg ts mts m2ts flv ogv wmv asf y4m 3gp"
VIDEO_SUFFIXES = frozenset("." + name for name in _SUFFIXES.split(" "))
SECONDS = 60.0
_FINE = 1e-6


@dataclass(frozen=True)
class Every:
    """Which frames: every n-th, or the first one of each stretch of so many seconds.

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
                f"every {text!r}; give a number of frames such as 5, or seconds such as 2s"
            ) from None

    def __str__(self) -> str:
        return f"{self.seconds:g}s" if self.seconds else str(self.count)

    @property
    def expression(self) -> str:
        """ffmpeg's condition for it."""
        if self.count:
            return f"not(mod(n,{self.count}))"
        step = [f"floor({t}/{self.seconds!r}+{_FINE})" for t in ("t", "prev_selected_t")]
        return f"isnan(prev_selected_t)+gt({step[0]},{step[1]})"


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame.

    Attributes
    ----------
    index : int
        Its number in the video, from 0.
    seconds : float
        When it is shown, from the beginning of the file.
    image : (rows, cols, 3) array of uint8
        RGB, upright: a rotation that the file asks for is done.
    """

    index: int
    seconds: float
    image: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class VideoInfo:
    """What a video says of itself.

    Attributes
    ----------
    format, codec : str
    rows, cols : int
        As displayed.
    rotation : int
        Degrees by which the stored frames are turned.
    seconds : float
        0 if unknown.
    rate : float
        Frames per second on average; 0 if unknown.
    frames : int
        As the file says or its length and rate suggest; 0 if unknown.
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
        """About how many frames are chosen."""
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
    """Whether a file begins as a video does; False for what cannot be opened."""
    try:
        with open_binary(path) as file:
            return container(file.read(256)) is not None
    except (DecodeError, OSError, ValueError):
        return False


def describe(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> VideoInfo:
    """Say what a video holds, without decoding its frames.

    Raises
    ------
    ImageReadError
        If it is none, damaged, or its frames have more than `max_pixels`.
    BackendMissingError
        If ffprobe is not installed.
    """
    with translating_errors(path) as context:
        return _described(Path(path), context, max_pixels)[0]


def frames(
    path: str | os.PathLike[str],
    *,
    every: int | str | Every = 1,
    max_pixels: int = MAX_PIXELS,
    seconds: float | None = None,
    on_open: Callable[[VideoInfo], object] | None = None,
) -> Iterator[Frame]:
    """The frames of a video in their order; one is held at a time.

    The file is opened by a process of ffmpeg that may read this one file and nothing else, with the
    demultiplexer that its first bytes call for and decoders from a list.

    Parameters
    ----------
    path : path
        MP4, MOV, Matroska, WebM, AVI, MPEG, FLV, Ogg, ASF or Y4M.
    every : int or str
        ``5`` gives frames 0, 5, 10, ...; ``"2s"`` the first frame at or after 0 s, 2 s, 4 s, ...
    max_pixels : int
        Of a frame.
    seconds : float, optional
        Longest silence of ffmpeg. [default: `SECONDS`]
    on_open : callable, optional
        Called with what the video says of itself, before its first frame.

    Raises
    ------
    ParameterError
        If `every` is neither.
    BackendMissingError
        If ffmpeg or ffprobe is not installed.
    ImageReadError
        If the file is no video, or after the last whole frame, if it is cut short or damaged, or
        ffmpeg dies or hangs.

    Examples
    --------
    ::

        for frame in frames("gate.mp4", every="2s"):
            print(frame.seconds, spel.detect(network, frame.image).boxes)
    """
    rule = Every.of(every)
    return _frames(Path(path), rule, max_pixels, seconds or SECONDS, on_open)


def _frames(
    path: Path,
    every: Every,
    max_pixels: int,
    seconds: float,
    on_open: Callable[[VideoInfo], object] | None,
) -> Iterator[Frame]:
    given = 0
    with translating_errors(path) as context:
        info, demuxer = _described(path, context, max_pixels)
        if on_open is not None:
            on_open(info)
        with Player(
            path,
            demuxer,
            every.expression,
            max_pixels=max_pixels,
            seconds=seconds,
            rate=info.rate,
        ) as player:
            while (shown := player.next()) is not None:
                given += 1
                yield Frame(*shown)
            problem = player.problem()
        if problem:
            raise DecodeError(f"after {given} frames: {problem}", DAMAGED)
        if not given:
            raise DecodeError("it holds no frame", DAMAGED)


def _described(path: Path, context: Any, max_pixels: int) -> tuple[VideoInfo, str]:
    with open_binary(path) as file:
        demuxer = container(file.read(256))
    if demuxer is None:
        raise DecodeError("it is no video of a format that is read", "convert it to MP4")
    context.format = demuxer.upper()
    said = probe(path, demuxer, max_pixels)
    rows, cols = (_number(said.get(name)) for name in ("height", "width"))
    if rows < 1 or cols < 1 or rows * cols > max_pixels:
        raise DecodeError(
            f"its frames have {rows:g} x {cols:g} pixels; at least one and at most {max_pixels} "
            "are read",
            "if you trust the file, raise max_pixels",
        )
    turned = _rotation(said)
    if turned % 180:
        rows, cols = cols, rows
    rate = _rate(said.get("avg_frame_rate")) or _rate(said.get("r_frame_rate"))
    length = _number(said.get("duration")) or _number(said["whole"].get("duration"))
    count = int(_number(said.get("nb_frames"))) or round(length * rate)
    codec = str(said.get("codec_name", "unknown"))[:40]
    name = demuxer.upper()
    return VideoInfo(name, codec, int(rows), int(cols), turned, length, rate, count), demuxer


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) and 0 <= number < 1e12 else 0.0


def _rate(text: Any) -> float:
    try:
        return _number(Fraction(str(text)[:40]))
    except (ValueError, ZeroDivisionError):
        return 0.0


def _rotation(said: dict[str, Any]) -> int:
    """Degrees, from the display matrix or the older tag."""
    values = [side.get("rotation") for side in said.get("side_data_list") or ()]
    values.append((said.get("tags") or {}).get("rotate"))
    for value in values:
        try:
            return int(value) % 360  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
    return 0
