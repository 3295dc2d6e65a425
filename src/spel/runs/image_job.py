"""Jobs over images: the tasks of files and videos, and the settings that a resumed run shares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from spel.errors import ParameterError
from spel.io.parts import in_parts
from spel.io.sources import is_video_file
from spel.io.video import require_av
from spel.runs.image_process import ImageProcess
from spel.runs.image_task import ImageTask
from spel.runs.names import OutputFiles, file_stems
from spel.runs.run_files import RunFiles
from spel.runs.task import Task
from spel.runs.video import VideoTask

SUFFIXES = (".tif", ".tiff", ".npy", ".zarr")
"""Of files that are read in parts; others are told by their first bytes."""


@dataclass(frozen=True, kw_only=True)
class ImageJob(ImageProcess):
    """A job that computes something of every image, level of a pyramid, or frame of a video.

    A subclass says in `process` what it computes of one image, and in `settings` what a resumed run
    must share. Reading, workers, shards, resuming and failures are the same for all.

    Parameters
    ----------
    save : tuple of str
        Kinds of files to write for every image, of those in `SAVES`.
    formats : tuple of str
        Files to make of all results, of those in `FORMATS`.
    """

    SAVES: ClassVar[tuple[str, ...]] = ()
    FORMATS: ClassVar[tuple[str, ...]] = ()
    counted: ClassVar[str] = ""
    """The entry of a record whose items the report counts; empty if there is none."""
    writes_files: ClassVar[bool] = False
    """Whether the files of single images are the result; their records name them."""

    save: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for option, values, kinds in (
            ("save", self.save, self.saves),
            ("format", self.formats, self.FORMATS),
        ):
            for value in values:
                if value not in kinds:
                    expected = f"expected {', '.join(kinds)}" if kinds else "leave it out"
                    raise ParameterError(f"{self.NAME}: {option} {value!r}; {expected}")

    @property
    def saves(self) -> tuple[str, ...]:
        """The kinds of files that `save` may name."""
        return self.SAVES

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What the job computes, ready for JSON; a resumed run must share it."""

    def to_dict(self) -> dict[str, Any]:
        """The settings, and how images are read."""
        defaults = {"every": "1", "level": None, "reduce": 1, "page": None}
        chosen = {name: getattr(self, name) for name in defaults}
        return {
            "job": self.NAME,
            **self.settings(),
            "save": list(self.save),
            "max_pixels": None if self.tile is not None else self.limit,
            **{name: value for name, value in chosen.items() if value != defaults[name]},
        }

    def comparable(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings as they are compared: as they are."""
        return settings

    def tasks(self, sources: Sequence[str], folder: str = "") -> list[Task]:
        """A task for each image file, and one for each video.

        Raises
        ------
        ParameterError
            If the job has a tile or level, and a file of a format that is only read whole; or a
            tile, level, page or reduce, and a video.
        BackendMissingError
            If there is a video and the package av is not installed.
        """
        self._check_formats(sources)
        stems = file_stems(sources)
        return [self._task(p, OutputFiles(folder, s)) for p, s in zip(sources, stems, strict=True)]

    def _task(self, path: str, files: OutputFiles) -> Task:
        if is_video_file(path):
            self._check_video(path)
            require_av()
            return VideoTask(self, path, files)
        return ImageTask(self, path, files)

    def _check_formats(self, paths: Sequence[str]) -> None:
        """Refuse a tile or a level of files that are only read whole, of all of them at once."""
        for name, value in (("tile", self.tile), ("level", self.level)):
            if value is None:
                continue
            others = [p for p in paths if not p.lower().endswith(SUFFIXES) and in_parts(p) is False]
            if others:
                count = "this file is" if len(paths) == 1 else f"{len(others)} of {len(paths)} are"
                raise ParameterError(
                    f"{self.NAME}: {others[0]}: {name} {value} is for TIFF, NumPy and OME-Zarr "
                    f"files, and {count} of another format, which is read whole; leave out {name}, "
                    "or such files"
                )

    def _check_video(self, path: str) -> None:
        """Refuse what says how files of other kinds are read."""
        reduce = None if self.reduce == 1 else self.reduce
        others = {"tile": self.tile, "level": self.level, "page": self.page, "reduce": reduce}
        for name, value in others.items():
            if value is not None:
                raise ParameterError(
                    f"{self.NAME}: {path} is a video, whose frames are read whole; leave out "
                    f"{name} {value}, or the video"
                )

    def collect(
        self, files: RunFiles, tasks: Sequence[Task], changed: Collection[str]
    ) -> list[Path]:
        """Nothing is made of all results."""
        return []
