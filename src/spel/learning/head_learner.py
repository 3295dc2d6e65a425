"""Learning the head of a classifier from portions of the images."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.threads import blas_in_one_thread
from spel.errors import ParameterError, SpelError
from spel.learning.portions import MomentsOf, RowsOf, Run, moments_of, portions
from spel.learning.saved_sums import SavedSums
from spel.linear import ClassMoments, ExactMoments
from spel.sklearn import ImageClassifier, RidgeHead
from spel.sklearn.heads import as_precise

BYTES_PER_VALUE = 16
"""Memory per value for heads that need all feature vectors: the table, scaled, and in float64."""

GB = 1e9
"""Bytes of a gigabyte."""


class HeadLearner:
    """Fitted features, and the images and classes that the head is learned from.

    Parameters
    ----------
    features : transformer
        The fitted features.
    images : sequence of arrays
    classes : (n,) array of str
    run : callable
        Runs tasks and gives their results in order.
    threads : int, optional
        Threads of the engine in a task.
    """

    def __init__(
        self, features: Any, images: Sequence[Any], classes: npt.NDArray[Any], run: Run,
        threads: int | None,
    ) -> None:  # fmt: skip
        self.features, self.images, self.run, self.threads = features, images, run, threads
        self.classes, self.numbers = np.unique(classes, return_inverse=True)
        if len(self.classes) < 2:
            raise ParameterError(
                f"a classifier can't train when only one class is present ({self.classes[0]!r}); "
                "expected images of at least two classes"
            )
        self.parts = portions(len(images))

    # -- heads in closed form ----------------------------------------------------------------------

    def by_sums(self, alpha: float, same_size: bool, saved: SavedSums | None) -> Any:
        """The classifier with a ridge head: only moments of the features are held in memory."""
        moments = self._moments(saved)
        if same_size:
            head = RidgeHead.from_moments(moments, self.classes, alpha)
            return ImageClassifier.from_parts(self.features, head)
        scaler = _scaler(moments)
        moved = moments.moved(scaler.mean_, scaler.scale_)
        return _pipeline(self.features, scaler, RidgeHead.from_moments(moved, self.classes, alpha))

    def _moments(self, saved: SavedSums | None) -> ClassMoments:
        """The moments of all images' features, continued from saved sums if there are any."""
        sums, done = self._first_sums(saved)
        tasks = [
            MomentsOf(
                self.images[part], self.threads, self.features,
                self.numbers[part], sums.origin, len(self.classes),
            )
            for part in self.parts[done:]
        ]  # fmt: skip
        for portion in self._results(tasks, sums, done, saved):
            self._add(sums, portion)
            del portion  # before the next one is computed, so that only one is in memory
        if saved is not None and len(self.parts) > 1:
            saved.save(sums, len(self.parts), now=True)
        return sums.moments()

    def _first_sums(self, saved: SavedSums | None) -> tuple[ExactMoments, int]:
        """The sums of the first portion, or the saved ones, and their number of portions."""
        part = self.parts[0]
        rows = RowsOf(self.images[part], self.threads, self.features)()
        precise = as_precise(rows)
        origin = precise.mean(axis=0)
        unit = float(np.abs(precise - origin).max()) or 1.0
        del precise
        sums = ExactMoments(origin, len(self.classes), unit)
        done = saved.restore(sums) if saved is not None else 0
        if done:
            return sums, done
        with blas_in_one_thread():
            self._add(sums, moments_of(rows, self.numbers[part], origin, len(self.classes)))
        return sums, 1

    def _results(
        self, tasks: Sequence[Any], sums: ExactMoments, done: int, saved: SavedSums | None
    ) -> Iterator[Any]:
        """What the tasks give; the sums of those before are saved now and then, and at a stop."""
        try:
            for result in self.run(tasks):
                yield result
                done += 1
                if saved is not None:
                    saved.save(sums, done)
        except (Exception, KeyboardInterrupt):
            if saved is not None:
                saved.save(sums, done, now=True)
            raise

    def _add(self, sums: ExactMoments, portion: ClassMoments) -> None:
        try:
            sums.add(portion)
        except ParameterError:
            raise ParameterError("RidgeHead: the features overflow; scale them") from None

    # -- heads that need all feature vectors -------------------------------------------------------

    def by_table(self, head: Any, name: str, max_memory: float) -> Any:
        """The classifier with a head that needs a table of all feature vectors.

        Raises
        ------
        ParameterError
            If the table would take more than `max_memory` gigabytes, or the head refuses it.
        """
        from sklearn.preprocessing import StandardScaler

        if name == "mlp":
            self._check_count()
        scaler = StandardScaler()
        with warnings.catch_warnings():
            # An MLP or SVM that reaches its limit of iterations is evaluated like any other.
            warnings.simplefilter("ignore")
            try:
                head.fit(scaler.fit_transform(self._table(name, max_memory)), self._names())
            except SpelError:
                raise
            except ValueError as error:  # from scikit-learn, for example too few images for a head
                reason = str(error).splitlines()[0]
                raise ParameterError(f"head {name!r}: {reason}") from None
        return _pipeline(self.features, scaler, head)

    def _check_count(self) -> None:
        """Refuse too few images for a perceptron that stops by a tenth of them."""
        counts = np.bincount(self.numbers)
        least = 10 * (len(counts) - 1) + 1
        if counts.sum() < least or counts.min() < 2:
            raise ParameterError(
                f"head 'mlp': it holds a tenth of the images out, with one of each class, to know "
                f"when to stop; {len(counts)} classes need {least} images, and 2 of each, but "
                f"there are {counts.sum()}, and {counts.min()} of {self.classes[counts.argmin()]}; "
                "give more images, or use another head"
            )

    def _names(self) -> npt.NDArray[Any]:
        return np.asarray(self.classes[self.numbers])

    def _table(self, name: str, max_memory: float) -> npt.NDArray[np.float32]:
        """The feature vectors of all images."""
        count, length = len(self.images), int(self.features.n_features_out_)
        needed = count * length * BYTES_PER_VALUE
        if needed > max_memory * GB:
            raise ParameterError(
                f"fit: the head {name!r} needs the feature vectors of all images: {count:,} x "
                f"{length:,} values take about {needed / GB:.1f} GB; the limit is {max_memory:g} "
                "GB. Use the head 'ridge', which needs sums only, or raise --max-memory"
            )
        table = np.empty((count, length), np.float32)
        tasks = [RowsOf(self.images[part], self.threads, self.features) for part in self.parts]
        for part, rows in zip(self.parts, self.run(tasks)):
            table[part] = rows
        return table


def _pipeline(features: Any, scaler: Any, head: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(features, scaler, head)


def _scaler(moments: ClassMoments) -> Any:
    """The `StandardScaler` that would be fitted to rows with these moments."""
    from sklearn.preprocessing import StandardScaler

    mean, variance = moments.mean_and_variance()
    count, eps = moments.count, np.finfo(np.float64).eps
    is_constant = variance <= count * eps * variance + (count * mean * eps) ** 2
    scaler = StandardScaler()
    scaler.mean_, scaler.var_ = mean, variance
    scaler.scale_ = np.where(is_constant, 1.0, np.sqrt(variance))
    scaler.n_samples_seen_, scaler.n_features_in_ = int(count), len(mean)
    return scaler
