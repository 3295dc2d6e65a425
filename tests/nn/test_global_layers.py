"""Whole-image steps gathered tile by tile: the same bits as on the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import spel
from spel import Adjacency, ops
from spel.data import street
from spel.decide import Decision
from spel.errors import ShapeError
from spel.io.large import LargeImage
from spel.large import tiles
from spel.ops import streamed


def cut(values: np.ndarray, count: int = 7) -> streamed.Parts:
    return lambda take: map(take, np.array_split(values, count))


RULES = ["otsu", "p0", "p12.5", "p50", "p95", "p99.9", "p100"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(width=32, allow_nan=True), max_size=60),
    st.sampled_from(RULES),
    st.integers(1, 9),
)
def test_a_rule_on_parts_is_the_rule_on_the_whole(values, rule, count):
    array = np.array(values, np.float32)
    with np.errstate(all="ignore"):
        finite = array[np.isfinite(array)]
        if rule == "otsu" and finite.size and np.abs(finite).max() > 1e15:
            return  # scikit-image squares what it finds
        expected = ops.threshold_value(array, rule)
        assert streamed.threshold_of_parts(cut(array, count), rule) == expected


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["smooth", "zeros", "few", "signed"])
def test_rules_on_many_values(rule, kind):
    rng = np.random.default_rng(1)
    values = {
        "smooth": rng.random(200_000),
        "zeros": np.where(rng.random(200_000) < 0.97, 0, rng.random(200_000)),
        "few": rng.integers(0, 4, 200_000) / 3,
        "signed": rng.normal(size=200_000) * 10.0 ** rng.integers(-30, 30, 200_000),
    }[kind].astype(np.float32)
    if (rule, kind) == ("otsu", "signed"):
        pytest.skip("scikit-image squares what it finds")
    of_parts = streamed.threshold_of_parts(cut(values), rule)
    expected = ops.threshold_value(values, rule)
    if rule in ("p0", "p12.5"):  # NumPy's own, whose last bit depends on its version
        assert of_parts == pytest.approx(expected, rel=1e-6)
    else:
        assert of_parts == expected


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", [bool, np.uint8, np.int16, np.uint32, np.int64, np.float64])
@pytest.mark.parametrize("count", [300, 50_000])
def test_numbers_of_every_type_are_exact(rule, kind, count):
    rng = np.random.default_rng(2)
    values = rng.integers(0, 2 if kind is bool else 100, count).astype(kind)
    if kind in (np.uint32, np.int64, np.float64):
        values = values + kind(16_777_217)  # float32 holds no odd number there
    expected = ops.threshold_value(values, rule)
    assert streamed.threshold_of_parts(cut(values), rule) == expected
    assert np.array_equal(ops.threshold(values, rule), values > expected)


def test_integers_over_a_wide_range():
    values = np.array([-(1 << 52), -5, 3, 1 << 40, 1 << 52] * 9000)
    for rule in RULES:
        assert streamed.threshold_of_parts(cut(values), rule) == ops.threshold_value(values, rule)


def test_more_values_than_float32_can_count():
    count = (1 << 24) + 4321
    values = np.arange(count, dtype=np.float32)
    for rank in ("p95", "p50"):
        assert streamed.threshold_of_parts(cut(values, 50), rank) == ops.threshold_value(
            values, rank
        )


def whole_networks() -> dict[str, spel.Network]:
    box, bank = Adjacency.box(3), spel.KernelBank.sobel("col")
    return {
        "first": spel.chain(spel.LinearNormalize(), spel.MeanPool(box)),
        "last": spel.chain(spel.Convolution(bank), spel.LinearNormalize()),
        "twice": spel.chain(
            spel.LinearNormalize(),
            spel.Convolution(bank),
            spel.Activation("relu"),
            spel.LinearNormalize(),
            spel.MaxPool(box, stride=2),
            spel.LinearNormalize(),
        ),
        "threshold": spel.chain(spel.Convolution(bank), spel.Threshold("p90"), spel.MaxPool(box)),
        "residue": spel.residue(spel.LinearNormalize(), scale="max"),
        "inner": spel.chain(spel.Convolution(bank), spel.Residue(spel.LinearNormalize())),
        "scaled": spel.chain(
            spel.MeanPool(box), spel.Residue(spel.DivisiveNormalize(box), scale="max")
        ),
        "otsu": spel.chain(spel.LinearNormalize(), spel.Threshold("otsu")),
    }


@pytest.mark.parametrize("name", whole_networks())
@pytest.mark.parametrize("size", [16, 37, 1000])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_networks_that_look_at_the_whole_image(name, size, dtype):
    net = whole_networks()[name]
    image = (np.random.default_rng(2).random((70, 53, 1)) * 200).astype(dtype)
    assert np.array_equal(tiles.apply(net, image, size=size), net(image))
    if dtype == np.float32:
        flat = image[..., 0]
        assert np.array_equal(tiles.apply(net, flat, size=size), net(flat), equal_nan=True)


def test_a_volume_is_normalized_over_all_its_planes():
    net = spel.chain(
        spel.LinearNormalize(axes=3), spel.MaxPool(Adjacency.ball(1)), spel.LinearNormalize(axes=3)
    )
    image = np.random.default_rng(3).random((9, 20, 24, 2)).astype(np.float32)
    assert np.array_equal(tiles.apply(net, image, size=8), net(image))


def test_a_volume_from_a_file_plane_by_plane(tmp_path):
    image = np.random.default_rng(3).integers(0, 255, (9, 20, 24, 1), np.uint8)
    spel.write(tmp_path / "a.tif", image)
    net = spel.chain(spel.MaxPool(Adjacency.ball(2)), spel.LinearNormalize(axes=3))
    with LargeImage(tmp_path / "a.tif") as large:
        assert large.shape == image.shape
        assert np.array_equal(tiles.apply(net, large, size=7), net(spel.read(tmp_path / "a.tif")))


def test_nan_and_constants():
    net = spel.chain(spel.LinearNormalize())
    for value in (3.0, np.nan, np.inf):
        image = np.full((20, 20, 1), 3.0, np.float32)
        image[4, 4] = value
        with np.errstate(all="ignore"):
            whole = net(image)
        assert np.array_equal(tiles.apply(net, image, size=8), whole, equal_nan=True)


@pytest.mark.parametrize("rule", ["otsu", "p95", 0.3])
@pytest.mark.parametrize("seed", [1, 3])
def test_the_lecture_s_plate_chain_runs_in_tiles(seed, rule):
    net = spel.zoo.plate_lecture()
    image = street(seed, cars=2, size=(240, 420)).image
    whole = spel.detect(net, image, threshold=rule, select="all")
    decision = Decision(threshold=rule, select="all")
    found = tiles.detect(net, image, size=100, decision=decision)
    assert np.array_equal(found.boxes, whole.boxes)
    assert np.array_equal(found.scores, whole.scores)
    assert np.array_equal(found.areas, whole.areas)


def test_its_own_decision_in_tiles():
    net = spel.zoo.plate_lecture()
    image = street(4, size=(240, 320)).image
    assert np.array_equal(tiles.detect(net, image, size=64).boxes, spel.detect(net, image).boxes)


def test_what_cannot_be_gathered_is_named():
    net = spel.chain(spel.Decode("mb", (True, False)))
    with pytest.raises(ShapeError, match="cannot be gathered from tiles"):
        tiles.apply(net, np.zeros((8, 8, 2), np.float32), size=4)


@pytest.mark.parametrize("method", ["lm", "ts", "at", "pb"])
def test_each_volume_of_a_batch_is_decoded_by_itself(method):
    bank = spel.KernelBank.random(spel.Adjacency.ball(1), kernels=3, channels=1, seed=0)
    decoder = spel.Decode(method, (True, False, True))
    net = spel.chain(spel.Convolution(bank), spel.Activation("relu"), decoder)
    batch = np.random.default_rng(0).random((2, 4, 6, 7, 1), dtype=np.float32)
    batch[1] *= 3
    found = net(batch)
    assert net.shape(batch.shape) == found.shape == (2, 4, 6, 7, 1)
    for one, volume in zip(found, batch, strict=True):
        np.testing.assert_array_equal(one, net(volume))
    assert net(batch[:0]).shape == (0, 4, 6, 7, 1)
