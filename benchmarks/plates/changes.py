"""Changes to photos that show where a detector fails: rotation, size, light, noise, blur."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Grey = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float64]
Change = Callable[[Grey, Boxes], tuple[Grey, Boxes]]


def unchanged(image: Grey, boxes: Boxes) -> tuple[Grey, Boxes]:
    return image, boxes


def rotated(degrees: float) -> Change:
    """Rotated about its middle; a box becomes the bounding box of its rotated corners."""

    def change(image: Grey, boxes: Boxes) -> tuple[Grey, Boxes]:
        picture = Image.fromarray(image[..., 0])
        result = picture.rotate(-degrees, Image.Resampling.BILINEAR)
        middle = np.array([picture.width, picture.height]) / 2
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        new = []
        for x0, y0, x1, y1 in boxes:
            corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) - middle
            moved = corners @ np.array([[c, s], [-s, c]]) + middle
            new.append([*moved.min(axis=0), *moved.max(axis=0)])
        return np.asarray(result)[..., None], np.array(new)

    return change


def resized(factor: float) -> Change:
    def change(image: Grey, boxes: Boxes) -> tuple[Grey, Boxes]:
        rows, cols = (round(n * factor) for n in image.shape[:2])
        result = Image.fromarray(image[..., 0]).resize((cols, rows), Image.Resampling.BICUBIC)
        return np.asarray(result)[..., None], boxes * factor

    return change


def jpeg(quality: int) -> Change:
    def change(image: Grey, boxes: Boxes) -> tuple[Grey, Boxes]:
        file = io.BytesIO()
        Image.fromarray(image[..., 0]).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))[..., None], boxes

    return change


def exposed(factor: float, noise: float = 0.0) -> Change:
    """Brighter or darker, clipped at white; `noise` is a standard deviation in grey levels."""

    def change(image: Grey, boxes: Boxes) -> tuple[Grey, Boxes]:
        random = np.random.default_rng(0)
        values: Any = image * factor + random.normal(0, noise, image.shape)
        return np.round(values).clip(0, 255).astype(np.uint8), boxes

    return change


def blurred(sigma: float) -> Change:
    def change(image: Grey, boxes: Boxes) -> tuple[Grey, Boxes]:
        from scipy.ndimage import gaussian_filter

        return gaussian_filter(image, (sigma, sigma, 0)), boxes

    return change


CHANGES: dict[str, Change] = {
    "unchanged": unchanged,
    **{f"rotated by {d:+d} degrees": rotated(d) for d in (-10, -5, 5, 10, 15)},
    "half the size": resized(0.5),
    "double size": resized(2.0),
    "JPEG quality 30": jpeg(30),
    "JPEG quality 10": jpeg(10),
    "noise, standard deviation 10": exposed(1.0, 10),
    "noise, standard deviation 25": exposed(1.0, 25),
    "night (a quarter of the light, noise of deviation 3)": exposed(0.25, 3),
    "night (a tenth of the light, noise of deviation 3)": exposed(0.1, 3),
    "over-exposed (1.6 times the light)": exposed(1.6),
    "over-exposed (2.5 times the light)": exposed(2.5),
    "blur, sigma 2 pixels": blurred(2.0),
}
"""Changes by their names as in the table, the mildest of each family first."""


def fours(
    photos: Sequence[tuple[str, Grey, Boxes]],
) -> Iterator[tuple[str, Grey, Boxes]]:
    """Pictures of four photos each, two by two on a grey background, with all their boxes."""
    for first in range(0, len(photos) - 3, 4):
        four = photos[first : first + 4]
        height, width = np.max([image.shape[:2] for _, image, _ in four], axis=0)
        picture = np.full((2 * height, 2 * width, 1), 128, np.uint8)
        boxes = []
        for place, (_, image, own) in enumerate(four):
            top, left = place // 2 * height, place % 2 * width
            picture[top : top + image.shape[0], left : left + image.shape[1]] = image
            boxes.append(own + [left, top, left, top])
        yield "+".join(name for name, _, _ in four), picture, np.concatenate(boxes)
