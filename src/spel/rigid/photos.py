"""Photos with their objects, in the intensities that a detector is learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.intensity import checked_white, to_white, white_of
from spel.rigid.groups import Floats
from spel.rigid.mining import Resume, Run

__all__ = ["TrainingPhotos", "UnitImages"]

WHITE = 255.0
"""Full intensity that detectors of rigid objects expect."""


class UnitImages(Sequence[Any]):
    """Images whose white is 255, each converted when it is accessed.

    Parameters
    ----------
    images : sequence of array
    white : float, optional
        Full intensity of all of them; by default that of each one's type. Floating-point numbers
        above 1 stay as they are.

    Examples
    --------
    >>> UnitImages([np.array([[65535, 0]], np.uint16)])[0].tolist()
    [[255.0, 0.0]]
    """

    def __init__(self, images: Sequence[npt.ArrayLike], white: float | None = None) -> None:
        self.images = images
        self.white = None if white is None else checked_white(white)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return UnitImages(self.images[index], self.white)
        image = np.asarray(self.images[index])
        if image.dtype.kind not in "buif":
            return image  # `Color` refuses it, and names the photo
        white = white_of(image) if self.white is None else self.white
        return image if white is None else to_white(image, white, WHITE)


@dataclass(frozen=True, eq=False)
class TrainingPhotos:
    """Photos with their boxes.

    Attributes
    ----------
    images : UnitImages
    boxes : list of (n, 4) arrays
    crowd : list of (n,) arrays of bool
        Which boxes are of crowds, whose content is neither an object nor background.
    names : list of str
    run : callable, optional
        Runs tasks about the photos; without it they run in this process.
    resume : callable, optional
        Gives what was mined of photos before learning was stopped, and stores what is mined.
    """

    images: UnitImages
    boxes: list[Floats]
    crowd: list[npt.NDArray[np.bool_]]
    names: list[str]
    run: Run | None = None
    resume: Resume | None = None

    @property
    def truth(self) -> list[Floats]:
        """The boxes of single objects."""
        return [boxes[~crowd] for boxes, crowd in zip(self.boxes, self.crowd)]

    @property
    def crowds(self) -> list[Floats]:
        """The boxes of crowds."""
        return [boxes[crowd] for boxes, crowd in zip(self.boxes, self.crowd)]

    @property
    def count(self) -> int:
        """Number of objects."""
        return sum(len(boxes) for boxes in self.truth)
