"""What is done to one image of a run, and how it is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from spel.errors import ParameterError
from spel.io.image.header import MAX_PIXELS
from spel.io.isolation import AVAILABLE
from spel.io.large import LargeImage
from spel.io.opening import check_reduce
from spel.io.video import Every
from spel.large.tiling import Mapping
from spel.runs.names import OutputFiles
from spel.runs.source_image import Record, SourceImage


@dataclass(frozen=True, kw_only=True)
class ImageProcess(ABC):
    """What is done to one image, whole or tile by tile, and how it is read.

    Parameters
    ----------
    tile : int, optional
        Read images tile by tile, in tiles of this many pixels per side: TIFF, NumPy files,
        OME-Zarr. Images with more than `MAX_PIXELS` are read in tiles without it.
    level : int, optional
        Level of a pyramid; 0 is the full size, and the default.
    reduce : {1, 2, 4, 8}
        Decode JPEG files at this part of their rows and columns, see `spel.read`; boxes are in
        pixels of the full size. Other formats are refused.
    page : int, optional
        Page, frame or point in time of every image, counted from 0.
    max_pixels : int, optional
        Larger images are refused, whatever their format. With `tile` the reader's limit applies.
    isolate : bool
        Decode in a worker with limits on memory and time; the default where the system can.
    every : str
        Frames of videos: ``"5"`` for every fifth, ``"2s"`` for one in two seconds.
    threads : int
        Threads of the engine per image; results are the same bits for any number.
    """

    NAME: ClassVar[str]
    """The command, and the entry "job" of the settings."""
    TILES: ClassVar[bool] = False
    """Whether `process_tiles` does something."""

    tile: int | None = None
    level: int | None = None
    reduce: int = 1
    page: int | None = None
    max_pixels: int | None = None
    isolate: bool = AVAILABLE
    every: str = "1"
    threads: int = field(default=1, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", str(Every.of(self.every)))
        if self.level is not None and self.level < 0:
            raise ParameterError(f"{self.NAME}: level {self.level!r}; expected a number from 0")
        if self.page is not None and self.page < 0:
            raise ParameterError(f"{self.NAME}: page {self.page!r}; expected a number from 0")
        check_reduce(self.reduce)
        if self.reduce != 1 and (self.tile, self.level) != (None, None):
            raise ParameterError(
                f"{self.NAME}: reduce {self.reduce} is for JPEG files, which have neither tiles "
                "nor levels; leave out tile and level, or reduce"
            )
        if self.tile is not None and self.tile < 1:
            raise ParameterError(f"{self.NAME}: tile {self.tile!r}; expected at least 1 pixel")
        if self.tile is not None and not self.TILES:
            raise ParameterError(f"{self.NAME} reads images whole; leave out tile")

    @abstractmethod
    def process(self, image: SourceImage, files: OutputFiles) -> Record:
        """The record of an image in memory; writes the files of the image."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Settings that a resumed run must share, ready for JSON."""

    def process_tiles(
        self, image: LargeImage, name: str, files: OutputFiles, each: Mapping
    ) -> Record:
        """The record of an image that is read in tiles of `tile` or `spel.nn.tiles.SIZE`.

        It is called in the process of the run; `each` computes the tiles, in workers.
        """
        raise ParameterError(
            f"{self.NAME} reads images whole, and {name} has too many pixels for that; use a level "
            "of its pyramid, or a smaller image"
        )

    @property
    def colors(self) -> bool:
        """Whether channels are colours, so that other channels are refused."""
        return False

    @property
    def limit(self) -> int:
        """Largest number of pixels of an image that is read whole."""
        return MAX_PIXELS if self.max_pixels is None else self.max_pixels

    @property
    def reads_levels(self) -> bool:
        """Whether `process_tiles` reads all levels of a pyramid, also of one that fits."""
        return False
