"""Images to classes: features, streamed batch by batch into a head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from spel.errors import ParameterError, ShapeError
from spel.sklearn.heads import RidgeHead
from spel.sklearn.images import as_images, checked_images
from spel.sklearn.transformers import FlattenImages

Batch = npt.NDArray[Any]


class ImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Features of images, perhaps their principal components, and a head over them.

    Features are made for a batch at a time. A head with `partial_fit` that asks for nothing but
    sums (`RidgeHead`) sees each batch once, and no table of all features ever exists; with
    `components`, only those of each image are kept for the head.

    Parameters
    ----------
    features : transformer of images, optional
        `FlattenImages` by default.
    head : classifier of vectors, optional
        `RidgeHead` by default.
    components : int, optional
        Principal components of standardized features, each divided by its deviation to the power
        of 0.3, which evens them out a little.
    mirror : bool
        Whether mirrored images are learned from too, and the scores of both averaged.
    sample : int
        Images from which mean, deviation and components are taken.
    batch : int
        Images whose features are made at a time.
    seed : int
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.
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

    def fit(self, X: Any, y: Any) -> ImageClassifier:
        """Learn features, components and head."""
        X, y = checked_images(self, X, reset=True, y=y)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"ImageClassifier: classifier can't train when only one class is present "
                f"({self.classes_[0]!r}); give images of at least two classes"
            )
        images = as_images(X, self.image_shape)
        self.image_shape_ = images.shape[1:]
        self.features_ = clone(self.features if self.features is not None else FlattenImages())
        self.features_.fit(images, y)
        self.head_ = clone(self.head if self.head is not None else RidgeHead())
        self._fit_components(images)
        if self.components is None and isinstance(self.head_, RidgeHead):
            for part, rows in self._batches(images):
                for version in self._versions(images[part]):
                    vectors = self._vectors(version)
                    self.head_.partial_fit(vectors, y[rows], classes=self.classes_)
        else:
            kept = [
                np.concatenate([self._vectors(v) for v in self._versions(images[part])])
                for part, _ in self._batches(images)
            ]
            rows = [np.tile(y[r], 2 if self.mirror else 1) for _, r in self._batches(images)]
            self.head_.fit(np.concatenate(kept), np.concatenate(rows))
        return self

    def _batches(self, images: Batch) -> list[tuple[slice, slice]]:
        step = max(1, int(self.batch))
        parts = [slice(i, min(i + step, len(images))) for i in range(0, len(images), step)]
        return [(part, part) for part in parts]

    def _versions(self, images: Batch) -> list[Batch]:
        return [images, images[:, :, ::-1]] if self.mirror else [images]

    def _fit_components(self, images: Batch) -> None:
        self.mean_ = self.axes_ = None
        if self.components is None:
            return
        if int(self.components) < 1:
            raise ParameterError(
                f"ImageClassifier: components {self.components!r}; expected at least 1, or None"
            )
        draw = np.random.default_rng(self.seed)
        some = np.sort(draw.permutation(len(images))[: int(self.sample)])
        vectors = np.concatenate(
            [
                self.features_.transform(images[some[i : i + self.batch]])
                for i in range(0, len(some), self.batch)
            ]
        )
        self.mean_ = vectors.mean(axis=0)
        scale = vectors.std(axis=0) + 1e-6
        vectors -= self.mean_
        vectors /= scale
        length = vectors.shape[1]
        count = min(int(self.components), length)
        variance, axes = eigh(
            vectors.T @ vectors / len(vectors), subset_by_index=(length - count, length - 1)
        )
        even = np.maximum(variance, max(float(variance[-1]) * 1e-6, 1e-12)) ** -0.15
        self.axes_ = np.asarray((axes * even)[:, ::-1] / scale[:, None], dtype=np.float32)

    def _vectors(self, images: Batch) -> Batch:
        vectors = self.features_.transform(images)
        if self.axes_ is None:
            return np.asarray(vectors)
        return np.asarray((vectors - self.mean_) @ self.axes_)

    def _by_batch(self, X: Any, method: str) -> Batch:
        check_is_fitted(self)
        images = as_images(checked_images(self, X, reset=False), self.image_shape)
        if images.shape[1:] != self.image_shape_:
            raise ShapeError(
                f"ImageClassifier: images of {images.shape[1:]}, fitted on images of "
                f"{self.image_shape_}; bring all images to one size"
            )
        found = []
        for part, _ in self._batches(images):
            versions = self._versions(images[part])
            scores = [getattr(self.head_, method)(self._vectors(v)) for v in versions]
            found.append(scores[0] if len(scores) == 1 else sum(scores) / len(scores))
        return np.concatenate(found)

    def predict(self, X: Any) -> Batch:
        """The class of every image."""
        if self.mirror and hasattr(self.head_, "decision_function"):
            scores = self.decision_function(X)
            best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
            return np.asarray(self.classes_[best])
        return self._by_batch(X, "predict")

    def decision_function(self, X: Any) -> Batch:
        """The head's scores."""
        return self._by_batch(X, "decision_function")
