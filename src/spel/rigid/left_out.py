"""What a kernel is without one photo, in closed form: scores of its samples, and its models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from spel.linear import (
    LinearModel,
    fit_ridge_in_portions,
    leave_group_out,
    models_without_groups,
)
from spel.rigid.groups import Floats, Ints
from spel.rigid.mining import Rows
from spel.rigid.sampling import Samples
from spel.rigid.stored_rows import portions_of

MODEL_ROWS = 20
"""About the rows of samples that take as much memory as the models without one photo."""

Models = tuple[LinearModel, LinearModel]
"""A model that scores windows, and one that refines their boxes."""


class LeftOut:
    """The models of one kernel, and the same ones without each photo.

    Only a portion of the samples, and of the models without a photo, is in memory at once.

    Parameters
    ----------
    model : LinearModel
        Learned from all samples.
    samples : Samples
    positive_weight : float
        Total weight of the objects.
    refine_ridge : float
        Ridge penalty of the model that refines boxes.
    """

    def __init__(
        self, model: LinearModel, samples: Samples, positive_weight: float, refine_ridge: float
    ) -> None:
        self.samples, self.positive_weight = samples, positive_weight
        count = len(samples.positive)

        def crops() -> Iterator[tuple[Rows, Floats, Floats]]:
            for photos in samples.positive.portions():
                rows, deltas = samples.positive.of(photos), samples.deltas.of(photos)
                if len(rows):  # else no photo of the portion shows an object of this aspect
                    yield rows, deltas, np.ones(len(rows)) / count

        self.models = model, fit_ridge_in_portions(crops, refine_ridge)
        counts = [samples.positive.counts, *(mined.counts for mined in samples.negative)]
        rows_of_photos = np.sum(counts, axis=0) + MODEL_ROWS
        self._portions = portions_of(rows_of_photos, samples.positive.length)
        self._total = samples.total(positive_weight)
        self._loaded, self._without = range(0), dict[int, Models]()

    def scores(self) -> tuple[Floats, npt.NDArray[np.bool_], Ints]:
        """Scores of all samples by the model without their photo, which are objects, and photos."""
        with_objects = self.samples.with_objects
        # A single photo cannot be left out: no object would remain to learn from.
        without = with_objects if len(with_objects) > 1 else with_objects[:0]
        scores, is_positive, places = [], [], []
        for part in self._portions:
            rows, targets, shares, photos = self.samples.rows_of(part, self.positive_weight)
            here = without[(without >= part.start) & (without < part.stop)]
            scores.append(
                leave_group_out(
                    self.models[0], rows, targets, shares, photos, here, total=self._total
                )
            )
            is_positive.append(targets > 0)
            places.append(photos)
        return np.concatenate(scores), np.concatenate(is_positive), np.concatenate(places)

    def without(self, photo: int) -> Models:
        """The models without a photo; photos are best asked for in their order."""
        if photo not in self._loaded:
            self._loaded = next(part for part in self._portions if photo in part)
            self._without = self._models_of(self._loaded)
        return self._without.get(photo, self.models)

    def _models_of(self, part: range) -> dict[int, Models]:
        """The models without each photo of a portion."""
        model, refine = self.models
        own = self.samples
        rows, targets, shares, photos = own.rows_of(part, self.positive_weight)
        scoring = models_without_groups(model, rows, targets, shares, photos, total=self._total)
        crops, deltas, photos = (
            own.positive.of(part), own.deltas.of(part), own.positive.photos_of(part),
        )  # fmt: skip
        even = np.ones(len(crops))
        refining = models_without_groups(
            refine, crops, deltas, even, photos, total=float(len(own.positive))
        )
        return {
            photo: (scoring.get(photo, model), refining.get(photo, refine))
            for photo in scoring.keys() | refining.keys()
        }
