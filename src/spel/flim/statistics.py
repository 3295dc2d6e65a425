"""Step 1 of learning: mean and deviation of each channel over the marked spels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.core.instance import check_instance
from spel.core.markers import Markers
from spel.errors import ParameterError, ShapeError
from spel.nn.blocks import ImageLike, shape_of, values_at

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and deviation per channel; the deviation is never 0.

    Attributes
    ----------
    mean, deviation : (C,) arrays of float64
        Or (n * C,) if each displacement has its own, as in FLIM-BoFP.

    Examples
    --------
    >>> stats = Statistics(np.array([10.0, 0.0]), np.array([2.0, 1.0]))
    >>> stats.standardize([12.0, 3.0, 8.0, 4.0]).tolist()  # two displacements of two channels
    [1.0, 3.0, -1.0, 4.0]
    """

    mean: Real
    deviation: Real

    def standardize(self, values: npt.ArrayLike) -> Real:
        """``(x - mean) / deviation`` along the last axis.

        A patch of n displacements holds its C channels displacement by displacement, so statistics
        of C channels are repeated n times.
        """
        x = np.asarray(values, dtype=np.float64)
        shape = x.shape
        x = x.reshape(*shape[:-1], shape[-1] // len(self.mean), len(self.mean))
        scaled: Real = ((x - self.mean) / self.deviation).reshape(shape)
        return scaled


def statistics(
    images: Sequence[ImageLike], markers: Sequence[Markers], *, factor: float = 0.01
) -> Statistics:
    """Mean and deviation of each channel over all marked spels of all images together.

    ``mu_c = mean I_c(p)`` and ``sigma_c = std I_c(p) + factor``, over every marked spel p of every
    image. The deviation is that of the population.

    Parameters
    ----------
    images : sequence of (rows, cols, C) arrays
        Activations, one per markers.
    markers : sequence of Markers
    factor : float
        Added to every deviation (libift's ``stdev_factor``).

    Returns
    -------
    Statistics

    Raises
    ------
    ShapeError, ParameterError
        If images and markers do not fit one another, or nothing is marked.

    Notes
    -----
    libift, ``iftStatisticsFromAllSeeds``.

    Examples
    --------
    >>> image = np.array([[[1.0], [3.0], [9.0]]])
    >>> stats = statistics([image], [Markers([(0, 0), (0, 1)], [0, 1], (1, 3))])
    >>> stats.mean.tolist(), stats.deviation.tolist()
    ([2.0], [1.01])
    """
    if not (np.isfinite(factor) and factor >= 0):
        raise ParameterError(f"statistics: factor {factor!r}; expected a finite number >= 0")
    check_pairs("statistics", images, markers)
    return pooled_statistics(images, markers, factor)


def pooled_statistics(
    images: Sequence[ImageLike],
    markers: Sequence[Markers],
    factor: float = 0.01,
    names: Sequence[str] = (),
) -> Statistics:
    """`statistics` without checks of images and markers."""
    values = np.concatenate(
        [values_at(image, m.points) for image, m in zip(images, markers)]
    ).astype(np.float64)
    if not len(values):
        raise ParameterError("statistics: no spel is marked; draw at least one stroke")
    check_finite_rows("statistics", values, markers, names)
    deviation = values.std(axis=0) + factor
    return Statistics(values.mean(axis=0), np.where(deviation > 0, deviation, 1.0))


def check_finite_rows(
    operator: str,
    rows: Real,
    markers: Sequence[Markers],
    names: Sequence[str] = (),
    *,
    near: bool = False,
) -> None:
    """Refuse rows, one per marked spel, with a number that is NaN or infinite; say which spel.

    `near` says that a row is of the spel's neighbours, too.
    """
    finite = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
    if finite.all():
        return
    row = int(np.argmin(finite))
    number = int(np.searchsorted(np.cumsum([len(m) for m in markers]), row, side="right"))
    point = np.concatenate([m.points for m in markers])[row].tolist()
    what = "a number near it is " if near else ""
    raise ParameterError(
        f"{operator}: spel {tuple(point)} of image {names[number] if names else number} is marked, "
        f"and {what}NaN or infinite; mark other spels or mend the image"
    )


def check_pairs(operator: str, images: Sequence[ImageLike], markers: Sequence[Markers]) -> None:
    """Raise unless there is one image per markers, of its size, all of as many channels."""
    check_sizes(operator, images, markers)
    check_channels(operator, images)


def check_sizes(operator: str, images: Sequence[ImageLike], markers: Sequence[Markers]) -> None:
    """Raise unless there is one image per markers, each of the marked size."""
    if len(images) != len(markers) or not len(images):
        raise ShapeError(
            f"{operator}: {len(images)} images and {len(markers)} markers; give one of each per "
            "image, at least one"
        )
    for number, (image, m) in enumerate(zip(images, markers)):
        check_instance(f"{operator}: markers {number}", m, Markers)
        shape = shape_of(image, f"{operator}: image {number}")
        if len(shape) != m.ndim + 1:
            raise ShapeError(
                f"{operator}: image {number} of shape {shape} for markers of {m.ndim} axes; "
                "expected a channel axis after them"
            )
        m.check_fits(shape[:-1], f"image {number}")


def check_channels(operator: str, images: Sequence[ImageLike]) -> None:
    """Raise unless all images have the same number of channels."""
    channels = {shape_of(image)[-1] for image in images}
    if len(channels) > 1:
        raise ShapeError(
            f"{operator}: images of {sorted(channels)} channels; expected the same number in all. "
            "Convert them first, for example by a Color layer"
        )


def checked_names(operator: str, names: Sequence[str], count: int) -> tuple[str, ...]:
    """One name per image, each different; their numbers if no names are given."""
    names = tuple(names) or tuple(str(number) for number in range(count))
    if len(names) != count or len(set(names)) != count:
        raise ParameterError(
            f"{operator}: {len(names)} names for {count} images, {len(set(names))} of them "
            "different; give each image its own name"
        )
    return names
