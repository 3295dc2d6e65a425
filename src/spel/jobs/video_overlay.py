"""A video with what was found drawn over it, made from the lines of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spel.core.detections import Detections
from spel.errors import ImageReadError
from spel.io import video
from spel.io.annotation.results import Result, parse_line
from spel.io.video.writer import held, write_video
from spel.jobs.video import MARK


def annotate(
    clip: str, results: Path, out: str | os.PathLike[str], *, every: str, max_pixels: int
) -> None:
    """Write the frames that were looked at with boxes and scores, each at its time.

    The video is decoded once more; so it is the same whether the run was interrupted or not.

    Parameters
    ----------
    clip : str
    results : path
        Lines of the run.
    out : path
    every : str
        As the run was.
    max_pixels : int

    Raises
    ------
    BackendMissingError, TaskError
        If ffmpeg is not there or cannot write.
    """
    known = {one.frame: one for one in _of(clip, results)}
    if not known:
        return
    times = [known[index].seconds or 0.0 for index in sorted(known)]
    rate, ticks = held(times)
    stays = dict(zip(sorted(known), ticks))
    size = known[min(known)].size
    frames = video.frames(clip, every=every, max_pixels=max_pixels)
    write_video(out, _drawn(frames, known, stays, size), size=size, rate=rate)


def _of(clip: str, results: Path) -> Iterator[Result]:
    with results.open("rb") as file:
        for number, line in enumerate(file, 1):
            if MARK.encode() in line:
                one = parse_line(line, f"line {number}")
                if one.image.rpartition(MARK)[0] == clip and one.frame is not None:
                    yield one


def _drawn(
    frames: Iterable[video.Frame],
    known: dict[int | None, Result],
    stays: dict[int | None, int],
    size: tuple[int, int],
) -> Iterator[tuple[npt.NDArray[np.uint8], int]]:
    from spel import draw

    try:
        for frame in frames:
            one = known.get(frame.index)
            if one is not None and one.size == size and frame.image.shape[:2] == size:
                found = Detections(one.boxes, one.scores, one.areas, one.size)
                yield draw.overlay(frame.image, found), stays[frame.index]
    except ImageReadError:  # the run has said so
        return
