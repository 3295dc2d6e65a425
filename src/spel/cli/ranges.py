"""Images in the units that a network expects, and what is said of their numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.cli.image_options import Reading
from spel.cli.options import Settings
from spel.core.intensity import (
    count_non_finite,
    dark_largest,
    full_intensity,
    largest_number,
)
from spel.errors import ParameterError, plural
from spel.io.image.reader import ReadWithWhite, read_with_white
from spel.io.large import LargeImage
from spel.io.parts import large_image
from spel.nn import Network
from spel.nn.intensity import assumed_white, expected_white, match_white, takes_colors


class FileReader:
    """Reads images with their full intensity, and says what is assumed of their numbers.

    `whites` are the full intensities so far; without that of 8 bits, which nobody doubts.
    """

    def __init__(
        self, settings: Settings, reading: Reading | None = None, *, colors: bool = False
    ) -> None:
        self.options = {} if reading is None else asdict(reading)
        self.colors = colors
        self.note = IntensityNotes(settings)
        self.whites: set[float] = set()

    def __call__(self, path: str | os.PathLike[str]) -> tuple[npt.NDArray[Any], float | None]:
        image, white = read_with_white(path, colors=self.colors, **self.options)
        assumed = None if image.dtype == np.uint8 else white
        self.note(str(path), assumed, count_non_finite(image), largest_number(image))
        self.whites |= set() if assumed is None else {assumed}
        return image, white

    def picture(self, path: str | os.PathLike[str]) -> tuple[npt.NDArray[Any], float]:
        """A picture and its full intensity, which is its largest number if nothing states it."""
        image, white = self(path)
        if image.ndim != 3:
            raise ParameterError(f"{path}: a volume; expected a picture, or give --page")
        full = full_intensity(image, white)
        if white is None:
            self.note.of_largest(str(path), full)
        return image, full

    def large(self, path: str | os.PathLike[str], tile: int | None) -> LargeImage | None:
        """The image to be read by windows, see `spel.io.parts.large_image`."""
        page, isolate = self.options.get("page"), self.options.get("isolate", False)
        image = large_image(path, tile, page=page, isolate=isolate)
        if image is not None and image.dtype != np.uint8:
            self.note(str(path), image.white, 0)
        return image

    def __reduce__(self) -> Any:
        """In a worker it reads the same, and says nothing."""
        return plain_reader, ({**self.options, "colors": self.colors},)


def plain_reader(options: dict[str, Any]) -> ReadWithWhite:
    """A reader with these options, which says nothing."""
    return partial(read_with_white, **options)


class ImageReader:
    """Reads images in the units that a network expects, and says once what it assumes.

    `white` is the full intensity of the images that it returns, for functions that take it.
    """

    def __init__(
        self, network: Network, settings: Settings, reading: Reading | None = None
    ) -> None:
        self.options = {} if reading is None else asdict(reading)
        self.network, self.white = network, expected_white(network)
        self.note = IntensityNotes(settings)

    def __call__(self, path: str | os.PathLike[str]) -> npt.NDArray[Any]:
        image, white = read_with_white(path, colors=takes_colors(self.network), **self.options)
        assumed = assumed_white(self.network, image, white)
        self.note(str(path), assumed, count_non_finite(image), largest_number(image))
        return match_white(self.network, image, white)


class SpacingNotes:
    """Says once per run what the sides of a voxel are taken to be."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.said = False

    def __call__(self, name: str, spacing: Sequence[float] | None) -> None:
        if spacing and not self.said:
            self.said = True
            sides = " x ".join(f"{side:g}" for side in spacing)
            self.settings.say(
                f"note: {name}: the sides of a voxel are {sides} (planes x rows x columns), by its "
                "metadata; distances count in the shortest of them"
            )


class IntensityNotes:
    """Says what is assumed of the numbers of images: a range once per run, NaN for each image."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.whites: set[float] = set()
        self.dark: set[float] = set()
        self.named: set[str] = set()
        self.largest_said = False

    def __call__(
        self, name: str, white: float | None, non_finite: int, largest: float | None = None
    ) -> None:
        if non_finite and name not in self.named:  # learning reads images again and again
            self.named.add(name)
            self.settings.say(f"note: {name}: {plural(non_finite, 'number')} NaN or infinite")
        if white is not None and white not in self.whites:
            self.whites.add(white)
            self.settings.say(
                f"note: {name}: full intensity is taken to be {white:g}, by the type and "
                "range of its numbers, and so in other images of its kind"
            )
        dark = None if largest is None else dark_largest(largest, white)
        if dark is not None and white is not None and white not in self.dark:
            self.dark.add(white)
            self.settings.say(
                f"note: {name}: its largest number is {dark:g}, {dark / white:.1%} of full "
                "intensity; if its range is smaller, store it in a type of that range, such as "
                "8 bits"
            )

    def of_largest(self, name: str, white: float) -> None:
        """Say once that the largest number of an image is taken for its full intensity."""
        if not self.largest_said:
            self.largest_said = True
            self.settings.say(
                f"note: {name}: full intensity is taken to be {white:g}, its largest number, and "
                "that of each other image whose range nothing states"
            )
