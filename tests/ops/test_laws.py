"""Laws that hold for every adjacency, stride and border, and agreement with other libraries."""

import numpy as np
import pytest
import scipy.ndimage as ndi
from hypothesis import given, settings, strategies as st

from spel import Adjacency, KernelBank, ops
from spel.testing import adjacencies, banks, images

few = settings(max_examples=40, deadline=None)


@few
@given(images(channels=2), banks(channels=2), st.data())
def test_convolution_is_patches_times_weights_plus_bias(image, bank, data):
    border = data.draw(st.sampled_from(("zero", "edge", "reflect", "valid", 2.0, (1.0, -1.0))))
    stride = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    patches = ops.patches(image, bank.adjacency, stride=stride, border=border)
    wanted = patches.astype(float) @ bank.weights.reshape(len(bank), -1).T + bank.bias
    given_ = ops.convolve(image, bank, stride=stride, border=border)
    assert given_.shape == wanted.shape
    assert np.array_equal(given_, wanted)  # whole numbers: exact in float32


@few
@given(images(channels=2, smallest=1), adjacencies())
def test_distance_times_norm_is_the_convolution(image, adjacency):
    bank = KernelBank.random(adjacency, kernels=2, channels=2, seed=1)
    distance = bank.distance(ops.patches(image, adjacency))
    assert np.allclose(distance, ops.convolve(image, bank), atol=1e-4)


@few
@given(images(), adjacencies(), st.integers(1, 3))
def test_min_and_max_are_dual(image, adjacency, stride):
    negative = -image.astype(np.float32)
    assert np.array_equal(
        ops.min_pool(image, adjacency, stride=stride),
        -ops.max_pool(negative, adjacency, stride=stride) + 0.0,
    )


@few
@given(images(smallest=1), adjacencies(), st.integers(1, 3))
def test_a_stride_is_a_subsample(image, adjacency, stride):
    whole = ops.max_pool(image, adjacency)
    assert np.array_equal(ops.max_pool(image, adjacency, stride=stride), whole[::stride, ::stride])


@few
@given(images(smallest=1), adjacencies())
def test_mean_lies_between_min_and_max(image, adjacency):
    low, high = ops.min_pool(image, adjacency), ops.max_pool(image, adjacency)
    mean = ops.mean_pool(image, adjacency)
    assert (mean >= low - 1e-5).all()
    assert (mean <= high + 1e-5).all()


@few
@given(images(smallest=1))
def test_divisive_normalization_with_the_centre_stays_in_the_unit_ball(image):
    normalized = ops.divisive_normalize(image, Adjacency.box((3, 5)))
    assert (np.abs(normalized) <= 1 + 1e-6).all()


@few
@given(images(channels=1, smallest=1))
def test_labels_equal_scipy(image):
    mask = image[..., 0] > 0
    for adjacency, structure in ((Adjacency.disk(1), None), (Adjacency.box(3), np.ones((3, 3)))):
        assert np.array_equal(ops.label(mask, adjacency), ndi.label(mask, structure)[0])


@few
@given(images(ndim=3, channels=1, smallest=1, largest=5))
def test_labels_of_volumes_equal_scipy(image):
    mask = image[..., 0] > 0
    assert np.array_equal(ops.label(mask, Adjacency.ball(1)), ndi.label(mask)[0])


@pytest.mark.parametrize(
    ("border", "mode"), [("zero", "constant"), ("edge", "nearest"), ("reflect", "mirror")]
)
def test_convolution_equals_scipy(border, mode):
    rng = np.random.default_rng(5)
    image, weights = rng.normal(size=(23, 31)), rng.normal(size=(5, 3))
    given_ = ops.convolve(image, KernelBank.from_array(weights), border=border)[..., 0]
    assert np.allclose(given_, ndi.correlate(image, weights, mode=mode), atol=1e-5)


def test_pooling_a_disk_equals_scipy():
    image = np.random.default_rng(6).normal(size=(40, 37)).astype(np.float32)
    disk = Adjacency.disk(5.5)
    wanted = ndi.maximum_filter(image, footprint=disk.mask(), mode="constant", cval=-np.inf)
    assert np.array_equal(ops.max_pool(image, disk), wanted)


def test_nan_reaches_what_holds_it_and_nothing_else():
    image = np.ones((5, 7), dtype=np.float32)
    image[2, 3] = np.nan
    near = np.zeros((5, 7), dtype=bool)
    near[1:4, 2:5] = True
    box = Adjacency.box(3)
    ones = KernelBank(box, np.ones((1, 9, 1)))
    for result in (
        ops.max_pool(image, box),
        ops.min_pool(image, box),
        ops.mean_pool(image, box),
        ops.divisive_normalize(image, box),
        ops.convolve(image, ones)[..., 0],
    ):
        assert np.array_equal(np.isnan(result), near)
    assert not ops.threshold(image, 0.5)[2, 3]


def test_volumes_and_batches():
    rng = np.random.default_rng(3)
    volume = rng.normal(size=(4, 5, 6, 2)).astype(np.float32)
    bank = KernelBank.random(Adjacency.ball(1), kernels=3, channels=2, seed=0)
    batch = np.stack([volume, volume[::-1]])
    together = ops.convolve(batch, bank)
    assert together.shape == (2, 4, 5, 6, 3)
    assert np.array_equal(together[0], ops.convolve(volume, bank))
    wanted = sum(
        ndi.correlate(volume[..., c].astype(float), bank.dense()[1, ..., c], mode="constant")
        for c in range(2)
    )
    assert np.allclose(together[0, ..., 1], wanted, atol=1e-5)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.4.6", reason="other rounding before")
@given(
    st.integers(0, 1 << 30),
    st.sampled_from(["even", "ties", "zeros", "two", "tails", "step"]),
    st.sampled_from([np.float32, np.float64]),
    st.one_of(st.sampled_from(["p50", "p95", "p99.9", "p100", "p5"]), st.floats(50, 100)),
)
@settings(max_examples=60, deadline=None)
def test_percentiles_of_large_images_are_numpys(seed, kind, dtype, rank):
    """The selection that looks at a sample first gives the very same number."""
    rule = rank if isinstance(rank, str) else f"p{rank:.3f}"
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1 << 15, 1 << 17))
    values = {
        "even": lambda: rng.random(n),
        "ties": lambda: rng.integers(0, 9, n) / 7,
        "zeros": lambda: np.where(rng.random(n) < rng.random(), 0, rng.random(n)),
        "two": lambda: rng.integers(0, 2, n) - 0.5,
        "tails": lambda: rng.standard_cauchy(n),
        "step": lambda: np.where(np.arange(n) % (n >> 13) == 0, 5.0, rng.random(n)),
    }[kind]()
    image = values.astype(dtype)[None, :, None]
    assert ops.threshold_value(image, rule) == float(np.percentile(image, float(rule[1:])))


def test_otsu_and_percentiles():
    from skimage.filters import threshold_otsu

    image = np.random.default_rng(0).normal(size=500)
    assert ops.threshold_value(image, "otsu") == threshold_otsu(image)
    assert ops.threshold_value(image, "p90") == np.percentile(image, 90)
    assert ops.threshold_value(np.full(4, np.nan), "otsu") == np.inf
    assert ops.threshold_value([5, 5], "otsu") == 5
    for low, high in ((1, np.nextafter(1, 2)), (0, 5e-324), (-1.7e308, 1.7e308), (-1e-30, 3e-30)):
        two = np.array([low, high, low])
        assert (two > ops.threshold_value(two, "otsu")).tolist() == [False, True, False]
