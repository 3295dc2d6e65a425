"""A sheet of titled tiles: every step of a network in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spel.draw.font import drawable, font, shortened, wrapped
from spel.draw.shade import RGB, Shaded, as_rgb, table

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

PAPER = (255, 255, 255)
INK = (24, 26, 30)
QUIET = (105, 110, 118)
FRAME = (205, 208, 213)
MARGIN = 22
GAP = 18

MAX_HEIGHT = 4096
"""Largest height of a picture in pixels; a taller one is reduced."""


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of a sheet.

    Attributes
    ----------
    picture : Shaded or image
        A shaded channel is drawn with its color bar.
    title, caption : str
        The caption is broken into lines.

    Examples
    --------
    >>> Tile(np.array([[0, 255]], np.uint8), "black and white").rgb.tolist()
    [[[0, 0, 0], [255, 255, 255]]]
    """

    picture: Shaded | npt.NDArray[np.generic]
    title: str
    caption: str = ""

    @property
    def rgb(self) -> RGB:
        """The picture as uint8 RGB."""
        return self.picture.rgb if isinstance(self.picture, Shaded) else as_rgb(self.picture)


def sheet(
    tiles: Sequence[Tile],
    *,
    columns: int = 3,
    tile_width: int = 380,
    title: str = "",
    subtitle: str = "",
    footer: str = "",
) -> RGB:
    """Place tiles in rows, from left to right and down, on white paper.

    Parameters
    ----------
    tiles : sequence of Tile
    columns : int
        Largest number of tiles in a row.
    tile_width : int
        Width of a tile in pixels, to which pictures are resized; small ones by a whole factor, so
        that pixels stay squares. No picture becomes taller than `MAX_HEIGHT`.
    title, subtitle, footer : str
        Texts above and below the tiles.

    Returns
    -------
    (rows, cols, 3) array of uint8

    Examples
    --------
    >>> sheet([Tile(np.zeros((2, 3)), "zeros")], columns=1, tile_width=90).shape[1]
    134
    """
    from PIL import Image, ImageDraw

    columns = max(1, min(columns, len(tiles) or 1))
    cells = [_cell(tile, tile_width) for tile in tiles]
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    wide = 2 * MARGIN + columns * tile_width + (columns - 1) * GAP
    room = wide - 2 * MARGIN
    head = _lines((title, 25, INK), (subtitle, 14, QUIET), room=room)
    foot = _lines((footer, 13, QUIET), room=room)
    tall = 2 * MARGIN + _height(head) + _height(foot)
    tall += sum(max(c.height for c in row) + GAP for row in rows)
    page = Image.new("RGB", (wide, tall), PAPER)
    pen = ImageDraw.Draw(page)
    y = _write(pen, head, MARGIN, MARGIN)
    for row in rows:
        for i, cell in enumerate(row):
            page.paste(cell, (MARGIN + i * (tile_width + GAP), y))
        y += max(cell.height for cell in row) + GAP
    _write(pen, foot, MARGIN, y)
    return np.asarray(page)


Line = tuple[str, int, tuple[int, int, int]]


def _cell(tile: Tile, wide: int) -> Image.Image:
    """One tile with its title, picture, color bar and caption."""
    from PIL import Image, ImageDraw

    picture = _resized(tile.rgb, wide)
    lines = _lines((tile.caption, 13, QUIET), room=wide)
    bar = _bar_height(tile.picture) if isinstance(tile.picture, Shaded) else 0
    cell = Image.new("RGB", (wide, 27 + picture.height + bar + _height(lines) + 4), PAPER)
    pen = ImageDraw.Draw(cell)
    pen.text((0, 2), drawable(shortened(tile.title, 16, wide)), fill=INK, font=font(16))
    left = (wide - picture.width) // 2
    cell.paste(picture, (left, 26))
    pen.rectangle((left, 26, left + picture.width - 1, 25 + picture.height), outline=FRAME)
    y = 26 + picture.height + 5
    if isinstance(tile.picture, Shaded):
        _bar(cell, pen, tile.picture, y, wide)
        y += bar
    _write(pen, lines, 0, y)
    return cell


def _bar_height(shaded: Shaded) -> int:
    return 30 if shaded.low < 0 < shaded.high else 19


def _bar(cell: Image.Image, pen: ImageDraw.ImageDraw, shaded: Shaded, y: int, wide: int) -> None:
    """The color bar with its lowest and highest value, and zero marked where it lies."""
    from PIL import Image

    long = min(190, wide // 2)
    left = (wide - long) // 2
    steps = np.linspace(0, 254, long).round().astype(int)
    strip = np.repeat(table(shaded.kind)[steps][None], 9, axis=0)
    cell.paste(Image.fromarray(strip), (left, y + 3))
    pen.rectangle((left, y + 3, left + long - 1, y + 11), outline=FRAME)
    middle = y + 7
    small = font(12)
    pen.text((left - 6, middle), f"{shaded.low:.3g}", fill=QUIET, font=small, anchor="rm")
    pen.text((left + long + 6, middle), f"{shaded.high:.3g}", fill=QUIET, font=small, anchor="lm")
    if shaded.low < 0 < shaded.high:
        zero = left + round(-shaded.low / (shaded.high - shaded.low) * (long - 1))
        pen.line((zero, y + 1, zero, y + 13), fill=INK)
        pen.text((zero, y + 13), "0", fill=QUIET, font=font(11), anchor="mt")


def _resized(rgb: RGB, wide: int) -> Image.Image:
    """The picture at the width of a tile."""
    from PIL import Image

    if not rgb.size:
        return Image.new("RGB", (wide, 8), FRAME)
    picture = Image.fromarray(rgb)
    rows, cols = rgb.shape[:2]
    if rows > MAX_HEIGHT:
        narrow = max(1, min(wide, round(cols * MAX_HEIGHT / rows)))
        return picture.resize((narrow, MAX_HEIGHT), Image.Resampling.LANCZOS)
    if 2 * cols <= wide:
        times = max(1, min(wide // cols, MAX_HEIGHT // rows))
        return picture.resize((cols * times, rows * times), Image.Resampling.NEAREST)
    height = max(1, min(MAX_HEIGHT, round(rows * wide / cols)))
    return picture.resize((wide, height), Image.Resampling.LANCZOS)


def _lines(*texts: Line, room: int) -> list[Line]:
    """The texts, broken into lines no wider than `room` pixels."""
    return [
        (line, size, color)
        for text, size, color in texts
        for part in text.splitlines()
        for line in wrapped(part, size, room)
    ]


def _height(lines: Sequence[Line]) -> int:
    return sum(round(size * 1.4) for _, size, _ in lines) + (8 if lines else 0)


def _write(pen: ImageDraw.ImageDraw, lines: Sequence[Line], x: int, y: int) -> int:
    """Write lines below one another; return the y below the last."""
    for text, size, color in lines:
        pen.text((x, y), drawable(text), fill=color, font=font(size))
        y += round(size * 1.4)
    return y + (8 if lines else 0)
