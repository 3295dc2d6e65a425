"""The common part of the estimators: X as a batch of images, checked as scikit-learn expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from spel.core.intensity import to_white, white_of
from spel.core.numbers import as_unmasked
from spel.errors import ParameterError, ShapeError
from spel.nn import Network, expected_white, match_white
from spel.sklearn.rows import first_line
from spel.sklearn.settings import check_numbers, whole_shape

Batch = npt.NDArray[Any]


def as_images(X: Batch, image_shape: Sequence[int] | None = None) -> Batch:
    """A batch (n, rows, cols, channels) from any array that scikit-learn may pass.

    Examples
    --------
    >>> as_images(np.zeros((5, 12))).shape, as_images(np.zeros((5, 12)), (2, 2, 3)).shape
    ((5, 1, 12, 1), (5, 2, 2, 3))
    """
    if X.ndim == 2:
        shape = (1, X.shape[1], 1) if image_shape is None else whole_shape(image_shape)
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


def as_float32(images: Batch) -> Batch:
    """The images as float32.

    Raises
    ------
    ParameterError
        If a value is too large for float32.
    """
    with np.errstate(over="ignore"):
        converted = images.astype(np.float32, copy=False)
    if converted is not images and not np.isfinite(converted).all():
        _refuse_large(images)
    return converted


def _refuse_large(images: Batch) -> NoReturn:
    raise ParameterError(
        f"images: values up to {np.abs(images).max():g}; features are computed in float32, "
        "which holds values up to 3.4e38. Scale the images"
    )


def check_held(name: str, images: Batch) -> None:
    """Refuse images that float32, in which features are computed, does not hold.

    Raises
    ------
    ParameterError
        If all values are 0 in float32, or nearly so, or one is too large for it.
    """
    if images.dtype.kind != "f" or images.dtype.itemsize <= 4:
        return
    largest = float(np.abs(images).max(initial=0))
    if largest > float(np.finfo(np.float32).max):
        _refuse_large(images)
    if 0 < largest < float(np.finfo(np.float32).tiny):
        raise ParameterError(
            f"{name}: values up to {largest:g}; features are computed in float32, which holds "
            "values from 1.2e-38. Scale the images"
        )


class ImageTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the transformers: it checks X, and encodes it in batches.

    A subclass learns in `learn` and encodes a batch (n, rows, cols, channels) in `encode`.
    """

    image_shape: Sequence[int] | None = None
    batch: int = 200
    white_: float | None = None
    """Full intensity of the images that it was fitted on, if their type states one."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from images, and from their classes if the transformer uses them."""
        check_numbers(self, whole=["batch"])
        images = self.check_images(X, reset=True)
        check_held(type(self).__name__, images)
        self.white_ = white_of(images)
        self.image_shape_ = images.shape[1:]
        self.learn(images, y)
        self.n_features_out_ = int(self.encode_finite(images[:1]).shape[1])
        return self

    def fit_sequence(self, images: Sequence[Any]) -> Self:
        """Learn from images without classes that are accessed one by one, such as files.

        The result is the same as that of `fit` with an array of all images.
        """
        first = self.check_images(np.asarray(images[0])[None], reset=True)
        self.white_ = white_of(first)
        self.image_shape_ = first.shape[1:]
        self.learn(_Checked(self, images), None)
        self.n_features_out_ = int(self.encode_finite(first).shape[1])
        return self

    def transform(self, X: Any) -> Batch:
        """Feature vectors (n, length), float32."""
        check_is_fitted(self)
        images = self.check_images(X, reset=False)
        if images.shape[1:] != self.image_shape_:
            raise ShapeError(
                f"{type(self).__name__}: images of {images.shape[1:]}, fitted on images of "
                f"{self.image_shape_}; bring all images to one size"
            )
        return self.encode_in_batches(images)

    def encode_in_batches(self, images: Batch) -> Batch:
        """Feature vectors of checked images, batch by batch."""
        out = np.empty((len(images), self.n_features_out_), dtype=np.float32)
        step = max(1, int(self.batch))
        for first in range(0, len(images), step):
            out[first : first + step] = self.encode_finite(images[first : first + step])
        return out

    def encode_finite(self, images: Batch) -> Batch:
        """Feature vectors of a batch.

        Raises
        ------
        ParameterError
            If a feature overflows.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            vectors = self.encode(images)
        if not np.isfinite(vectors).all():
            raise ParameterError(
                f"{type(self).__name__}: features overflow for images with values up to "
                f"{np.abs(images).max():g}; scale the images"
            )
        return vectors

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """A name for every value of a feature vector."""
        check_is_fitted(self)
        return np.array(self.feature_names(), dtype=object)

    def feature_names(self) -> list[str]:
        """The names as a list; subclasses may give more specific ones."""
        stem = type(self).__name__.lower()
        return [f"{stem}{i}" for i in range(self.n_features_out_)]

    def check_images(self, X: Any, *, reset: bool) -> Batch:
        """X as a batch of images."""
        return as_images(validate_images(self, X, reset=reset), self.image_shape)

    def in_learned_units(self, images: Batch, network: Network | None = None) -> Batch:
        """Images in the units of the network, or else of those that it was fitted on."""
        if network is not None and expected_white(network) is not None:
            return match_white(network, images)
        if self.white_ is None or images.dtype.kind not in "buif" or not images.size:
            return images
        own = white_of(images[0])
        if images.dtype.kind in "iu" and images.dtype.itemsize <= 2:
            return images if own is None else to_white(images, own, self.white_)
        whites = [white_of(image) or self.white_ for image in images]
        if all(white == self.white_ for white in whites):
            return images
        return np.stack([to_white(i, w, self.white_) for i, w in zip(images, whites)])

    def learn(self, images: Any, y: Any) -> None:
        """Learn from the images; most transformers have nothing to learn."""

    def encode(self, images: Batch) -> Batch:
        """Feature vectors (n, length) of a batch (n, rows, cols, channels)."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


