"""A sheet of photos with the boxes that a method detected: its worst results and some good ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from benchmarks.plates.photos import Photo
from spel.metrics.detection import Answers

TILE = (320, 240)


def gallery(photos: Sequence[Photo], answers: Sequence[Answers], columns: int = 5) -> Image.Image:
    """Tiles of photos: annotated boxes in green, the best detection in red, others in orange."""
    by_name = {photo.name: photo for photo in photos}
    tiles = [_tile(by_name[answer.name], answer) for answer in answers]
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * TILE[0], rows * TILE[1]), "white")
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % columns * TILE[0], i // columns * TILE[1]))
    return sheet


def select(answers: Sequence[Answers], worst: int = 10, good: int = 5) -> list[Answers]:
    """The worst results, then good ones from the second third of the order by IoU."""
    order = sorted(answers, key=lambda answer: (answer.best_iou, answer.name))
    middle = len(order) * 2 // 3
    return [*order[:worst], *order[middle : middle + good]]


def _tile(photo: Photo, answer: Answers) -> Image.Image:
    image = Image.fromarray(_rgb(photo.image))
    factor = min(TILE[0] / image.width, TILE[1] / image.height)
    size = (max(1, int(image.width * factor)), max(1, int(image.height * factor)))
    tile = Image.new("RGB", TILE, "black")
    tile.paste(image.resize(size))
    draw = ImageDraw.Draw(tile)
    for box in photo.boxes:
        draw.rectangle([float(x) * factor for x in box], outline=(0, 220, 0), width=2)
    for i, box in reversed(list(enumerate(answer.boxes[:4]))):
        color = (255, 40, 40) if i == 0 else (255, 170, 0)
        draw.rectangle([float(x) * factor for x in box], outline=color, width=2)
    caption = f"{photo.name}  IoU {answer.best_iou:.2f}"
    draw.rectangle((0, TILE[1] - 14, TILE[0], TILE[1]), fill="black")
    draw.text((3, TILE[1] - 13), caption, fill="white")
    return tile


def _rgb(image: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    picture = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image[..., :3]
    return np.ascontiguousarray(picture, dtype=np.uint8)
