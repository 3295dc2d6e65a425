"""Files of classifiers: old ones load, what they hold is checked, and no damage crashes."""

import json
import random
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from spel.errors import FormatError, ParameterError, SpelError
from spel.sklearn import (
    FlattenImages,
    FlimEncoder,
    ImageClassifier,
    KernelHead,
    PatchEncoder,
    PooledFeatures,
    RidgeHead,
    load,
    save,
)

FILES = Path(__file__).parent / "files"
EXPECTED = json.loads((FILES / "classifiers-0.1.json").read_text())
SMALL = {"kernels": 4, "size": 3, "components": 4, "count": 300, "pool": 3, "stride": 2}


def images(count=24):
    """The images from which the files of version 0.1 were made."""
    random = np.random.default_rng(0)
    X = random.integers(0, 256, (count, 8, 8, 3)).astype(np.uint8)
    y = np.array(["cat", "dog", "owl"] * (count // 3))
    X[y == "cat", :4] //= 2
    X[y == "dog", 4:] //= 2
    return X, y


def scores_of(model, X):
    scores = model.decision_function if hasattr(model, "decision_function") else model.predict_proba
    return np.asarray(scores(X), dtype=np.float64)


@pytest.mark.parametrize("name", EXPECTED)
def test_files_of_version_0_1_give_the_same_answers(name):
    model, expected = load(FILES / f"{name}-0.1.safetensors"), EXPECTED[name]
    X = images()[0][:6]
    assert [str(c) for c in model.predict(X)] == expected["called"]
    scores = model.predict_proba(X) if name == "svc-probability" else scores_of(model, X)
    np.testing.assert_allclose(scores, expected["scores"], atol=2e-4)


@pytest.mark.parametrize("name", EXPECTED)
def test_files_of_version_0_1_can_be_saved_in_the_present_form(name, tmp_path):
    old = load(FILES / f"{name}-0.1.safetensors")
    save(old, tmp_path / "new.safetensors")
    X = images()[0]
    np.testing.assert_allclose(
        scores_of(load(tmp_path / "new.safetensors"), X), scores_of(old, X), atol=1e-9
    )


def svc(**options):
    return make_pipeline(FlattenImages(), StandardScaler(), SVC(**options))


MODELS = {
    "svc": svc(C=3.0),
    "svc of pairs": svc(decision_function_shape="ovo"),
    "svc by score": svc(break_ties=True),
    "svc, polynomial": svc(kernel="poly", degree=2, coef0=1.0),
    "svc, linear": svc(kernel="linear"),
    "svc, sigmoid": svc(kernel="sigmoid"),
    "linear svc": make_pipeline(FlattenImages(), LinearSVC(fit_intercept=False)),
    "logistic": make_pipeline(PooledFeatures(), StandardScaler(), LogisticRegression()),
    "ridge classifier": make_pipeline(FlattenImages(), RidgeClassifier()),
    "mlp": make_pipeline(FlattenImages(), MLPClassifier((5, 4), activation="tanh", max_iter=9)),
    "components": make_pipeline(FlattenImages(), PCA(5, whiten=True), RidgeHead()),
    "scaler": make_pipeline(FlattenImages(), StandardScaler(with_mean=False), RidgeHead()),
    "images": ImageClassifier(PatchEncoder(**SMALL), KernelHead(8), components=3, mirror=True),
    "images, logistic": ImageClassifier(head=LogisticRegression(), mirror=True),
    "flim": ImageClassifier(FlimEncoder(per_class=2, pooled=None)),
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", MODELS)
def test_a_file_predicts_as_scikit_learn_does(name, classes, tmp_path):
    X, y = images(36)
    y = np.where(y == "owl", "cat", y) if classes == 2 else y
    model = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert np.array_equal(again.predict(X), model.predict(X))
    for method in ("decision_function", "predict_proba"):
        assert hasattr(again, method) == hasattr(model, method)
        if hasattr(model, method):
            np.testing.assert_allclose(
                getattr(again, method)(X), getattr(model, method)(X), rtol=1e-4, atol=1e-4
            )


def test_a_model_from_a_file_is_not_fitted_again(tmp_path):
    X, y = images()
    save(svc().fit(X, y), tmp_path / "model.safetensors")
    with pytest.raises(ParameterError, match="cannot be fitted again"):
        load(tmp_path / "model.safetensors").fit(X, y)
    save(ImageClassifier().fit(X, y), tmp_path / "images.safetensors")
    again = load(tmp_path / "images.safetensors")
    assert again.fit(X, y).score(X, y) == 1  # it holds estimators of this package alone
    head = load(tmp_path / "images.safetensors").head_
    with pytest.raises(ParameterError, match="no sums"):
        head.partial_fit(np.ones((2, 192)), ["cat", "dog"], ["cat", "dog", "owl"])


def test_nothing_of_an_estimator_s_inside_is_in_a_file(tmp_path):
    X, y = images()
    save(svc().fit(X, y), tmp_path / "model.safetensors")
    data = (tmp_path / "model.safetensors").read_bytes()
    assert b"SVC" not in data
    assert b"_n_support" not in data
    with pytest.raises(FormatError, match="not fitted"):
        save(FlattenImages(), tmp_path / "unfitted.safetensors")


# -- damage --------------------------------------------------------------------------------------


def parts(data):
    """The header and the tensors of a safetensors file, and the settings in the header."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["spel"]), data[8 + length :]


def whole(header, settings, tensors):
    header = {**header, "__metadata__": {"spel": json.dumps(settings)}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + tensors


ODD = (
    *(None, True, -1, 0, 7, 1 << 40, 1 << 70, "x", "", [], {}, [1, 2], {"float": "nan"}),
    *({"float": "1e308"}, {"float": "-inf"}, {"float": "0.0"}, {"float": "x"}),
    *({"tensor": "none"}, {"texts": [], "shape": [0]}, {"list": []}, {"tuple": []}),
    *({"texts": ["a", "a"], "shape": [2]}, {"keys": [], "values": []}, {"estimator": "SVC"}),
)


def places(value, path=()):
    """Every place in the settings."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def with_value(settings, path, value):
    changed = json.loads(json.dumps(settings))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def mutants(data, count, seed):
    """Damaged versions of a file: settings, shapes of tensors, bytes, lengths."""
    draw = random.Random(seed)
    header, settings, tensors = parts(data)
    spots = [p for p in places(settings) if p]
    names = [n for n in header if n != "__metadata__"]
    for index in range(count):
        way = index % 5
        if way < 2:
            spot, odd = draw.choice(spots), draw.choice(ODD)
            yield whole(header, with_value(settings, spot, odd), tensors)
        elif way == 2:
            name = draw.choice(names)
            start, end = header[name]["data_offsets"]
            size = {"U8": 1, "F64": 8, "F32": 4, "I64": 8, "I32": 4}[header[name]["dtype"]]
            cut = draw.randrange(0, (end - start) // size + 1)
            changed = {**header[name], "shape": [cut], "data_offsets": [start, start + cut * size]}
            yield whole({**header, name: changed}, settings, tensors)
        elif way == 3:
            yield data[: draw.randrange(len(data))]
        else:
            bad = bytearray(tensors)
            for _ in range(draw.randrange(1, 20)):
                bad[draw.randrange(len(bad))] = draw.randrange(256)
            yield whole(header, settings, bytes(bad))


def files(tmp_path):
    """A file of each kind: those of version 0.1, and what they become."""
    for name in EXPECTED:
        path = FILES / f"{name}-0.1.safetensors"
        yield name, path.read_bytes()
        save(load(path), tmp_path / f"{name}.safetensors")
        yield f"{name}, saved again", (tmp_path / f"{name}.safetensors").read_bytes()


def test_damaged_files_are_refused_or_predict_something(tmp_path):
    X = images()[0][:2]
    path = tmp_path / "mutant.safetensors"
    refused = passed = 0
    for seed, (_, data) in enumerate(files(tmp_path)):
        for mutant in mutants(data, 90, seed):
            path.write_bytes(mutant)
            try:
                model = load(path)
            except FormatError:
                refused += 1
                continue
            try:
                model.predict(X)
                passed += 1
            except SpelError:
                refused += 1
    assert refused > 1000
    assert passed > 50


def test_an_emptied_array_of_a_vector_machine_is_refused():
    data = (FILES / "svc-0.1.safetensors").read_bytes()
    header, settings, tensors = parts(data)
    for name in [n for n in header if n.split(".")[-1] in ("_dual_coef_", "dual_coef_")]:
        changed = {**header[name], "shape": [0, 0], "data_offsets": [0, 0]}
        changed = {n: (changed if n == name else v) for n, v in header.items()}
        path = FILES.parent / "emptied.safetensors"
        try:
            path.write_bytes(whole(changed, settings, tensors))
            with pytest.raises(FormatError):
                load(path)
        finally:
            path.unlink()
