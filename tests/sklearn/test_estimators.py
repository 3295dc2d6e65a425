"""scikit-learn's own checks, pipelines, searches and files."""

import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from spel import Adjacency, KernelBank, Markers
from spel.errors import FormatError, ParameterError, ShapeError, SpelError
from spel.learning.image_segmenter import ImageSegmenter
from spel.nn import Activation, Convolution, MaxPool, Unlearned, chain
from spel.sklearn import (
    FlattenImages,
    FlimEncoder,
    ImageClassifier,
    KernelHead,
    NetworkFeatures,
    PatchEncoder,
    PooledFeatures,
    RidgeHead,
    load,
    save,
)

ROW = Adjacency.rectangle(width=3, height=1)
ABS = chain(Convolution(KernelBank(ROW, np.eye(3)[:, :, None])), Activation("abs"))
TINY = {"kernels": 4, "size": 1, "pool": 1, "stride": 1, "small": 0, "count": 300, "components": 4}

SKIPPED: dict[str, dict[str, str]] = {}


def expected(estimator):
    """Checks that cannot pass, each with its reason."""
    return SKIPPED.get(type(estimator).__name__, {})


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        FlattenImages(),
        NetworkFeatures(ABS),
        PooledFeatures(ABS),
        FlimEncoder(chain(c=Unlearned(ROW, kernels=4), relu=Activation()), per_class=2),
        PatchEncoder(**TINY),
        RidgeHead(),
        KernelHead(centres=100),
        ImageClassifier(),
        ImageClassifier(head=KernelHead(centres=50), components=3),
        ImageClassifier(PooledFeatures()),
        ImageSegmenter(chain(c=Unlearned(ROW, kernels=4), relu=Activation())),
    ],
    expected_failed_checks=expected,
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def stripes(n=60, size=12, seed=0):
    """Images of two classes: vertical and horizontal stripes at any phase, noisy."""
    draw = np.random.default_rng(seed)
    y = np.arange(n) % 2
    wave = np.sin(np.arange(size)[None, :] * 1.5 + draw.uniform(0, 6, n)[:, None])
    images = np.where(y[:, None, None] == 0, wave[:, None, :], wave[:, :, None])
    images = images + draw.normal(0, 0.2, (n, size, size))
    return (images * 50 + 128).clip(0, 255).astype(np.uint8), np.array(["across", "down"])[y]


SMALL = {"kernels": 8, "size": 5, "count": 2000, "components": 10, "pool": 6, "stride": 6}


def test_a_patch_encoder_tells_textures_apart_where_pixels_do_not():
    images, classes = stripes(120)
    model = ImageClassifier(PatchEncoder(**SMALL)).fit(images[:80], classes[:80])
    assert model.score(images[80:], classes[80:]) > 0.95
    flat = ImageClassifier(FlattenImages()).fit(images[:80], classes[:80])
    assert flat.score(images[80:], classes[80:]) < 0.8


def test_markers_or_classes_make_a_flim_encoder():
    images, classes = stripes(60)
    net = chain(c=Unlearned(Adjacency.box(5), kernels=8, per_stroke=4), relu=Activation())
    drawn = Markers([(r, c) for r in range(3, 9) for c in range(3, 9)], [0] * 36, (12, 12), None)
    marked = [(images[0][..., None], drawn), (images[1][..., None], drawn)]
    for encoder in (FlimEncoder(net, marked), FlimEncoder(net, per_class=6)):
        pipe = make_pipeline(encoder, StandardScaler(), LinearSVC())
        assert pipe.fit(images[:40], classes[:40]).score(images[40:], classes[40:]) > 0.9


def test_search_joblib_and_pipelines():
    images, classes = stripes(48)
    pipe = make_pipeline(PooledFeatures(chain(MaxPool(Adjacency.box(3)))), StandardScaler(), SVC())
    search = GridSearchCV(pipe, {"pooledfeatures__levels": [(1,), (1, 2)]}, cv=2, n_jobs=2)
    with warnings.catch_warnings(), joblib.parallel_backend("threading"):
        warnings.simplefilter("ignore")
        search.fit(images, classes)
    assert set(search.best_params_) == {"pooledfeatures__levels"}
    assert len(cross_val_score(ImageClassifier(), images, classes, cv=3)) == 3


