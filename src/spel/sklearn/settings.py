"""Parameters of estimators, checked when they fit: scikit-learn stores whatever is given."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from numbers import Real
from operator import index
from typing import Any

import numpy as np

from spel.errors import ParameterError
from spel.nn import Network


def check_numbers(estimator: Any, *, whole: Sequence[str] = (), above: Sequence[str] = ()) -> None:
    """Refuse parameters that are no whole numbers from 1, or no numbers above 0.

    Parameters
    ----------
    estimator : object
    whole : sequence of str
        Names of the parameters that are whole numbers from 1.
    above : sequence of str
        Names of those that are finite numbers above 0.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> from spel.sklearn import RidgeHead
    >>> check_numbers(RidgeHead(alpha="much"), above=["alpha"])
    Traceback (most recent call last):
    spel.errors.ParameterError: RidgeHead: alpha 'much'; expected a finite number above 0
    """
    for name in (*whole, *above):
        value: Any = getattr(estimator, name)
        if not isinstance(value, Real) or isinstance(value, bool):
            good = False
        elif name in whole:
            good = float(value).is_integer() and float(value) >= 1
        else:
            good = 0 < float(value) < math.inf
        if not good:
            kind = "whole number from 1" if name in whole else "finite number above 0"
            raise _refusal(estimator, name, f"a {kind}")


def check_seed(estimator: Any) -> None:
    """Refuse a `seed` that NumPy does not take.

    Raises
    ------
    ParameterError
    """
    try:
        np.random.default_rng(estimator.seed)
    except (TypeError, ValueError):
        raise _refusal(estimator, "seed", "a whole number from 0") from None


def check_steps(estimator: Any) -> None:
    """Refuse `steps` that are no list of names, or that belong to no network.

    Raises
    ------
    ParameterError
    """
    network, steps = estimator.network, estimator.steps
    if network is not None and not isinstance(network, Network):
        raise _refusal(estimator, "network", "a network, as spel.load gives it")
    if steps is None:
        return
    if isinstance(steps, str) or not all(isinstance(name, str) for name in steps):
        raise _refusal(estimator, "steps", "a list of names of nodes")
    if network is None:
        raise _refusal(estimator, "steps", "none, as there is no network whose nodes they are")


def check_choices(estimator: Any, name: str, choices: Sequence[str]) -> None:
    """Refuse a parameter that is no sequence of at least one of the choices.

    Raises
    ------
    ParameterError
    """
    values: Any = getattr(estimator, name)
    if isinstance(values, str) or not isinstance(values, Collection) or not len(values):
        values = (None,)
    if any(value not in choices for value in values):
        raise _refusal(estimator, name, f"some of {', '.join(choices)}")


def check_levels(estimator: Any) -> None:
    """Refuse `levels` that are no whole numbers from 1.

    Raises
    ------
    ParameterError
    """
    try:
        smallest = min((index(level) for level in estimator.levels), default=0)
    except TypeError:
        smallest = 0
    if smallest < 1:
        raise _refusal(estimator, "levels", "whole numbers from 1")


def whole_shape(image_shape: Any) -> tuple[int, ...]:
    """The shape of an image with its channels, from (rows, cols) or (rows, cols, channels).

    Raises
    ------
    ParameterError
        If it is no such shape.

    Examples
    --------
    >>> whole_shape((4, 5)), whole_shape([4, 5, 3])
    ((4, 5, 1), (4, 5, 3))
    """
    try:
        shape = tuple(index(n) for n in image_shape)
    except TypeError:
        shape = ()
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ParameterError(
            f"images: image_shape {image_shape!r:.60}; expected (rows, cols) or (rows, cols, "
            "channels), whole numbers from 1"
        )
    return shape if len(shape) == 3 else (*shape, 1)


def _refusal(estimator: Any, name: str, expected: str) -> ParameterError:
    value = " ".join(repr(getattr(estimator, name)).split())
    return ParameterError(f"{type(estimator).__name__}: {name} {value:.60}; expected {expected}")
