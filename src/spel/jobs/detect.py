"""Detection over many images: what is asked, and the task of one image."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any

from spel.core.detections import Detections
from spel.core.threads import threads
from spel.decide import decision_of, detect
from spel.decide.detection import AnyDecision
from spel.errors import ParameterError, SpelError, WriteError
from spel.io.annotation.results import Result
from spel.io.image.header import MAX_PIXELS
from spel.io.image.isolate import Decoder
from spel.io.image.reader import describe, read
from spel.io.large import is_zarr
from spel.io.video import Every
from spel.io.video.ffmpeg import found as program
from spel.jobs.large import find, too_large
from spel.jobs.network_cache import fetched
from spel.jobs.pictures import names, save_pictures
from spel.jobs.video import Clip, is_clip
from spel.nn import Network
from spel.run import Failure


@cache
def decoder() -> Decoder:
    """The decoder of this process, started when first asked."""
    return Decoder()


@dataclass(frozen=True)
class DetectTask:
    """Detect in one image file; called in whatever process, never raises for a bad image.

    Attributes
    ----------
    job : DetectJob
    image : str
        Path of the file.
    name : str
        Of its pictures in the job's folder, without suffix.
    """

    job: DetectJob
    image: str
    name: str = ""

    def __call__(self) -> Result | Failure:
        try:
            return self._result()
        except WriteError:
            raise
        except (SpelError, OSError, MemoryError) as error:
            return Failure.of(self.image, error)

    def _result(self) -> Result:
        job, limit = self.job, self.job.limit
        if job.tile is not None or job.level is not None or is_zarr(self.image):
            return self._in_parts()
        by_itself = job.max_pixels is None and not job.isolate
        info = describe(self.image, max_pixels=1 << 62 if by_itself else limit)
        if by_itself and too_large(info):
            return self._in_parts()
        reader = decoder().read if job.isolate else read
        image = reader(self.image, max_pixels=limit)
        began = perf_counter()
        with threads(self.job.threads):
            found = detect(self.job.network, image, decision=self.job.decision)
            ms = round((perf_counter() - began) * 1e3, 3)
            if self.job.save:
                save_pictures(self.job, self.name, image, found)
        return self._told(found, ms, info.orientation)

    def _in_parts(self) -> Result:
        with threads(self.job.threads):
            found = find(self.job, self.image, self.name)
        return self._told(found.detections, found.ms)

    def _told(self, found: Detections, ms: float, orientation: int = 1) -> Result:
        return Result(
            image=self.image,
            size=found.image_size,
            boxes=found.boxes,
            scores=found.scores,
            areas=found.areas,
            orientation=orientation,
            ms=ms,
            model=self.job.model,
        )


@dataclass(frozen=True)
class DetectJob:
    """What is to be detected: a network and, if not its own, a decision.

    Parameters
    ----------
    network : Network
    decision : Decision or Windows, optional
        In place of the one that the network carries.
    threads : int
        Of the engine, per image; results are the same bits for any number.
    save : tuple of {"overlay", "mask", "saliency"}
        Pictures to write for every image, see `spel.jobs.pictures`.
    folder : str
        Where the pictures go; needed if there are any.
    tile : int, optional
        Detect tile by tile, sides of so many spels: TIFF, NumPy files, OME-Zarr. Larger ones than
        `MAX_PIXELS` are read so by themselves.
    level : int, optional
        Of a pyramid; 0 is the full size. By default that, or the coarsest one that has all the
        scales of a decision by windows.
    max_pixels : int, optional
        Larger images are refused, whatever their format; with `tile` the limit is the reader's own.
    isolate : bool
        Decode in a process of its own with limits, for files that nobody vouches for.
    every : str
        Frames of videos: ``"5"`` for every fifth, ``"2s"`` for one in two seconds.
    place : str
        File of the network that every worker sees: then tasks carry this path and the network's
        hash, and each worker reads it once. Without it the network travels with each task.

    Examples
    --------
    >>> from spel import zoo
    >>> job = DetectJob(zoo.get("plate-lecture"))
    >>> [task.image for task in job.tasks(["a.png", "b.png"])]
    ['a.png', 'b.png']
    """

    network: Network
    decision: AnyDecision | None = None
    threads: int = 1
    save: tuple[str, ...] = ()
    folder: str = ""
    tile: int | None = None
    max_pixels: int | None = None
    isolate: bool = False
    place: str = ""
    every: str = "1"
    level: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", str(Every.of(self.every)))
        if self.tile is not None and self.save:
            raise ParameterError("DetectJob: no pictures are saved of images read tile by tile")
        if self.level is not None and self.level < 0:
            raise ParameterError(f"DetectJob: level {self.level!r}; expected a number from 0")
        if self.tile is not None and self.tile < 1:
            raise ParameterError(f"DetectJob: tile {self.tile!r}; expected at least 1 spel")

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if self.place:
            state["network"] = self.model
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state["network"], str):
            state = {**state, "network": fetched(state["place"], state["network"])}
        self.__dict__.update(state)

    @property
    def limit(self) -> int:
        """Most spels of an image that is read whole."""
        return MAX_PIXELS if self.max_pixels is None else self.max_pixels

    @property
    def model(self) -> str:
        """The network's fingerprint, as results name it."""
        return self.network.fingerprint()

    def tasks(self, sources: Iterable[str | os.PathLike[str]]) -> list[DetectTask | Clip]:
        """One task per image file, and one `Clip` per video.

        Raises
        ------
        BackendMissingError
            If there is a video and no ffmpeg.
        """
        paths = [os.fsdecode(source) for source in sources]
        made: list[DetectTask | Clip] = []
        for path, name in zip(paths, names(paths)):
            if is_clip(path):
                program("ffmpeg"), program("ffprobe")
                made.append(Clip(self, path, name))
            else:
                made.append(DetectTask(self, path, name))
        return made

    def to_dict(self) -> dict[str, Any]:
        """The configuration, as the report states it."""
        decision = self.decision or decision_of(self.network)
        more: dict[str, Any] = {"every": self.every} if self.every != "1" else {}
        if self.level is not None:
            more["level"] = self.level
        return {
            "job": "detect",
            "model": self.model,
            "nodes": list(self.network.names),
            "decision": decision.to_dict(),
            "save": list(self.save),
            "max_pixels": None if self.tile is not None else self.limit,
            **more,
        }
