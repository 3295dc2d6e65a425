"""An image of a run that is in memory, and the record of what was computed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy.typing as npt


class Record(Protocol):
    """What a task returns: a line of the results."""

    @property
    def image(self) -> str:
        """Name of the input."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; "image" is among them."""


@dataclass(frozen=True)
class ImageRecord:
    """A record of any values.

    Parameters
    ----------
    image : str
    values : mapping of str to JSON values

    Examples
    --------
    >>> ImageRecord("a.png", {"mean": 7.5}).to_dict()
    {'image': 'a.png', 'mean': 7.5}
    """

    image: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The name of the image, and the values."""
        return {"image": self.image, **self.values}


@dataclass(frozen=True, eq=False)
class SourceImage:
    """An image as it was read.

    Attributes
    ----------
    name : str
        Path of the file; with the number of the frame in a video.
    pixels : (rows, cols, channels) or (planes, rows, cols, channels) array
    white : float, optional
        Full intensity, if the file or the type states it.
    orientation : int
        EXIF orientation of the file, 1 to 8; it is applied already.
    size : ([planes,] rows, cols), optional
        Of the full image, if `pixels` are a level of a pyramid or a JPEG file decoded smaller.
    scale : tuple of float
        Length of each axis of `pixels` by that of the full image.
    spacing, unit : tuple of float, str
        Sides of a voxel, see `spel.io.ImageInfo`; empty where the file states none.
    frame : int, optional
    seconds : float, optional
        Number and time of a frame of a video.
    reduce : int
        By how much a JPEG file was decoded smaller; 0 if it was not.
    pages : int
        Pages or frames of the file, if only the first of them was read because none was chosen.
    """

    name: str
    pixels: npt.NDArray[Any]
    white: float | None = None
    orientation: int = 1
    size: tuple[int, ...] | None = None
    scale: tuple[float, ...] = (1.0, 1.0)
    spacing: tuple[float, ...] = ()
    unit: str = ""
    frame: int | None = None
    seconds: float | None = None
    reduce: int = 0
    pages: int = 0

    def record(self, **values: Any) -> ImageRecord:
        """A record of this image; that of a frame states its number and time."""
        moment = {} if self.frame is None else {"frame": self.frame, "seconds": self.seconds}
        pages = {"pages": self.pages} if self.pages else {}
        smaller = {"reduce": self.reduce} if self.reduce else {}
        return ImageRecord(self.name, {**moment, **pages, **smaller, **values})
