"""From plain values to estimators, with every number, size and relation checked."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, get_args

import numpy as np
from sklearn.pipeline import Pipeline

from spel.errors import FormatError
from spel.linear import ClassMoments
from spel.nn.color import Space
from spel.sklearn.adopt import ADOPTED, adopt
from spel.sklearn.classifier import ImageClassifier
from spel.sklearn.encoders import FlimEncoder, PatchEncoder
from spel.sklearn.encoding import Raw
from spel.sklearn.fields import Fields
from spel.sklearn.fitted import (
    ACTIVATIONS,
    LINKS,
    FittedLinear,
    FittedNetwork,
    FittedProjection,
    FittedScaler,
)
from spel.sklearn.heads import KernelHead, RidgeHead
from spel.sklearn.kinds import ALLOWED
from spel.sklearn.transformers import (
    STATISTICS,
    FlattenImages,
    NetworkFeatures,
    PooledFeatures,
)
from spel.sklearn.vector_machine import KERNELS, FittedVectorMachine


def build(raw: Raw) -> Any:
    """The estimator that plain values describe, every number and relation checked.

    Raises
    ------
    FormatError
        If the kind is not allowed, or something in it is wrong.
    """
    if raw.kind in ADOPTED:
        return adopt(raw)
    if raw.kind not in _BUILDERS:
        raise FormatError(f"estimator {raw.kind!r:.40}; expected one of {', '.join(ALLOWED)}")
    return _BUILDERS[raw.kind](Fields(raw))


def _finish(transformer: Any, f: Fields, features: Any = None) -> Any:
    """The transformer with the shapes of its images and of its vectors."""
    shape = f.image_shape("image_shape_") if f.wholes("image_shape_", low=1) else None
    if shape is None:
        raise f.fail("image_shape_", "the shape of an image")
    shape = shape if len(shape) == 3 else (*shape, 1)
    transformer.image_shape_ = shape
    transformer.white_ = f.white()
    transformer.n_features_in_ = int(np.prod(shape))
    transformer.n_features_out_ = (features or transformer).length(shape)
    return transformer


def _flatten(f: Fields) -> FlattenImages:
    flatten: FlattenImages = _finish(FlattenImages(f.image_shape("image_shape")), f)
    return flatten


def _network_features(f: Fields) -> NetworkFeatures:
    features: NetworkFeatures = _finish(
        NetworkFeatures(
            f.optional_network("network"),
            f.texts("steps") if f.has("steps") else None,
            f.texts("root"),
            f.image_shape("image_shape"),
            f.whole("batch", low=1),
        ),
        f,
    )
    return features


def _pooled_features(f: Fields) -> PooledFeatures:
    statistics = f.texts("statistics")
    if not statistics or set(statistics) - set(STATISTICS):
        raise f.fail("statistics", f"some of {', '.join(STATISTICS)}")
    levels = f.wholes("levels", low=1, high=1000)
    if not levels or len(levels) > 100:
        raise f.fail("levels", "1 to 100 levels")
    features = PooledFeatures(
        f.optional_network("network"),
        f.texts("steps") if f.has("steps") else None,
        statistics,
        levels,
        f.image_shape("image_shape"),
        f.whole("batch", low=1),
    )
    features.channels_ = f.whole("channels_", low=1)
    if f.wholes("image_shape_", low=1):
        _finish(features, f)
        if features.image_shape_[-1] != features.channels_:
            raise f.fail("channels_", "the channels of its images")
        return features
    features.image_shape_ = ()
    features.white_ = f.white()
    features.n_features_in_ = features.channels_
    features.n_features_out_ = features.length((64, 64, features.channels_))
    return features


def _flim_encoder(f: Fields) -> FlimEncoder:
    encoder = FlimEncoder(
        f.optional_network("architecture"),
        f.marked("marked"),
        f.whole("per_class"),
        f.texts("steps") if f.has("steps") else None,
        f.texts("pooled") if f.has("pooled") else None,
        f.wholes("levels", low=1, high=1000),
        f.whole("seed"),
        f.image_shape("image_shape"),
        f.whole("batch", low=1),
    )
    return _with_features(encoder, f)  # type: ignore[no-any-return]


def _patch_encoder(f: Fields) -> PatchEncoder:
    whole = ("kernels", "size", "components", "count", "pool", "stride", "small", "seed", "batch")
    encoder = PatchEncoder(
        **{name: f.whole(name) for name in whole},
        contrast=f.number("contrast"),
        whiten=f.number("whiten"),
        mirror=f.flag("mirror"),
        white=f.number("white") if f.has("white") else None,
        color=f.choice("color", *get_args(Space)),
        image_shape=f.image_shape("image_shape"),
    )
    return _with_features(encoder, f)  # type: ignore[no-any-return]


def _with_features(encoder: Any, f: Fields) -> Any:
    features = build(f.estimator("features_"))
    if not isinstance(features, NetworkFeatures | PooledFeatures) or features.network is None:
        raise f.fail("features_", "features of a network")
    encoder.features_ = features
    encoder.network_ = features.network
    return _finish(encoder, f, features)


def _ridge_head(f: Fields) -> RidgeHead:
    head = RidgeHead(f.number("alpha", low=0))
    head.classes_ = f.classes()
    count = len(head.classes_)
    if f.has("coef_"):
        head.coef_ = f.array("coef_", count, None)
        head.intercept_ = f.array("intercept_", count)
    else:
        head.coef_, head.intercept_ = _solve_sums(f, count, head.alpha)
    head.n_features_in_ = head.coef_.shape[1]
    return head


def _solve_sums(f: Fields, classes: int, alpha: float) -> tuple[Any, Any]:
    """Weights and biases from the sums that files of version 0.1 may hold instead."""
    moments = ClassMoments(f.array("_about", None), classes)
    length = len(moments.origin)
    moments.count = f.whole("_count", low=1)
    moments.products = f.array("_gram", length, length)
    moments.total = f.array("_sum", length)
    moments.target_total = f.array("_targets", classes)
    moments.cross = f.array("_cross", length, classes)
    with np.errstate(all="ignore"):
        try:
            model = moments.ridge(alpha)
        except np.linalg.LinAlgError as error:
            raise FormatError(f"{f.kind}: its sums have no solution ({error})") from error
    if not (np.isfinite(model.weights).all() and np.isfinite(model.bias).all()):
        raise FormatError(f"{f.kind}: its sums have no finite solution")
    return model.weights.T, model.bias


def _kernel_head(f: Fields) -> KernelHead:
    head = KernelHead(
        f.whole("centres", low=1),
        f.number("gamma", low=0),
        f.number("alpha", low=0),
        f.whole("seed"),
    )
    head.classes_ = f.classes()
    head.centres_ = f.array("centres_", None, None)
    head.width_ = f.number("width_", low=0)
    head.coef_ = f.array("coef_", len(head.classes_), len(head.centres_))
    head.n_features_in_ = head.centres_.shape[1]
    return head


def _image_classifier(f: Fields) -> ImageClassifier:
    features, head = build(f.estimator("features_")), build(f.estimator("head_"))
    classifier = ImageClassifier(
        features,
        head,
        f.whole("components", low=1) if f.has("components") else None,
        f.flag("mirror"),
        f.whole("sample", low=1),
        f.whole("batch", low=1),
        f.whole("seed"),
        f.image_shape("image_shape"),
    )
    classifier.features_, classifier.head_ = features, head
    classifier.classes_ = f.classes()
    classifier.mean_ = classifier.axes_ = None
    length = _output_length(features, f)
    if f.has("axes_"):
        classifier.axes_ = f.array("axes_", length, None)
        classifier.mean_ = f.array("mean_", length)
        length = classifier.axes_.shape[1]
    if not hasattr(head, "classes_") or head.n_features_in_ != length:
        raise f.fail("head_", f"a classifier of {length} features")
    if not np.array_equal(head.classes_, classifier.classes_):
        raise f.fail("classes_", "the classes of its head")
    classifier.image_shape_ = f.wholes("image_shape_", low=1)
    if classifier.image_shape_ != tuple(_first(features).image_shape_):
        raise f.fail("image_shape_", "that of its features")
    classifier.n_features_in_ = int(np.prod(classifier.image_shape_))
    return classifier


def _first(model: Any) -> Any:
    return _first(model.steps[0][1]) if isinstance(model, Pipeline) else model


def _output_length(model: Any, f: Fields) -> int:
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if not hasattr(last, "n_features_out_") or not hasattr(_first(model), "image_shape_"):
        raise f.fail("features_", "a transformer of images")
    return int(last.n_features_out_)


def _pipeline(f: Fields) -> Pipeline:
    steps = []
    for item in f.arrays("steps"):
        if not (isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[1], Raw)):
            raise f.fail("steps", "pairs of a name and an estimator")
        steps.append((str(item[0]), build(item[1])))
    if len({name for name, _ in steps}) < len(steps):
        raise f.fail("steps", "different names")
    for (_, part), (name, following) in pairwise(steps):
        if not hasattr(part, "transform") or isinstance(following, Pipeline):
            raise f.fail("steps", "transformers, and at the end perhaps a classifier")
        if part.n_features_out_ != following.n_features_in_:
            raise FormatError(
                f"Pipeline: step {name!r} takes {following.n_features_in_} features, but the step "
                f"before it gives {part.n_features_out_}"
            )
    return Pipeline(steps)


# -- fitted models -------------------------------------------------------------------------------


def _fitted_scaler(f: Fields) -> FittedScaler:
    mean = f.array("mean", None)
    scale = f.array("scale", len(mean))
    if not (np.abs(scale) > 1e-30).all():
        raise f.fail("scale", "numbers other than 0")
    return FittedScaler(mean, scale)


def _fitted_projection(f: Fields) -> FittedProjection:
    axes = f.array("axes", None, None)
    return FittedProjection(f.array("mean", len(axes)), axes)


def _fitted_linear(f: Fields) -> FittedLinear:
    classes = f.classes("classes")
    count = 1 if len(classes) == 2 else len(classes)
    weights, biases = f.array("weights", count, None), f.array("biases", count)
    return FittedLinear(weights, biases, classes, f.choice("link", *LINKS))


def _fitted_network(f: Fields) -> FittedNetwork:
    as_mlp = Raw(
        f.kind,
        {
            "coefs_": f.value("weights"),
            "intercepts_": f.value("biases"),
            "classes_": f.value("classes"),
            "activation": f.choice("activation", *ACTIVATIONS),
        },
    )
    network: FittedNetwork = ADOPTED["MLPClassifier"](Fields(as_mlp))
    return network


def _fitted_vector_machine(f: Fields) -> FittedVectorMachine:
    as_svc = Raw(
        f.kind,
        {
            "classes_": f.value("classes"),
            "support_vectors_": f.value("vectors"),
            "_n_support": f.value("counts"),
            "_dual_coef_": f.value("dual"),
            "_intercept_": f.value("biases"),
            "kernel": f.choice("kernel", *KERNELS),
            "_gamma": f.value("gamma"),
            "coef0": f.value("coef0"),
            "degree": f.value("degree"),
            "decision_function_shape": "ovo" if f.flag("pairwise") else "ovr",
            "break_ties": f.value("break_ties"),
            "_probA": f.value("slopes"),
            "_probB": f.value("offsets"),
        },
    )
    machine: FittedVectorMachine = ADOPTED["SVC"](Fields(as_svc))
    return machine


_BUILDERS: dict[str, Callable[[Fields], Any]] = {
    "FlattenImages": _flatten,
    "NetworkFeatures": _network_features,
    "PooledFeatures": _pooled_features,
    "FlimEncoder": _flim_encoder,
    "PatchEncoder": _patch_encoder,
    "RidgeHead": _ridge_head,
    "KernelHead": _kernel_head,
    "ImageClassifier": _image_classifier,
    "Pipeline": _pipeline,
    "FittedScaler": _fitted_scaler,
    "FittedProjection": _fitted_projection,
    "FittedLinear": _fitted_linear,
    "FittedNetwork": _fitted_network,
    "FittedVectorMachine": _fitted_vector_machine,
}
