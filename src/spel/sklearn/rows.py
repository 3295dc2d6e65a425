"""Tables of numbers, checked as scikit-learn does, with errors of this package."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted, validate_data

from spel.core.numbers import as_unmasked
from spel.errors import ParameterError

Real = npt.NDArray[Any]


def validate_rows(estimator: Any, X: Any) -> Real:
    """X as a table of finite numbers that fits a fitted estimator.

    Raises
    ------
    ParameterError
        If it does not fit, or holds NaN or infinity.
    """
    check_is_fitted(estimator)
    _refuse_masked(estimator, X)
    try:
        table: Real = validate_data(estimator, X, dtype=(np.float64, np.float32), reset=False)
    except ValueError as error:
        raise ParameterError(first_line(error)) from None
    return table


def validate_training_rows(estimator: Any, X: Any, y: Any, *, reset: bool = True) -> Any:
    """X and y as tables of finite numbers; the estimator remembers the number of columns.

    Raises
    ------
    ParameterError
        If they hold NaN or infinity, or are not as long as each other.
    """
    _refuse_masked(estimator, X)
    try:
        return validate_data(estimator, X, y, dtype=(np.float64, np.float32), reset=reset)
    except ValueError as error:
        raise ParameterError(first_line(error)) from None


def _refuse_masked(estimator: Any, X: Any) -> None:
    if isinstance(X, np.ma.MaskedArray):
        as_unmasked(X, type(estimator).__name__)


def first_line(error: Exception) -> str:
    """What an error of scikit-learn says, without values and advice on other estimators."""
    first, *more = str(error).splitlines() or [type(error).__name__]
    advice = [line for line in more if line.startswith("Reshape your data")]
    return " ".join([first, *advice])


def finite(scores: Real) -> Real:
    """The scores, if all are finite.

    Raises
    ------
    ParameterError
        If one overflowed.
    """
    if not np.isfinite(scores).all():
        raise ParameterError("the model gives no finite scores for these values; scale them")
    return scores
