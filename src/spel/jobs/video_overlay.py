"""A video with the detections of a run drawn in."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spel import draw
from spel.core.detections import Detections
from spel.errors import ImageReadError
from spel.io import video
from spel.io.annotation.results import Result, parse_line
from spel.io.video import frame_ticks, write_video
from spel.runs.sources import FRAME_MARK


def write_video_overlay(
    path: str, results: Path, out: str | os.PathLike[str], *, every: str, max_pixels: int
) -> None:
    """Write the frames of a video that have results, with boxes and scores, each at its time.

    The video is decoded again, so the file is the same whether the run was interrupted or not.
    """
    by_frame = {one.frame: one for one in _results_of(path, results) if one.frame is not None}
    if not by_frame:
        return
    frames = sorted(by_frame)
    rate, ticks = frame_ticks([by_frame[index].seconds or 0.0 for index in frames])
    rows, cols = by_frame[frames[0]].size
    size = (rows, cols)
    decoded = video.frames(path, every=every, max_pixels=max_pixels)
    drawn = _draw(decoded, by_frame, dict(zip(frames, ticks, strict=True)), size)
    write_video(out, drawn, size=size, rate=rate)


def _results_of(path: str, results: Path) -> Iterator[Result]:
    with results.open("rb") as file:
        for number, line in enumerate(file, 1):
            if FRAME_MARK.encode() in line:
                result = parse_line(line, f"line {number}")
                if result.image.rpartition(FRAME_MARK)[0] == path:
                    yield result


def _draw(
    frames: Iterable[video.Frame],
    by_frame: Mapping[int, Result],
    ticks: Mapping[int, int],
    size: tuple[int, int],
) -> Iterator[tuple[npt.NDArray[np.uint8], int]]:
    """The frames with their boxes, and for how many ticks each is shown."""
    others = 0
    try:
        for frame in frames:
            result = by_frame.get(frame.index)
            if result is not None and (result.size != size or frame.image.shape[:2] != size):
                others += 1
            elif result is not None:
                detections = Detections(
                    result.boxes,
                    result.scores,
                    result.areas,
                    result.size,
                    classes=result.classes,
                )
                yield draw.overlay(frame.image, detections), ticks[frame.index]
    except ImageReadError:  # the run has reported it
        pass
    if others:
        warnings.warn(
            f"the overlay leaves out {others} frames of another size than {size[1]} x {size[0]} "
            "pixels, which the first has",
            stacklevel=2,
        )
