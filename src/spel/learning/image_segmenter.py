"""Images with labelled spels to label images, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.decide import segment_image
from spel.errors import ParameterError, ShapeError
from spel.learning.segmenter import learn_segmenter
from spel.nn import Activation, Network, Unlearned, chain
from spel.sklearn.base import as_images, validate_images

Batch = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]


class ImageSegmenter(BaseEstimator):  # type: ignore[misc]
    """A network learned from strokes on a few images (FLIM); it gives every spel a class.

    What is learned is what `spel.learning.learn_segmenter` learns of strokes that are all classes.

    Parameters
    ----------
    architecture : Network, optional
        With `spel.Unlearned` convolutions; by default one of 32 kernels of 5 x 5, and ReLU.
    decoder : str
        "linear", the softmax of one linear score per class, or a published decoder.
    ridge : float
        Penalty on the decoder's weights.
    undecided : float
        Spels whose most probable class is less probable get the label -1.
    seed : int
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.

    Attributes
    ----------
    network_ : Network
        Its file is that of `spel learn`: other commands and the studio read it.
    classes_ : array of int

    Examples
    --------
    >>> image = np.zeros((12, 12))
    >>> image[:, 6:] = 1
    >>> strokes = np.full((12, 12), -1)
    >>> strokes[4:8, 1:3], strokes[4:8, 9:11] = 5, 7
    >>> model = ImageSegmenter().fit(image[None], strokes[None])
    >>> np.unique(model.predict(image[None, ::-1, ::-1])[0, :, 1:3]).tolist()
    [7]
    """

    def __init__(
        self,
        architecture: Network | None = None,
        decoder: str = "linear",
        ridge: float = 1e-2,
        undecided: float = 0.0,
        seed: int = 42,
        image_shape: Sequence[int] | None = None,
    ) -> None:
        self.architecture = architecture
        self.decoder = decoder
        self.ridge = ridge
        self.undecided = undecided
        self.seed = seed
        self.image_shape = image_shape

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from images and the labels of some of their spels.

        Parameters
        ----------
        X : (n, rows, cols[, channels]) array, or a table
        y : (n, rows, cols) array of int
            The class of each spel, -1 where nothing is drawn; images without strokes are left out.
            Of labels (n,), each is that of all spels of an image.
        """
        images = self._images(X, reset=True)
        labels = self._labels(y, images)
        self.classes_ = np.unique(labels[labels >= 0])
        if len(self.classes_) < 2:
            raise ParameterError(
                "ImageSegmenter: classifier can't train when only one class is present; the "
                f"strokes have the labels {self.classes_.tolist()}; draw at least two classes"
            )
        marked = np.flatnonzero((labels >= 0).any(axis=(1, 2)))
        network = self.architecture
        if network is None:
            network = chain(conv=Unlearned(Adjacency.box(5), kernels=32), relu=Activation("relu"))
        decoder: Any = self.decoder
        self.network_ = learn_segmenter(
            network,
            [images[i] for i in marked],
            [Markers.from_image(labels[i], background=None) for i in marked],
            select="threshold",
            decoder=decoder,
            ridge=self.ridge,
            undecided=self.undecided,
            seed=self.seed,
        ).network
        return self

    def predict(self, X: Any) -> Labels:
        """The class of every spel: (n, rows, cols), or (n, values) for a table without a shape."""
        check_is_fitted(self)
        images = self._images(X, reset=False)
        labels = np.array([segment_image(self.network_, one).labels for one in images])
        is_table = np.ndim(X) == 2 and self.image_shape is None
        return (labels[:, 0] if is_table else labels).astype(np.int64)

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """The probability of each class at every spel: (n, rows, cols, classes)."""
        check_is_fitted(self)
        images = self._images(X, reset=False)
        return np.stack([segment_image(self.network_, one).output for one in images])

    def score(self, X: Any, y: Any) -> float:
        """The mean of the classes' Dice, over the spels whose label is not -1."""
        check_is_fitted(self)
        images = self._images(X, reset=False)
        labels = self._labels(y, images)
        answer = self.predict(X).reshape(labels.shape)
        drawn = labels >= 0
        values = []
        for label in np.unique(labels[drawn]):
            own, other = labels[drawn] == label, answer[drawn] == label
            values.append(2 * np.sum(own & other) / (own.sum() + other.sum()))
        if not values:
            raise ParameterError("ImageSegmenter: y labels no spel; expected some labels from 0")
        return float(np.mean(values))

    def _images(self, X: Any, *, reset: bool) -> Batch:
        if isinstance(X, list | tuple) and len({np.shape(image) for image in X}) > 1:
            raise ShapeError(
                "ImageSegmenter: images of different sizes; bring them to one size, or use "
                "spel.learning.segmenter.learn_segmenter, which takes any sizes"
            )
        return as_images(validate_images(self, X, reset=reset), self.image_shape)

    def _labels(self, y: Any, images: Batch) -> Labels:
        """The labels of all spels, (n, rows, cols)."""
        if y is None:
            raise ParameterError(
                "ImageSegmenter: requires y to be passed, but the target y is None; give labels "
                "(n, rows, cols), -1 where nothing is drawn"
            )
        array = np.asarray(y)
        size = images.shape[:3]
        if array.dtype.kind not in "biuf" or not (np.rint(array) == array).all():
            raise ParameterError(
                f"ImageSegmenter: Unknown label type: {array.dtype}; expected whole numbers from "
                "0, and -1 where nothing is drawn"
            )
        if array.shape[:1] == size[:1] and array.size == len(images):
            array = np.broadcast_to(array.reshape(-1, 1, 1), size)
        if array.size != np.prod(size) or array.shape[:1] != size[:1]:
            raise ShapeError(
                f"ImageSegmenter: labels of shape {array.shape} for images of {size}; expected "
                "one label per spel, or one per image"
            )
        return array.reshape(size).astype(np.int64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        tags.target_tags.two_d_labels = True
        return tags
