"""A texture of any size from one sample: noise, moved until a bank sees in it what it saw there.

Nothing is learned. The statistics of the bank's activations are those of the sample; what is wrong
of them goes back to the picture by the adjoint of the bank, and L-BFGS takes the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.memory import check_memory
from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import as_real
from spel.synthesis.texture_bank import LEAST_SIDE, Planes, periodic
from spel.synthesis.texture_goal import Goal, noise
from spel.synthesis.texture_statistics import Method

METHODS: tuple[Method, ...] = ("joint", "histograms")
LEAST_PICTURE = 8
"""Side of a picture, in spels."""

ROUNDS = 100
"""Steps of L-BFGS by default."""
BYTES = 450
"""Memory for each number of a picture, most of it the history of L-BFGS; measured: up to 441."""


def texture(
    sample: npt.ArrayLike,
    size: Sequence[int] | None = None,
    *,
    method: Method = "joint",
    seed: int = 0,
    rounds: int = ROUNDS,
    on_round: Callable[[], object] = lambda: None,
) -> npt.NDArray[Any]:
    """A picture that has the statistics of a sample.

    Parameters
    ----------
    sample : (rows, cols[, C]) array
        Of a texture: the same everywhere, seen through a window of a few of its parts. Any real
        numbers, any number of channels.
    size : (rows, cols), optional
        Of the picture; that of the sample by default.
    method : {"joint", "histograms"}
        The statistics of Portilla and Simoncelli, or of Heeger and Bergen.
    seed : int
        Of the noise at the beginning.
    rounds : int
        Steps of L-BFGS, at most.
    on_round : function, optional
        Called after every step.

    Returns
    -------
    (rows, cols[, C]) array
        Of the type and between the least and the largest values of the sample, channel by channel.
        It is tileable: it goes on at its other side.

    Raises
    ------
    ShapeError
        If the sample is a volume, or the sample or the size is too small.
    ParameterError
        If the sample holds numbers that are not finite, or an option is outside its set.

    Notes
    -----
    Heeger and Bergen, "Pyramid-based texture analysis/synthesis", SIGGRAPH 1995; Portilla and
    Simoncelli, "A parametric texture model based on joint statistics of complex wavelet
    coefficients", IJCV 2000.

    Examples
    --------
    >>> rows, cols = np.indices((40, 40))
    >>> stripes = 100 + 50 * np.sin(cols * 2 * np.pi / 8)
    >>> picture = texture(stripes.astype(np.uint8), (32, 48), rounds=10)
    >>> picture.shape, picture.dtype, bool(picture.std(axis=1).mean() > picture.std(axis=0).mean())
    ((32, 48), dtype('uint8'), True)
    """
    image = checked_sample("texture", sample)
    rows, cols = checked_size("texture", image, size, BYTES)
    if method not in METHODS:
        raise ParameterError(f"texture: the method {method!r}; expected one of {METHODS}")
    if int(rounds) != rounds or rounds < 1:
        raise ParameterError(f"texture: {rounds!r} rounds; expected 1 or more")
    from threadpoolctl import threadpool_limits

    axes = Axes.of(image)
    if len(axes.mixing):
        goal = Goal(axes.periodic(image), (rows, cols), method)
        with threadpool_limits(1, user_api="blas"):
            start = noise(goal.sample, (rows, cols), seed)
            planes = goal.reached(
                start,
                int(rounds),
                lambda away: axes.planes(axes.picture(away, image)),
                lambda away: axes.within(away, image),
                on_round,
            )
    else:  # one colour everywhere
        planes = np.zeros((0, rows, cols), np.float32)
    return axes.picture(planes, image).reshape(rows, cols, *np.shape(sample)[2:])


def texture_differences(
    sample: npt.ArrayLike, picture: npt.ArrayLike, *, method: Method = "joint"
) -> dict[str, float]:
    """How far the statistics of a picture are from those of a sample.

    Parameters
    ----------
    sample, picture : (rows, cols[, C]) arrays
        The picture is taken to go on at its other side, as those of `texture` do.
    method : {"joint", "histograms"}

    Returns
    -------
    dict of str to float
        For each kind of statistic and each level, 0 the finest: the root mean square difference, in
        units of the deviations in the sample; .01 is one per cent.

    Examples
    --------
    >>> sample = np.random.default_rng(0).normal(size=(64, 64))
    >>> texture_differences(sample, sample + 1)["values 0"].__round__(2)
    1.0
    """
    image, other = (
        checked_sample("texture", sample),
        checked_sample("texture", picture, LEAST_PICTURE),
    )
    if image.shape[2] != other.shape[2]:
        raise ShapeError(
            f"texture: a sample of {image.shape[2]} channels and a picture of {other.shape[2]}"
        )
    axes = Axes.of(image)
    if not len(axes.mixing):  # one colour everywhere
        return {}
    goal = Goal(axes.periodic(image), (other.shape[0], other.shape[1]), method)
    goal.miss(axes.planes(other))
    return goal.differences


@dataclass(frozen=True)
class Axes:
    """Independent axes of the colours of a sample, with a deviation of 1 along each.

    Attributes
    ----------
    mean : (C,) array
    mixing : (axes, C) array
        What one deviation along each axis is in colours.
    triangle : (C, C) array
        Its product with a difference of colours is as long as that is in units of deviations;
        nothing stands below its diagonal.
    """

    mean: npt.NDArray[np.float64]
    mixing: npt.NDArray[np.float64]
    triangle: npt.NDArray[np.float64]

    @classmethod
    def of(cls, image: npt.NDArray[Any]) -> Axes:
        colors = image.reshape(-1, image.shape[2]).astype(np.float64)
        mean = colors.mean(axis=0)
        variances, axes = np.linalg.eigh((colors - mean).T @ (colors - mean) / len(colors))
        least = 1e-6 * max(variances.max(), 1e-300)
        real = variances > least
        triangle = np.linalg.qr((axes / np.sqrt(np.maximum(variances, least))).T)[1]
        return cls(mean, (axes[:, real] * np.sqrt(variances[real])).T, triangle)

    def planes(self, image: npt.NDArray[Any]) -> Planes:
        away = image.astype(np.float64) - self.mean
        along = away @ np.linalg.pinv(self.mixing)
        return np.ascontiguousarray(np.moveaxis(along, -1, 0), dtype=np.float32)

    def periodic(self, image: npt.NDArray[Any]) -> Planes:
        """The planes of an image that goes on at its other side, of the same type and range."""
        return self.planes(self.picture(periodic(self.planes(image)), image))

    def within(
        self, planes: Planes, like: npt.NDArray[Any]
    ) -> tuple[Planes, Callable[[Planes], Planes]]:
        """Planes whose colours lie in the range of `like`, and what takes a gradient back."""
        both = self.mixing, np.linalg.pinv(self.mixing)
        mixing, inverse = (matrix.astype(np.float32) for matrix in both)
        low, high = (
            (m(axis=(0, 1)) - self.mean).astype(np.float32)[:, None, None]
            for m in (like.min, like.max)
        )
        colors = np.tensordot(mixing.T, planes, 1)
        inside = (low <= colors) & (colors <= high)

        def back(gradient: Planes) -> Planes:
            return np.tensordot(mixing, np.tensordot(inverse, gradient, 1) * inside, 1)

        return np.tensordot(inverse.T, colors.clip(low, high), 1), back

    def picture(self, planes: Planes, like: npt.NDArray[Any]) -> npt.NDArray[Any]:
        colors = np.moveaxis(planes, 0, -1).astype(np.float64) @ self.mixing + self.mean
        limits = like.min(axis=(0, 1)), like.max(axis=(0, 1))
        if like.dtype.kind != "f":
            colors = self.whole(np.clip(colors, *limits))
        return np.clip(colors, *limits).astype(like.dtype)

    def whole(self, colors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Whole numbers near to colours, above all along the axes with a small deviation.

        Channel by channel from the last one; those before make up for what rounding changed, so
        that brightness may change a little more and the hue less than by rounding each alone.

        Examples
        --------
        >>> greys = np.arange(200.0)[:, None, None] + np.zeros(2)
        >>> Axes.of(greys).whole(np.array([[7.4, 7.6], [3.2, 3.2]])).tolist()
        [[8.0, 8.0], [3.0, 3.0]]
        """
        out = colors.copy()
        for k in reversed(range(out.shape[-1])):
            row = self.triangle[k]
            missed = (out - colors)[..., k + 1 :] @ row[k + 1 :]
            out[..., k] = np.rint(colors[..., k] - missed / row[k])
        return out


