"""Classifiers learned from portions: the same bits for any workers, stopped or not."""

import os

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the extra sklearn is not installed")

from spel.cli.main import run as spel
from spel.errors import ParameterError, ShapeError, TaskError
from spel.io import write
from spel.jobs.portions import in_workers
from spel.learning import portions as module
from spel.learning.classifier import ClassifierConfig, hold_out
from spel.learning.portions import ExampleFiles, run_here
from spel.learning.saved_sums import SavedSums, key_of
from spel.linear import ClassMoments, ExactMoments
from spel.sklearn import RidgeHead, save


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Thirty images of three classes: a bright band at one of three heights."""
    place = tmp_path_factory.mktemp("bands")
    random = np.random.default_rng(0)
    for index in range(30):
        image = random.normal(100, 20, (12, 12, 1))
        image[4 * (index % 3) :][:4] += 80
        name = place / "abc"[index % 3] / f"{index:02d}.png"
        name.parent.mkdir(exist_ok=True)
        write(name, image.clip(0, 255).astype(np.uint8))
    return place


@pytest.fixture(scope="module")
def examples(folder):
    paths = sorted(str(path) for path in folder.rglob("*.png"))
    return ExampleFiles(paths), [path.split(os.sep)[-2] for path in paths]


@pytest.fixture(autouse=True)
def small_portions(monkeypatch):
    monkeypatch.setattr(module, "PORTION", 7)


CONFIG = ClassifierConfig("patches", "ridge", 6, 3)


def bits(model, path):
    save(model, path)
    return path.read_bytes()


@pytest.mark.parametrize("features", ["patches", "pooled", "flat"])
def test_arrays_and_files_give_the_same_bits(examples, tmp_path, features):
    files, classes = examples
    config = ClassifierConfig(features, "ridge", 6, 3)
    from_files = bits(config.fit(files, classes), tmp_path / "a")
    assert bits(config.fit([files[i] for i in range(30)], classes), tmp_path / "b") == from_files


@pytest.fixture(scope="module")
def two():
    with in_workers(2) as run:
        yield run


def test_two_workers_give_the_same_bits(examples, two, tmp_path):
    files, classes = examples
    alone = bits(CONFIG.fit(files, classes), tmp_path / "1")
    model = CONFIG.fit(files, classes, run=two, threads=1)
    assert bits(model, tmp_path / "2") == alone


@pytest.mark.slow
def test_three_workers_give_the_same_bits(examples, tmp_path):
    files, classes = examples
    alone = bits(CONFIG.fit(files, classes), tmp_path / "1")
    with in_workers(3) as run:
        assert bits(CONFIG.fit(files, classes, run=run, threads=1), tmp_path / "3") == alone


@pytest.mark.slow
def test_a_cluster_gives_the_same_bits(examples, tmp_path):
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    from spel.runs.dask_ import executor

    files, classes = examples
    alone = bits(CONFIG.fit(files, classes), tmp_path / "alone")
    with executor("local", workers=2) as cluster, in_workers(2, executor=cluster) as run:
        model = CONFIG.fit(files, classes, run=run, threads=1)
    assert bits(model, tmp_path / "cluster") == alone


def rows_and_labels(count=200, length=5):
    random = np.random.default_rng(3)
    return random.normal(3, 2, (count, length)), random.integers(0, 3, count)


def moments_of(rows, labels, origin):
    moments = ClassMoments(origin, 3)
    moments.add(rows, labels)
    return moments


def test_the_moments_of_any_partition_are_those_of_the_whole():
    rows, labels = rows_and_labels()
    origin = rows[:10].mean(axis=0)
    leaves = [moments_of(rows[i : i + 5], labels[i : i + 5], origin) for i in range(0, 200, 5)]
    whole = ExactMoments(origin, 3, 8.0)
    for leaf in leaves:
        whole.add(leaf)
    expected = whole.moments()
    random = np.random.default_rng(4)
    for count in (2, 3, 11):
        owner = random.integers(0, count, len(leaves))
        merged = ExactMoments(origin, 3, 8.0)
        for one in random.permutation(count):
            part = ExactMoments(origin, 3, 8.0)
            for index in random.permutation(np.flatnonzero(owner == one)):
                part.add(leaves[index])
            merged.merge(part)
        got = merged.moments()
        for name in ("products", "total", "cross", "target_total"):
            assert getattr(got, name).tobytes() == getattr(expected, name).tobytes()
        assert got.count == expected.count == 200


def test_sums_give_the_head_that_all_rows_give():
    """Within 64 units in the last place of the largest weight."""
    rows, labels = rows_and_labels()
    origin = rows.mean(axis=0)
    sums = ExactMoments(origin, 3, 8.0)
    for first in range(0, 200, 13):
        part = slice(first, first + 13)
        sums.add(moments_of(rows[part], labels[part], origin))
    by_sums = RidgeHead.from_moments(sums.moments(), np.arange(3), 0.01)
    by_rows = RidgeHead(0.01).fit(rows, labels)
    bound = 64 * np.finfo(float).eps * np.abs(by_rows.coef_).max()
    np.testing.assert_allclose(by_sums.coef_, by_rows.coef_, rtol=0, atol=bound)


def test_images_of_several_sizes_are_scaled_as_scikit_learn_would(examples):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    files, classes = examples
    images = [files[i] if i % 2 else files[i][:, :9] for i in range(30)]
    config = ClassifierConfig("pooled", "ridge")
    model = config.fit(images, classes)
    features = config.unlearned_features((12, 12, 1)).fit(images)
    expected = make_pipeline(features, StandardScaler(), RidgeHead()).fit(images, classes)
    np.testing.assert_allclose(
        model.decision_function(images), expected.decision_function(images), atol=1e-5
    )
    with pytest.raises(ShapeError, match="different sizes"):
        CONFIG.fit(images, classes)


class StopsAfter:
    """Runs some tasks of each list, then fails as a killed run would."""

    def __init__(self, count):
        self.left = count
        self.done = 0

    def __call__(self, tasks):
        for task in tasks:
            if type(task).__name__ == "MomentsOf":
                if not self.left:
                    raise KeyboardInterrupt
                self.left -= 1
                self.done += 1
            yield task()


def test_a_stopped_fit_goes_on_with_the_same_bits(examples, tmp_path):
    files, classes = examples
    whole = bits(CONFIG.fit(files, classes), tmp_path / "whole")
    saved = SavedSums(tmp_path / "sums", "key")
    with pytest.raises(KeyboardInterrupt):
        CONFIG.fit(files, classes, run=StopsAfter(2), saved=saved)
    rest = StopsAfter(9)
    assert bits(CONFIG.fit(files, classes, run=rest, saved=saved), tmp_path / "rest") == whole
    assert rest.done == 2  # of five portions, one is computed first and two were done before
    other = StopsAfter(9)
    CONFIG.fit(files, classes, run=other, saved=SavedSums(tmp_path / "sums", "another key"))
    assert other.done == 4


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 damaged", b"\0" * 100])
def test_a_damaged_file_of_sums_is_not_used(examples, tmp_path, content):
    files, classes = examples
    (tmp_path / "sums").write_bytes(content)
    every = StopsAfter(9)
    CONFIG.fit(files, classes, run=every, saved=SavedSums(tmp_path / "sums", "key"))
    assert every.done == 4


@pytest.mark.parametrize("where", [0.3, 0.6, 0.9])
def test_a_changed_byte_among_the_sums_is_found(examples, tmp_path, where):
    files, classes = examples
    path = tmp_path / "sums"
    with pytest.raises(KeyboardInterrupt):
        CONFIG.fit(files, classes, run=StopsAfter(2), saved=SavedSums(path, "key"))
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 0x10
    path.write_bytes(content)
    whole = bits(CONFIG.fit(files, classes), tmp_path / "whole")
    every = StopsAfter(9)
    model = CONFIG.fit(files, classes, run=every, saved=SavedSums(path, "key"))
    assert bits(model, tmp_path / "again") == whole
    assert every.done == 4


def test_a_portion_that_cannot_be_added_is_not_saved_in_part(tmp_path):
    """The sums of a file are those of whole portions, whichever of their numbers overflows."""
    good, bad = (ClassMoments(np.zeros(2), 2) for _ in range(2))
    for moments in (good, bad):
        moments.add(np.ones((1, 2)), np.zeros(1, np.int64))
    bad.total = np.array([1.0, np.inf])
    sums = ExactMoments(np.zeros(2), 2, 1.0)
    sums.add(good)
    before = {name: array.copy() for name, array in sums.arrays().items()}
    with pytest.raises(ParameterError):
        sums.add(bad)
    assert all((before[name] == array).all() for name, array in sums.arrays().items())


def test_the_key_depends_on_settings_files_and_classes(examples, tmp_path):
    write(tmp_path / "a.png", np.zeros((2, 2, 1), np.uint8))
    path = [str(tmp_path / "a.png")]
    before = key_of({"a": 1}, path, ["x"])
    assert key_of({"a": 1}, path, ["x"]) == before
    assert key_of({"a": 2}, path, ["x"]) != before
    assert key_of({"a": 1}, path, ["y"]) != before
    os.utime(path[0], (1, 1))
    assert key_of({"a": 1}, path, ["x"]) != before


@pytest.mark.parametrize("head", ["kernel", "svm", "mlp"])
def test_a_head_that_needs_all_vectors_says_what_it_would_take(examples, head):
    files, classes = examples
    config = ClassifierConfig("flat", head, max_memory=1e-5)
    with pytest.raises(ParameterError, match=r"30 x 144 values take about 0\.0 GB.*'ridge'"):
        config.fit(files, classes)


def test_held_out_images_are_judged_in_workers_too(examples, two):
    files, classes = examples
    here = hold_out(CONFIG, files, classes, 0.3)
    there = hold_out(CONFIG, files, classes, 0.3, run=two, threads=1)
    assert here.text() == there.text()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_image_is_named(folder, examples, two, tmp_path, workers):
    files, classes = examples
    bad = tmp_path / "bad.png"
    bad.write_bytes((folder / "a" / "00.png").read_bytes()[:60])
    broken = ExampleFiles([*files.paths[:-1], str(bad)])
    with pytest.raises((TaskError, ParameterError, ValueError), match=r"bad\.png"):
        CONFIG.fit(broken, classes, run=two if workers == 2 else run_here)


def test_the_command_writes_the_same_file_for_any_workers(folder, tmp_path, capsys):
    for name, options in (("one", []), ("two", ["--workers", "2"])):
        out = tmp_path / name
        command = ["fit", str(folder), "--out", str(out), "--kernels", "6", "--size", "3"]
        assert spel([*command, *options]) == 0
        assert sorted(tmp_path.glob(f"{name}*")) == [out]
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert "held out" in capsys.readouterr().err
