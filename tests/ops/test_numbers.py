"""Whole numbers and doubles keep their digits; what is no real number is refused by name."""

import numpy as np
import pytest

import spel
from spel import Adjacency, KernelBank, ParameterError, nn, ops

BOX = Adjacency.box(3)


def test_thresholds_of_whole_numbers_beyond_float32():
    assert ops.threshold(np.array([[16777217]]), 16777216).tolist() == [[True]]
    assert ops.threshold(np.array([[16777217.0]]), 16777216).tolist() == [[True]]
    assert ops.threshold(np.array([[2**53 - 1]]), 2**53 - 2).tolist() == [[True]]


def test_otsu_is_the_same_for_every_integer_type():
    values = np.arange(100_001)
    want = ops.threshold_value(values.astype(np.int32), "otsu")
    assert ops.threshold_value(values.astype(np.int64), "otsu") == want
    assert ops.threshold_value(values.astype(np.uint64), "otsu") == want
    assert spel.chain(nn.Threshold("otsu"))(values[None]).sum() == (values > want).sum()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
def test_thresholds_of_8_and_16_bits_are_those_of_numpy_and_scikit_image(dtype):
    from skimage.filters import threshold_otsu

    random, limits = np.random.default_rng(3), np.iinfo(dtype)
    for span in (limits.max, 40):
        image = random.integers(limits.min, limits.min + span, size=(23, 31), dtype=dtype)[
            ::-1, ::2
        ]
        assert ops.threshold_value(image, "otsu") == threshold_otsu(image)
        for rank in (0, 1, 37.2, 50, 99.5, 100):
            assert ops.threshold_value(image, f"p{rank}") == np.percentile(image, rank)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_whole_numbers_are_compared_with_any_value(dtype):
    image = np.array([0, 1, 100, 101], dtype)
    for value in (-1e9, -0.5, 0, 0.5, 100, 100.5, 1e30, np.inf, -np.inf):
        expected = [number > value for number in (0, 1, 100, 101)]
        assert ops.threshold(image, value).tolist() == expected


def test_otsu_of_a_wide_range_needs_no_bin_for_each_number():
    values = np.array([0, 1, 2, 2**50, 2**50 + 1])
    assert 2 < ops.threshold_value(values, "otsu") < 2**50


def test_linear_normalization_subtracts_before_it_rounds():
    assert ops.linear_normalize([[1e8, 1e8 + 1]]).tolist() == [[0.0, 1.0]]
    assert ops.linear_normalize(np.array([[2**30, 2**30 + 1]])).tolist() == [[0.0, 1.0]]
    net = spel.chain(nn.LinearNormalize())
    assert net([[1e8, 1e8 + 1]]).ravel().tolist() == [0.0, 1.0]


def test_batch_normalization_subtracts_before_it_rounds():
    batch = (2e7 + np.arange(4.0)).reshape(4, 1, 1, 1)
    want = [-1.162, -0.387, 0.387, 1.162]
    assert np.allclose(ops.batch_normalize(batch).ravel(), want, atol=5e-4)
    assert np.allclose(ops.batch_normalize(batch.astype(np.int64)).ravel(), want, atol=5e-4)
    assert np.allclose(nn.BatchNormalize()(batch).ravel(), want, atol=5e-4)
    given = (np.array([2e7]), np.array([2.0]))
    centred = ops.batch_normalize(batch, statistics=given, epsilon=0)
    assert centred.ravel().tolist() == [0.0, 0.5, 1.0, 1.5]


def test_layers_subtract_before_they_round():
    image = np.array([[[16777217.0], [16777218.0], [16777219.0]]])
    scale = nn.Scale([1.0], [-16777216.0])
    fitted = nn.BatchNormalize([16777216.0], [1.0], epsilon=0.0)
    for layer in (scale, fitted):
        assert layer(image).ravel().tolist() == [1.0, 2.0, 3.0]
        assert spel.chain(layer)(image).ravel().tolist() == [1.0, 2.0, 3.0]
    assert nn.Center()(image).ravel().tolist() == [-1.0, 0.0, 1.0]


