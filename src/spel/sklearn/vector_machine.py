"""A support vector machine as numbers: kernel, vectors, and a hyperplane for each pair of classes.

Chang, Lin: LIBSVM, a library for support vector machines (2011); Wu, Lin, Weng: Probability
estimates for multi-class classification by pairwise coupling (2004).
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.metaestimators import available_if

from spel.sklearn.fitted import FittedClassifier
from spel.sklearn.rows import finite

Real = npt.NDArray[np.float64]

KERNELS = ("linear", "poly", "rbf", "sigmoid")
BLOCK = 1024


class FittedVectorMachine(FittedClassifier):
    """A support vector machine of pairs of classes.

    Parameters
    ----------
    vectors : (m, d) array
        Support vectors, class by class.
    counts : tuple of int
        Vectors of each class.
    dual : (k - 1, m) array
    biases : (k (k - 1) / 2,) array
    classes : (k,) array of names or numbers
    kernel : {"linear", "poly", "rbf", "sigmoid"}
    gamma, coef0 : float
    degree : int
    pairwise : bool
        Whether the scores are those of the pairs, not of the classes.
    break_ties : bool
        Whether the class is that of the largest score, not of the most votes.
    slopes, offsets : (k (k - 1) / 2,) array, optional
        From the scores of pairs to probabilities.
    """

    def __init__(
        self,
        vectors: Any,
        counts: tuple[int, ...],
        dual: Any,
        biases: Any,
        classes: Any,
        kernel: str = "rbf",
        gamma: float = 1.0,
        coef0: float = 0.0,
        degree: int = 3,
        pairwise: bool = False,
        break_ties: bool = False,
        slopes: Any = None,
        offsets: Any = None,
    ) -> None:
        self.vectors, self.counts, self.dual, self.biases = vectors, counts, dual, biases
        self.classes, self.kernel, self.gamma, self.coef0 = classes, kernel, gamma, coef0
        self.degree, self.pairwise, self.break_ties = degree, pairwise, break_ties
        self.slopes, self.offsets = slopes, offsets
        self.classes_ = classes
        self.n_features_in_ = vectors.shape[1]

    # -- scores ----------------------------------------------------------------------------------

    def _kernel(self, X: Real) -> Real:
        if self.kernel == "rbf":
            squares = (X**2).sum(axis=1)[:, None] + (self.vectors**2).sum(axis=1)
            squares -= 2 * X @ self.vectors.T
            return np.asarray(np.exp(-self.gamma * np.maximum(squares, 0)))
        products = X @ self.vectors.T
        if self.kernel == "linear":
            return np.asarray(products)
        products = self.gamma * products + self.coef0
        return np.asarray(products**self.degree if self.kernel == "poly" else np.tanh(products))

    def _pair_scores(self, X: Real) -> Real:
        """Scores (n, pairs): above 0 for the first class of a pair."""
        blocks = [self._block_scores(X[i : i + BLOCK]) for i in range(0, len(X), BLOCK)]
        return finite(np.concatenate(blocks))

    def _block_scores(self, X: Real) -> Real:
        values = self._kernel(X)
        ends = np.cumsum([0, *self.counts])
        scores = []
        for pair, (a, b) in enumerate(combinations(range(len(self.classes)), 2)):
            of_a, of_b = slice(ends[a], ends[a + 1]), slice(ends[b], ends[b + 1])
            score = values[:, of_a] @ self.dual[b - 1, of_a] + values[:, of_b] @ self.dual[a, of_b]
            scores.append(score + self.biases[pair])
        return np.stack(scores, axis=1)

    def _votes(self, pairs: Real) -> Real:
        votes = np.zeros((len(pairs), len(self.classes)))
        for pair, (a, b) in enumerate(combinations(range(len(self.classes)), 2)):
            votes[:, a] += pairs[:, pair] > 0
            votes[:, b] += pairs[:, pair] <= 0
        return votes

    def _class_scores(self, pairs: Real) -> Real:
        """Votes, and less than half a vote more for the sum of the class's own scores."""
        sums = np.zeros((len(pairs), len(self.classes)))
        votes = np.zeros_like(sums)
        for pair, (a, b) in enumerate(combinations(range(len(self.classes)), 2)):
            sums[:, a] += pairs[:, pair]
            sums[:, b] -= pairs[:, pair]
            votes[:, a] += pairs[:, pair] >= 0
            votes[:, b] += pairs[:, pair] < 0
        return np.asarray(votes + sums / (3 * (np.abs(sums) + 1)))

    def decision_function(self, X: Any) -> Real:
        """Scores of the classes (n, k), of the pairs, or of the second of two classes (n,)."""
        pairs = self._pair_scores(self.rows(X))
        if len(self.classes) == 2:
            return -pairs[:, 0]
        return pairs if self.pairwise else self._class_scores(pairs)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The class of most votes, or of the largest score."""
        pairs = self._pair_scores(self.rows(X))
        by_score = self.break_ties and not self.pairwise and len(self.classes) > 2
        best = (self._class_scores(pairs) if by_score else self._votes(pairs)).argmax(axis=1)
        return np.asarray(self.classes[best])

    # -- probabilities ---------------------------------------------------------------------------

    @available_if(lambda self: self.slopes is not None)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Real:
        """Probability of every class, coupled from those of the pairs."""
        pairs = self._pair_scores(self.rows(X))
        chances = 0.5 * (1 - np.tanh(0.5 * (self.slopes * pairs + self.offsets)))
        chances = np.clip(chances, 1e-7, 1 - 1e-7)
        if len(self.classes) == 2:
            return np.stack([chances[:, 0], 1 - chances[:, 0]], axis=1)
        count = len(self.classes)
        matrix = np.zeros((len(pairs), count, count))
        for pair, (a, b) in enumerate(combinations(range(count), 2)):
            matrix[:, a, b], matrix[:, b, a] = chances[:, pair], 1 - chances[:, pair]
        return np.stack([couple(one) for one in matrix])


def couple(pairs: Real) -> Real:
    """Probabilities p (k,) with ``p_a / (p_a + p_b)`` near ``pairs[a, b]``, by fixed-point steps.

    Examples
    --------
    >>> couple(np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])).round(3).tolist()
    [0.333, 0.333, 0.333]
    """
    count = len(pairs)
    system = -pairs.T * pairs
    system[np.diag_indices(count)] = (pairs.T**2).sum(axis=1)
    chances = np.full(count, 1 / count)
    for _ in range(max(100, count)):
        product = system @ chances
        value = chances @ product
        if np.abs(product - value).max() < 0.005 / count:
            break
        for a in range(count):
            step = (value - product[a]) / system[a, a]
            chances[a] += step
            value = (value + step * (step * system[a, a] + 2 * product[a])) / (1 + step) ** 2
            product = (product + step * system[a]) / (1 + step)
            chances /= 1 + step
    return chances
