"""From scikit-learn's estimators, in memory or in files of version 0.1, to models as numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spel.errors import FormatError
from spel.sklearn.encoding import Raw
from spel.sklearn.fields import Fields
from spel.sklearn.fitted import (
    ACTIVATIONS,
    FittedLinear,
    FittedModel,
    FittedNetwork,
    FittedProjection,
    FittedScaler,
)
from spel.sklearn.vector_machine import KERNELS, FittedVectorMachine


def raw_of(estimator: Any) -> Raw:
    """An estimator of scikit-learn as plain values."""
    parameters = estimator.get_params(deep=False)
    state = {name: value for name, value in vars(estimator).items() if name not in parameters}
    binarizer = state.get("_label_binarizer")
    if binarizer is not None:
        state["_label_binarizer"] = raw_of(binarizer)
    return Raw(type(estimator).__name__, parameters, state)


def adopt(raw: Raw) -> FittedModel:
    """The model as numbers.

    Raises
    ------
    FormatError
        If it is not fitted, a number or relation in it is wrong, or it uses what has no such form.
    """
    return ADOPTED[raw.kind](Fields(raw))


def _scaler(f: Fields) -> FittedModel:
    count = f.whole("n_features_in_", low=1)
    mean = f.array("mean_", count) if f.has("mean_") and f.flag("with_mean") else np.zeros(count)
    scale = f.array("scale_", count) if f.has("scale_") and f.flag("with_std") else np.ones(count)
    if not (np.abs(scale) > 1e-30).all():
        raise f.fail("scale_", "numbers other than 0")
    return FittedScaler(mean, scale)


def _projection(f: Fields) -> FittedModel:
    components = f.array("components_", None, None)
    mean = f.array("mean_", components.shape[1])
    axes = components.T
    if f.flag("whiten"):
        deviation = np.sqrt(np.maximum(f.array("explained_variance_", len(components)), 0))
        axes = axes / np.maximum(deviation, np.finfo(np.float64).eps)
    return FittedProjection(mean, axes)


def _linear(f: Fields) -> FittedModel:
    if f.has("classes_"):
        classes = f.classes()
    else:
        classes = Fields(f.estimator("_label_binarizer")).classes()
    count = 1 if len(classes) == 2 else len(classes)
    if count == 1 and np.ndim(f.value("coef_")) == 1:
        weights = f.array("coef_", None)[None]
    else:
        weights = f.array("coef_", count, None)
    return FittedLinear(weights, f.biases("intercept_", count), classes, _link(f, len(classes)))


def _link(f: Fields, classes: int) -> str:
    if f.kind != "LogisticRegression":
        return "none"
    one_against_all = f.has("multi_class") and str(f.value("multi_class")) == "ovr"
    if classes == 2 or one_against_all or str(f.value("solver")) == "liblinear":
        return "sigmoid"
    return "softmax"


def _vector_machine(f: Fields) -> FittedModel:
    classes = f.classes()
    pairs = len(classes) * (len(classes) - 1) // 2
    vectors = f.array("support_vectors_", None, None)
    counts = f.wholes("_n_support")
    if len(counts) != len(classes) or sum(counts) != len(vectors):
        raise f.fail("_n_support", f"{len(classes)} counts of {len(vectors)} support vectors")
    slopes = f.value("_probA") if f.has("_probA") else None
    has_slopes = isinstance(slopes, np.ndarray) and slopes.size > 0
    return FittedVectorMachine(
        vectors,
        counts,
        f.array("_dual_coef_", len(classes) - 1, len(vectors)),
        f.array("_intercept_", pairs),
        classes,
        kernel=f.choice("kernel", *KERNELS),
        gamma=f.number("_gamma", low=0),
        coef0=f.number("coef0"),
        degree=f.whole("degree", high=50),
        pairwise=f.choice("decision_function_shape", "ovr", "ovo") == "ovo",
        break_ties=f.flag("break_ties"),
        slopes=f.array("_probA", pairs) if has_slopes else None,
        offsets=f.array("_probB", pairs) if has_slopes else None,
    )


def _network(f: Fields) -> FittedModel:
    if f.has("classes_"):
        classes = f.classes()
    else:
        classes = Fields(f.estimator("_label_binarizer")).classes()
    layers = len(f.arrays("coefs_"))
    if len(f.arrays("intercepts_")) != layers:
        raise f.fail("intercepts_", f"{layers} arrays")
    weights: list[Any] = []
    for i in range(layers):
        weights.append(f.part("coefs_", i, weights[-1].shape[1] if weights else None, None))
    outputs = 1 if len(classes) == 2 else len(classes)
    if weights[-1].shape[1] != outputs:
        raise FormatError(f"{f.kind}: {weights[-1].shape[1]} outputs for {len(classes)} classes")
    biases = [f.part("intercepts_", i, weights[i].shape[1]) for i in range(layers)]
    return FittedNetwork(weights, biases, classes, f.choice("activation", *ACTIVATIONS))


ADOPTED: dict[str, Callable[[Fields], FittedModel]] = {
    "LinearSVC": _linear,
    "LogisticRegression": _linear,
    "MLPClassifier": _network,
    "PCA": _projection,
    "RidgeClassifier": _linear,
    "SVC": _vector_machine,
    "StandardScaler": _scaler,
}
"""Estimators of scikit-learn that have a form as numbers."""
