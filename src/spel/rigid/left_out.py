"""What a kernel is without one photo, in closed form: scores of its samples, and its models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from spel.linear import (
    LinearModel,
    fit_ridge_in_portions,
    leave_group_out,
    models_without_groups,
    root_of_covariance,
)
from spel.rigid.groups import Floats, Ints
from spel.rigid.mining import Rows
from spel.rigid.sampling import Samples
from spel.rigid.stored_rows import StoredRows, portions_of

MODEL_ROWS = 20
"""About the rows of samples that take as much memory as the models without one photo."""

ModelsOf = Callable[[range], dict[int, LinearModel]]
"""From some photos to the models without each of them."""


class WithoutPhoto:
    """A model without each photo; only the models of a portion of the photos are in memory.

    Parameters
    ----------
    model : LinearModel
        Learned from all photos.
    counts : sequence of int
        Number of rows of each photo.
    length : int
        Length of a row.
    models_of : callable
    """

    def __init__(
        self, model: LinearModel, counts: Sequence[int] | Ints, length: int, models_of: ModelsOf
    ) -> None:
        self.model = model
        self.portions = portions_of(np.asarray(counts) + MODEL_ROWS, length)
        self._models_of = models_of
        self._loaded, self._models = range(0), dict[int, LinearModel]()

    def __call__(self, photo: int) -> LinearModel:
        """The model without a photo; photos are best asked for in their order."""
        if photo not in self._loaded:
            self._loaded = next(part for part in self.portions if photo in part)
            self._models = self._models_of(self._loaded)
        return self._models.get(photo, self.model)


class LeftOut:
    """The model of one kernel, which scores windows, and the same one without each photo.

    Only a portion of the samples, and of the models without a photo, is in memory at once.

    Parameters
    ----------
    model : LinearModel
        Learned from all samples.
    samples : Samples
    positive_weight : float
        Total weight of the objects.
    """

    def __init__(self, model: LinearModel, samples: Samples, positive_weight: float) -> None:
        self.model, self.samples, self.positive_weight = model, samples, positive_weight
        counts = [samples.positive.counts, *(mined.counts for mined in samples.negative)]
        rows_of_photos = np.sum(counts, axis=0)
        self.without = WithoutPhoto(model, rows_of_photos, samples.positive.length, self._models_of)
        self._total = samples.total(positive_weight)
        self._predictions: dict[range, Floats] = {}

    def scores(self) -> tuple[Floats, npt.NDArray[np.bool_], Ints]:
        """Scores of all samples by the model without their photo, which are objects, and photos."""
        # A single photo cannot be left out: no object would remain to learn from.
        without = None if len(self.samples.with_objects) > 1 else ()
        root = root_of_covariance(self.model)
        scores, is_positive, places = [], [], []
        for part in self.without.portions:
            rows, targets, shares, photos = self.samples.rows_of(part, self.positive_weight)
            here = leave_group_out(
                self.model, rows, targets, shares, photos, without, self._total, root
            )
            if without is None:
                self._predictions[part] = here
            scores.append(here)
            is_positive.append(targets > 0)
            places.append(photos)
        return np.concatenate(scores), np.concatenate(is_positive), np.concatenate(places)

    def _models_of(self, part: range) -> dict[int, LinearModel]:
        rows, targets, shares, photos = self.samples.rows_of(part, self.positive_weight)
        return models_without_groups(
            self.model, rows, targets, shares, photos, self._total, self._predictions.get(part)
        )


class DeltasLeftOut:
    """A model from the cells of windows to the deltas of their boxes, also without each photo.

    Parameters
    ----------
    rows : StoredRows of length d
    deltas : StoredRows of length 4
        How each window's box must change, see `spel.rigid.views.apply_deltas`.
    ridge : float
        Ridge penalty.
    """

    def __init__(self, rows: StoredRows, deltas: StoredRows, ridge: float) -> None:
        self._rows, self._deltas = rows, deltas
        self.model = fit_ridge_in_portions(self._crops, ridge)
        self.without = WithoutPhoto(self.model, rows.counts, rows.length, self._models_of)

    def _crops(self) -> Iterator[tuple[Rows, Floats, Floats]]:
        for photos in self._rows.portions():
            rows, deltas = self._rows.of(photos), self._deltas.of(photos)
            if len(rows):  # else no photo of the portion shows an object of this aspect
                yield rows, deltas, np.ones(len(rows)) / len(self._rows)

    def _models_of(self, part: range) -> dict[int, LinearModel]:
        rows, deltas = self._rows.of(part), self._deltas.of(part)
        photos, total = self._rows.photos_of(part), float(len(self._rows))
        return models_without_groups(
            self.model, rows, deltas, np.ones(len(rows)), photos, total=total
        )