class _Checked(Sequence[Any]):
    """Images with a channel axis, each checked when it is accessed."""

    def __init__(self, transformer: ImageTransformer, images: Sequence[Any]) -> None:
        self._transformer, self._images = transformer, images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: Any) -> Any:
        image = np.asarray(self._images[index])[None]
        return self._transformer.check_images(image, reset=False)[0]


def validate_images(estimator: Any, X: Any, *, reset: bool, **y: Any) -> Any:
    """X (and y) checked as scikit-learn does, except that X may have more than two axes.

    Raises
    ------
    ShapeError, ParameterError
        If images differ in size, from one another or from those of `fit`; if values are missing,
        infinite or complex.
    """
    name = type(estimator).__name__
    refuse_ragged(name, X)
    X = _in_units_of_first(X)
    if isinstance(X, np.ma.MaskedArray):
        as_unmasked(X, name)
    if not reset:
        _refuse_single(estimator, _shape(X))
    flat = len(_shape(X)) <= 2
    try:
        checked = validate_data(
            estimator, X, reset=reset and flat, dtype="numeric",
            ensure_2d=flat, allow_nd=True, **y,
        )  # fmt: skip
    except ValueError as error:
        raise ParameterError(f"{name}: {first_line(error)}") from None
    images = checked[0] if y else checked
    values = int(np.prod(images.shape[1:]))
    if not values:
        raise ShapeError(f"{name}: images of {images.shape[1:]}; expected at least one pixel")
    if reset:
        estimator.n_features_in_ = values
    elif values != estimator.n_features_in_ and not flat:
        raise ShapeError(
            f"{name}: images of {images.shape[1:]}, {values} values; fitted on "
            f"images of {estimator.n_features_in_} values. Bring all images to one size"
        )
    return checked


def _refuse_single(estimator: Any, shape: tuple[int, ...]) -> None:
    """Refuse one image where a batch is expected: its rows would pass for images."""
    size = getattr(estimator, "image_shape_", ())
    single = size and shape in (size, size[:2] if size[2:] == (1,) else size)
    if single and int(np.prod(shape[1:])) != estimator.n_features_in_:
        raise ShapeError(
            f"{type(estimator).__name__}: one image of {shape}; expected a batch of images, so "
            "give image[None]"
        )


def _shape(X: Any) -> tuple[int, ...]:
    """Shape of X; two axes for anything but arrays and lists, which scikit-learn checks."""
    shape: tuple[int, ...] = getattr(X, "shape", (0, 0))
    return np.shape(X) if isinstance(X, list | tuple) else shape


def refuse_ragged(name: str, X: Any) -> None:
    """Refuse a list of images of different sizes or channels with a clear message."""
    if not isinstance(X, list | tuple) or not X or np.ndim(X[0]) < 2:
        return
    shapes = {np.shape(image) for image in X}
    if len(shapes) == 1:
        return
    if len({shape[:2] for shape in shapes}) == 1:
        counts = sorted(dict.fromkeys(s[2] if len(s) > 2 else 1 for s in shapes))
        raise ShapeError(f"{name}: images of {counts} channels; convert them to one number")
    first = ", ".join(str(s) for s in sorted(shapes)[:4])
    raise ShapeError(
        f"{name}: images of different sizes ({first}{', ...' if len(shapes) > 4 else ''}); bring "
        "them to one size, or use make_pipeline(PooledFeatures(), RidgeHead()), which takes any"
    )


def _in_units_of_first(X: Any) -> Any:
    """A list of images of different types, in the units of the first one: an array has one type."""
    if not isinstance(X, list | tuple) or not all(isinstance(i, np.ndarray) for i in X):
        return X
    if len({image.dtype for image in X}) < 2 or any(
        image.ndim < 2 or image.dtype.kind not in "buif" for image in X
    ):
        return X
    whites = [white_of(image) for image in X]
    first = whites[0]
    return [to_white(i, w, first) if w and first else i for i, w in zip(X, whites)]
