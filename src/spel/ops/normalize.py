"""Normalizations: linear, divisive and batch, and the residue of an image and its normalization."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.adjacency import Adjacency
from spel.core.numbers import as_numbers
from spel.core.threads import thread_count
from spel.errors import ParameterError, ShapeError
from spel.ops import arrays
from spel.ops.arrays import Float, allocate, as_planar, as_real, check_adjacency, check_out, is_wide

Over = Literal["domain", "batch", "channels"]


def linear_normalize(
    image: npt.ArrayLike, *, over: Over = "domain", ndim: int = 2, out: Float | None = None
) -> Float:
    """Bring values linearly to 0..1.

    ``(I_k(p) - min) / (max - min)``, the extremes over the domain (per image and channel), over
    the batch (per spel and channel) or over the channels (per image and spel).

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for ``ndim=3``, or a batch of images
    over : {"domain", "batch", "channels"}
    ndim : {2, 3}
        Spatial axes of the image.
    out : float32 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        Of the image's shape. A constant gives 0; a NaN makes all values that share its extremes
        NaN, and an infinity makes finite ones 0 or NaN.

    Raises
    ------
    ShapeError
        If ``over="batch"`` and the image is no batch.

    Notes
    -----
    Lecture, "Normalization", linear (a), (b) and (c).

    Examples
    --------
    >>> linear_normalize([[2, 4], [6, 2]]).tolist()
    [[0.0, 0.5], [1.0, 0.0]]
    """
    axes = {"domain": (2, 3, 4), "batch": (0,), "channels": (1,)}
    if over not in axes:
        raise ParameterError(f"linear_normalize: over {over!r}; expected one of {', '.join(axes)}")
    planar = as_planar("linear_normalize", image, ndim)
    if over == "batch" and not planar.batched:
        raise ShapeError(
            f"linear_normalize: over the batch, but the image of shape {np.shape(image)} is no "
            f"batch; expected {ndim + 2} axes (batch, ..., channels)"
        )
    memory, result = allocate("linear_normalize", planar, planar.channels, planar.size, out)
    if planar.array.size:
        low, high = arrays.extremes(planar.array, axes[over])
        scale_between(planar.array, low, high, out=memory)
    return result


def scale_between(
    array: npt.NDArray[Any], low: npt.NDArray[Any], high: npt.NDArray[Any], *, out: Float
) -> None:
    """``(x - low) / (high - low)`` into `out`; 0 where both are equal.

    Numbers with more digits than float32 holds are subtracted before anything is rounded.
    """
    kind = np.float64 if is_wide(array) else np.float32
    low, high = low.astype(kind), high.astype(kind)
    with np.errstate(invalid="ignore", over="ignore"):
        span = high - low
        span = np.where(span == 0, kind(1), span)
        if kind is np.float32:
            np.subtract(array, low, out=out, dtype=np.float32, casting="unsafe")
            out /= span
        else:
            np.divide(np.subtract(array, low, dtype=kind), span, out=out, casting="unsafe")


def divisive_normalize(
    image: npt.ArrayLike,
    adjacency: Adjacency,
    *,
    across_channels: bool = False,
    centre: bool = True,
    out: Float | None = None,
) -> Float:
    """Divide every value by the norm of its neighbourhood.

    ``N_k(p) = I_k(p) / sqrt(sum of I_k(q)^2)`` over the q in C(p) inside the image, per channel or
    with the sum over all channels. It lifts subtle, isolated activations.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
    adjacency : Adjacency
        C, of any shape.
    across_channels : bool
        Sum the squares over all channels too.
    centre : bool
        Whether the spel itself counts (the course's C code leaves it out).
    out : float32 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        Of the image's shape; 0 where the norm is 0.

    Notes
    -----
    Lecture, "Normalization", divisive. The squares are summed in float32: values above 1e19
    overflow to a norm of infinity and give 0, and values below 1e-19 in magnitude have squares
    that vanish. Scale such images first, which does not change the result.

    Examples
    --------
    >>> divisive_normalize([[3, 4, 0, 0]], Adjacency.rectangle(width=3, height=1)).round(2).tolist()
    [[0.6000000238418579, 0.800000011920929, 0.0, 0.0]]
    """
    neighbours = check_adjacency("divisive_normalize", adjacency)
    if not centre:
        if not (neighbours.displacements != 0).any():
            raise ParameterError(
                "divisive_normalize: centre=False leaves no neighbour in this adjacency; give one "
                "with other displacements"
            )
        neighbours = neighbours.without_centre()
    planar = as_planar("divisive_normalize", image, neighbours.ndim)
    memory, result = allocate("divisive_normalize", planar, planar.channels, planar.size, out)
    kernels.divide_by_norm(
        planar.array,
        neighbours.displacements_3d,
        across_channels=across_channels,
        out=memory,
        threads=thread_count(),
    )
    return result


class BatchStatistics(NamedTuple):
    """Mean and deviation of a batch, per spel and channel or per channel.

    Attributes
    ----------
    mean, deviation : array of float32
        They are float64 if the batch has more digits than float32 holds.

    Examples
    --------
    >>> two = np.array([[[[1.0]]], [[[3.0]]]])  # two images of one spel
    >>> statistics = batch_statistics(two, over="channel")
    >>> statistics.mean.tolist(), statistics.deviation.tolist()
    ([2.0], [1.0])
    """

    mean: npt.NDArray[Any]
    deviation: npt.NDArray[Any]


def batch_statistics(
    images: npt.ArrayLike, *, over: Literal["spel", "channel"] = "spel"
) -> BatchStatistics:
    """Mean and deviation over the images of a batch.

    Parameters
    ----------
    images : (n, rows, cols, C) or (n, planes, rows, cols, C) array
        At least two images.
    over : {"spel", "channel"}
        "spel": at each spel, over the images, ``n - 1`` in the variance (the lecture's);
        "channel": over images and domain together, ``n`` in the variance (the field's usual).

    Returns
    -------
    BatchStatistics
        Of shape (rows, cols, C), or (C,).

    Raises
    ------
    ShapeError
        If there is no batch axis, or fewer than two images for "spel".

    Examples
    --------
    >>> mean, deviation = batch_statistics([[[[1.0]]], [[[3.0]]]])
    >>> mean.item(), round(deviation.item(), 4)
    (2.0, 1.4142)
    """
    if over not in ("spel", "channel"):
        raise ParameterError(f"batch_statistics: over {over!r}; expected 'spel' or 'channel'")
    batch = _checked_batch(images, over)
    kind = np.float64 if is_wide(batch) else np.float32
    axes = (0,) if over == "spel" else tuple(range(batch.ndim - 1))
    mean = batch.mean(axis=axes, dtype=np.float64)
    deviation = batch.std(axis=axes, dtype=np.float64, ddof=1 if over == "spel" else 0)
    return BatchStatistics(np.asarray(mean, dtype=kind), np.asarray(deviation, dtype=kind))


def _checked_batch(images: npt.ArrayLike, over: str) -> npt.NDArray[Any]:
    """The images as a batch that has statistics."""
    batch = as_real("batch_statistics", images)
    if batch.ndim not in (4, 5) or (over == "spel" and len(batch) < 2) or batch.size == 0:
        raise ShapeError(
            f"batch_statistics: images of shape {batch.shape}; expected (n, rows, cols, channels) "
            f"or (n, planes, rows, cols, channels), not empty, with n of at least "
            f"{2 if over == 'spel' else 1}"
        )
    return batch


def batch_normalize(
    images: npt.ArrayLike,
    *,
    statistics: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    over: Literal["spel", "channel"] = "spel",
    gamma: npt.ArrayLike = 1.0,
    beta: npt.ArrayLike = 0.0,
    epsilon: float = 1e-5,
    out: Float | None = None,
) -> Float:
    """Centre and scale values by the statistics of a batch.

    ``N_k(p) = (I_k(p) - mu_k(p)) / (sigma_k(p) + eps) gamma_k + beta_k`` over "spel";
    ``(I_k(p) - mu_k) / sqrt(sigma_k^2 + eps) gamma_k + beta_k`` over "channel".

    Parameters
    ----------
    images : (n, rows, cols, C) array, or one image (rows, cols, C) when `statistics` are given
        With planes before the rows for voxels.
    statistics : (mean, deviation), optional
        As `batch_statistics` gives them; computed from `images` by default.
    over : {"spel", "channel"}
    gamma, beta : float or (C,) array
    epsilon : float
        At least 0.
    out : float32 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        Of the images' shape.

    Raises
    ------
    ShapeError
        If statistics, gamma or beta do not fit the images.

    Notes
    -----
    Lecture, "Normalization", batch: eps is added to sigma, not under the root. "channel" is the
    layer of PyTorch in training mode.

    Examples
    --------
    >>> batch_normalize([[[[1.0]]], [[[3.0]]]]).round(3).ravel().tolist()
    [-0.7070000171661377, 0.7070000171661377]
    """
    if not (np.isfinite(epsilon) and epsilon >= 0):
        raise ParameterError(
            f"batch_normalize: epsilon {epsilon!r}; expected a finite number of at least 0"
        )
    batch = as_real("batch_normalize", images)
    exact = is_wide(batch)
    kind = np.float64 if exact else np.float32
    stated = batch_statistics(batch, over=over) if statistics is None else statistics
    mean, deviation, scale, shift = (
        _fitting(name, values, batch.shape).astype(kind)
        for name, values in zip(("mean", "deviation", "gamma", "beta"), (*stated, gamma, beta))
    )
    if out is None:
        out = np.empty_like(batch, dtype=np.float32)
    else:
        check_out("batch_normalize", out, batch.shape, batch)
    factor = batch_factor(deviation, over=over, gamma=scale, epsilon=epsilon)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if exact:  # subtracted, scaled and shifted before anything is rounded to float32
            centred = np.subtract(batch, mean, dtype=np.float64) * factor
            np.add(centred, shift, out=out, casting="unsafe")
        else:
            np.subtract(batch, mean, out=out, dtype=np.float32, casting="unsafe")
            np.multiply(out, factor, out=out, casting="unsafe")
            np.add(out, shift, out=out, casting="unsafe")
    return out


def _fitting(name: str, values: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Values that are one per channel, or one per spel and channel, of images of a shape."""
    value = as_numbers(values, "batch_normalize", name)
    if value.ndim > len(shape) or any(
        have not in (1, want) for have, want in zip(value.shape[::-1], shape[::-1])
    ):
        raise ShapeError(
            f"batch_normalize: {name} of shape {value.shape} for images of shape {shape}; "
            "expected one value per channel, or one per spel and channel"
        )
    return value


def batch_factor(
    deviation: npt.NDArray[Any],
    *,
    over: Literal["spel", "channel"],
    gamma: npt.ArrayLike,
    epsilon: float,
) -> npt.NDArray[Any]:
    """What `batch_normalize` multiplies centred values by, in the deviation's own precision."""
    kind = deviation.dtype.type
    divisor = deviation + kind(epsilon)
    if over == "channel":
        divisor = np.sqrt(deviation * deviation + kind(epsilon))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor: npt.NDArray[Any] = np.asarray(gamma, dtype=kind) / divisor
    return factor


def residue(
    image: npt.ArrayLike,
    normalized: npt.ArrayLike,
    *,
    scale: Literal["max"] | None = None,
    ndim: int = 2,
    out: Float | None = None,
) -> Float:
    """The part of an image that exceeds its normalization: ``ReLU(P - N)``.

    Parameters
    ----------
    image, normalized : (rows, cols[, C]) arrays of one shape, or batches
    scale : {"max"}, optional
        Bring both to a maximum of 1 per image and channel first (a maximum of 0 or less is left as
        it is, and only finite numbers count). Needed when N lies in 0..1 and the image does not.
    ndim : {2, 3}
        Spatial axes of the image.
    out : float32 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        Of the image's shape, at least 0; NaN where either is NaN.

    Raises
    ------
    ShapeError
        If the two have different shapes.

    Notes
    -----
    Lecture, "Normalization": used to suppress spurious regions.

    Examples
    --------
    >>> residue([[3.0, 0.5]], [[0.6, 0.8]]).round(2).tolist()
    [[2.4000000953674316, 0.0]]
    """
    if scale not in (None, "max"):
        raise ParameterError(f"residue: scale {scale!r}; expected None or 'max'")

    def factors(array: npt.NDArray[np.generic]) -> Float:
        return scale_to_one(array)[:, :, 0, 0, 0]

    planar, other = as_planar("residue", image, ndim), as_planar("residue", normalized, ndim)
    if np.shape(image) != np.shape(normalized):
        raise ShapeError(
            f"residue: image of shape {np.shape(image)} and normalization of shape "
            f"{np.shape(normalized)}; expected the same shape"
        )
    memory, result = allocate("residue", planar, planar.channels, planar.size, out)
    kernels.residue(
        planar.array,
        other.array,
        factors=(factors(planar.array), factors(other.array)) if scale else None,
        out=memory,
        threads=thread_count(),
    )
    return result


def scale_to_one(array: npt.NDArray[np.generic]) -> Float:
    """Factor per image and channel of a planar array that brings its largest finite number to 1."""
    top = arrays.largest(array, (2, 3, 4)) if array.size else np.array(np.nan)
    if not np.isfinite(top).all():
        top = array.max((2, 3, 4), keepdims=True, where=np.isfinite(array), initial=0)
    with np.errstate(divide="ignore"):
        return np.where(top > 0, np.float32(1) / top.astype(np.float32), np.float32(1))
