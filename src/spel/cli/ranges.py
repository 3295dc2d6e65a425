"""Images in the units that a network expects, and what is said of their numbers."""

from __future__ import annotations

import os
from collections.abc import Hashable
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
        self.notes = Notes(settings)
        self.whites: set[float] = set()

    def __call__(self, path: str | os.PathLike[str]) -> tuple[npt.NDArray[Any], float | None]:
        image, white = read_with_white(path, colors=self.colors, **self.options)
        assumed = None if image.dtype == np.uint8 else white
        self.notes.of_numbers(str(path), assumed, count_non_finite(image), largest_number(image))
        self.whites |= set() if assumed is None else {assumed}
        return image, white

    def picture(self, path: str | os.PathLike[str]) -> tuple[npt.NDArray[Any], float]:
        """A picture and its full intensity, which is its largest number if nothing states it."""
        image, white = self(path)
        if image.ndim != 3:
            raise ParameterError(f"{path}: a volume; expected a picture, or give --page")
        full = full_intensity(image, white)
        if white is None:
            self.notes.of_largest(str(path), full)
        return image, full

    def large(self, path: str | os.PathLike[str], tile: int | None) -> LargeImage | None:
        """The image to be read by windows, see `spel.io.parts.large_image`."""
        page, isolate = self.options.get("page"), self.options.get("isolate", False)
        image = large_image(path, tile, page=page, isolate=isolate)
        if image is not None and image.dtype != np.uint8:
            self.notes.of_numbers(str(path), image.white, 0)
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
        self.notes = Notes(settings)

    def __call__(self, path: str | os.PathLike[str]) -> npt.NDArray[Any]:
        image, white = read_with_white(path, colors=takes_colors(self.network), **self.options)
        assumed = assumed_white(self.network, image, white)
        self.notes.of_numbers(str(path), assumed, count_non_finite(image), largest_number(image))
        return match_white(self.network, image, white)


class Notes:
    """Says what is assumed of images, each thing once per run, and each name with NaN once."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.said = settings, set[Hashable]()

    def once(self, key: Hashable, text: str) -> None:
        """Say a note if none of this key was said before."""
        if key not in self.said:
            self.said.add(key)
            self.settings.say(f"note: {text}")

    def of_numbers(
        self, name: str, white: float | None, non_finite: int, largest: float | None = None
    ) -> None:
        """What is taken for full intensity, and what is odd about it."""
        if non_finite:  # learning reads images again and again
            self.once(name, f"{name}: {plural(non_finite, 'number')} NaN or infinite")
        if white is None:
            return
        self.once(
            white,
            f"{name}: full intensity is taken to be {white:g}, by the type and range of its "
            "numbers, and so in other images of its kind",
        )
        dark = None if largest is None else dark_largest(largest, white)
        if dark is not None:
            self.once(
                ("dark", white),
                f"{name}: its largest number is {dark:g}, {dark / white:.1%} of full intensity; if "
                "its range is smaller, store it in a type of that range, such as 8 bits",
            )

    def of_largest(self, name: str, white: float) -> None:
        """The largest number of an image is taken for its full intensity."""
        self.once(
            "largest",
            f"{name}: full intensity is taken to be {white:g}, its largest number, and that of "
            "each other image whose range nothing states",
        )

    def of_record(self, name: str, values: dict[str, Any]) -> None:
        """What the record of an image states of its numbers, its voxels and its pages."""
        self.of_numbers(
            name, values.get("white"), values.get("non_finite", 0), values.get("largest")
        )
        if spacing := values.get("spacing"):
            sides = " x ".join(f"{side:g}" for side in spacing)
            self.once(
                "spacing",
                f"{name}: the sides of a voxel are {sides} (planes x rows x columns), by its "
                "metadata; distances count in the shortest of them",
            )
        if pages := values.get("pages", 0):
            self.once(
                "pages",
                f"{name}: the first of its {pages} pages or frames is read, and so of other files "
                "of its kind; --page takes another",
            )
