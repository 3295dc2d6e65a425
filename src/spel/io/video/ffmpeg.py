"""The programs ``ffmpeg`` and ``ffprobe``: found, asked, limited, and what they say told in a line.

They open one file with one pinned demultiplexer and a list of decoders, and nothing over a network;
so no playlist inside a file leads anywhere else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from spel.errors import BackendMissingError
from spel.io.image.header import MAX_PIXELS
from spel.io.opening import DecodeError

__all__ = ["container", "found", "limited", "meaning", "probe", "reading"]

_INSTALL = (
    "install it (Debian, Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg; Windows: "
    "winget install ffmpeg)"
)
_DECODERS = (
    "h264,hevc,libdav1d,libaom-av1,av1,vp8,vp9,libvpx,libvpx-vp9,mpeg4,mpeg2video,mpeg1video,"
    "h263,msmpeg4v3,msmpeg4v2,wmv1,wmv2,wmv3,vc1,mjpeg,prores,dnxhd,ffv1,huffyuv,ffvhuff,utvideo,"
    "rawvideo,theora,flv,svq3,dvvideo,png,v210,cinepak"
)
_STILL = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"jpx ", b"crx ")
_ANSWER = 1 << 22
_PROBE_SECONDS = 30.0
_SPACE = 3 << 30


def container(start: bytes) -> str | None:
    """The demultiplexer for a file that begins so; None if it is no video that is read.

    Examples
    --------
    >>> container(bytes([0, 0, 0, 32]) + b"ftypisom"), container(b"#EXTM3U")
    ('mov', None)
    """
    if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return None if start[8:12] in _STILL else "mov"
    if start[:4] == b"RIFF":
        return "avi" if start[8:12] == b"AVI " else None
    for mark, name in (
        (b"\x1aE\xdf\xa3", "matroska"),
        (b"FLV\x01", "flv"),
        (b"OggS", "ogg"),
        (b"\0\0\x01\xba", "mpeg"),
        (b"YUV4MPEG2 ", "yuv4mpegpipe"),
        (b"0&\xb2u\x8ef\xcf\x11", "asf"),
    ):
        if start.startswith(mark):
            return name
    return "mpegts" if start[:1] == b"G" and start[188:189] == b"G" else None


def found(name: str) -> str:
    """Where a program is.

    Raises
    ------
    BackendMissingError
        If it is not on PATH; says how to install it.
    """
    place = shutil.which(name)
    if place is None:
        raise BackendMissingError(f"video: the program {name} is not on PATH; {_INSTALL}")
    return place


@cache
def passthrough(program: str) -> tuple[str, str]:
    """The option by which frames keep their own times; it was renamed in version 5.1."""
    try:
        said = subprocess.run(
            [program, "-version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_PROBE_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = b""
    version = re.match(rb"ffmpeg version n?(\d+)\.(\d+)", said[:100])
    old = version is not None and (int(version[1]), int(version[2])) < (5, 1)
    return ("-vsync", "passthrough") if old else ("-fps_mode", "passthrough")


def reading(path: str | os.PathLike[str], demuxer: str, max_pixels: int) -> list[str]:
    """Options that open one file and no other, with pinned formats and limits."""
    place = "file:" + os.path.abspath(os.fsdecode(path))  # no name is an option or an address
    return [
        *("-protocol_whitelist", "file", "-format_whitelist", demuxer, "-f", demuxer),
        *("-codec_whitelist", _DECODERS, "-max_pixels", str(max_pixels)),
        *("-i", place),
    ]


def probe(path: Path, demuxer: str, max_pixels: int) -> dict[str, Any]:
    """What ``ffprobe`` says about the first video stream and the file, before frames are decoded.

    Raises
    ------
    DecodeError
        If there is none, or the program dies or hangs.
    """
    wanted = (
        "format=duration:stream=codec_name,width,height,avg_frame_rate,r_frame_rate,nb_frames,"
        "duration:stream_tags=rotate:stream_side_data=rotation"
    )
    command = [
        *(found("ffprobe"), "-hide_banner", "-loglevel", "level+error"),
        *("-select_streams", "v:0", "-show_entries", wanted, "-of", "json"),
        *reading(path, demuxer, max(max_pixels, MAX_PIXELS)),
    ]
    try:
        code, told, log = _answer(command, max(max_pixels, MAX_PIXELS))
    except subprocess.TimeoutExpired:
        raise DecodeError(
            f"ffprobe took more than {_PROBE_SECONDS:g} s and was ended", "leave the file out"
        ) from None
    except OSError as error:
        raise DecodeError(f"ffprobe cannot be started ({error.strerror})", _INSTALL) from None
    if code:
        raise DecodeError(
            f"ffprobe: {meaning(log.splitlines()) or ended(code)}",
            "copy or download it again",
        )
    try:
        said = json.loads(told[:_ANSWER])
        streams = said.get("streams") or []
    except (ValueError, AttributeError, RecursionError):
        raise DecodeError("ffprobe gave no answer that can be read", "install it again") from None
    if not streams or not isinstance(streams[0], dict):
        raise DecodeError("it holds no video stream", "name a file that does")
    return {**streams[0], "whole": said.get("format") or {}}


def _answer(command: list[str], pixels: int) -> tuple[int, bytes, bytes]:
    """Exit status, output and log of a program that has `_PROBE_SECONDS`."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    limited(process, pixels)
    with process:
        try:
            told, log = process.communicate(timeout=_PROBE_SECONDS)
        except BaseException:
            process.kill()
            raise
    return process.returncode, told, log


def limited(process: subprocess.Popen[bytes], pixels: int) -> None:
    """Bound the memory of a process, and let it write no file (where the system can)."""
    try:
        import resource

        space = _SPACE + 96 * pixels
        for limit, value in (
            (resource.RLIMIT_AS, space),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(process.pid, limit, (value, value))
    except (ImportError, AttributeError):  # Windows, macOS
        return


def environment() -> dict[str, str]:
    """The environment without what would change the log."""
    kept = {k: v for k, v in os.environ.items() if k not in ("FFREPORT", "AV_LOG_FORCE_COLOR")}
    return {**kept, "AV_LOG_FORCE_NOCOLOR": "1"}


def meaning(lines: Sequence[bytes]) -> str:
    """The first line that says what went wrong, without addresses and the file's name.

    Examples
    --------
    >>> meaning([b"[info] x", b"[h264 @ 0x55] [error] no frame!"])
    'h264: no frame!'
    >>> meaning([b"[error] file:/a/b.mp4: Invalid data found"])
    'Invalid data found'
    """
    for line in lines:
        told = complaint(line)
        if told:
            return told
    return ""


def complaint(line: bytes) -> str:
    """What a line of the log complains about; empty if it does not."""
    text = line[:2000].decode("utf-8", "replace").strip()
    harmless = re.search(r"\[(info|warning|verbose|debug|trace)\] ?", text[:200])
    if harmless and "Packet corrupt" not in text:  # a warning, but frames are lost by it
        return ""
    text = re.sub(r"\[(warning|error|fatal|panic|quiet)\] ?", "", text, count=1)
    text = re.sub(r"^\[(\w+)[^\]]* @ [^\]]*\] ?", r"\1: ", text)
    return re.sub(r"^(\S+: )?(Error opening input )?file:.*: (?=[A-Z])", r"\1", text)[:200]


def ended(code: int) -> str:
    """How a process ended, in words."""
    return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit status {code}"
