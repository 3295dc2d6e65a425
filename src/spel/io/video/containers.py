"""The container of a video, recognized by its first bytes."""

from __future__ import annotations

__all__ = ["container"]

STILL_IMAGES = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"jpx ", b"crx ")
STARTS = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"FLV\x01", "flv"),
    (b"OggS", "ogg"),
    (b"\0\0\x01\xba", "mpeg"),
    (b"YUV4MPEG2 ", "yuv4mpegpipe"),
    (b"0&\xb2u\x8ef\xcf\x11", "asf"),
)


def container(start: bytes) -> str | None:
    """FFmpeg's name for the container of a file with this beginning; None if it is no video.

    Examples
    --------
    >>> container(bytes([0, 0, 0, 32]) + b"ftypisom"), container(b"#EXTM3U")
    ('mov', None)
    """
    if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return None if start[8:12] in STILL_IMAGES else "mov"
    if start[:4] == b"RIFF":
        return "avi" if start[8:12] == b"AVI " else None
    for mark, name in STARTS:
        if start.startswith(mark):
            return name
    return "mpegts" if start[:1] == b"G" and start[188:189] == b"G" else None
