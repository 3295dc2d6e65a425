"""Colour spaces in standard ONNX operators, in float64 and in the order of `spel.ops`.

LABNorm2 truncates to whole numbers on its way, so the arithmetic before that is step by step the
engine's: the same bits, not nearly the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spel.backends.onnx_graph import Graph, Value
from spel.kernels import reference_color as meaning
from spel.nn import Color
from spel.ops.color import GREY_WEIGHTS

D = np.float64


def color(g: Graph, layer: Color, x: Value) -> Value:
    """An image of 1 to 4 channels in the layer's colour space."""
    bands = [_band(g, x, b) for b in range(1 if x.channels < 3 else 3)]
    if layer.space == "grey":
        return Value(_unit(g, _grey(g, bands), layer.white), 1, x.ndim)
    bands = bands * 3 if len(bands) == 1 else bands
    if layer.space == "rgb":
        return Value(_unit(g, g.op("Concat", *bands, axis=1), layer.white), 3, x.ndim)
    white = g.const(layer.white, D)
    unit = [g.op("Div", g.op("Cast", b, to="float64"), white) for b in bands]
    if layer.space == "lab":
        three = _lab(g, unit)
    elif layer.space == "ycbcr":
        three = _ycbcr(g, unit)
    else:
        three = _labnorm2(g, unit, layer.space[9:] or "png")
    return Value(g.op("Cast", g.op("Concat", *three, axis=1), to="float32"), 3, x.ndim)


def _band(g: Graph, x: Value, band: int) -> str:
    return str(g.op("Slice", x.name, g.ints(band), g.ints(band + 1), g.ints(1)))


def _unit(g: Graph, x: str, white: float) -> str:
    return str(g.op("Mul", x, g.const(np.float32(1 / white))))


def _grey(g: Graph, bands: Sequence[str]) -> str:
    if len(bands) == 1:
        return bands[0]
    parts = [g.op("Mul", g.const(np.float32(w)), b) for w, b in zip(GREY_WEIGHTS, bands)]
    return str(g.op("Add", g.op("Add", *parts[:2]), parts[2]))


def _sum(g: Graph, weights: Sequence[float], bands: Sequence[str], shift: float = 0.0) -> str:
    """``((w0 r + w1 g) + w2 b) + shift`` in float64."""
    parts = [g.op("Mul", g.const(w, D), b) for w, b in zip(weights, bands)]
    total = g.op("Add", g.op("Add", *parts[:2]), parts[2])
    return str(g.op("Add", total, g.const(shift, D)) if shift else total)


def _root(g: Graph, t: str, at: float, slope: float, shift: float) -> str:
    """Cube root, linear near 0."""
    above = g.op("GreaterOrEqual", t, g.const(at, D))
    # Pow of a negative number is NaN; the linear side takes those.
    positive = g.op("Max", t, g.const(0.0, D))
    cube = g.op("Pow", positive, g.const(1 / 3, D))
    line = g.op("Add", g.op("Mul", t, g.const(slope, D)), g.const(shift, D))
    return str(g.op("Where", above, cube, line))


def _lab(g: Graph, unit: Sequence[str]) -> list[str]:
    from skimage.color import colorconv

    linear = []
    for band in unit:
        low = g.op("Div", band, g.const(12.92, D))
        base = g.op("Div", g.op("Add", band, g.const(0.055, D)), g.const(1.055, D))
        high = g.op("Pow", g.op("Max", base, g.const(0.0, D)), g.const(2.4, D))
        linear.append(g.op("Where", g.op("Greater", band, g.const(0.04045, D)), high, low))
    white = colorconv.xyz_tristimulus_values(illuminant="D65", observer="2", dtype=D)
    f = []
    for row, reference in zip(colorconv.xyz_from_rgb, white):
        tristimulus = g.op("Div", _sum(g, row, linear), g.const(reference, D))
        f.append(_root(g, tristimulus, 0.008856, 7.787, 16 / 116))
    return _lab_of(g, f)


