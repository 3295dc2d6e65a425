"""Rendered pictures with many objects: blood smears, and streets side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.data import street

Image = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture and the boxes ``x0 y0 x1 y1`` of all its objects."""

    name: str
    image: Image
    boxes: Boxes


def smear(seed: int, size: tuple[int, int] = (480, 640)) -> Picture:
    """A blood smear: 8 to 32 red cells, some of which overlap, with white cells and platelets."""
    random = np.random.default_rng([11, seed])
    rows, cols = size
    y, x = np.mgrid[:rows, :cols].astype(np.float32)
    light = 1 + random.uniform(-0.12, 0.12) * (x / cols) + random.uniform(-0.12, 0.12) * (y / rows)
    color = np.array([0.86, 0.78, 0.82]) + random.uniform(-0.05, 0.05, 3)
    canvas = np.ones((rows, cols, 3), np.float32) * color.astype(np.float32)
    for _ in range(random.poisson(1.0)):
        _blob(canvas, x, y, random, radius=random.uniform(52, 70), tint=(0.45, 0.3, 0.62))
    for _ in range(random.poisson(3)):
        _blob(canvas, x, y, random, radius=random.uniform(6, 11), tint=(0.6, 0.45, 0.7))
    base = random.uniform(30, 42)
    boxes: list[list[float]] = []
    centres: list[tuple[float, float, float]] = []
    wanted = int(random.integers(8, 33))
    for _ in range(60 * wanted):
        if len(boxes) == wanted:
            break
        radius = base * random.uniform(0.85, 1.15)
        cy, cx = random.uniform(-0.2 * radius, rows + 0.2 * radius), random.uniform(0, cols)
        # Cells may touch and overlap, but none lies mostly under another.
        if any(np.hypot(cy - b, cx - a) < 0.62 * (radius + r) for b, a, r in centres):
            continue
        box = _red_cell(canvas, x, y, random, (cy, cx), radius)
        clipped = np.clip(box, 0, [cols, rows] * 2)
        if np.prod(clipped[2:] - clipped[:2]) >= 0.5 * np.prod(np.subtract(box[2:], box[:2])):
            boxes.append(clipped.tolist())
            centres.append((cy, cx, radius))
    canvas *= light[..., None]
    canvas = _soften(canvas, int(random.integers(1, 4)))
    canvas += random.normal(0, 0.018, canvas.shape).astype(np.float32)
    image = np.round(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
    return Picture(f"smear {seed}", image, np.array(boxes).reshape(-1, 4))


def streets(seed: int, rows: int = 4, cols: int = 4) -> Picture:
    """Streets side by side, each with one or two cars: 16 to 32 plates in one picture."""
    random = np.random.default_rng([12, seed])
    height, width = 240, 352
    image = np.zeros((rows * height, cols * width, 3), np.uint8)
    boxes = []
    for place in range(rows * cols):
        scene = street(
            int(random.integers(1 << 30)),
            size=(height, width),
            cars=int(random.integers(1, 3)),
            plate_width=float(random.uniform(30, 56)),
            light=float(random.uniform(0.5, 1.2)),
            noise=0.03,
            blur=int(random.integers(0, 2)),
            sign=bool(random.integers(2)),
        )
        top, left = place // cols * height, place % cols * width
        image[top : top + height, left : left + width] = scene.image
        boxes.append(scene.boxes + [left, top, left, top])
    return Picture(f"streets {seed}", image, np.concatenate(boxes))


def _red_cell(
    canvas: npt.NDArray[np.float32],
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.float32],
    random: np.random.Generator,
    centre: tuple[float, float],
    radius: float,
) -> list[float]:
    """Paint a disk with a pale middle; returns its box."""
    cy, cx = centre
    stretch, angle = random.uniform(1, 1.18), random.uniform(0, np.pi)
    c, s = np.cos(angle), np.sin(angle)
    u, v = (x - cx) * c + (y - cy) * s, -(x - cx) * s + (y - cy) * c
    distance = np.sqrt((u / (radius * stretch)) ** 2 + (v * stretch / radius) ** 2)
    inside = np.clip((1 - distance) * radius / 2, 0, 1)[..., None]
    pallor = np.exp(-((distance / random.uniform(0.35, 0.6)) ** 2)) * random.uniform(0.1, 0.8)
    strength = random.uniform(0.18, 0.55)
    absorbed = np.array([0.25, 0.75, 0.6], np.float32) * strength
    canvas *= 1 - inside * absorbed * (1 - pallor[..., None].astype(np.float32))
    wide = radius * np.hypot(stretch * c, s / stretch)
    high = radius * np.hypot(stretch * s, c / stretch)
    return [cx - wide, cy - high, cx + wide, cy + high]


def _blob(
    canvas: npt.NDArray[np.float32],
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.float32],
    random: np.random.Generator,
    *,
    radius: float,
    tint: tuple[float, float, float],
) -> None:
    """Paint a white cell or a platelet: a disk of several lobes."""
    cy, cx = random.uniform(0, y.shape[0]), random.uniform(0, x.shape[1])
    for _ in range(3):
        dy, dx = random.uniform(-0.35, 0.35, 2) * radius
        distance = np.hypot(y - cy - dy, x - cx - dx)
        inside = np.clip((0.7 * radius - distance) / 2, 0, 1)[..., None].astype(np.float32)
        canvas[:] = canvas * (1 - inside) + inside * np.array(tint, np.float32)


def _soften(image: npt.NDArray[np.float32], times: int) -> npt.NDArray[np.float32]:
    """Blur by a small binomial filter, several times."""
    for _ in range(times):
        for axis in (0, 1):
            before, after = np.roll(image, 1, axis), np.roll(image, -1, axis)
            image = (before + 2 * image + after) / 4
    return image
