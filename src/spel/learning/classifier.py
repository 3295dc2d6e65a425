"""A classifier learned from images in class folders."""

from __future__ import annotations

import math
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spel.errors import ParameterError, ShapeError, SpelError
from spel.io.sources import IMAGE_SUFFIXES, natural_key
from spel.learning.finite import check_finite
from spel.metrics.classification import Confusion, confusion
from spel.sklearn import (
    FlattenImages,
    ImageClassifier,
    KernelHead,
    PatchEncoder,
    PooledFeatures,
    RidgeHead,
)

Features = Literal["patches", "pooled", "flat"]
MAX_ACTIVATION_BYTES = 4 << 30

Head = Literal["ridge", "kernel", "svm", "mlp"]


@dataclass(frozen=True)
class LabelledImages:
    """Image files and their classes."""

    paths: tuple[Path, ...]
    classes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of images of each class."""
        return dict(sorted(Counter(self.classes).items()))


def labelled_images(
    folder: str | os.PathLike[str], *, by: Literal["folder", "prefix"] = "folder"
) -> LabelledImages:
    """The images of a folder with their classes.

    Parameters
    ----------
    folder : path
    by : {"folder", "prefix"}
        The class is the name of the folder in it that holds the image, or what stands before the
        first ``_`` of the file's name.

    Raises
    ------
    ParameterError
        If there are no images, none in a class folder, or only one class; the message says what was
        found and what is expected.
    """
    place = Path(folder)
    if not place.is_dir():
        raise ParameterError(
            f"{place}: there is no such folder; give the one that holds the images"
        )
    found = sorted(
        (
            p
            for p in place.rglob("*")
            if p.suffix.lower() in IMAGE_SUFFIXES
            and p.is_file()
            and not any(part.startswith(".") for part in p.relative_to(place).parts)
        ),
        key=natural_key,
    )
    if not found:
        raise ParameterError(f"{place}: the folder holds no image; expected {_wanted(place, by)}")
    if by == "prefix":
        classes = [p.name.split("_")[0] for p in found]
        odd = [p for p in found if "_" not in p.name]
        why = "their names have no '_' after the class"
    else:
        classes = [p.relative_to(place).parts[0] for p in found]
        odd = [p for p in found if p.parent == place]
        why = "they lie in no class folder"
    if odd:
        raise ParameterError(
            f"{place}: {len(odd)} of {len(found)} images have no class: {why} (the first is "
            f"{odd[0].name}); expected {_wanted(place, by)}"
        )
    if len(set(classes)) < 2:
        raise ParameterError(
            f"{place}: only one class ({classes[0]!r}, {len(found)} images); expected two or more: "
            f"{_wanted(place, by)}"
        )
    return LabelledImages(tuple(found), tuple(classes))


def _wanted(place: Path, by: str) -> str:
    if by == "prefix":
        return f"names such as {place}/cat_001.png, the class before the first '_'"
    return f"a folder per class, as {place}/cat/001.png and {place}/dog/002.png"


@dataclass(frozen=True)
class ClassifierConfig:
    """How a classifier is learned from images.

    Attributes
    ----------
    features : {"patches", "pooled", "flat"} or Network
        Kernels learned from patches without labels, statistics of colours, flattened pixels; or
        the pooled activations of a network, such as one learned from markers.
    head : {"ridge", "kernel", "svm", "mlp"}
    kernels, size : int
        Number of kernels, and side of the patches, of "patches".
    levels : tuple of int
        Levels of the pyramid of pooled features.
    seed : int
    max_values : int
        Largest number of values of a patch.
    """

    features: Any = "patches"
    head: Head = "ridge"
    kernels: int = 100
    size: int = 6
    levels: tuple[int, ...] = (1, 2)
    seed: int = 0
    max_values: int = 2048

    def check_size(self, shape: Sequence[int]) -> None:
        """Raise ParameterError if learning kernels would take too much memory or time."""
        if self.features != "patches":
            return
        values = self.size * self.size * (shape[2] if len(shape) > 2 else 1)
        if values > self.max_values:
            raise ParameterError(
                f"fit: patches of {self.size} x {self.size} pixels have {values} values, more than "
                f"{self.max_values}: their covariance takes {8 * values**2 / 1e9:.1f} GB and its "
                "eigenvectors many minutes; use a smaller --size, or raise --max-values"
            )
        size = self.kernels * math.prod(shape[:2]) * 4
        if size > MAX_ACTIVATION_BYTES:
            raise ParameterError(
                f"fit: {self.kernels} kernels on an image of {shape[0]} x {shape[1]} pixels take "
                f"{size / 1e9:.1f} GB; use fewer --kernels, or smaller images"
            )

    def build(self, shape: Sequence[int] | None) -> Any:
        """The classifier, not fitted yet, for images of a shape (None if sizes differ)."""
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        if isinstance(self.features, str):
            if self.features != "pooled" and shape is None:
                raise ShapeError(
                    f"images of different sizes, and features {self.features!r} ask for one size; "
                    "bring the images to one size, or take features 'pooled' or a network"
                )
            pooling: dict[str, Any] = {}
            if self.features == "patches":
                assert shape is not None
                side = max(2, min(shape[:2]) // 4)
                pooling = {"pool": side, "stride": max(1, side // 2), "small": max(1, side // 3)}
            makers: dict[str, Any] = {
                "patches": lambda: PatchEncoder(self.kernels, self.size, seed=self.seed, **pooling),
                "pooled": lambda: PooledFeatures(
                    statistics=("mean", "deviation", "quantiles"), levels=self.levels
                ),
                "flat": FlattenImages,
            }
            features = makers[self.features]()
        else:
            features = PooledFeatures(self.features, levels=self.levels)
        if self.head == "ridge" and shape is not None:
            return ImageClassifier(features, self._head())
        return make_pipeline(features, StandardScaler(), self._head())

    def _head(self) -> Any:
        from sklearn.neural_network import MLPClassifier
        from sklearn.svm import LinearSVC

        makers: dict[str, Any] = {
            "ridge": RidgeHead,
            "kernel": lambda: KernelHead(seed=self.seed),
            "svm": lambda: LinearSVC(C=0.01, random_state=self.seed),
            "mlp": lambda: MLPClassifier(
                (256,), early_stopping=True, max_iter=100, random_state=self.seed
            ),
        }
        if self.head not in makers:
            raise ParameterError(f"head {self.head!r}; expected one of {', '.join(makers)}")
        return makers[self.head]()

    def fit(self, images: Sequence[Any], classes: Sequence[str]) -> Any:
        """Fit the classifier.

        Raises
        ------
        ShapeError
            If images differ in size or channels where the features ask for one.
        """
        for number, image in enumerate(images):
            check_finite(image, f"image {number}")
        shapes = {np.shape(image) for image in images}
        same = len(shapes) == 1
        self.check_size(np.shape(images[0]))
        model = self.build(np.shape(images[0]) if same else None)
        X = np.stack(list(images)) if same else list(images)
        with warnings.catch_warnings():
            # An MLP or SVM that stops at its limit of iterations is evaluated like any other.
            warnings.simplefilter("ignore")
            try:
                return model.fit(X, np.asarray(classes))
            except SpelError:
                raise
            except ValueError as error:  # scikit-learn's own, of too few images for a head, say
                reason = str(error).splitlines()[0]
                raise ParameterError(f"head {self.head!r}: {reason}") from None

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain values."""
        features = self.features if isinstance(self.features, str) else self.features.fingerprint()
        return {
            "job": "fit",
            "features": features,
            "head": self.head,
            "kernels": self.kernels,
            "size": self.size,
            "levels": list(self.levels),
            "seed": self.seed,
        }


def hold_out(
    config: ClassifierConfig,
    images: Sequence[Any],
    classes: Sequence[str],
    fraction: float,
    seed: int = 0,
) -> Confusion:
    """Fit a classifier without a part of each class, and evaluate it on that part.

    Raises
    ------
    ParameterError
        If a class has one image only.
    """
    true = np.asarray(classes)
    generator = np.random.default_rng(seed)
    held = np.zeros(len(true), dtype=bool)
    for name, count in sorted(Counter(classes).items()):
        if count < 2:
            raise ParameterError(
                f"class {name!r} has one image, too few to hold out a part of it; add images, or "
                "evaluate elsewhere with --test 0"
            )
        rows = np.flatnonzero(true == name)
        size = min(max(1, round(fraction * count)), count - 1)
        held[generator.permutation(rows)[:size]] = True
    model = config.fit([images[i] for i in np.flatnonzero(~held).tolist()], true[~held].tolist())
    rest = [images[i] for i in np.flatnonzero(held).tolist()]
    same = len({np.shape(image) for image in images}) == 1
    return confusion(true[held], model.predict(np.stack(rest) if same else rest))
