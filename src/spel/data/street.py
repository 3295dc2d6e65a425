"""A rendered street with licence plates whose places are known exactly.

It serves demonstrations without data and tests with exact truth. Everything is drawn from shapes
with smooth edges (signed distances), so the mask of a plate, and the tight box around it, come from
the drawing itself and not from an annotator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.data.canvas import Canvas, Color, Float, box_cover, polygon_cover, text_cover
from spel.data.font import GLYPHS
from spel.errors import ParameterError

PLATE_ASPECT = 3.1
"""Width over height of a drawn plate."""

PAINTS: tuple[Color, ...] = (
    (0.55, 0.10, 0.12),
    (0.12, 0.22, 0.42),
    (0.70, 0.71, 0.73),
    (0.16, 0.30, 0.26),
    (0.20, 0.20, 0.22),
    (0.80, 0.62, 0.18),
)
"""Colours of the cars."""

WALL = np.array((1.0, 0.91, 0.80))
"""Colour of plaster; each house tints and shades it."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A rendered street and the truth about it.

    Attributes
    ----------
    image : (rows, cols, 3) array of uint8
    boxes : (n, 4) array of float64
        ``x0 y0 x1 y1`` of each plate, half-open, tight around its mask.
    masks : (n, rows, cols) array of bool
        Pixels that belong to each plate.
    texts : tuple of str
        The characters on each plate.

    Examples
    --------
    >>> scene = street(3)
    >>> mask = scene.masks[0]
    >>> rows, cols = np.nonzero(mask)
    >>> [cols.min() == scene.boxes[0, 0], rows.max() + 1 == scene.boxes[0, 3]]
    [np.True_, np.True_]
    """

    image: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.float64]
    masks: npt.NDArray[np.bool_]
    texts: tuple[str, ...]


def street(
    seed: int = 0,
    *,
    size: tuple[int, int] = (360, 540),
    cars: int = 1,
    plate_width: float | None = None,
    tilt: float = 0.0,
    light: float = 1.0,
    noise: float = 0.015,
    blur: int = 0,
    sign: bool = False,
) -> Scene:
    """Render a street: houses, a road, parked cars with their shadows, and their plates.

    Parameters
    ----------
    seed : int
        Decides houses, paint, places and characters. The same seed gives the same image, bit for
        bit.
    size : (rows, cols)
        At least (120, 160).
    cars : int
        0 to 3, side by side. With 0 there is no plate.
    plate_width : float, optional
        In pixels; by default in proportion to the car, about a sixth of the picture for one car.
    tilt : float
        Degrees by which cars and plates are turned, -20 to 20.
    light : float
        1 is day, 0.2 is night, 1.5 is over-exposed; above 0.
    noise : float
        Standard deviation of Gaussian noise, as a share of white.
    blur : int
        How often the picture is smoothed by [1 2 1] / 4 along rows and columns.
    sign : bool
        Put up a shop sign with characters, which a detector should not take for a plate.

    Returns
    -------
    Scene

    Raises
    ------
    ParameterError
        If an option is outside its range.

    Examples
    --------
    >>> scene = street(3)
    >>> scene.image.shape, scene.boxes.shape, len(scene.texts[0])
    ((360, 540, 3), (1, 4), 7)
    >>> len(street(3, cars=0).boxes)
    0
    """
    _check(size, cars, plate_width, tilt, light, noise, blur)
    random = np.random.default_rng(seed)
    canvas = Canvas(size)
    horizon = 0.56 * size[0]
    _sky(canvas, horizon)
    _houses(canvas, random, horizon)
    if sign:
        _sign(canvas, random, horizon)
    _road(canvas, random, horizon)
    plates = [
        _car(canvas, random, place, plate_width, tilt) for place in _places(random, size, cars)
    ]
    masks = np.array([mask for mask, _ in plates], dtype=bool).reshape(-1, *size)
    image = _expose(canvas.image, random, light, noise, blur)
    return Scene(image, _tight(masks), masks, tuple(text for _, text in plates))


# -- the street ----------------------------------------------------------------------------------


def _sky(canvas: Canvas, horizon: float) -> None:
    down = np.clip(canvas.rows / horizon, 0, 1)[..., None]
    top, low = np.array([(0.45, 0.62, 0.82), (0.86, 0.89, 0.90)], dtype=np.float32)
    canvas.image[...] = top + down * (low - top)


def _houses(canvas: Canvas, random: np.random.Generator, horizon: float) -> None:
    rows, cols = canvas.image.shape[:2]
    left = -0.05 * cols
    while left < cols:
        width = cols * random.uniform(0.14, 0.26)
        top = horizon * random.uniform(0.12, 0.45)
        shade = random.uniform(0.52, 0.80)
        wall: Float = (shade * (WALL + random.uniform(-0.06, 0.06, 3))).astype(np.float32)
        middle = (left + width / 2, (top + rows) / 2)
        half = (width / 2, (rows - top) / 2)
        canvas.paint(box_cover(canvas.cols, canvas.rows, middle, half), tuple(wall))
        roof = (middle[0], top)
        canvas.paint(
            box_cover(canvas.cols, canvas.rows, roof, (width / 2, 0.012 * rows)), tuple(0.6 * wall)
        )
        _windows(canvas, random, (left, left + width), (top, horizon), wall)
        left += width


def _windows(
    canvas: Canvas,
    random: np.random.Generator,
    across: tuple[float, float],
    down: tuple[float, float],
    wall: Float,
) -> None:
    rows = canvas.image.shape[0]
    height, step = 0.060 * rows, 0.115 * rows
    count = max(2, int((across[1] - across[0]) / (0.085 * rows)))
    xs = np.linspace(across[0], across[1], 2 * count + 1)[1::2]
    for y in np.arange(down[0] + 0.75 * step, down[1] - 0.16 * rows, step):
        for x in xs:
            glass = random.uniform(0.6, 0.85) * wall
            frame = (0.021 * rows, height / 2)
            canvas.paint(box_cover(canvas.cols, canvas.rows, (x, y), frame), tuple(0.9 * wall))
            pane = (0.017 * rows, height / 2 - 0.004 * rows)
            canvas.paint(box_cover(canvas.cols, canvas.rows, (x, y), pane), tuple(glass))


def _sign(canvas: Canvas, random: np.random.Generator, horizon: float) -> None:
    rows, cols = canvas.image.shape[:2]
    place = (cols * random.uniform(0.2, 0.8), horizon - 0.20 * rows)
    half = (0.16 * cols, 0.035 * rows)
    canvas.paint(box_cover(canvas.cols, canvas.rows, place, half, 2), (0.16, 0.34, 0.22))
    words = "".join(random.choice(list(GLYPHS), 9))
    cover = text_cover(canvas.cols, canvas.rows, words, place, 0.045 * rows, 0.031 * cols)
    canvas.paint(cover, (0.92, 0.90, 0.78))


def _road(canvas: Canvas, random: np.random.Generator, horizon: float) -> None:
    rows, cols = canvas.image.shape[:2]
    kerb = horizon + 0.03 * rows
    canvas.paint(np.clip(canvas.rows - horizon + 0.5, 0, 1), (0.66, 0.65, 0.62))
    canvas.paint(np.clip(canvas.rows - kerb + 0.5, 0, 1), (0.36, 0.36, 0.37))
    grain = random.normal(0, 1, (rows, cols)).astype(np.float32)
    grain = _smooth(grain[..., None], 1)
    canvas.image += 0.02 * grain * (canvas.rows > kerb)[..., None]
    for lane in np.linspace(-0.1, 1.1, 5):
        x, y = cols * lane, 0.945 * rows
        slant = 0.05 * cols
        corners = [
            (x, y),
            (x + 0.14 * cols, y),
            (x + 0.14 * cols - slant, y + 0.022 * rows),
            (x - slant, y + 0.022 * rows),
        ]
        canvas.paint(polygon_cover(canvas.cols, canvas.rows, corners), (0.86, 0.86, 0.82), 0.9)


def _places(
    random: np.random.Generator, size: tuple[int, int], cars: int
) -> list[tuple[float, float, float]]:
    """For each car: the x of its middle, the y where its wheels stand, and its width."""
    rows, cols = size
    share = cols / max(cars, 1)
    width = min(0.62 * rows, 0.86 * share)
    places = []
    for car in range(cars):
        scale = random.uniform(0.85, 1.0)
        slack = share - width * scale
        middle = share * car + share / 2 + slack * random.uniform(-0.4, 0.4)
        places.append((middle, rows * random.uniform(0.86, 0.90), width * scale))
    return places


def _car(
    canvas: Canvas,
    random: np.random.Generator,
    place: tuple[float, float, float],
    plate_width: float | None,
    tilt: float,
) -> tuple[npt.NDArray[np.bool_], str]:
    """Draw the rear of a car; return the mask and the characters of its plate."""
    x, ground, width = place
    rear = _Rear(canvas, canvas.turn((x, ground), tilt), width, 0.74 * width)
    paint: Color = PAINTS[int(random.integers(len(PAINTS)))]
    _shadow_and_wheels(rear)
    _cabin(rear, paint)
    _body(rear, paint)
    middle = (0.0, -0.345 * rear.height)
    return _plate(canvas, random, rear.frame, middle, plate_width or 0.40 * width)


@dataclass(frozen=True)
class _Rear:
    """A pen for the rear of a car: coordinates are shares of its width and height."""

    canvas: Canvas
    frame: tuple[Float, Float]
    width: float
    height: float

    def box(
        self,
        middle: tuple[float, float],
        half: tuple[float, float],
        radius: float,
        color: Color,
        strength: float = 1.0,
    ) -> None:
        w, h = self.width, self.height
        place, size = (middle[0] * w, middle[1] * h), (half[0] * w, half[1] * h)
        self.canvas.paint(box_cover(*self.frame, place, size, radius * w), color, strength)

    def polygon(
        self, corners: list[tuple[float, float]], color: Color, strength: float = 1.0
    ) -> None:
        places = [(x * self.width, y * self.height) for x, y in corners]
        self.canvas.paint(polygon_cover(*self.frame, places), color, strength)


def _shadow_and_wheels(rear: _Rear) -> None:
    (u, v), w, h = rear.frame, rear.width, rear.height
    distance = np.hypot(u / (0.56 * w), (v - 0.01 * h) / (0.075 * h)).astype(np.float32)
    rear.canvas.paint(np.clip(1.6 - 1.6 * distance, 0, 1), (0.05, 0.05, 0.06), 0.85)
    for side in (-1, 1):
        rear.box((side * 0.38, -0.08), (0.075, 0.12), 0.03, (0.07, 0.07, 0.08))


def _cabin(rear: _Rear, paint: Color) -> None:
    roof = [(-0.33, -0.96), (0.33, -0.96), (0.44, -0.55), (-0.44, -0.55)]
    glass = [(-0.29, -0.91), (0.29, -0.91), (0.37, -0.60), (-0.37, -0.60)]
    gleam = [(-0.20, -0.91), (-0.05, -0.91), (-0.16, -0.60), (-0.33, -0.60)]
    rear.polygon(roof, _shade(paint, 0.85))
    rear.polygon(glass, (0.13, 0.16, 0.19))
    rear.polygon(gleam, (0.45, 0.50, 0.55), 0.35)


def _body(rear: _Rear, paint: Color) -> None:
    rear.box((0, -0.36), (0.48, 0.24), 0.06, paint)
    rear.box((0, -0.53), (0.44, 0.012), 0.004, _shade(paint, 1.25), 0.8)
    for side in (-1, 1):
        rear.box((side * 0.405, -0.42), (0.055, 0.085), 0.02, (0.72, 0.08, 0.08))
        rear.box((side * 0.405, -0.37), (0.040, 0.022), 0.01, (0.95, 0.62, 0.30))
    rear.box((0, -0.165), (0.485, 0.065), 0.03, _shade(paint, 0.7))


def _plate(
    canvas: Canvas,
    random: np.random.Generator,
    frame: tuple[Float, Float],
    centre: tuple[float, float],
    width: float,
) -> tuple[npt.NDArray[np.bool_], str]:
    u, v = frame
    half = (width / 2, width / PLATE_ASPECT / 2)
    letters, digits = list(GLYPHS)[:26], list(GLYPHS)[26:]
    text = "".join([*random.choice(letters, 3), *random.choice(digits, 4)])
    cover = box_cover(u, v, centre, half, 0.03 * width)
    canvas.paint(cover, (0.13, 0.13, 0.15))
    inner = (half[0] - 0.012 * width, half[1] - 0.012 * width)
    canvas.paint(box_cover(u, v, centre, inner, 0.025 * width), (0.90, 0.90, 0.87))
    line = text_cover(u, v, text, centre, 1.3 * half[1], 0.128 * width)
    canvas.paint(line, (0.08, 0.08, 0.10))
    return cover >= 0.5, text


def _shade(color: Color, factor: float) -> Color:
    return (color[0] * factor, color[1] * factor, color[2] * factor)


# -- the picture ---------------------------------------------------------------------------------


def _smooth(image: Float, times: int) -> Float:
    for _ in range(times):
        for axis in (0, 1):
            padded = np.pad(image, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
            low, mid, high = (
                np.take(padded, range(i, i + image.shape[axis]), axis) for i in range(3)
            )
            image = ((low + 2 * mid + high) / 4).astype(np.float32)
    return image


def _expose(
    image: Float, random: np.random.Generator, light: float, noise: float, blur: int
) -> npt.NDArray[np.uint8]:
    lit = _smooth(image * np.float32(light), blur)
    lit = lit + random.normal(0, noise, lit.shape).astype(np.float32)
    values: npt.NDArray[np.uint8] = np.round(np.clip(lit, 0, 1) * 255).astype(np.uint8)
    return values


def _tight(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    boxes = np.zeros((len(masks), 4))
    for box, mask in zip(boxes, masks):
        rows, cols = np.nonzero(mask)
        if len(rows):
            box[:] = cols.min(), rows.min(), cols.max() + 1, rows.max() + 1
    return boxes


def _check(
    size: tuple[int, int],
    cars: int,
    plate_width: float | None,
    tilt: float,
    light: float,
    noise: float,
    blur: int,
) -> None:
    checks = (
        (
            len(size) == 2 and size[0] >= 120 and size[1] >= 160,
            "size",
            size,
            "(rows, cols) of at least (120, 160)",
        ),
        (cars in range(4), "cars", cars, "0 to 3"),
        (
            plate_width is None or 20 <= plate_width <= size[1] / 2,
            "plate_width",
            plate_width,
            "20 to half of the columns",
        ),
        (-20 <= tilt <= 20, "tilt", tilt, "degrees from -20 to 20"),
        (0 < light <= 4, "light", light, "a number above 0, at most 4"),
        (0 <= noise <= 1, "noise", noise, "0 to 1"),
        (blur in range(33), "blur", blur, "0 to 32"),
    )
    for holds, name, value, expected in checks:
        if not holds:
            raise ParameterError(f"street: {name} {value!r}; expected {expected}")
