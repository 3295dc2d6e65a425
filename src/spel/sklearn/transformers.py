"""Images to feature vectors: flattened, through a network, pooled over a pyramid of regions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from spel import ops
from spel.errors import ParameterError, ShapeError
from spel.nn import Network
from spel.sklearn.images import Batch, ImageTransformer

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

    def _encode(self, images: Batch) -> Batch:
        return ops.flatten(images.astype(np.float32, copy=False))


class NetworkFeatures(ImageTransformer):
    """Activations of a network as vectors, one after the other.

    Parameters
    ----------
    network : Network, optional
        Without one, the image itself.
    steps : sequence of str, optional
        Nodes whose activations are taken; the output by default.
    root : sequence of str
        Steps of which the square root is taken (of values >= 0): it brings a sum of rectified
        values nearer to a bell.
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.
    batch : int
        Images that run through the network at a time.
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

    def _fit(self, images: Batch, y: Any) -> None:
        self.n_values_ = int(self._encode(images[:1]).shape[1])

    def _encode(self, images: Batch) -> Batch:
        if self.network is None:
            return ops.flatten(images.astype(np.float32, copy=False))
        parts = []
        for name in self.steps or (self.network.output,):
            values = self.network.upto(name)(images)
            vectors = np.ascontiguousarray(values).reshape(len(images), -1)
            parts.append(np.sqrt(np.maximum(vectors, 0)) if name in self.root else vectors)
        return np.concatenate(parts, axis=1, dtype=np.float32)


class PooledFeatures(ImageTransformer):
    """Statistics of every channel over the image and, in a pyramid, over its parts.

    The vector's length depends on channels only: images may differ in size (a list of arrays).

    Parameters
    ----------
    network : Network, optional
        Whose activations are pooled; the image itself by default.
    steps : sequence of str, optional
        Nodes whose activations are pooled; the output by default.
    statistics : sequence of {"mean", "max", "deviation", "quantiles"}
        "quantiles" are those at 0.05, 0.25, 0.5, 0.75 and 0.95.
    levels : sequence of int
        Level k cuts the image into k x k parts: (1,) is the whole, (1, 2, 4) a pyramid.
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.

    Examples
    --------
    >>> image = np.array([[[[1.0], [3.0]], [[5.0], [7.0]]]])
    >>> PooledFeatures(levels=(1, 2)).fit_transform(image).tolist()
    [[4.0, 7.0, 1.0, 1.0, 3.0, 3.0, 5.0, 5.0, 7.0, 7.0]]
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

    def fit(self, X: Any, y: Any = None) -> PooledFeatures:
        """Check the settings and the images."""
        if not self.statistics or set(self.statistics) - set(STATISTICS):
            raise ParameterError(
                f"PooledFeatures: statistics {self.statistics!r}; expected some of "
                f"{', '.join(STATISTICS)}"
            )
        if not self.levels or min(self.levels) < 1:
            raise ParameterError(
                f"PooledFeatures: levels {self.levels!r}; expected whole numbers from 1"
            )
        if _is_ragged(X):
            self.n_features_in_ = self.channels_ = _channels(X)
            self.image_shape_ = None
            return self
        super().fit(X, y)
        self.channels_ = self.image_shape_[-1]
        return self

    def transform(self, X: Any) -> Batch:
        """Feature vectors (n, length), float32; of a list, image by image."""
        check_is_fitted(self)
        if not (_is_ragged(X) or self.image_shape_ is None):
            images = self._checked(X, reset=False)
            step = max(1, int(self.batch))
            parts = [self._encode(images[i : i + step]) for i in range(0, len(images), step)]
            return np.concatenate(parts)
        images = list(X)
        if _channels(images) != self.channels_:
            raise ShapeError(
                f"PooledFeatures: images of {_channels(images)} channels, fitted on "
                f"{self.channels_}"
            )
        return np.concatenate([self._encode(_lifted(image)[None]) for image in images])

    def _encode(self, images: Batch) -> Batch:
        maps = [images.astype(np.float32, copy=False)]
        if self.network is not None:
            names = self.steps or (self.network.output,)
            maps = [np.asarray(self.network.upto(name)(images)) for name in names]
        return np.concatenate([self._pooled(m) for m in maps], axis=1, dtype=np.float32)

    def _pooled(self, maps: Batch) -> Batch:
        found = []
        for level in self.levels:
            for rows in _parts(maps.shape[1], level):
                for cols in _parts(maps.shape[2], level):
                    part = maps[:, rows, cols].reshape(len(maps), -1, maps.shape[-1])
                    found += [_statistic(part, name) for name in self.statistics]
        return np.concatenate(found, axis=1)


def _statistic(part: Batch, name: str) -> Batch:
    if name == "quantiles":
        return np.concatenate(list(np.quantile(part, QUANTILES, axis=1)), axis=1)
    function = {"mean": np.mean, "max": np.max, "deviation": np.std}[name]
    return np.asarray(function(part, axis=1))


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


def _lifted(image: Any) -> Batch:
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array


def _channels(images: Any) -> int:
    counts = {_lifted(image).shape[-1] for image in images}
    if len(counts) > 1:
        raise ShapeError(
            f"PooledFeatures: images of {sorted(counts)} channels; convert them to one number"
        )
    return int(counts.pop())
