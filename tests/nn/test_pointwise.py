"""Sums, products, limits, slopes and shares: literals by hand, what is refused, their traces."""

import numpy as np
import pytest

from spel import ParameterError, ShapeError, ops
from spel.nn import Activation, Add, ArgMax, Clip, Multiply, Network, Node, PReLU, Softmax, chain


def test_a_residual_block_adds_its_input():
    net = Network((Node("relu", Activation()), Node("out", Add(), ("relu", "input"))))
    assert net([[-1.0, 2.0]]).ravel().tolist() == [-1.0, 4.0]
    trace = net.trace([[-1.0, 2.0]], at=(0, 1))
    assert trace["out"].terms["image 1"] == 2.0
    assert trace["out"].terms["image 2"] == 2.0
    assert [step.node for step in trace.steps] == ["relu", "out"]


def test_one_channel_and_one_spel_serve_all():
    image = np.arange(12.0).reshape(2, 3, 2)
    gate = np.array([[[1.0], [0.0], [1.0]], [[0.5], [0.5], [2.0]]])
    assert Multiply()(image, gate)[1, 2].tolist() == [20.0, 22.0]
    assert Multiply()(gate, image).shape == (2, 3, 2)
    assert Add()(image, [[[100.0, 200.0]]])[0, 0].tolist() == [100.0, 201.0]
    told = Multiply().explain([image, gate], Multiply()(image, gate), (1, 2), 1)
    assert [(r.at, r.channel) for r in told.reads] == [((1, 2), 1), ((1, 2), 0)]


@pytest.mark.parametrize(
    "shapes", [((2, 3, 2), (2, 3, 3)), ((2, 3, 2), (1, 3, 2)), ((2, 3), (2, 3))]
)
def test_images_that_do_not_fit_are_refused(shapes):
    for layer in (Add(), Multiply()):
        with pytest.raises(ShapeError, match="one size and one number of channels"):
            layer.shape(*shapes)
        with pytest.raises(ShapeError, match=type(layer).__name__):
            layer(*[np.zeros(s) for s in shapes])


def test_limits():
    values = np.array([[[-np.inf, -2.0, 0.5, 7.0, np.inf, np.nan]]])
    assert np.array_equal(
        chain(Clip(-1, 6))(values).ravel(), [-1, -1, 0.5, 6, 6, np.nan], equal_nan=True
    )
    assert Clip(None, 1.0)([[[-9.0, 9.0]]]).tolist() == [[[-9.0, 1.0]]]
    with pytest.raises(ParameterError, match="above high"):
        Clip(2, 1)


def test_slopes_belong_to_channels():
    assert PReLU([0.0, 2.0])([[[-1.0, -1.0]]]).tolist() == [[[0.0, -2.0]]]
    with pytest.raises(ShapeError, match="one slope per channel"):
        PReLU([0.1, 0.2])(np.zeros((2, 2, 3)))


def test_smooth_and_piecewise_gates():
    assert ops.activate([0.0, 1.0], "silu").round(6).tolist() == pytest.approx(
        [0, 0.731059], abs=1e-6
    )
    assert ops.activate([-4.0, 0.0, 1.0, 9.0], "hard_swish").tolist() == pytest.approx(
        [0, 0, 2 / 3, 9], abs=1e-6
    )


def test_shares_add_up_to_one_and_do_not_overflow():
    shares = ops.softmax(np.array([[[1000.0, 1000.0, 0.0], [np.log(3), 0.0, -np.inf]]]))
    assert shares[0, 0].tolist() == [0.5, 0.5, 0.0]
    assert shares[0, 1].tolist() == pytest.approx([0.75, 0.25, 0.0])
    assert np.isnan(ops.softmax([[[np.nan, 1.0]]])).all()
    many = np.random.default_rng(0).normal(size=(3, 4, 5, 6)) * 30
    assert np.allclose(ops.softmax(many).sum(axis=-1), 1, atol=1e-6)


def test_the_first_of_equal_channels_is_the_class():
    image = [[[2.0, 2.0, 1.0], [0.0, np.nan, 9.0], [-3.0, -2.0, -1.0]]]
    assert ArgMax()(image).ravel().tolist() == [0.0, 1.0, 2.0]
    step = chain(shares=Softmax(), label=ArgMax()).trace(image, at=(0, 2))["label"]
    assert step.value == 2.0
    with pytest.raises(ShapeError, match="argmax: image of shape"):
        ops.argmax(np.zeros(3))