EDGES = KernelBank(BOX, np.ones((3, 9, 1)))
OPERATORS = {
    "activate": lambda x: ops.activate(x),
    "argmax": lambda x: ops.argmax(x),
    "batch_normalize": lambda x: ops.batch_normalize(x),
    "batch_statistics": lambda x: ops.batch_statistics(x),
    "convolve": lambda x: ops.convolve(x, KernelBank.random(BOX, kernels=1, channels=3, seed=0)),
    "crop": lambda x: ops.crop(x, (1, 0), (0, 1)),
    "decode": lambda x: ops.decode(x[0], "mb", (True, False, True)),
    "divisive_normalize": lambda x: ops.divisive_normalize(x, BOX),
    "dynamic_trees": lambda x: ops.dynamic_trees(x[0], np.eye(4, dtype=int)),
    "enlarge": lambda x: ops.enlarge(x[0], (8, 8), 2),
    "flatten": lambda x: ops.flatten(x),
    "gradient_magnitude": lambda x: ops.gradient_magnitude(x),
    "global_pool": lambda x: ops.global_pool(x),
    "group_normalize": lambda x: ops.group_normalize(x, 3),
    "grey": lambda x: ops.grey(x),
    "growcut": lambda x: ops.growcut(x[0], np.eye(4, dtype=int)),
    "lab": lambda x: ops.lab(x),
    "label": lambda x: ops.label(x),
    "labnorm2": lambda x: ops.labnorm2(x),
    "linear_normalize": lambda x: ops.linear_normalize(x),
    "local_response_normalize": lambda x: ops.local_response_normalize(x),
    "max_pool": lambda x: ops.max_pool(x, BOX),
    "mean_pool": lambda x: ops.mean_pool(x, BOX),
    "min_pool": lambda x: ops.min_pool(x, BOX),
    "pad": lambda x: ops.pad(x, (1, 0), (0, 1)),
    "patches": lambda x: ops.patches(x, BOX),
    "regions": lambda x: ops.regions(np.ones((4, 4), int), x[0, ..., 0]),
    "residue": lambda x: ops.residue(x, x),
    "softmax": lambda x: ops.softmax(x),
    "threshold": lambda x: ops.threshold(x, 0.5),
    "threshold_value": lambda x: ops.threshold_value(x, "otsu"),
    "transposed_convolve": lambda x: ops.transposed_convolve(x, EDGES),
    "unpool": lambda x: ops.unpool(ops.max_pool(x, BOX), x, BOX),
    "upsample": lambda x: ops.upsample(x),
    "watershed": lambda x: ops.watershed(x[0, ..., 0], np.eye(4, dtype=int)),
    "ycbcr": lambda x: ops.ycbcr(x),
    "Add": lambda x: nn.Add()(x, x),
    "Center": lambda x: nn.Center()(x),
    "Clip": lambda x: nn.Clip()(x),
    "Color": lambda x: nn.Color()(x),
    "Concatenate": lambda x: nn.Concatenate()(x, x),
    "Multiply": lambda x: nn.Multiply()(x, x),
    "PReLU": lambda x: nn.PReLU([0.5, 0.5, 0.5])(x),
    "Scale": lambda x: nn.Scale([1.0, 1.0, 1.0])(x),
    "WeightedSum": lambda x: nn.WeightedSum([1.0, 1.0, 1.0])(x),
    "network": lambda x: spel.chain(nn.Activation())(x),
}


def test_every_operator_is_in_the_table():
    assert set(ops.__all__) - {"Regions", "BatchStatistics"} <= set(OPERATORS)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("kind", ["complex", "text", "objects", "dates", "masked", "huge"])
def test_what_is_no_real_number_is_refused_by_name(operator, kind):
    numbers = np.arange(96).reshape(2, 4, 4, 3)
    image = {
        "complex": numbers + 1j,
        "text": numbers.astype(str),
        "objects": numbers.astype(object),
        "dates": numbers.astype("datetime64[s]"),
        "masked": np.ma.masked_equal(numbers.astype(float), 0),
        "huge": numbers + 2**60,
    }[kind]
    word = "masked" if kind == "masked" else r"2\*\*53" if kind == "huge" else "real numbers"
    with pytest.raises(ParameterError, match=f"{word}") as error:
        OPERATORS[operator](image)
    assert "\n" not in str(error.value)
