"""Videos, read and written with PyAV: one frame at a time, each with its own time stamp."""

from .containers import container
from .process import require_av
from .reader import VIDEO_SUFFIXES, Every, Frame, VideoInfo, describe, frames, is_video
from .writer import frame_ticks, write_video

__all__ = [
    "VIDEO_SUFFIXES",
    "Every",
    "Frame",
    "VideoInfo",
    "container",
    "describe",
    "frame_ticks",
    "frames",
    "is_video",
    "require_av",
    "write_video",
]
