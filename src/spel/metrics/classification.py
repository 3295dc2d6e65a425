"""Predicted against true classes: confusion, accuracy, kappa; recall, precision, F1 per class.

Conventions. Row i, column j of the confusion counts the images of class i that were predicted as j.
A figure without a denominator (the recall of a class that does not occur) is NaN, and null in JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Confusion:
    """How often each true class was predicted as each class.

    Attributes
    ----------
    counts : (k, k) array of int
    classes : tuple of str

    Examples
    --------
    >>> result = confusion(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    >>> result.counts.tolist(), result.accuracy, result.kappa
    ([[1, 1], [0, 2]], 0.75, 0.5)
    """

    counts: Ints
    classes: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """Share of the images whose class was predicted."""
        return _share(np.trace(self.counts), self.counts.sum())

    @property
    def kappa(self) -> float:
        """Cohen's kappa: how far the accuracy lies above chance; at most 1."""
        total = self.counts.sum()
        chance = _share(self.counts.sum(axis=0) @ self.counts.sum(axis=1), total * total)
        return _share(self.accuracy - chance, 1 - chance)

    @property
    def recall(self) -> npt.NDArray[np.float64]:
        """Share of the images of a class that were predicted as it."""
        return _shares(np.diag(self.counts), self.counts.sum(axis=1))

    @property
    def precision(self) -> npt.NDArray[np.float64]:
        """Share of the images predicted as a class that belong to it."""
        return _shares(np.diag(self.counts), self.counts.sum(axis=0))

    @property
    def f1(self) -> npt.NDArray[np.float64]:
        """Harmonic mean of recall and precision."""
        both = self.counts.sum(axis=0) + self.counts.sum(axis=1)
        return _shares(2 * np.diag(self.counts), both)

    def to_dict(self) -> dict[str, Any]:
        """All figures, ready for JSON."""
        rows = zip(self.classes, self.recall, self.precision, self.f1, self.counts.sum(axis=1))
        return {
            "images": int(self.counts.sum()),
            "accuracy": _for_json(self.accuracy),
            "kappa": _for_json(self.kappa),
            "classes": [
                {
                    "class": c,
                    "images": int(n),
                    "recall": _for_json(r),
                    "precision": _for_json(p),
                    "f1": _for_json(f),
                }
                for c, r, p, f, n in rows
            ],
            "confusion": self.counts.tolist(),
        }

    def text(self) -> str:
        """The figures and the table, as text."""
        width = max([5, *map(len, self.classes)])
        head = " " * (width + 2) + "  ".join(c[:width].rjust(width) for c in self.classes)
        lines = [
            f"{self.counts.sum()} images, accuracy {self.accuracy:.4f}, kappa {self.kappa:.4f}",
            "rows: true class; columns: predicted class",
            head + "  recall",
        ]
        for name, row, recall in zip(self.classes, self.counts, self.recall):
            cells = "  ".join(str(n).rjust(width) for n in row)
            lines.append(f"{name.ljust(width)}  {cells}  {recall:6.3f}")
        return "\n".join(lines)


def confusion(
    truth: npt.ArrayLike, predicted: npt.ArrayLike, classes: Sequence[Any] | None = None
) -> Confusion:
    """The confusion of true and predicted classes.

    Parameters
    ----------
    truth, predicted : (n,) arrays of classes
    classes : sequence, optional
        The classes in their order; by default all that occur, sorted.

    Returns
    -------
    Confusion

    Raises
    ------
    ShapeError, ParameterError
        If their lengths differ, or a class is not among `classes`.

    Examples
    --------
    >>> confusion(["a", "b"], ["a", "a"], classes=["b", "a"]).counts.tolist()
    [[0, 1], [0, 1]]
    """
    true, answer = np.asarray(truth).ravel(), np.asarray(predicted).ravel()
    if len(true) != len(answer):
        raise ShapeError(
            f"confusion: {len(true)} true classes, {len(answer)} predicted ones; expected one of "
            "each per image"
        )
    names = np.unique(np.concatenate([true, answer])) if classes is None else np.asarray(classes)
    order = {value: i for i, value in enumerate(names.tolist())}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    for a, b in zip(true.tolist(), answer.tolist()):
        if a not in order or b not in order:
            raise ParameterError(
                f"confusion: class {a if a not in order else b!r}; expected one of {names.tolist()}"
            )
        counts[order[a], order[b]] += 1
    return Confusion(counts, tuple(str(c) for c in names.tolist()))


def _share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else float("nan")


def _shares(part: Ints, whole: Ints) -> npt.NDArray[np.float64]:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _for_json(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
