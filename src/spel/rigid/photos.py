"""Photos with their objects, in the intensities that a detector is learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.intensity import checked_white, to_white, white_of
from spel.rigid.mining import Resume, Run
from spel.rigid.ragged import Ragged

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
        above 2 stay as they are.

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
    boxes : Ragged of (n, 4) arrays
    crowd : Ragged of (n,) arrays of bool
        Which boxes are of crowds, whose content is neither an object nor background.
    names : sequence of str
    run : callable, optional
        Runs tasks about the photos; without it they run in this process.
    resume : callable, optional
        Gives what was mined of photos before learning was stopped, and stores what is mined.
    """

    images: UnitImages
    boxes: Ragged
    crowd: Ragged
    names: Sequence[str]
    run: Run | None = None
    resume: Resume | None = None

    @property
    def truth(self) -> Ragged:
        """The boxes of single objects."""
        return self.boxes.where(~self.crowd.values)

    @property
    def crowds(self) -> Ragged:
        """The boxes of crowds."""
        return self.boxes.where(self.crowd.values)

    @property
    def count(self) -> int:
        """Number of objects."""
        return int((~self.crowd.values).sum())

    def only(self, which: npt.NDArray[np.bool_]) -> TrainingPhotos:
        """The photos with some of all their boxes."""
        return replace(self, boxes=self.boxes.where(which), crowd=self.crowd.where(which))