def _lab_of(g: Graph, f: Sequence[str]) -> list[str]:
    lightness = g.op("Sub", g.op("Mul", g.const(116.0, D), f[1]), g.const(16.0, D))
    a = g.op("Mul", g.const(500.0, D), g.op("Sub", f[0], f[1]))
    b = g.op("Mul", g.const(200.0, D), g.op("Sub", f[1], f[2]))
    return [lightness, a, b]


def _ycbcr(g: Graph, unit: Sequence[str]) -> list[str]:
    from skimage.color import colorconv

    shifts = (16.0, 128.0, 128.0)
    return [_sum(g, row, unit, shift) for row, shift in zip(colorconv.ycbcr_from_rgb, shifts)]


def _labnorm2(g: Graph, unit: Sequence[str], file: str) -> list[str]:
    rgb = list(unit) if file == "direct" else _back(g, *_stored(g, unit, file))
    f = [
        _root(g, _sum(g, row, rgb), 0.008856451679, 841 / 108, 4 / 29)
        for row in meaning.RGB_TO_XYZ_LIBIFT / meaning.WHITE_POINT_LIBIFT[:, None]
    ]
    return [
        str(g.op("Div", g.op("Sub", band, g.const(low, D)), g.const(span, D)))
        for band, low, span in zip(_lab_of(g, f), meaning.LOWEST, meaning.EXTENT)
    ]


def _trunc(g: Graph, x: str) -> str:
    return str(g.op("Cast", g.op("Cast", x, to="int64"), to="float64"))


def _stored(g: Graph, unit: Sequence[str], file: str) -> list[str]:
    """Y, Cb and Cr as libift stores them, see `spel.kernels.reference_color`."""

    def number(value: float) -> str:
        return g.const(value, D)

    def difference(a: str, b: str, below: float) -> Any:
        return g.op("Div", g.op("Sub", a, b), number(below))

    red, _, blue = unit
    if file == "png":
        y = _sum(g, (0.2627, 0.6780, 0.0593), unit)
        stored = [g.op("Add", _trunc(g, g.op("Mul", y, number(219))), number(16))]
        for chroma in (difference(blue, y, 1.8814), difference(red, y, 1.4746)):
            cut = g.op("Min", g.op("Max", chroma, number(-0.5)), number(0.5))
            whole = _trunc(g, g.op("Mul", cut, number(224)))
            stored.append(g.op("Add", whole, number(128)))
        return stored
    if file == "rgba":
        rows = (
            ((65.481207, 128.552871, 24.966094), 16.0),
            ((-37.796777, -74.203008, 111.999785), 128.0),
            ((111.999785, -93.786211, -18.213574), 128.0),
        )
        return [_trunc(g, _sum(g, weights, unit, shift)) for weights, shift in rows]
    y = _sum(g, GREY_WEIGHTS, unit)
    stored = [g.op("Round", g.op("Mul", number(255), y))]
    for band, below in ((blue, 1.772), (red, 1.402)):
        chroma = g.op("Div", g.op("Mul", number(255), g.op("Sub", band, y)), number(below))
        stored.append(g.op("Add", g.op("Round", chroma), number(128)))
    return stored


def _back(g: Graph, y: str, cb: str, cr: str) -> list[str]:
    def number(value: float) -> str:
        return g.const(value, D)

    luma = g.op("Mul", number(1.164383562), g.op("Sub", y, number(16)))
    blue, red = g.op("Sub", cb, number(128)), g.op("Sub", cr, number(128))
    sums = [
        g.op("Add", luma, g.op("Mul", number(1.596026786), red)),
        g.op(
            "Sub",
            g.op("Sub", luma, g.op("Mul", number(0.39176229), blue)),
            g.op("Mul", number(0.812967647), red),
        ),
        g.op("Add", luma, g.op("Mul", number(2.017232143), blue)),
    ]
    cut = [g.op("Min", g.op("Max", _trunc(g, s), number(0)), number(255)) for s in sums]
    return [str(g.op("Div", c, number(255))) for c in cut]
