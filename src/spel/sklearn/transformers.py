"""Images to feature vectors: flattened, through a network, pooled over a pyramid of regions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from spel import ops
from spel.core.intensity import white_of
from spel.errors import ParameterError, ShapeError
from spel.nn import Network
from spel.sklearn.base import Batch, ImageTransformer, as_float32
from spel.sklearn.settings import check_choices, check_levels, check_steps

STATISTICS = ("mean", "max", "deviation", "quantiles")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class FlattenImages(ImageTransformer):
    """All values of an image as its vector: the lecture's global feature vector.

    Parameters
    ----------
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.

    Examples
    --------
    >>> FlattenImages().fit_transform(np.ones((3, 28, 28))).shape
    (3, 784)
    """

    def __init__(self, image_shape: Sequence[int] | None = None) -> None:
        self.image_shape = image_shape

    def length(self, shape: Sequence[int]) -> int:
        """Length of the vector of an image of a shape."""
        return math.prod(shape)

    def encode(self, images: Batch) -> Batch:
        """All values, in the order of the array."""
        return ops.flatten(as_float32(self.in_learned_units(images)))


class NetworkFeatures(ImageTransformer):
    """Activations of a network as vectors, one after the other.

    Parameters
    ----------
    network : Network, optional
        Without one, the image itself.
    steps : sequence of str, optional
        Nodes whose activations are taken; the output by default.
    root : sequence of str
        Steps whose square root is taken (values must be at least 0), which makes the distribution
        of sums of rectified values more symmetric.
    image_shape : (rows, cols[, channels]), optional
        Shape of the images that are the rows of a table X.
    batch : int
        Number of images that run through the network at a time.

    Examples
    --------
    >>> from spel.nn import Activation, chain
    >>> net = chain(positive=Activation("relu"))
    >>> NetworkFeatures(net).fit_transform(np.array([[[-1.0, 2.0]], [[3.0, -4.0]]])).tolist()
    [[0.0, 2.0], [3.0, 0.0]]
    """

    def __init__(
        self,
        network: Network | None = None,
        steps: Sequence[str] | None = None,
        root: Sequence[str] = (),
        image_shape: Sequence[int] | None = None,
        batch: int = 200,
    ) -> None:
        self.network = network
        self.steps = steps
        self.root = root
        self.image_shape = image_shape
        self.batch = batch

    def length(self, shape: Sequence[int]) -> int:
        """Length of the vector of an image of a shape."""
        return sum(math.prod(s) for _, s in map_shapes(self.network, self.steps, shape))

    def learn(self, images: Any, y: Any) -> None:
        """Check the settings: nothing is learned."""
        check_steps(self)

    def encode(self, images: Batch) -> Batch:
        """The activations of all steps, flattened."""
        matched = self.in_learned_units(images, self.network)
        if self.network is None:
            return ops.flatten(as_float32(matched))
        parts = []
        for name in self.steps or (self.network.output,):
            values = self.network.upto(name)(matched)
            vectors = np.ascontiguousarray(values).reshape(len(images), -1)
            parts.append(np.sqrt(np.maximum(vectors, 0)) if name in self.root else vectors)
        return np.concatenate(parts, axis=1, dtype=np.float32)


class PooledFeatures(ImageTransformer):
    """Statistics of every channel over the image and, in a pyramid, over its parts.

    The vector's length depends on channels only, so images may differ in size (a list of arrays).

    Parameters
    ----------
    network : Network, optional
        Whose activations are pooled; the image itself by default.
    steps : sequence of str, optional
        Nodes whose activations are pooled; the output by default.
    statistics : sequence of {"mean", "max", "deviation", "quantiles"}
        "quantiles" are those at 0.05, 0.25, 0.5, 0.75 and 0.95.
    levels : sequence of int
        Level k divides the image into k x k parts: (1,) is the whole, (1, 2, 4) a pyramid.
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.
    batch : int
        Images that run through the network at a time.

    Examples
    --------
    >>> image = np.array([[[[1.0], [3.0]], [[5.0], [7.0]]]])
    >>> pooled = PooledFeatures(levels=(1, 2))
    >>> pooled.fit_transform(image).tolist()
    [[4.0, 7.0, 1.0, 1.0, 3.0, 3.0, 5.0, 5.0, 7.0, 7.0]]
    >>> pooled.get_feature_names_out()[:3].tolist()
    ['image0_mean', 'image0_max', 'image0_mean_of_part_0_0_of_2']
    """

    def __init__(
        self,
        network: Network | None = None,
        steps: Sequence[str] | None = None,
        statistics: Sequence[str] = ("mean", "max"),
        levels: Sequence[int] = (1,),
        image_shape: Sequence[int] | None = None,
        batch: int = 50,
    ) -> None:
        self.network = network
        self.steps = steps
        self.statistics = statistics
        self.levels = levels
        self.image_shape = image_shape
        self.batch = batch

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the settings and the images."""
        check_choices(self, "statistics", STATISTICS)
        check_levels(self)
        check_steps(self)
        if _is_ragged(X):
            self.n_features_in_ = self.channels_ = _channels(X)
            self.image_shape_ = ()
            checked = [_checked(image) for image in X]
            self.white_ = white_of(checked[0])
            self.n_features_out_ = int(self.encode_finite(checked[0]).shape[1])
            return self
        super().fit(X, y)
        self.channels_ = self.image_shape_[-1]
        return self

    def fit_sequence(self, images: Sequence[Any]) -> Self:
        """Check the settings and the first image: nothing is learned."""
        return self.fit(np.asarray(images[0])[None])

    def transform(self, X: Any) -> Batch:
        """Feature vectors (n, length), float32; a list is encoded image by image."""
        check_is_fitted(self)
        if not _is_ragged(X) and self.image_shape_ and not self._of_other_size(X):
            return self.encode_in_batches(self.check_images(X, reset=False))
        if _channels(X) != self.channels_:
            raise ShapeError(
                f"PooledFeatures: images of {_channels(X)} channels, fitted on {self.channels_}"
            )
        return np.concatenate([self.encode_finite(_checked(image)) for image in X])

    def _of_other_size(self, X: Any) -> bool:
        """Whether X is a batch of images of another size than those of `fit`, not a table."""
        is_list = isinstance(X, list | tuple) and len(X)
        shape = np.shape(X[0]) if is_list else getattr(X, "shape", ())[1:]
        return len(shape) in (2, 3) and shape[:2] != self.image_shape_[:2]

    def length(self, shape: Sequence[int]) -> int:
        """Length of the vector of an image of a shape."""
        per_part = sum(len(QUANTILES) if s == "quantiles" else 1 for s in self.statistics)
        channels = sum(s[-1] for _, s in map_shapes(self.network, self.steps, shape))
        return channels * per_part * sum(level**2 for level in self.levels)

    def encode(self, images: Batch) -> Batch:
        """The statistics of all maps."""
        return np.concatenate([self._pool(m) for _, m in self._maps(images)], 1, dtype=np.float32)

    def _maps(self, images: Batch) -> list[tuple[str, Batch]]:
        matched = self.in_learned_units(images, self.network)
        if self.network is None:
            return [("image", as_float32(matched))]
        names = self.steps or (self.network.output,)
        return [(name, np.asarray(self.network.upto(name)(matched))) for name in names]

    def _pool(self, maps: Batch) -> Batch:
        pooled = []
        for level in self.levels:
            for rows in _parts(maps.shape[1], level):
                for cols in _parts(maps.shape[2], level):
                    part = maps[:, rows, cols].reshape(len(maps), -1, maps.shape[-1])
                    pooled += [_statistic(part, name) for name in self.statistics]
        return np.concatenate(pooled, axis=1)

    def feature_names(self) -> list[str]:
        """Step, channel, statistic and part of the image."""
        shape = self.image_shape_ or (8, 8, self.channels_)
        parts = [
            "" if level == 1 else f"_of_part_{row}_{col}_of_{level}"
            for level in self.levels
            for row, col in product(range(level), repeat=2)
        ]
        return [
            name
            for step, maps in map_shapes(self.network, self.steps, shape)
            for part in parts
            for name in _statistic_names(step, maps[-1], self.statistics, part)
        ]


