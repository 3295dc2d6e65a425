"""Photos as another camera would take them: small, at night with lights, tilted, several in one.

Every condition changes a photo and its boxes with a random generator of its own, so that a photo
looks the same in every table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt
from PIL import Image

from spel import kernels

Grey = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float64]
Random = np.random.Generator


@dataclass(frozen=True, eq=False)
class Scene:
    """A grey photo of (rows, cols, 1) spels and the boxes ``x0 y0 x1 y1`` of its plates."""

    name: str
    image: Grey
    boxes: Boxes


Condition = Callable[[Scene, Random], Scene]


def random_of(name: str, condition: str) -> Random:
    """The generator of a photo under a condition."""
    return np.random.default_rng(crc32(f"{condition}: {name}".encode()))


def unchanged(scene: Scene, _: Random) -> Scene:
    """The photo as it is."""
    return scene


def with_width(scene: Scene, width: float) -> Scene:
    """The photo reduced so that its first plate has a width in pixels; it is never enlarged."""
    own = float(scene.boxes[0, 2] - scene.boxes[0, 0])
    factor = min(1.0, width / own)
    rows, cols = (max(1, round(n * factor)) for n in scene.image.shape[:2])
    reduced = _resized(scene.image[..., 0], (rows, cols))
    return Scene(scene.name, _as_bytes(reduced), scene.boxes * factor)


def _resized(grey: npt.NDArray[np.generic], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    rows, cols = grey.shape
    values = np.ascontiguousarray(grey, dtype=np.float32)
    return kernels.resize(values, (0.0, 0.0, float(cols), float(rows)), size)


def small(scene: Scene, random: Random) -> Scene:
    """Reduced, so that the plate is 32 to 60 pixels wide."""
    return with_width(scene, float(np.exp(random.uniform(np.log(32), np.log(60)))))


def night(scene: Scene, random: Random) -> Scene:
    """Little light, noise, a blurred lens, and two rear lights with glare beside each plate."""
    from scipy.ndimage import gaussian_filter

    light = random.uniform(0.08, 0.3) * (scene.image[..., 0] / 255.0) ** 1.3
    light = gaussian_filter(light, random.uniform(0.3, 0.9))
    for box in scene.boxes:
        light += _rear_lights(light.shape, box, random)
    values = 255 * light + random.normal(0, random.uniform(1, 4), light.shape)
    return Scene(scene.name, _as_bytes(values), scene.boxes)


def _rear_lights(shape: tuple[int, ...], box: Boxes, random: Random) -> npt.NDArray[np.float64]:
    """The light of two lamps beside a plate: a core that saturates, and a wide halo."""
    row, col = np.mgrid[: shape[0], : shape[1]]
    width = box[2] - box[0]
    middle, top = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    away = random.uniform(0.8, 1.8) * width
    up = random.uniform(-0.2, 0.5) * width
    core, halo = random.uniform(0.1, 0.25) * width, random.uniform(0.6, 1.5) * width
    bright = random.uniform(0.15, 0.5)
    light = np.zeros(shape)
    for side in (-1, 1):
        distance = np.hypot(row - (top - up), col - (middle + side * away))
        light += 2 * np.exp(-((distance / core) ** 4)) + bright * np.exp(-distance / halo)
    return light


def tilted(scene: Scene, random: Random, most: float = 12.0, sideways: float = 35.0) -> Scene:
    """Turned by up to `most` degrees and seen from the side by up to `sideways`."""
    angle = np.deg2rad(random.uniform(-most, most))
    yaw = np.deg2rad(random.uniform(-sideways, sideways))
    rows, cols = scene.image.shape[:2]
    far = 1.5 * max(rows, cols)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    # A plane that is turned about the vertical axis, seen from the distance `far`.
    side = np.array([[np.cos(yaw), 0, 0], [0, 1, 0], [np.sin(yaw) / far, 0, 1]])
    centre = np.array([[1, 0, cols / 2], [0, 1, rows / 2], [0, 0, 1]])
    forward = centre @ turn @ side @ np.linalg.inv(centre)
    back = np.linalg.inv(forward)
    image = Image.fromarray(scene.image[..., 0]).transform(
        (cols, rows),
        Image.Transform.PERSPECTIVE,
        tuple((back / back[2, 2]).ravel()[:8]),
        Image.Resampling.BICUBIC,
    )
    boxes = [_bounds(box, forward) for box in scene.boxes]
    return Scene(scene.name, np.asarray(image)[..., None], np.array(boxes).reshape(-1, 4))


def _bounds(box: Boxes, forward: npt.NDArray[np.float64]) -> Boxes:
    """The bounding box of a box's corners after a projective map."""
    x0, y0, x1, y1 = box
    moved = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]]) @ forward.T
    points = moved[:, :2] / moved[:, 2:]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def harder(scene: Scene, random: Random) -> Scene:
    """A copy to learn from: tilted, as if seen from farther away, in other light, with lamps."""
    one = tilted(scene, random, 7.0, 25.0)
    grey = one.image[..., 0] / 255.0
    rows, cols = grey.shape
    away = np.exp2(random.uniform(0, 1.2))
    coarse = _resized(grey, (max(1, round(rows / away)), max(1, round(cols / away))))
    light = np.float64(2 ** random.uniform(-3.3, 0.4)) * _resized(coarse.clip(0, 1), (rows, cols))
    row, col = np.mgrid[:rows, :cols]
    for _ in range(random.integers(0, 5)):
        distance = np.hypot(row - random.uniform(0, rows), col - random.uniform(0, cols))
        core, halo = max(rows, cols) * random.uniform((0.005, 0.02), (0.03, 0.15))
        light += 2 * np.exp(-((distance / core) ** 4))
        light += random.uniform(0.05, 0.6) * np.exp(-distance / halo)
    values = 255 * light + random.normal(0, random.uniform(0, 5), light.shape)
    return Scene(f"{scene.name} changed", _as_bytes(values), one.boxes)


