"""The ellipse of an outline that the border of the image cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LARGEST = 4.0
"""Largest area of the whole ellipse over that of the visible part."""


@dataclass(frozen=True, eq=False)
class Ellipse:
    """A solid ellipse.

    Attributes
    ----------
    centre : (2,) array of float64
    moments : (2, 2) array of float64
        Second moments M: the ellipse is ``(p - centre)' M^-1 (p - centre) <= 4``.
    """

    centre: Real
    moments: Real

    @property
    def area(self) -> float:
        """``4 pi sqrt(det moments)``."""
        return float(4 * np.pi * np.sqrt(np.linalg.det(self.moments)))


def completed_ellipse(
    mask: Mask, origin: tuple[int, ...], image_size: tuple[int, ...]
) -> Ellipse | None:
    """The ellipse through the part of a mask's outline that lies inside the image.

    Parameters
    ----------
    mask : (rows, cols) array of bool
        The visible part of an object.
    origin : (row, col)
        Where the first spel of the mask lies in the image.
    image_size : (rows, cols)

    Returns
    -------
    Ellipse or None
        In the frame of the mask; None if the outline is no arc of an ellipse, or the ellipse is
        more than four times as large as its visible part.

    Notes
    -----
    Halir & Flusser, Numerically stable direct least squares fitting of ellipses, 1998.

    Examples
    --------
    >>> rows, cols = np.mgrid[:20, :41]
    >>> upper = ((rows - 19) / 20.5) ** 2 + ((cols - 20) / 20.5) ** 2 <= 1  # half a disk
    >>> whole = completed_ellipse(upper, (30, 5), (50, 60))
    >>> whole.centre.round().tolist(), 0.95 < whole.area / (np.pi * 20.5**2) < 1.05
    ([19.0, 20.0], True)
    """
    points = _arc(mask, origin, image_size)
    if len(points) < 6:
        return None
    middle = points.mean(axis=0)
    scale = max(float(np.abs(points - middle).max()), 1.0)
    conic = _fit((points - middle) / scale)
    local = None if conic is None else _ellipse_of(conic)
    if local is None:
        return None
    ellipse = Ellipse(local.centre * scale + middle, local.moments * scale**2)
    visible = int(np.count_nonzero(mask))
    return ellipse if 0.8 * visible <= ellipse.area <= LARGEST * visible else None


def _arc(mask: Mask, origin: tuple[int, ...], image_size: tuple[int, ...]) -> Real:
    """Points half way between a spel of the mask and a neighbour that lies in the image only."""
    padded = np.pad(mask, 1)
    points = []
    for step in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        beside = np.roll(padded, (-step[0], -step[1]), axis=(0, 1))[1:-1, 1:-1]
        edge = np.argwhere(mask & ~beside)
        outside = edge + np.array(origin) + step
        inside = ((outside >= 0) & (outside < np.array(image_size))).all(axis=1)
        points.append(edge[inside] + np.array(step) / 2)
    return np.concatenate(points).astype(np.float64)


def _fit(points: Real) -> Real | None:
    """Coefficients of ``a y^2 + b y x + c x^2 + d y + e x + f``, with ``4 a c - b^2 = 1``."""
    y, x = points.T
    quadratic = np.stack([y * y, y * x, x * x], axis=1)
    linear = np.stack([y, x, np.ones_like(x)], axis=1)
    own, cross, rest = quadratic.T @ quadratic, quadratic.T @ linear, linear.T @ linear
    try:
        back = -np.linalg.solve(rest, cross.T)
        reduced = own + cross @ back
        reduced = np.stack([reduced[2] / 2, -reduced[1], reduced[0] / 2])
        _, vectors = np.linalg.eig(reduced)
    except np.linalg.LinAlgError:
        return None
    vectors = np.real(vectors)
    bent = 4 * vectors[0] * vectors[2] - vectors[1] ** 2
    if not (bent > 0).any():
        return None
    first = vectors[:, int(np.argmax(bent))]
    return np.concatenate([first, back @ first])


def _ellipse_of(conic: Real) -> Ellipse | None:
    """Centre and moments of a conic; None if it is no ellipse."""
    a, b, c, d, e, f = conic
    form = np.array([[a, b / 2], [b / 2, c]])
    if np.linalg.det(form) <= 0:
        return None
    centre = np.linalg.solve(form, [-d / 2, -e / 2])
    level = centre @ form @ centre - f
    inverse = form / level
    if not np.isfinite(inverse).all() or np.linalg.eigvalsh(inverse)[0] <= 0:
        return None
    return Ellipse(centre, np.linalg.inv(inverse) / 4)
