"""Borders: against NumPy's padding and SciPy's filters, which share no code with ours."""

import numpy as np
import pytest
from scipy import ndimage

from spel import Adjacency, KernelBank, ParameterError, ShapeError, ops
from spel.nn import Crop, MaxPool, Pad, chain

RNG = np.random.default_rng(0)
SCIPY = {  # the names of SciPy for the same borders
    "zero": "constant",
    "edge": "nearest",
    "reflect": "mirror",
    "symmetric": "reflect",
    "wrap": "wrap",
}
MASK = np.array([[1, 0, 1, 1, 1], [0, 1, 1, 0, 0], [1, 1, 0, 0, 1]], dtype=bool)


@pytest.mark.parametrize("border", SCIPY)
@pytest.mark.parametrize("size", [(7, 9), (2, 3), (1, 5)])
def test_padding_is_numpys(border, size):
    image = RNG.normal(size=(*size, 2)).astype(np.float32)
    mode = "constant" if border == "zero" else border
    around = ((5, 2), (1, 7), (0, 0))
    assert np.array_equal(
        ops.pad(image, (5, 1), (2, 7), border=border), np.pad(image, around, mode=mode)
    )


def test_an_image_without_spels_is_padded_with_zeros():
    assert ops.pad(np.ones((0, 3)), (1, 0), (1, 0), border="edge").tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("border", SCIPY)
def test_convolution_is_scipys(border):
    image = RNG.integers(-9, 9, size=(8, 11)).astype(np.float32)
    kernel = RNG.integers(-3, 4, size=(3, 5)).astype(np.float32)
    want = ndimage.correlate(image, kernel, mode=SCIPY[border])
    assert np.array_equal(
        ops.convolve(image, KernelBank.from_array(kernel), border=border)[..., 0], want
    )


@pytest.mark.parametrize("border", SCIPY)
def test_poolings_are_scipys(border):
    image = RNG.normal(size=(8, 11)).astype(np.float32)
    area, mode = Adjacency.from_mask(MASK), SCIPY[border]
    largest = ndimage.maximum_filter(image, footprint=MASK, mode=mode)
    assert np.array_equal(ops.max_pool(image, area, border=border), largest)
    assert np.array_equal(ops.max_pool(image, area, border=border, stride=2), largest[::2, ::2])
    smallest = ndimage.minimum_filter(image, footprint=MASK, mode=mode)
    assert np.array_equal(ops.min_pool(image, area, border=border), smallest)
    mean = ndimage.correlate(image, MASK / MASK.sum(), mode=mode)
    for count in ("valid", "full"):
        ours = ops.mean_pool(image, area, border=border, count=count)
        assert np.allclose(ours, mean, atol=1e-6)


def test_patches_see_the_same_border():
    row = Adjacency.from_displacements([(0, -2), (0, -1), (0, 0)])
    seen = {b: ops.patches([[1, 2, 3]], row, border=b)[0, 0].tolist() for b in SCIPY}
    assert seen == {
        "zero": [0, 0, 1],
        "edge": [1, 1, 1],
        "reflect": [3, 2, 1],
        "symmetric": [2, 1, 1],
        "wrap": [2, 3, 1],
    }


def test_a_trace_goes_to_the_spel_that_the_border_supplies():
    wide = Adjacency.from_displacements([(0, -2), (0, 0)])
    image = np.array([[[4.0], [9.0], [1.0]]])
    for border, winner in (("symmetric", (0, 1)), ("wrap", (0, 1)), ("edge", (0, 0))):
        layer = MaxPool(wide, border=border)
        told = layer.explain([image], layer(image), (0, 0), 0)
        assert told.reads[0].at == winner
    layer = MaxPool(wide, border="zero")
    told = layer.explain([-image], layer(-image), (0, 0), 0)
    assert told.terms["value"] == 0
    assert told.reads == ()
    net = chain(around=Pad(2, 0, "symmetric"))
    assert net(image[:2, :2]).shape == (3, 4, 1)
    told = net["around"].explain([image], net(image), (2, 0), 0)
    assert told.reads[0].at == (0, 1)


def test_a_layer_cuts_off_what_another_added():
    image = RNG.normal(size=(3, 4, 2)).astype(np.float32)
    net = chain(Pad((1, 2), (3, 4), "wrap"), Crop((1, 2), (3, 4)))
    assert np.array_equal(net(image), image)
    volume = RNG.normal(size=(3, 4, 5, 1)).astype(np.float32)
    net = chain(Pad((1, 2, 0), (0, 1, 3), 7.0), Crop((1, 2, 0), (0, 1, 3)))
    assert net.ndim == 3
    assert np.array_equal(net(volume), volume)


def test_what_cannot_be_is_refused():
    with pytest.raises(ShapeError, match="two numbers for pixels"):
        Pad((1, 2), (1, 2, 3))
    for wrong in (-1, 1.5, 1 << 30):
        with pytest.raises(ParameterError, match="whole numbers from 0"):
            Pad(wrong)
    for border in ("valid", "inside"):
        with pytest.raises(ParameterError, match="supplies no values"):
            ops.pad([[1]], (1, 1), (1, 1), border=border)
    with pytest.raises(ShapeError, match="one value per channel"):
        Pad(border=(1.0, 2.0)).shape((4, 4, 3))
    assert Crop(2, 2).shape((3, 9, 1)) == (0, 5, 1)
