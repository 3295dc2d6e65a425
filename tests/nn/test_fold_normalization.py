"""LAW: a folded network gives the same numbers with fewer nodes."""

import numpy as np
import pytest

from spel import Adjacency, KernelBank
from spel.errors import ParameterError
from spel.nn import Activation, BatchNormalize, Convolution, MaxPool, branch, chain
from spel.nn.fold_normalization import fold_batch_normalization

RNG = np.random.default_rng(0)
BATCH = RNG.normal(2, 3, size=(6, 9, 8, 2)).astype(np.float32)
BANK = KernelBank.random(Adjacency.disk(2), kernels=3, channels=2, seed=0)


@pytest.mark.parametrize("border", ["zero", "reflect", "valid", (1.0, -2.0)])
def test_the_same_numbers(border):
    conv = Convolution(BANK, border=border)
    norm = BatchNormalize(gamma=np.array([1.0, 2.0, -1.0]), beta=0.5, over="channel")
    norm = norm.fitted(conv(BATCH))
    net = chain(conv=conv, norm=norm, relu=Activation(), pool=MaxPool(Adjacency.box(3)))
    less = fold_batch_normalization(net)
    assert less.names == ("conv", "relu", "pool")
    assert np.allclose(less(BATCH), net(BATCH), atol=1e-4)
    assert fold_batch_normalization(less) is less


def test_as_the_output_it_keeps_its_name():
    norm = BatchNormalize(np.ones(3), np.full(3, 2.0), over="channel")
    net = chain(conv=Convolution(BANK), norm=norm)
    assert fold_batch_normalization(net, "norm").names == ("norm",)
    assert np.allclose(fold_batch_normalization(net)(BATCH), net(BATCH), atol=1e-5)


def test_what_cannot_be_folded_is_told():
    conv = Convolution(BANK)
    spel_wise = BatchNormalize().fitted(conv(BATCH))
    cases = {
        "differ from spel to spel": chain(conv=conv, norm=spel_wise),
        "fit it first": chain(conv=conv, norm=BatchNormalize()),
        "no convolution": chain(relu=Activation(), norm=BatchNormalize([1.0], [1.0])),
    }
    for why, net in cases.items():
        with pytest.raises(ParameterError, match=why):
            fold_batch_normalization(net, "norm")
        assert fold_batch_normalization(net).names == net.names
    with pytest.raises(ParameterError, match="no batch normalization"):
        fold_batch_normalization(chain(conv=conv), "conv")
    norm = BatchNormalize(np.ones(3), np.ones(3), over="channel")
    shared = chain(conv=conv, both=branch(norm=norm, other=Activation()))
    assert len(fold_batch_normalization(shared)) == len(shared)
