"""Masks against masks: Dice, intersection over union, precision, recall, F-beta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError


@dataclass(frozen=True)
class Overlap:
    """Counts of pixels of two masks, and the measures that follow from them.

    Empty masks: if both are empty, every measure is 1; if one is empty, every measure is 0.

    Attributes
    ----------
    both, answered, true : int
        Number of pixels in both masks, in the answer, in the truth.

    Examples
    --------
    >>> counts = Overlap(both=2, answered=4, true=3)
    >>> round(counts.dice, 4), round(counts.iou, 4), counts.precision, round(counts.recall, 4)
    (0.5714, 0.4, 0.5, 0.6667)
    >>> Overlap(0, 0, 0).dice, Overlap(0, 5, 0).f_beta()
    (1.0, 0.0)
    """

    both: int
    answered: int
    true: int

    @property
    def dice(self) -> float:
        """``2 |A and B| / (|A| + |B|)``."""
        return self._ratio(2 * self.both, self.answered + self.true)

    @property
    def iou(self) -> float:
        """``|A and B| / |A or B|``."""
        return self._ratio(self.both, self.answered + self.true - self.both)

    @property
    def precision(self) -> float:
        """Share of the answer that is true; 0 if only the answer is empty."""
        return self._ratio(self.both, self.answered)

    @property
    def recall(self) -> float:
        """Share of the truth that the answer covers."""
        return self._ratio(self.both, self.true)

    def f_beta(self, beta2: float = 0.3) -> float:
        """``(1 + b2) P R / (b2 P + R)``; salient object detection takes ``beta^2 = 0.3``."""
        if not beta2 > 0:
            raise ParameterError(f"f_beta: beta2 {beta2!r}; expected a positive number")
        return self._ratio((1 + beta2) * self.both, beta2 * self.true + self.answered)

    def _ratio(self, part: float, whole: float) -> float:
        if self.answered == 0 and self.true == 0:
            return 1.0
        return float(part / whole) if whole else 0.0


def overlap(answer: npt.ArrayLike, truth: npt.ArrayLike) -> Overlap:
    """Counts of two masks of one shape.

    Parameters
    ----------
    answer, truth : array
        Masks of one shape: bool, 0 and 1, or 0 and 255.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ParameterError
        If a mask is neither boolean nor of 0 and 1 or 255; threshold a saliency first.

    Examples
    --------
    >>> counts = overlap([[1, 1, 0]], [[0, 1, 1]])
    >>> counts.both, counts.answered, counts.true
    (1, 2, 2)
    """
    first, second = _mask("answer", answer), _mask("truth", truth)
    if first.shape != second.shape:
        raise ShapeError(
            f"overlap: an answer of shape {first.shape} and a truth of {second.shape}; expected "
            "the same size"
        )
    return Overlap(int((first & second).sum()), int(first.sum()), int(second.sum()))


def dice(answer: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Dice of two masks; 1 if both are empty, 0 if one is.

    Parameters
    ----------
    answer, truth : array
        Masks of one shape: bool, 0 and 1, or 0 and 255.

    Examples
    --------
    >>> dice([[1, 1, 0]], [[0, 1, 1]])
    0.5
    """
    return overlap(answer, truth).dice


def iou(answer: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Intersection over union of two masks; 1 if both are empty, 0 if one is.

    Parameters
    ----------
    answer, truth : array
        Masks of one shape: bool, 0 and 1, or 0 and 255.

    Examples
    --------
    >>> iou([[1, 1, 0]], [[0, 1, 0]])
    0.5
    """
    return overlap(answer, truth).iou


def f_beta(answer: npt.ArrayLike, truth: npt.ArrayLike, *, beta2: float = 0.3) -> float:
    """F-beta of two masks; 1 if both are empty, 0 if one is.

    Parameters
    ----------
    answer, truth : array
        Masks of one shape: bool, 0 and 1, or 0 and 255.
    beta2 : float
        Weight of the recall: beta squared, above 0.

    Examples
    --------
    >>> round(f_beta([[1, 1, 0]], [[0, 1, 0]]), 4)
    0.5652
    """
    return overlap(answer, truth).f_beta(beta2)


def _mask(name: str, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    array = np.asarray(values)
    if array.dtype == bool:
        return array
    if array.dtype.kind not in "iuf" or not ((array == 0) | (array == 1) | (array == 255)).all():
        raise ParameterError(
            f"overlap: {name} of dtype {array.dtype}; expected a mask of 0 and 1 (or 255). "
            "Threshold a saliency first"
        )
    mask: npt.NDArray[np.bool_] = array != 0
    return mask