def map_shapes(
    network: Network | None, steps: Sequence[str] | None, shape: Sequence[int]
) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the activations that become features, without computing them."""
    if network is None:
        return [("image", tuple(shape))]
    return [(n, tuple(network.upto(n).shape(tuple(shape)))) for n in steps or (network.output,)]


def _statistic_names(step: str, channels: int, statistics: Sequence[str], part: str) -> list[str]:
    words: list[str] = []
    for name in statistics:
        words += [f"quantile_{q}" for q in QUANTILES] if name == "quantiles" else [name]
    return [f"{step}{channel}_{word}{part}" for word in words for channel in range(channels)]


def _statistic(part: Batch, name: str) -> Batch:
    if name == "quantiles":
        return np.concatenate(list(np.quantile(part, QUANTILES, axis=1)), axis=1)
    functions: dict[str, Callable[..., Batch]] = {
        "mean": np.mean,
        "max": np.max,
        "deviation": np.std,
    }
    return np.asarray(functions[name](part, axis=1))


def _parts(size: int, count: int) -> list[slice]:
    """`count` parts of an axis, none empty (they overlap where the axis is shorter)."""
    edges = np.linspace(0, size, count + 1)
    return [
        slice(min(int(a), size - 1), max(int(np.ceil(b)), min(int(a), size - 1) + 1))
        for a, b in pairwise(edges)
    ]


def _is_ragged(X: Any) -> bool:
    if not isinstance(X, list | tuple) or not X or np.ndim(X[0]) < 2:
        return False
    return len({np.shape(image) for image in X}) > 1


def _with_channel(image: Any) -> Batch:
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array


def _checked(image: Any) -> Batch:
    """One image as a batch; it must be finite, as scikit-learn demands of arrays."""
    batch = _with_channel(image)[None]
    if not batch.size:
        raise ShapeError(
            f"PooledFeatures: an image of {np.shape(image)}; expected at least one pixel"
        )
    if batch.dtype.kind not in "buif" or not np.isfinite(batch).all():
        raise ParameterError(
            f"PooledFeatures: an image of {batch.dtype} holds NaN, infinity or no numbers; "
            "expected finite numbers"
        )
    return batch


def _channels(images: Any) -> int:
    counts = {_with_channel(image).shape[-1] for image in images}
    if len(counts) > 1:
        raise ShapeError(
            f"PooledFeatures: images of {sorted(counts)} channels; convert them to one number"
        )
    return int(counts.pop())
