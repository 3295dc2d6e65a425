"""What the estimators share: X as a batch of images, in the words of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from spel.errors import ShapeError

Batch = npt.NDArray[Any]


def as_images(X: Batch, image_shape: Sequence[int] | None = None) -> Batch:
    """A batch (n, rows, cols, channels) from any array that scikit-learn may hand over.

    Examples
    --------
    >>> as_images(np.zeros((5, 12))).shape, as_images(np.zeros((5, 12)), (2, 2, 3)).shape
    ((5, 1, 12, 1), (5, 2, 2, 3))
    """
    if X.ndim == 2:
        shape = (1, X.shape[1], 1) if image_shape is None else tuple(image_shape)
        shape = (*shape, 1) if len(shape) == 2 else shape
        if int(np.prod(shape)) != X.shape[1]:
            raise ShapeError(
                f"images: rows of {X.shape[1]} values for image_shape={image_shape}; expected "
                f"{int(np.prod(shape))} values"
            )
        return X.reshape(len(X), *shape)
    if X.ndim == 3:
        return X[..., None]
    if X.ndim != 4:
        raise ShapeError(
            f"images: an array of shape {X.shape}; expected (n, rows, cols), (n, rows, cols, "
            "channels) or (n, values)"
        )
    return X


class ImageTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the transformers: checks X, and encodes it in batches.

    A subclass fits itself in `_fit` and encodes a batch (n, rows, cols, channels) in `_encode`.
    """

    image_shape: Sequence[int] | None = None
    batch: int = 200

    def fit(self, X: Any, y: Any = None) -> ImageTransformer:
        """Learn what is to be learned from images (and classes, where they are used)."""
        images = self._checked(X, reset=True)
        self.image_shape_ = images.shape[1:]
        self._fit(images, y)
        return self

    def transform(self, X: Any) -> Batch:
        """Feature vectors (n, length), float32."""
        check_is_fitted(self)
        images = self._checked(X, reset=False)
        if images.shape[1:] != self.image_shape_:
            raise ShapeError(
                f"{type(self).__name__}: images of {images.shape[1:]}, fitted on images of "
                f"{self.image_shape_}; bring all images to one size"
            )
        out: Batch | None = None
        step = max(1, int(self.batch))
        for first in range(0, len(images), step):
            part = self._encode(images[first : first + step])
            if out is None:
                out = np.empty((len(images), part.shape[1]), dtype=np.float32)
            out[first : first + step] = part
        assert out is not None
        return out

    def _checked(self, X: Any, *, reset: bool) -> Batch:
        return as_images(checked_images(self, X, reset=reset), self.image_shape)

    def _fit(self, images: Batch, y: Any) -> None:
        """Learn; most have nothing to learn."""

    def _encode(self, images: Batch) -> Batch:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def checked_images(estimator: Any, X: Any, *, reset: bool, **y: Any) -> Any:
    """X (and y) as scikit-learn checks them, except that X may have more than two axes."""
    refuse_ragged(type(estimator).__name__, X)
    flat = _axes(X) <= 2
    found = validate_data(
        estimator, X, reset=reset and flat, dtype="numeric",
        ensure_2d=flat, allow_nd=True, **y,
    )  # fmt: skip
    images = found[0] if y else found
    values = int(np.prod(images.shape[1:]))
    if reset:
        estimator.n_features_in_ = values
    elif values != estimator.n_features_in_ and not flat:
        raise ShapeError(
            f"{type(estimator).__name__}: images of {images.shape[1:]}, {values} values; fitted on "
            f"images of {estimator.n_features_in_} values. Bring all images to one size"
        )
    return found


def _axes(X: Any) -> int:
    """Axes of X; 2 for what is neither an array nor a list, which scikit-learn is left to judge."""
    shape = np.shape(X) if isinstance(X, list | tuple) else getattr(X, "shape", (0, 0))
    return len(shape)


def refuse_ragged(name: str, X: Any) -> None:
    """Refuse a list of images of different sizes, in clear words."""
    if isinstance(X, list | tuple) and X and np.ndim(X[0]) >= 2:
        shapes = {np.shape(image) for image in X}
        if len(shapes) > 1:
            told = ", ".join(str(s) for s in sorted(shapes)[:4])
            raise ShapeError(
                f"{name}: images of different sizes ({told}{', ...' if len(shapes) > 4 else ''}); "
                "bring them to one size, or use PooledFeatures, whose vectors do not depend on it"
            )
