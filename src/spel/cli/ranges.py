"""Images in the units that a network expects, and what is said of their numbers."""

from __future__ import annotations

import os
from typing import Any

import numpy.typing as npt

from spel.cli.messages import plural
from spel.cli.options import Settings
from spel.core.intensity import count_non_finite
from spel.io.image.reader import read_with_white
from spel.nn import Network
from spel.nn.intensity import assumed_white, expected_white, match_white, takes_colors


class ImageReader:
    """Reads images in the units that a network expects, and says once what it assumes.

    Attributes
    ----------
    white : float, optional
        Full intensity of the images that it returns, for functions that take it.
    """

    def __init__(self, network: Network, settings: Settings) -> None:
        self.network = network
        self.white = expected_white(network)
        self.note = IntensityNotes(settings)

    def __call__(self, path: str | os.PathLike[str]) -> npt.NDArray[Any]:
        image, white = read_with_white(path, colors=takes_colors(self.network))
        assumed = assumed_white(self.network, image, white)
        self.note(str(path), assumed, count_non_finite(image))
        return match_white(self.network, image, white)


class IntensityNotes:
    """Says what is assumed of the numbers of images: the range once per run, NaN for each image."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.said = False

    def __call__(self, name: str, white: float | None, non_finite: int) -> None:
        if non_finite:
            self.settings.say(f"note: {name}: {plural(non_finite, 'number')} NaN or infinite")
        if white is not None and not self.said:
            self.said = True
            self.settings.say(
                f"note: {name}: full intensity is taken to be {white:g}, by the type of the file, "
                "and so in other images of its kind"
            )
