"""A classifier learned from images in class folders."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spel.errors import ParameterError
from spel.learning.finite import check_finite
from spel.learning.head_learner import HeadLearner
from spel.learning.portions import (
    PredictionsOf,
    Run,
    check_channels,
    check_one_shape,
    name_of,
    portions,
    run_here,
    select,
    shapes_of,
)
from spel.learning.saved_sums import SavedSums
from spel.metrics.classification import Confusion, confusion
from spel.sklearn import (
    FlattenImages,
    KernelHead,
    PatchEncoder,
    PooledFeatures,
    RidgeHead,
)

Features = Literal["patches", "pooled", "flat"]
Head = Literal["ridge", "kernel", "svm", "mlp"]

PATCHES = 60_000
"""Largest number of patches, of all images together, from which kernels are learned."""

MAX_ACTIVATION_BYTES = 4 << 30
"""Largest array that learning and applying kernels may need, in bytes."""


@dataclass(frozen=True)
class ClassifierConfig:
    """How a classifier is learned from images.

    Attributes
    ----------
    features : {"patches", "pooled", "flat"} or Network
        Kernels learned from patches without labels, statistics of colours, flattened pixels, or
        the pooled activations of a network, such as one learned from markers.
    head : {"ridge", "kernel", "svm", "mlp"}
        The classifier over the features.
    kernels, size : int
        For "patches": number of kernels, and side of the patches.
    levels : tuple of int
        Levels of the pyramid of pooled features.
    seed : int
        Seed of the random numbers.
    max_values : int
        Largest number of values of a patch.
    max_memory : float
        Gigabytes, by estimate, that a head may need for all feature vectors.
    """

    features: Any = "patches"
    head: Head = "ridge"
    kernels: int = 100
    size: int = 6
    levels: tuple[int, ...] = (1, 2)
    seed: int = 0
    max_values: int = 2048
    max_memory: float = 4.0

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
        distances = self.kernels * PATCHES * 4
        if distances > MAX_ACTIVATION_BYTES:
            raise ParameterError(
                f"fit: the distances of {PATCHES:,} patches to {self.kernels:,} kernels take "
                f"{distances / 1e9:.1f} GB; use fewer --kernels"
            )
        size = self.kernels * math.prod(shape[:2]) * 4
        if size > MAX_ACTIVATION_BYTES:
            raise ParameterError(
                f"fit: {self.kernels} kernels on an image of {shape[0]} x {shape[1]} pixels take "
                f"{size / 1e9:.1f} GB; use fewer --kernels, or smaller images"
            )

    def unlearned_features(self, shape: Sequence[int]) -> Any:
        """The features, not learned yet; "patches" are pooled in parts of images of a shape."""
        if not isinstance(self.features, str):
            return PooledFeatures(self.features, levels=self.levels)
        side = max(2, min(shape[:2]) // 4)
        pooling: dict[str, Any] = {
            "pool": side,
            "stride": max(1, side // 2),
            "small": max(1, side // 3),
        }
        makers: dict[str, Any] = {
            "patches": lambda: PatchEncoder(self.kernels, self.size, seed=self.seed, **pooling),
            "pooled": lambda: PooledFeatures(
                statistics=("mean", "deviation", "quantiles"), levels=self.levels
            ),
            "flat": FlattenImages,
        }
        return makers[self.features]()

    def unlearned_head(self) -> Any:
        """The classifier over the features, not learned yet."""
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
            raise ParameterError(f"fit: head {self.head!r}; expected one of {', '.join(makers)}")
        return makers[self.head]()

    def fit(
        self,
        images: Sequence[Any],
        classes: Sequence[str],
        *,
        run: Run = run_here,
        threads: int | None = None,
        saved: SavedSums | None = None,
    ) -> Any:
        """Fit the classifier; images are accessed in portions, never all at once.

        The ridge head needs only sums over the images. These are added up without rounding, so that
        the result does not depend on the number of workers. Other heads need all feature vectors.

        Parameters
        ----------
        images : sequence of arrays
            For example `spel.learning.portions.ExampleFiles`.
        classes : sequence of str
        run : callable, optional
            Runs tasks, perhaps in workers, and gives their results in order.
        threads : int, optional
            Threads of the engine in a task; by default all.
        saved : SavedSums, optional
            A file in which the sums are saved from time to time; the same fit continues from it.

        Raises
        ------
        ShapeError
            If images differ in size or channels, and the features need one size.
        ParameterError
            If the head would need more memory than `max_memory`.
        """
        shapes = shapes_of(images, run)
        first = np.shape(images[0])
        self.check_size(first)
        check_channels(shapes)
        if self.features in ("patches", "flat"):
            check_one_shape(shapes, str(self.features))
        features = self.unlearned_features(first)
        check_finite(images[0], name_of(images, 0))
        if len(shapes) == 1:
            features.fit_sequence(images)
        else:
            place = next(i for i, image in enumerate(images) if np.shape(image) != first)
            check_finite(images[place], name_of(images, place))
            features.fit([images[0], images[place]])
        learner = HeadLearner(features, images, np.asarray(classes), run, threads)
        if self.head == "ridge":
            return learner.by_sums(RidgeHead().alpha, len(shapes) == 1, saved)
        return learner.by_table(self.unlearned_head(), self.head, self.max_memory)

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
    *,
    share: float = 1.0,
    run: Run = run_here,
    **how: Any,
) -> Confusion:
    """Fit a classifier without a part of each class, and evaluate it on that part.

    With a `share` below 1 it is fitted to this share of the other images of each class, at least
    one; the part that is held out stays the same. `run`, `threads` and `saved` are those of
    `ClassifierConfig.fit`.

    Raises
    ------
    ParameterError
        If a class has only one image.
    """
    true = np.asarray(classes)
    chosen, rest = split(classes, fraction, seed, share=share)
    model = config.fit(select(images, chosen), true[chosen].tolist(), run=run, **how)
    unseen = select(images, rest)
    tasks = [PredictionsOf(unseen[part], how.get("threads"), model) for part in portions(len(rest))]
    return confusion(true[rest], np.concatenate(list(run(tasks))))


def split(
    classes: Sequence[str], fraction: float, seed: int = 0, *, share: float = 1.0
) -> tuple[list[int], list[int]]:
    """Which images `hold_out` learns from, and which it holds out.

    Examples
    --------
    >>> learned, held = split(["a"] * 8 + ["b"] * 8, 0.25, share=0.01)  # one of each class at least
    >>> len(learned), len(held)
    (2, 4)
    """
    true = np.asarray(classes)
    generator = np.random.default_rng(seed)
    held, mine = np.zeros((2, len(true)), dtype=bool)
    for name, count in sorted(Counter(classes).items()):
        if count < 2:
            raise ParameterError(
                f"class {name!r} has only one image, so none can be held out; add images, or "
                "evaluate on other images with --test 0"
            )
        rows = np.flatnonzero(true == name)
        size = min(max(1, round(fraction * count)), count - 1)
        drawn = generator.permutation(rows)
        held[drawn[:size]] = True
        mine[drawn[size:][: max(1, round(share * (count - size)))]] = True
    return np.flatnonzero(mine).tolist(), np.flatnonzero(held).tolist()
