"""The kinds of estimators that a file may hold, and the values that are written for each."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

from spel.errors import FormatError
from spel.sklearn.adopt import ADOPTED, adopt, raw_of
from spel.sklearn.classifier import ImageClassifier
from spel.sklearn.encoders import FlimEncoder, PatchEncoder
from spel.sklearn.encoding import Raw
from spel.sklearn.fitted import (
    FittedModel,
)
from spel.sklearn.heads import KernelHead, RidgeHead
from spel.sklearn.transformers import (
    FlattenImages,
    NetworkFeatures,
    PooledFeatures,
)

_STATE: dict[type, tuple[str, ...]] = {
    FlattenImages: ("image_shape_", "white_"),
    NetworkFeatures: ("image_shape_", "white_"),
    PooledFeatures: ("image_shape_", "white_", "channels_"),
    FlimEncoder: ("image_shape_", "features_"),
    PatchEncoder: ("image_shape_", "features_"),
    KernelHead: ("classes_", "centres_", "width_", "coef_"),
    ImageClassifier: ("image_shape_", "classes_", "features_", "head_", "mean_", "axes_"),
}
"""The learned values of this package's estimators that predictions need."""

ALLOWED = (*(kind.__name__ for kind in _STATE), "RidgeHead", "Pipeline", *ADOPTED)


def describe(estimator: Any, place: str) -> Raw:
    """A fitted estimator as plain values.

    Raises
    ------
    FormatError
        If it is none of `ALLOWED`, or is not fitted.
    """
    kind = type(estimator)
    name, root = kind.__name__, kind.__module__.split(".")[0]
    if isinstance(estimator, FittedModel):
        return Raw(name, estimator.get_params(deep=False))
    if isinstance(estimator, RidgeHead):
        return _describe_ridge(estimator, place)
    if kind in _STATE:
        return _describe_own(estimator, place)
    if kind is Pipeline:
        steps = [
            (step, describe(part, f"{place}.{step}"))
            for step, part in estimator.steps
            if part is not None and part != "passthrough"
        ]
        return Raw(name, {"steps": steps})
    if root == "sklearn" and name in ADOPTED:
        return describe(adopt(raw_of(estimator)), place)
    raise FormatError(
        f"{place}: {kind.__module__}.{name} cannot be stored in a file; expected numbers, texts, "
        f"arrays, networks, or one of {', '.join(ALLOWED)}"
    )


def _describe_own(estimator: Any, place: str) -> Raw:
    state = {}
    for name in _STATE[type(estimator)]:
        if not hasattr(estimator, name):
            raise FormatError(f"{place}: {type(estimator).__name__} is not fitted; fit it first")
        value = getattr(estimator, name)
        is_estimator = name in ("features_", "head_")
        state[name] = describe(value, f"{place}.{name}") if is_estimator else value
    parameters = {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if name not in ("features", "head")
    }
    return Raw(type(estimator).__name__, parameters, state)


def _describe_ridge(head: RidgeHead, place: str) -> Raw:
    if not hasattr(head, "classes_"):
        raise FormatError(f"{place}: RidgeHead is not fitted; fit it first")
    weights, biases = head.coefficients()
    state = {"classes_": head.classes_, "coef_": weights, "intercept_": biases}
    return Raw("RidgeHead", {"alpha": head.alpha}, state)