def test_streamed_rows_give_the_weights_of_all_rows():
    draw = np.random.default_rng(0)
    X, y = draw.normal(3, 2, size=(500, 7)), draw.integers(0, 3, 500)
    whole, parts = RidgeHead().fit(X, y), RidgeHead()
    for first in range(0, 500, 90):
        parts.partial_fit(X[first : first + 90], y[first : first + 90], classes=[0, 1, 2])
    assert np.array_equal(whole.predict(X), parts.predict(X))
    assert np.allclose(whole.decision_function(X), parts.decision_function(X))


def test_ridge_is_the_closed_form_by_hand():
    X, y = np.array([[0.0], [2.0]]), np.array([0, 1])
    head = RidgeHead(alpha=1.0).fit(X, y)
    # Standardized rows -1, +1 to targets of -1, +1 under a penalty of 1 a row: weight 1 / 2.
    assert np.allclose(head.coef_, [[-0.5], [0.5]])
    assert np.allclose(head.decision_function(X), [-1.0, 1.0])


@pytest.mark.parametrize(
    "model",
    [
        ImageClassifier(PatchEncoder(**SMALL)),
        ImageClassifier(PatchEncoder(**SMALL), KernelHead(centres=30), components=5, mirror=True),
        make_pipeline(FlattenImages(), StandardScaler(), SVC(C=3.0)),
        make_pipeline(FlattenImages(), StandardScaler(), LinearSVC()),
        make_pipeline(PooledFeatures(ABS), StandardScaler(), MLPClassifier((5,), max_iter=20)),
        make_pipeline(FlimEncoder(per_class=3), RidgeHead()),
    ],
    ids=lambda m: "-".join(type(s).__name__ for _, s in getattr(m, "steps", [("", m)])),
)
def test_files_keep_what_was_learned(model, tmp_path):
    images, classes = stripes(40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(images, classes)
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert np.array_equal(model.predict(images), again.predict(images))
    assert b"pickle" not in (tmp_path / "model.safetensors").read_bytes()


def test_files_hold_no_code_and_say_what_is_wrong(tmp_path):
    from sklearn.preprocessing import FunctionTransformer

    with pytest.raises(FormatError, match="FunctionTransformer cannot be stored"):
        save(make_pipeline(FunctionTransformer(), SVC()), tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FormatError, match="no such file"):
        load(tmp_path / "none.safetensors")
    (tmp_path / "broken").write_bytes(b"abc")
    with pytest.raises(FormatError, match="cut short"):
        load(tmp_path / "broken")
    ABS.save(tmp_path / "net.safetensors")
    with pytest.raises(FormatError, match="no classifier"):
        load(tmp_path / "net.safetensors")
    images, classes = stripes(10)
    save(ImageClassifier().fit(images, classes), tmp_path / "good.safetensors")
    data = (tmp_path / "good.safetensors").read_bytes()
    bad = data.replace(b"RidgeHead", b"RidgeHeax")
    (tmp_path / "bad.safetensors").write_bytes(bad)
    with pytest.raises(FormatError, match="RidgeHeax"):
        load(tmp_path / "bad.safetensors")


def test_images_that_do_not_fit_are_told():
    images, _ = stripes(8)
    ragged = [np.zeros((4, 4)), np.zeros((5, 4))]
    with pytest.raises(ShapeError, match="different sizes"):
        FlattenImages().fit(ragged)
    with pytest.raises(ShapeError, match="different sizes"):
        ImageClassifier().fit(ragged, [0, 1])
    with pytest.raises(ShapeError, match=r"images of \[1, 3\] channels"):
        FlattenImages().fit([np.zeros((4, 4)), np.zeros((4, 4, 3))])
    for model in (FlattenImages(), PooledFeatures()):
        with pytest.raises(ShapeError, match="at least one pixel"):
            model.fit_transform(images[:, :0])
    with pytest.raises(ParameterError, match="Scale the images"):
        FlimEncoder().fit(images * 1e300, ["a", "b"] * 4)
    assert PooledFeatures().fit_transform(ragged).shape == (2, 2)
    with pytest.raises(ShapeError, match="image_shape"):
        FlattenImages(image_shape=(3, 3)).fit(np.zeros((2, 12)))
    with pytest.raises(ValueError, match="only one class"):
        ImageClassifier().fit(images, ["same"] * 8)
    with pytest.raises(ParameterError, match="only one class"):
        FlimEncoder().fit(images, ["same"] * 8)
    with pytest.raises(ParameterError, match="statistics"):
        PooledFeatures(statistics=("mode",)).fit(images)


def test_pooled_features_take_batches_of_another_size():
    images, classes = stripes(8)
    model = make_pipeline(PooledFeatures(), RidgeHead()).fit(images, classes)
    smaller = images[:, :9]
    assert np.array_equal(model.predict(smaller), model.predict([*smaller, images[0]])[:8])
    with pytest.raises(ShapeError, match="3 channels, fitted on 1"):
        model.predict(np.zeros((2, 9, 12, 3)))


def test_levels_of_a_pyramid_by_hand():
    image = np.arange(16.0).reshape(1, 4, 4)
    found = PooledFeatures(statistics=("mean",), levels=(1, 2)).fit_transform(image)
    assert found.tolist() == [[7.5, 2.5, 4.5, 10.5, 12.5]]


def test_patch_network_is_a_network_of_standard_layers(tmp_path):
    images, _ = stripes(20)
    encoder = PatchEncoder(**SMALL).fit(images)
    net = encoder.network_
    whole = net(images[0][..., None])
    net.save(tmp_path / "net.safetensors")
    from spel import load as load_network

    assert np.array_equal(load_network(tmp_path / "net.safetensors")(images[0][..., None]), whole)
    kernels = net["patch.basis"].bank.weights
    gram = kernels[:-1].reshape(len(kernels) - 1, -1)
    assert np.allclose(gram @ gram.T, np.eye(len(gram)), atol=1e-5)
    assert np.allclose(gram.sum(axis=1), 0, atol=1e-5)


def test_a_kernel_head_takes_float32_features():
    # The kernel matrix of these rows was not positive definite in float32.
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    assert KernelHead().fit(X.astype(np.float32), y).score(X.astype(np.float32), y) > 0.95
    for seed in range(40):
        draw = np.random.default_rng(seed)
        rows = (draw.normal(size=(60, 4)) * 10.0 ** draw.integers(-3, 4)).astype(np.float32)
        rows[30:] = rows[:30]
        classes = np.arange(60) % 3
        scores = KernelHead(seed=seed).fit(rows, classes).decision_function(rows)
        exact = KernelHead(seed=seed).fit(rows.astype(np.float64), classes)
        np.testing.assert_allclose(scores, exact.decision_function(rows), atol=1e-3)


@pytest.mark.parametrize(
    "model",
    [
        RidgeHead(),
        KernelHead(),
        ImageClassifier(),
        ImageClassifier(head=KernelHead(), components=3),
        ImageClassifier(mirror=True),
        ImageClassifier(head=LogisticRegression()),
    ],
    ids=str,
)
def test_a_weight_of_two_is_a_row_twice(model):
    draw = np.random.default_rng(1)
    X, y = draw.normal(size=(30, 5)), np.arange(30) % 3
    weights = draw.integers(0, 3, 30)
    weighted = clone(model).fit(X, y, sample_weight=weights)
    repeated = clone(model).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(
        weighted.decision_function(X), repeated.decision_function(X), rtol=1e-4, atol=1e-4
    )


def test_weights_that_cannot_be_used_are_refused():
    images, classes = stripes(8)
    with pytest.raises(ParameterError, match="zero"):
        RidgeHead().fit(np.eye(4), [0, 1, 0, 1], sample_weight=np.zeros(4))
    with pytest.raises(ParameterError, match="from 0"):
        KernelHead().fit(np.eye(4), [0, 1, 0, 1], sample_weight=[1, -1, 1, 1])
    with pytest.raises(ParameterError, match="MLPClassifier takes no sample_weight"):
        ImageClassifier(head=OldMLP()).fit(images, classes, sample_weight=np.ones(8))


class OldMLP(MLPClassifier):
    """Without sample_weight, as before scikit-learn 1.7."""

    def fit(self, X, y):
        return super().fit(X, y)


OldMLP.__name__ = "MLPClassifier"


def test_probabilities_are_there_where_the_head_has_them():
    images, classes = stripes(40)
    for mirror in (False, True):
        model = ImageClassifier(PooledFeatures(ABS), LogisticRegression(), mirror=mirror)
        chances = model.fit(images, classes).predict_proba(images)
        np.testing.assert_allclose(chances.sum(axis=1), 1)
        assert np.array_equal(model.classes_[chances.argmax(axis=1)], model.predict(images))
    assert not hasattr(ImageClassifier(), "predict_proba")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp = ImageClassifier(head=MLPClassifier((4,), max_iter=5), mirror=True)
        mlp.fit(images, classes)
    assert not hasattr(mlp, "decision_function")
    assert set(mlp.predict(images)) <= {"across", "down"}


def test_features_have_names():
    images, classes = stripes(6)
    names = PooledFeatures(statistics=("max", "quantiles"), levels=(2,)).fit(images)
    names = names.get_feature_names_out().tolist()
    assert names[:2] == ["image0_max_of_part_0_0_of_2", "image0_quantile_0.05_of_part_0_0_of_2"]
    assert len(names) == 4 * 6
    for encoder in (
        FlattenImages(),
        NetworkFeatures(ABS),
        PooledFeatures(ABS, levels=(1, 2)),
        FlimEncoder(per_class=2),
        PatchEncoder(**SMALL),
    ):
        vectors = encoder.fit_transform(images, classes)
        assert len(set(encoder.get_feature_names_out())) == vectors.shape[1]


def test_pandas_tables_come_out_where_they_are_wanted():
    pytest.importorskip("pandas")
    images, _ = stripes(6)
    pooled = PooledFeatures().set_output(transform="pandas")
    table = pooled.fit_transform(images)
    assert table.columns.tolist() == ["image0_mean", "image0_max"]


def test_the_settings_of_a_patch_encoder_that_do_not_fit_are_named():
    small = np.zeros((4, 5, 5), np.uint8)
    with pytest.raises(ParameterError, match=r"pool=7 \(set pool=1 to 5\), size=6 \(set size=1"):
        PatchEncoder().fit(small)
    with pytest.raises(ParameterError, match="color 'red'"):
        PatchEncoder(**SMALL, color="red").fit(np.zeros((4, 12, 12), np.uint8))


def test_the_value_of_white_belongs_to_the_type_of_the_images():
    images, _ = stripes(40)
    settings = {**SMALL, "seed": 1}
    eight = PatchEncoder(**settings).fit(images)
    sixteen = PatchEncoder(**settings).fit(images.astype(np.uint16) * 257)
    real = PatchEncoder(**settings).fit(images / 255)
    vectors = eight.transform(images)
    np.testing.assert_allclose(
        sixteen.transform(images.astype(np.uint16) * 257), vectors, atol=1e-3
    )
    np.testing.assert_allclose(real.transform(images / 255), vectors, atol=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_images_that_are_not_finite_are_refused(bad):
    images = np.ones((6, 4, 4))
    images[2, 1, 1] = bad
    classes = [0, 1] * 3
    for model in (FlattenImages(), PooledFeatures(), ImageClassifier()):
        with pytest.raises(ParameterError, match=r"NaN|infinity"):
            model.fit(images, classes)
        fitted = model.fit(np.ones((6, 4, 4)) * np.arange(6)[:, None, None], classes)
        use = fitted.predict if hasattr(fitted, "predict") else fitted.transform
        with pytest.raises(ParameterError, match=r"NaN|infinity"):
            use(images)
    with pytest.raises(ParameterError, match="NaN"):
        PooledFeatures().fit([images[0], images[2][:2]])
    with pytest.raises(ParameterError, match="float32"):
        FlattenImages().fit(np.full((2, 3, 3), 1e300))


VALUES = {
    "NaN": lambda a: np.where(a > 0.9, np.nan, a),
    "infinity": lambda a: np.where(a > 0.9, np.inf, a),
    "float64": lambda a: a,
    "beyond float32": lambda a: a * 1e300,
    "large": lambda a: a * 1e30,
    "the largest of float32": lambda a: (np.minimum(a, 1) * 3e38).astype(np.float32),
    "negative": lambda a: -a,
    "complex": lambda a: a * 1j,
    "bool": lambda a: a > 0.5,
    "int64": lambda a: (a * 1e6).astype(np.int64),
    "constant": np.zeros_like,
}


@pytest.mark.parametrize("features", ["patches", "pooled", "flat"])
@pytest.mark.parametrize("values", VALUES)
def test_any_values_are_learned_from_or_refused_in_one_line(values, features, tmp_path):
    from spel.jobs.classify import classify_image
    from spel.learning.classifier import ClassifierConfig

    draw = np.random.default_rng(0)
    images = [VALUES[values](draw.random((10, 12)) * (1 + i % 2)) for i in range(8)]
    refusals = []
    for head in ("ridge", "kernel", "svm", "mlp"):
        try:
            model = ClassifierConfig(features, head, 4, 3).fit(images, ["a", "b"] * 4)
            save(model, tmp_path / "model.safetensors")
            model = load(tmp_path / "model.safetensors")
            for image in (images[0], np.full((10, 12), 3e38, np.float32)):
                classify_image(model, image, "x")
        except SpelError as error:
            refusals.append(str(error))
    assert all("\n" not in text and len(text) < 300 for text in refusals)
