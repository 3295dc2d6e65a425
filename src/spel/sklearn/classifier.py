"""Images to classes: features, streamed batch by batch into a head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from spel.errors import ParameterError, ShapeError
from spel.sklearn.base import as_images, validate_images
from spel.sklearn.encoders import FlimEncoder
from spel.sklearn.heads import RidgeHead, as_precise, check_weights
from spel.sklearn.settings import check_numbers, check_seed
from spel.sklearn.transformers import FlattenImages, PooledFeatures

Batch = npt.NDArray[Any]
Weights = npt.NDArray[Any] | None


def _head_has(method: str) -> Any:
    """A check, for `available_if`, that the head has a method."""

    def check(self: ImageClassifier) -> bool:
        head = getattr(self, "head_", self.head if self.head is not None else RidgeHead())
        return hasattr(head, method)

    return check


class ImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Features of images, perhaps their principal components, and a head over them.

    Features are computed for a batch at a time. `RidgeHead` needs only sums, so with it each batch
    is used once, and no table of all features ever exists; with `components`, only the components
    of each image are held for the head.

    Parameters
    ----------
    features : transformer of images, optional
        `FlattenImages` by default.
    head : classifier of vectors, optional
        `RidgeHead` by default.
    components : int, optional
        Principal components of standardized features, each divided by its deviation to the power
        of 0.3, which makes their deviations more equal.
    mirror : bool
        Whether to learn from mirrored images too, and to average the scores of both.
    sample : int
        Number of images from which mean, deviation and components are computed.
    batch : int
        Number of images whose features are computed at a time.
    seed : int
        Seed of the random choice of the sample.
    image_shape : (rows, cols[, channels]), optional
        Shape of the images that are the rows of a table X.

    Examples
    --------
    >>> dark, bright = np.zeros((3, 4, 4)), np.ones((3, 4, 4))
    >>> images = np.concatenate([dark, bright]) + np.random.default_rng(0).normal(0, 0.1, (6, 4, 4))
    >>> model = ImageClassifier().fit(images, ["dark"] * 3 + ["bright"] * 3)
    >>> model.predict(np.stack([dark[0], bright[0]])).tolist()
    ['dark', 'bright']
    """

    def __init__(
        self,
        features: Any = None,
        head: Any = None,
        components: int | None = None,
        mirror: bool = False,
        sample: int = 10_000,
        batch: int = 1000,
        seed: int = 0,
        image_shape: Sequence[int] | None = None,
    ) -> None:
        self.features = features
        self.head = head
        self.components = components
        self.mirror = mirror
        self.sample = sample
        self.batch = batch
        self.seed = seed
        self.image_shape = image_shape

    # -- learning --------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn features, components and head; weights count for the components and the head."""
        X, y = validate_images(self, X, reset=True, y=y)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ParameterError(
                f"ImageClassifier: classifier can't train when only one class is present "
                f"({self.classes_.tolist()[0]!r}); give images of at least two classes"
            )
        self._check_settings()
        weights = check_weights(sample_weight, X)
        images = as_images(X, self.image_shape)
        self.image_shape_ = images.shape[1:]
        self.features_ = clone(self.features if self.features is not None else FlattenImages())
        self.features_.fit(images, y)
        self.head_ = clone(self.head if self.head is not None else RidgeHead())
        self._fit_components(images, weights)
        self._fit_head(images, y, weights)
        return self

    def _check_settings(self) -> None:
        components = [] if self.components is None else ["components"]
        check_numbers(self, whole=["batch", "sample", *components])
        check_seed(self)

    @classmethod
    def from_parts(cls, features: Any, head: Any) -> Self:
        """The classifier of fitted features and a fitted head over them."""
        model = cls(clone(features), clone(head))
        model.features_, model.head_ = features, head
        model.classes_, model.image_shape_ = head.classes_, features.image_shape_
        model.n_features_in_ = features.n_features_in_
        model.mean_ = model.axes_ = None
        return model

    def _fit_head(self, images: Batch, y: Batch, weights: Weights) -> None:
        if weights is not None and not has_fit_parameter(self.head_, "sample_weight"):
            raise ParameterError(
                f"ImageClassifier: {type(self.head_).__name__} takes no sample_weight; choose "
                "another head, or give no weights"
            )
        if self.components is None and isinstance(self.head_, RidgeHead):
            for part in self._batches(images):
                for version in self._versions(images[part]):
                    vectors, of_part = self.vectors(version), _part_of(weights, part)
                    self.head_.partial_fit(vectors, y[part], self.classes_, of_part)
            return
        copies = 2 if self.mirror else 1
        parts = list(self._batches(images))
        table = np.concatenate(
            [self.vectors(v) for part in parts for v in self._versions(images[part])]
        )
        classes = np.concatenate([np.tile(y[part], copies) for part in parts])
        if weights is None:
            self.head_.fit(table, classes)
        else:
            repeated = np.concatenate([np.tile(weights[part], copies) for part in parts])
            self.head_.fit(table, classes, sample_weight=repeated)

    def _batches(self, images: Batch) -> Iterator[slice]:
        step = max(1, int(self.batch))
        return (slice(i, min(i + step, len(images))) for i in range(0, len(images), step))

    def _versions(self, images: Batch) -> list[Batch]:
        return [images, images[:, :, ::-1]] if self.mirror else [images]

    def _fit_components(self, images: Batch, weights: Weights) -> None:
        self.mean_ = self.axes_ = None
        if self.components is None:
            return
        random = np.random.default_rng(self.seed)
        candidates = np.arange(len(images)) if weights is None else np.flatnonzero(weights)
        chosen = np.sort(random.permutation(candidates)[: int(self.sample)])
        shares = np.ones(len(chosen)) if weights is None else weights[chosen]
        vectors = np.concatenate(
            [
                self.features_.transform(images[chosen[i : i + self.batch]])
                for i in range(0, len(chosen), self.batch)
            ]
        )
        self.mean_, self.axes_ = principal_axes(as_precise(vectors), shares, int(self.components))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        # Pooling forgets where a value stands, so that the columns of a plain table are mixed.
        tags.classifier_tags.poor_score = isinstance(self.features, PooledFeatures | FlimEncoder)
        return tags

    # -- predicting ------------------------------------------------------------------------------

    def vectors(self, images: Batch) -> Batch:
        """The vectors that the head takes: features, or their components."""
        vectors = self.features_.transform(images)
        if self.axes_ is None:
            return np.asarray(vectors)
        return np.asarray((vectors - self.mean_) @ self.axes_)

    def _by_batch(self, X: Any, method: str) -> Batch:
        """The result of a method of the head, averaged over an image and its mirror image."""
        check_is_fitted(self)
        images = as_images(validate_images(self, X, reset=False), self.image_shape)
        if images.shape[1:] != self.image_shape_:
            raise ShapeError(
                f"ImageClassifier: images of {images.shape[1:]}, fitted on images of "
                f"{self.image_shape_}; bring all images to one size"
            )
        results = []
        for part in self._batches(images):
            versions = self._versions(images[part])
            scores = [getattr(self.head_, method)(self.vectors(v)) for v in versions]
            results.append(scores[0] if len(scores) == 1 else sum(scores) / len(scores))
        return np.concatenate(results)

    def predict(self, X: Any) -> Batch:
        """The class of every image."""
        check_is_fitted(self)
        if not self.mirror:
            return self._by_batch(X, "predict")
        if hasattr(self.head_, "decision_function"):
            scores = self.decision_function(X)
            best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        else:
            best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    @available_if(_head_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Batch:
        """The head's scores."""
        return self._by_batch(X, "decision_function")

    @available_if(_head_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Batch:
        """The head's probabilities (n, classes)."""
        return self._by_batch(X, "predict_proba")


def _part_of(weights: Weights, part: slice) -> Weights:
    return None if weights is None else weights[part]


def principal_axes(vectors: Batch, shares: Batch, count: int) -> tuple[Batch, Batch]:
    """Mean (d,) and axes (d, k) of the first components of standardized vectors.

    Each axis is divided by the deviation along it to the power of 0.3.
    """
    shares = (shares / shares.sum()).astype(vectors.dtype)
    mean = shares @ vectors
    rows = vectors - mean
    scale = np.sqrt(shares @ rows**2) + 1e-6
    rows /= scale
    rows *= np.sqrt(shares)[:, None]
    length = vectors.shape[1]
    count = min(count, length)
    covariance = rows.T @ rows
    variance, axes = eigh(covariance, subset_by_index=(length - count, length - 1))
    factors = np.maximum(variance, max(float(variance[-1]) * 1e-6, 1e-12)) ** -0.15
    return mean, np.asarray((axes * factors)[:, ::-1] / scale[:, None], dtype=vectors.dtype)
