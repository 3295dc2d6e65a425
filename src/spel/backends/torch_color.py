"""Colour spaces on tensors, in float64 and in the order of `spel.ops`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spel.backends.torch_deps import Tensor, torch
from spel.kernels import reference_color as meaning
from spel.nn import Color
from spel.ops.color import GREY_WEIGHTS

_LABNORM2 = (meaning.RGB_TO_XYZ_LIBIFT / meaning.WHITE_POINT_LIBIFT[:, None]).tolist()
_LOWEST, _EXTENT = meaning.LOWEST.tolist(), meaning.EXTENT.tolist()


@dataclass(frozen=True)
class Tables:
    """scikit-image's numbers for a colour space, as plain floats, taken when a module is made."""

    xyz: tuple[tuple[float, ...], ...] = ()
    white: tuple[float, ...] = ()
    ycbcr: tuple[tuple[float, ...], ...] = ()


def tables(layer: Color) -> Tables:
    """What the layer's colour space needs."""
    if layer.space not in ("lab", "ycbcr"):
        return Tables()
    from skimage.color import colorconv

    white = colorconv.xyz_tristimulus_values(illuminant="D65", observer="2", dtype=np.float64)
    return Tables(
        _floats(colorconv.xyz_from_rgb),
        tuple(float(w) for w in white),
        _floats(colorconv.ycbcr_from_rgb),
    )


def _floats(matrix: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in row) for row in matrix)


def color(layer: Color, constants: Tables, x: Tensor) -> Tensor:
    """An image of 1 to 4 channels in the layer's colour space."""
    bands = [x[:, b] for b in range(1 if x.shape[1] < 3 else 3)]
    unit = float(np.float32(1 / layer.white))
    if layer.space == "grey":
        grey = bands[0] if len(bands) == 1 else _sum(GREY_WEIGHTS, bands)
        return grey[:, None] * unit
    bands = bands * 3 if len(bands) == 1 else bands
    if layer.space == "rgb":
        return torch.stack(bands, dim=1) * unit
    wide = [band.double() / layer.white for band in bands]
    if layer.space == "lab":
        three = _lab(wide, constants)
    elif layer.space == "ycbcr":
        rows = zip(constants.ycbcr, (16.0, 128.0, 128.0))
        three = [_sum(row, wide, shift) for row, shift in rows]
    else:
        three = _labnorm2(wide, layer.space[9:] or "png")
    return torch.stack(three, dim=1).to(x.dtype)


def _sum(weights: Any, bands: list[Tensor], shift: float = 0.0) -> Tensor:
    w = [float(v) for v in weights]
    total = (w[0] * bands[0] + w[1] * bands[1]) + w[2] * bands[2]
    return total + shift if shift else total


def _root(t: Tensor, at: float, slope: float, shift: float) -> Tensor:
    above = t > at
    return torch.where(above, torch.where(above, t, 1.0).pow(1 / 3), slope * t + shift)


def _lab(unit: list[Tensor], constants: Tables) -> list[Tensor]:
    linear = []
    for band in unit:
        above = band > 0.04045
        high = ((torch.where(above, band, 1.0) + 0.055) / 1.055).pow(2.4)
        linear.append(torch.where(above, high, band / 12.92))
    rows = zip(constants.xyz, constants.white)
    return _lab_of([_root(_sum(row, linear) / w, 0.008856, 7.787, 16 / 116) for row, w in rows])


def _lab_of(f: list[Tensor]) -> list[Tensor]:
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


def _labnorm2(unit: list[Tensor], file: str) -> list[Tensor]:
    rgb = unit if file == "direct" else _back(*_stored(unit, file))
    f = [_root(_sum(row, rgb), 0.008856451679, 841 / 108, 4 / 29) for row in _LABNORM2]
    ends = zip(_lab_of(f), _LOWEST, _EXTENT)
    return [(band - low) / span for band, low, span in ends]


def _stored(unit: list[Tensor], file: str) -> list[Tensor]:
    """Y, Cb and Cr as libift stores them, see `spel.kernels.reference_color`."""
    red, _, blue = unit
    if file == "png":
        y = _sum((0.2627, 0.6780, 0.0593), unit)
        chroma = [(blue - y) / 1.8814, (red - y) / 1.4746]
        return [
            (y * 219).trunc() + 16,
            *[(c.clamp(-0.5, 0.5) * 224).trunc() + 128 for c in chroma],
        ]
    if file == "rgba":
        return [
            _sum((65.481207, 128.552871, 24.966094), unit, 16).trunc(),
            _sum((-37.796777, -74.203008, 111.999785), unit, 128).trunc(),
            _sum((111.999785, -93.786211, -18.213574), unit, 128).trunc(),
        ]
    y = _sum(GREY_WEIGHTS, unit)
    chroma = [255 * (blue - y) / 1.772, 255 * (red - y) / 1.402]
    return [(255 * y).round(), *[c.round() + 128 for c in chroma]]


def _back(y: Tensor, cb: Tensor, cr: Tensor) -> list[Tensor]:
    luma, blue, red = 1.164383562 * (y - 16), cb - 128, cr - 128
    sums = [
        luma + 1.596026786 * red,
        luma - 0.39176229 * blue - 0.812967647 * red,
        luma + 2.017232143 * blue,
    ]
    return [s.trunc().clamp(0, 255) / 255 for s in sums]