def checked_sample(name: str, sample: npt.ArrayLike, least: int = LEAST_SIDE) -> npt.NDArray[Any]:
    """The sample as (rows, cols, C), or an error."""
    array = as_real(name, sample)
    image = array[..., None] if array.ndim == 2 else array
    if image.ndim != 3 or not image.size:
        raise ShapeError(
            f"{name}: a sample of shape {array.shape}; expected one picture (rows, cols[, "
            "channels]); volumes and batches are not taken"
        )
    if min(image.shape[:2]) < least:
        raise ShapeError(
            f"{name}: a sample of {image.shape[0]} x {image.shape[1]} spels; expected "
            f"{least} x {least} at least"
        )
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise ParameterError(f"{name}: the sample holds NaN or infinity; replace or crop them")
    return image


def checked_size(
    name: str, image: npt.NDArray[Any], size: Sequence[int] | None, bytes_per_number: int
) -> tuple[int, int]:
    """The size of the picture, or an error; such a picture must fit into memory."""
    rows, cols = image.shape[:2] if size is None else size
    if min(rows, cols) < LEAST_PICTURE or int(rows) != rows or int(cols) != cols:
        raise ShapeError(f"{name}: a picture of {rows} x {cols} spels; expected 8 x 8 at least")
    check_memory(
        f"{name}: a picture of {rows} x {cols} spels",
        float(rows) * float(cols) * image.shape[2] * bytes_per_number,
        "give a smaller size",
    )
    return int(rows), int(cols)
