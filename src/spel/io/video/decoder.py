"""The process that decodes a video with PyAV and writes its frames to standard output.

It gets the open file as standard input and opens no other; it limits its own memory and writes no
file. Each message is a line of JSON, and the message of a frame is followed by its pixels.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.image.header import MAX_PIXELS

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["START", "Decoding", "first_loss", "limit_process", "serve"]

START = (
    "import sys; sys.path[:] = {path!r}; from spel.io.video.decoder import serve; "
    "serve({options!r})"
)
"""The program of the process."""

DECODERS = (
    "h264,hevc,libdav1d,libaom-av1,av1,vp8,vp9,libvpx,libvpx-vp9,mpeg4,mpeg2video,mpeg1video,"
    "h263,msmpeg4v3,msmpeg4v2,wmv1,wmv2,wmv3,vc1,mjpeg,prores,dnxhd,ffv1,huffyuv,ffvhuff,utvideo,"
    "rawvideo,theora,flv,svq3,dvvideo,png,v210,cinepak"
)
MEMORY = 3 << 30
BYTES_PER_PIXEL = 96
LOSSES = ("Packet corrupt", "Stream ends prematurely", "File ended prematurely")
"""Parts of FFmpeg's warnings that mean lost frames."""


def serve(options: str) -> None:
    """Decode the video on standard input; options are JSON, see `Decoding`."""
    chosen = json.loads(options)
    limit_process(MEMORY + BYTES_PER_PIXEL * chosen["max_pixels"])
    import av
    import av.logging

    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)
    out, complaint = sys.stdout.buffer, ""
    with av.logging.Capture(local=False) as log:
        try:
            for message, pixels in Decoding(sys.stdin.buffer, **chosen).messages():
                _write(out, message, pixels)
        except (av.FFmpegError, MemoryError, ValueError) as error:
            complaint = str(error) or type(error).__name__
    _write(out, {"end": complaint or first_loss(log)})


def limit_process(memory: int) -> None:
    """Limit the process's own memory, and forbid it to write files, if the system can."""
    if sys.platform == "win32":
        return
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (OSError, ValueError):
            continue


def _write(out: BinaryIO, message: dict[str, Any], pixels: npt.NDArray[Any] | None = None) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    if pixels is not None:
        out.write(np.ascontiguousarray(pixels).data)
    out.flush()


def first_loss(log: list[tuple[int, str, str]]) -> str:
    """The first line of FFmpeg's log that says that something is missing or wrong."""
    import av.logging

    for level, name, text in log:
        if level <= av.logging.ERROR or any(words in text for words in LOSSES):
            return f"{name}: {text.strip()}"
    return ""


class Decoding:
    """One video that is being decoded.

    Parameters
    ----------
    file : open file
    demuxer : str
        FFmpeg's name of the only container that is tried.
    max_pixels : int
        Largest number of pixels of a frame.
    count, seconds : int, float
        Every `count`-th frame is chosen, or, if it is 0, a frame every `seconds` seconds.
    frames : bool
        Whether frames follow the description; if not, only the rotation of the first does.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        demuxer: str,
        max_pixels: int,
        count: int = 1,
        seconds: float = 0.0,
        frames: bool = True,
    ) -> None:
        self.file, self.demuxer, self.max_pixels = file, demuxer, max_pixels
        self.count, self.seconds, self.frames = count, seconds, frames
        self.complaint = ""
        self.stretch = -math.inf

    def messages(self) -> Iterator[tuple[dict[str, Any], npt.NDArray[Any] | None]]:
        """The description of the video, then its frames."""
        import av

        options = {
            "format_whitelist": self.demuxer,
            "codec_whitelist": DECODERS,
            "protocol_whitelist": "file",
            "max_pixels": str(max(self.max_pixels, MAX_PIXELS)),  # a smaller limit is checked below
            "fflags": "+discardcorrupt",
        }
        with av.open(self.file, "r", format=self.demuxer, options=options) as video:
            if not video.streams.video:
                yield {"end": "it holds no video stream"}, None
                return
            stream = video.streams.video[0]
            yield _description(video, stream), None
            if stream.codec_context.height * stream.codec_context.width > self.max_pixels:
                return  # the parent process refuses it
            stream.codec_context.options = {
                "codec_whitelist": DECODERS,
                "err_detect": "explode",
                "max_pixels": str(self.max_pixels),
            }
            stream.codec_context.thread_count = 2
            if self.frames:
                yield from self._frames(video, stream)
            else:
                first = next(filter(None, self._whole(video, stream)), None)
                yield {"rotation": first.rotation % 360 if first else 0}, None
        if self.complaint:
            yield {"end": self.complaint}, None

    def _frames(
        self, video: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[dict[str, Any], npt.NDArray[Any]]]:
        start = Fraction(video.start_time or 0, 1_000_000)
        rate = float(stream.average_rate or stream.guessed_rate or 0) or 25.0
        shift, last = 0.0, -math.inf
        for index, frame in enumerate(self._whole(video, stream)):
            if frame is None:
                continue
            if frame.pts is not None and frame.time_base is not None:
                seconds = float(frame.pts * frame.time_base - start) + shift
            else:
                seconds = index / rate
            if seconds < last:  # the stream starts again, so its times are shifted
                shift += last + 1 / rate - seconds
                seconds = last + 1 / rate
            last = seconds
            if self._chosen(index, seconds):
                pixels = upright(frame)
                rows, cols, _ = pixels.shape
                at = round(seconds, 6)
                yield {"index": index, "seconds": at, "rows": rows, "cols": cols}, pixels

    def _whole(self, video: InputContainer, stream: VideoStream) -> Iterator[VideoFrame | None]:
        """Every frame in order; None for a frame that may not be whole.

        After an error, this is every frame up to the next key frame.
        """
        import av

        broken = False
        packets = video.demux(stream)
        while True:
            try:
                packet = next(packets)
                if packet.is_corrupt:
                    raise ValueError("a packet is corrupt")
                frames = packet.decode()
            except StopIteration:
                return
            except (av.FFmpegError, ValueError) as error:
                self.complaint = self.complaint or str(error)
                broken = True
                continue
            for frame in frames:
                broken = frame.is_corrupt or (broken and not frame.key_frame)
                if frame.is_corrupt:
                    self.complaint = self.complaint or "a frame is corrupt"
                yield None if broken else frame

    def _chosen(self, index: int, seconds: float) -> bool:
        if self.count:
            return index % self.count == 0
        stretch = math.floor(seconds / self.seconds + 1e-6)
        later = stretch > self.stretch
        self.stretch = max(stretch, self.stretch)
        return later


def upright(frame: VideoFrame) -> npt.NDArray[Any]:
    """The frame as RGB, rotated as the file demands."""
    pixels = frame.reformat(format="rgb24").to_ndarray()
    return np.rot90(pixels, frame.rotation // 90)


def _description(video: InputContainer, stream: VideoStream) -> dict[str, Any]:
    """The description that the file gives of itself."""
    seconds = 0.0
    if stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    elif video.duration is not None:
        seconds = video.duration / 1_000_000
    return {
        "codec": stream.codec_context.name,
        "rows": stream.codec_context.height,
        "cols": stream.codec_context.width,
        "seconds": seconds,
        "rate": float(stream.average_rate or stream.guessed_rate or 0),
        "frames": stream.frames,
    }
