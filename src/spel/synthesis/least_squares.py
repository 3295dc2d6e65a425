"""Conjugate gradients with a preconditioner that is a filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.nn.layer import Image

Normal = Callable[[Image], Image]
MOST_CHANNELS = 8
"""Largest number of channels that are filtered separately; more are all filtered alike."""


def conjugate_gradients(
    normal: Normal,
    right: Image,
    precondition: Normal,
    *,
    iterations: int,
    tolerance: float = 1e-4,
    step: Callable[[], object] = lambda: None,
) -> Image:
    """Solve ``normal(x) = right`` for a symmetric positive definite operator.

    Parameters
    ----------
    normal, precondition : functions of an image to an image
    right : image
    iterations : int
        Largest number of iterations.
    tolerance : float
        The iterations end when the residual, measured with the preconditioner, is this share of
        the first one.
    step : function, optional
        Called after every iteration.

    Returns
    -------
    image

    Examples
    --------
    >>> solved = conjugate_gradients(lambda x: 2 * x, np.ones((1, 2, 1)), lambda r: r, iterations=3)
    >>> solved.ravel().tolist()
    [0.5, 0.5]
    """
    x = np.zeros_like(right)
    residual = right
    direction = filtered = precondition(residual)
    before = first = float(np.vdot(residual, filtered))
    for _ in range(iterations):
        if before <= tolerance**2 * first or before <= 0:
            break
        image = normal(direction)
        curvature = float(np.vdot(direction, image))
        if curvature <= 0:
            break
        length = before / curvature
        x = x + length * direction
        residual = residual - length * image
        filtered = precondition(residual)
        now = float(np.vdot(residual, filtered))
        direction = filtered + (now / before) * direction
        before = now
        step()
    return x


class Filter:
    """The inverse of an operator whose impulse response is taken to be the same everywhere.

    The impulse responses of the operator, averaged over the image, are a matrix of channels for
    each frequency. Its inverse is applied by the sine transform if all is zero outside the image,
    and by the cosine transform otherwise.

    Parameters
    ----------
    normal : function of an image to an image
        Symmetric, positive semidefinite.
    shape : tuple of int
        Shape of the images; channels last.
    reach : sequence of int
        How far the impulse response extends along each axis.
    smooth, pull : float
        Weights of the squared differences between neighbours and of the squared values, in units
        of `gain`.
    zero_outside : bool

    Attributes
    ----------
    gain : float
        The mean response over all frequencies and channels; 0 if there is none.
    """

    def __init__(
        self,
        normal: Normal,
        shape: Sequence[int],
        reach: Sequence[int],
        smooth: float,
        pull: float,
        *,
        zero_outside: bool = False,
    ) -> None:
        size = tuple(shape[:-1])
        reach = [min(r, n - 1) for r, n in zip(reach, size)]
        self.zero_outside = zero_outside
        many = shape[-1] > MOST_CHANNELS
        answers = (mean_of_channels if many else mean_answers)(normal, shape, reach)
        middle: Any = (slice(None), slice(None), *reach)
        mean = float(np.trace(answers[middle])) / len(answers)
        self.gain = mean if mean > 1e-20 else 0.0
        waves = [np.pi * (np.arange(n) + int(zero_outside)) / n for n in size]
        for radius, own in zip(reach, waves):  # the transform of few values, axis by axis
            cosines = np.cos(np.outer(np.arange(-radius, radius + 1), own))
            answers = np.tensordot(answers, cosines, axes=(2, 0))
        rough = sum(np.ix_(*[2 - 2 * np.cos(own) for own in waves]))
        penalty = np.maximum(self.gain * (pull + smooth * rough), 1e-25)
        self.inverse = _inverted(answers, penalty).astype(np.float32)

    def __call__(self, image: Image) -> Image:
        spectrum = self._transform(np.moveaxis(image, -1, 0), forth=True)
        if len(self.inverse) == len(spectrum):
            filtered = np.stack([sum(map(np.multiply, row, spectrum)) for row in self.inverse])
        else:
            filtered = spectrum * self.inverse[0]
        return np.moveaxis(self._transform(filtered, forth=False), 0, -1)

    def _transform(self, values: Image, *, forth: bool) -> Image:
        from scipy import fft

        axes = tuple(range(1, values.ndim))
        if self.zero_outside:
            sines: Image = (fft.dstn if forth else fft.idstn)(values, 2, axes=axes, norm="ortho")
            return sines
        cosines: Image = (fft.dctn if forth else fft.idctn)(values, 2, axes=axes, norm="ortho")
        return cosines


def mean_of_channels(
    normal: Normal, shape: Sequence[int], reach: Sequence[int]
) -> npt.NDArray[np.float64]:
    """One impulse response for all channels, (1, 1, ...); random signs separate the channels."""
    channels, size = shape[-1], shape[:-1]
    grid, around, sides = _impulses(size, reach)
    signs = np.random.default_rng(0).choice((-1.0, 1.0), (channels, *(g.size for g in grid)))
    image = np.zeros((channels, *size), dtype=np.float32)
    places: Any = (slice(None), *grid)
    image[places] = signs
    answer = np.pad(np.moveaxis(normal(np.moveaxis(image, 0, -1)), -1, 0), around)
    out = np.zeros((1, 1, *sides))
    for offset in np.ndindex(*sides):
        at = tuple(g + o for g, o in zip(grid, offset))
        out[(0, 0, *offset)] = (signs * answer[(slice(None), *at)]).mean()
    return out


def _impulses(
    size: Sequence[int], reach: Sequence[int]
) -> tuple[tuple[npt.NDArray[np.int64], ...], list[tuple[int, int]], list[int]]:
    """Places of impulses inside the border, the padding of the responses, and their sides."""
    sides = [2 * r + 1 for r in reach]
    places = []
    for n, r, side in zip(size, reach, sides):
        margin = min(r, (n - 1) // 2)
        count = (n - 1 - 2 * margin) // side + 1
        places.append(np.unique(np.linspace(margin, n - 1 - margin, count).round().astype(int)))
    return np.ix_(*places), [(0, 0), *[(r, r) for r in reach]], sides


def mean_answers(
    normal: Normal, shape: Sequence[int], reach: Sequence[int]
) -> npt.NDArray[np.float64]:
    """The mean response of each channel to an impulse in each channel, cut out around it.

    Returns
    -------
    (channels, channels, 2 * reach + 1, ...) array of float64
        The axes are the responding channel, the channel of the impulse, and the displacement.
    """
    channels, size = shape[-1], shape[:-1]
    grid, around, sides = _impulses(size, reach)
    out = np.zeros((channels, channels, *sides))
    for channel in range(channels):
        image = np.zeros((channels, *size), dtype=np.float32)
        places: Any = (channel, *grid)
        image[places] = 1
        answer = np.pad(np.moveaxis(normal(np.moveaxis(image, 0, -1)), -1, 0), around)
        for offset in np.ndindex(*sides):
            at = tuple(g + o for g, o in zip(grid, offset))
            values = answer[(slice(None), *at)].reshape(channels, -1)
            out[(slice(None), channel, *offset)] = values.mean(axis=1)
    return out


def _inverted(
    matrices: npt.NDArray[np.float64], penalty: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The inverse of ``matrix + penalty`` at every frequency; Gauss and Jordan, at all at once."""
    left = (matrices + np.swapaxes(matrices, 0, 1)) / 2
    right = np.zeros_like(left)
    least = []
    for i in range(len(left)):
        least.append(1e-4 * np.abs(left[i, i]) + penalty)
        left[i, i] += penalty
        right[i, i] = 1
    for i in range(len(left)):
        pivot = np.maximum(left[i, i], least[i])
        left[i] /= pivot
        right[i] /= pivot
        for j in range(len(left)):
            if j != i:
                factor = left[j, i].copy()
                left[j] -= factor * left[i]
                right[j] -= factor * right[i]
    return right
