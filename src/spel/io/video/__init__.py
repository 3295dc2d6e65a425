"""Videos: frames one at a time with their own time stamps, read and written through ffmpeg."""

from .reader import VIDEO_SUFFIXES, Every, Frame, VideoInfo, describe, frames, is_video

__all__ = ["VIDEO_SUFFIXES", "Every", "Frame", "VideoInfo", "describe", "frames", "is_video"]