def several(scenes: Sequence[Scene]) -> list[Scene]:
    """Pictures of four photos, two by two: plates 32 to 160 pixels wide, tilted, half at night."""
    made = []
    for first in range(0, len(scenes) - 3, 4):
        four = []
        for place, scene in enumerate(scenes[first : first + 4]):
            random = random_of(scene.name, "several")
            one = tilted(scene, random)
            one = with_width(one, float(np.exp(random.uniform(np.log(32), np.log(160)))))
            four.append(night(one, random) if place % 2 else one)
        made.append(_side_by_side(four))
    return made


def _side_by_side(four: Sequence[Scene]) -> Scene:
    """Four scenes in one picture, each at the corner of the middle, on grey."""
    height, width = np.max([scene.image.shape[:2] for scene in four], axis=0)
    picture = np.full((2 * height, 2 * width, 1), 60, np.uint8)
    boxes = []
    for place, scene in enumerate(four):
        rows, cols = scene.image.shape[:2]
        top = height if place // 2 else height - rows
        left = width if place % 2 else width - cols
        picture[top : top + rows, left : left + cols] = scene.image
        boxes.append(scene.boxes + [left, top, left, top])
    return Scene("+".join(scene.name for scene in four), picture, np.concatenate(boxes))


def _as_bytes(values: npt.NDArray[np.floating]) -> Grey:
    return np.round(values).clip(0, 255).astype(np.uint8)[..., None]


CONDITIONS: dict[str, Condition] = {
    "as it is": unchanged,
    "small": small,
    "night": night,
    "tilted": tilted,
}
"""Conditions of one photo, by the names of the table."""


def under(name: str, scenes: Sequence[Scene]) -> list[Scene]:
    """All scenes under a condition; "several" joins them by fours."""
    if name == "several":
        return several(scenes)
    return [CONDITIONS[name](scene, random_of(scene.name, name)) for scene in scenes]


ALL = (*CONDITIONS, "several")
"""Names of all conditions."""
