"""A canvas that takes smooth shapes: boxes, polygons and text with anti-aliased edges.

A *cover* is the share of each pixel, 0 to 1, that lies inside a shape. It comes from the signed
distance to the edge of the shape.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.data.font import glyph

Float = npt.NDArray[np.float32]
Color = tuple[float, float, float]


class Canvas:
    """A picture in 0..1 that takes smooth shapes, turned about a pivot."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.image: Float = np.zeros((*size, 3), dtype=np.float32)
        self.rows, self.cols = np.mgrid[: size[0], : size[1]].astype(np.float32) + np.float32(0.5)

    def turn(self, pivot: tuple[float, float], degrees: float) -> tuple[Float, Float]:
        """Coordinates (x, y) of every pixel in a frame turned about a pivot (x, y)."""
        angle = np.deg2rad(degrees)
        x, y = self.cols - pivot[0], self.rows - pivot[1]
        c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return c * x + s * y, c * y - s * x

    def paint(self, cover: Float, color: Color, strength: float = 1.0) -> None:
        """Blend a color over the picture where `cover` is above 0."""
        alpha = np.clip(cover, 0, 1)[..., None] * np.float32(strength)
        self.image += alpha * (np.asarray(color, dtype=np.float32) - self.image)


def box_cover(
    x: Float, y: Float, centre: tuple[float, float], half: tuple[float, float], radius: float = 0.0
) -> Float:
    """Share of each pixel inside a box with rounded corners: ``1/2 - signed distance``, clipped."""
    dx = np.abs(x - centre[0]) - (half[0] - radius)
    dy = np.abs(y - centre[1]) - (half[1] - radius)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    distance = outside + np.minimum(np.maximum(dx, dy), 0) - radius
    cover: Float = np.clip(0.5 - distance, 0, 1).astype(np.float32)
    return cover


def polygon_cover(x: Float, y: Float, corners: list[tuple[float, float]]) -> Float:
    """Share of each pixel inside a convex polygon, its corners clockwise on the screen."""
    distance = np.full(x.shape, -np.inf, dtype=np.float32)
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1]):
        length = np.hypot(bx - ax, by - ay)
        side = ((by - ay) * (x - ax) - (bx - ax) * (y - ay)) / length
        distance = np.maximum(distance, side.astype(np.float32))
    cover: Float = np.clip(0.5 - distance, 0, 1)
    return cover


def text_cover(
    x: Float, y: Float, text: str, centre: tuple[float, float], height: float, advance: float
) -> Float:
    """Share of each pixel inside a line of characters, `height` tall, `advance` apart."""
    cover = np.zeros(x.shape, dtype=np.float32)
    start = centre[0] - advance * (len(text) - 1) / 2
    wide = min(advance * 0.82, height * 0.72)
    for place, character in enumerate(text):
        u = (x - start - place * advance) / wide + 0.5
        v = (y - centre[1]) / height + 0.5
        near = (np.abs(u - 0.5) < 0.6) & (np.abs(v - 0.5) < 0.6)
        level = glyph(character, u[near], v[near])
        # The slope that makes an edge about one pixel wide: a bitmap cell is height / 7 pixels.
        cover[near] = np.maximum(
            cover[near], np.clip((level - 0.5) * max(1.0, height / 7) + 0.5, 0, 1)
        )
    return cover
