"""What every operator promises: checks first, strict out, inputs untouched, any size and layout."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import spel
from spel import Adjacency, KernelBank, ParameterError, ShapeError, SpelError, ops
from spel.testing import adjacencies, images

WIDE = Adjacency.rectangle(width=5, height=3)
FAR = Adjacency.box(31)

OPERATORS = {
    "convolve": lambda x, a=WIDE, **k: ops.convolve(
        x,
        KernelBank(a, np.ones((2, len(a), np.shape(x)[-1] if np.ndim(x) > 2 else 1)), [1.0, 2.0]),
        **k,
    ),
    "max_pool": lambda x, a=WIDE, **k: ops.max_pool(x, a, **k),
    "min_pool": lambda x, a=WIDE, **k: ops.min_pool(x, a, **k),
    "mean_pool": lambda x, a=WIDE, **k: ops.mean_pool(x, a, **k),
    "divisive_normalize": lambda x, a=WIDE, **k: ops.divisive_normalize(x, a, **k),
    "linear_normalize": lambda x, a=None, **k: ops.linear_normalize(x, **k),
    "activate": lambda x, a=None, **k: ops.activate(x, **k),
    "residue": lambda x, a=None, **k: ops.residue(x, np.ones_like(x), **k),
    "softmax": lambda x, a=None, **k: ops.softmax(x, **k),
    "argmax": lambda x, a=None, **k: ops.argmax(x, **k),
    "patches": lambda x, a=WIDE, **k: ops.patches(x, a, **k),
}
every = pytest.mark.parametrize("name", OPERATORS)
few = settings(max_examples=25, deadline=None)


@every
@few
@given(image=images(), data=st.data())
def test_any_layout_and_dtype_gives_the_bits_of_a_plain_float_copy(name, image, data):
    area = data.draw(adjacencies())
    plain = np.array(image, dtype=np.float32, order="C")
    before = image.copy()
    assert np.array_equal(OPERATORS[name](image, area), OPERATORS[name](plain, area))
    assert np.array_equal(image, before)


@every
@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0), (1, 1), (2, 1)])
def test_empty_tiny_and_smaller_than_the_adjacency(name, size):
    for area in (WIDE, FAR):
        result = OPERATORS[name](np.ones((*size, 2)), area)
        assert result.shape[:2] == size
        assert np.isfinite(result).all()


@every
def test_rank_is_kept_or_gains_channels(name):
    flat = OPERATORS[name](np.ones((4, 6)))
    assert flat.shape[:2] == (4, 6)
    if name not in ("convolve", "patches"):
        assert flat.ndim == 2
    assert OPERATORS[name](np.ones((3, 4, 6, 2))).shape[:3] == (3, 4, 6)


@every
def test_out_is_written_and_returned(name):
    image = np.arange(24.0).reshape(4, 3, 2)
    wanted = OPERATORS[name](image)
    out = np.full(wanted.shape, np.nan, dtype=np.float32)
    assert OPERATORS[name](image, out=out) is out
    assert np.array_equal(out, wanted)


ROUNDED = ("convolve", "max_pool", "min_pool", "mean_pool", "activate", "argmax")


@every
def test_out_of_bytes_takes_the_values_rounded_or_is_refused(name):
    image = np.arange(24.0).reshape(4, 3, 2) * 13.5 - 20
    wanted = OPERATORS[name](image)
    out = np.full(wanted.shape, 7, dtype=np.uint8)
    if name in ROUNDED:
        assert OPERATORS[name](image, out=out) is out
        assert np.array_equal(out, np.rint(np.clip(wanted, 0, 255)))
    else:
        with pytest.raises(ParameterError, match=f"{name}: out of dtype uint8; expected a float32"):
            OPERATORS[name](image, out=out)


@every
def test_out_is_strict(name):
    image = np.ones((4, 3, 2), dtype=np.float32)
    shape = OPERATORS[name](image).shape
    frozen = np.zeros(shape, dtype=np.float32)
    frozen.setflags(write=False)
    for out, error in (
        (np.zeros((9, 9, 9), dtype=np.float32), ShapeError),
        (np.zeros(shape), ParameterError),
        (frozen, ParameterError),
        ([1], ParameterError),
    ):
        with pytest.raises(error, match=name):
            OPERATORS[name](image, out=out)


@pytest.mark.parametrize("name", ["max_pool", "activate", "divisive_normalize", "residue"])
def test_inputs_are_never_written(name):
    image = np.ones((4, 3, 2), dtype=np.float32)
    with pytest.raises(ParameterError, match="shares memory"):
        OPERATORS[name](image, out=image)


@every
@pytest.mark.parametrize(
    "image", [np.ones((3, 3, 1), dtype=complex), np.array([["a"]]), np.ones(3), [[1], [2, 3]]]
)
def test_what_is_no_image_is_refused(name, image):
    if name == "activate" and np.ndim(np.asarray(image, dtype=object)) == 1 and len(image) == 3:
        return  # pointwise: any shape will do
    with pytest.raises((SpelError, ValueError), match=r"."):
        OPERATORS[name](image)


@every
def test_same_bits_for_any_number_of_threads(name):
    image = np.random.default_rng(0).normal(size=(2, 301, 203, 3)).astype(np.float32)
    with spel.threads(1):
        one = OPERATORS[name](image)
    with spel.threads(2):
        two = OPERATORS[name](image)
    assert np.array_equal(one, two)


def test_channels_that_do_not_fit_are_told():
    with pytest.raises(ShapeError, match="image of 3 channels, bank for 1"):
        ops.convolve(np.ones((4, 4, 3)), KernelBank.sobel())


@pytest.mark.parametrize("stride", [0, -1, 1.5, (1, 2, 3)])
def test_strides_are_checked(stride):
    with pytest.raises(ParameterError, match="stride"):
        ops.max_pool(np.ones((4, 4)), WIDE, stride=stride)


def test_words_outside_their_set_list_the_choices():
    for call, words in (
        (lambda: ops.activate([[1]], "rleu"), "relu, leaky_relu"),
        (lambda: ops.activate([[1]], "relu", parameter=2), "takes no parameter"),
        (lambda: ops.max_pool([[1]], WIDE, border="zeros"), "inside, zero"),
        (lambda: ops.mean_pool([[1]], WIDE, count="all"), "'valid' or 'full'"),
        (lambda: ops.linear_normalize([[1]], over="rows"), "domain, batch, channels"),
        (lambda: ops.threshold([[1]], "p101"), "'p0' to 'p100'"),
        (lambda: ops.convolve([[1]], KernelBank.sobel(), border="inside"), "pooling"),
        (lambda: ops.max_pool([[1]], 3), "expected an Adjacency"),
        (lambda: ops.grey(np.ones((2, 2, 4))), "alpha"),
    ):
        with pytest.raises(ParameterError if "alpha" not in words else ShapeError, match=words):
            call()
