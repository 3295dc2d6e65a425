"""PyTorch's own tools take every module: export, compile, pickle, autocast, deepcopy."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import spel
from spel import Adjacency
from spel.nn import KINDS, Network, Node, chain
from spel.testing.examples import EXAMPLES

torch = pytest.importorskip("torch")

CASES = [(kind, i) for kind, given in EXAMPLES.items() for i in range(len(given))]


def network_of(kind, index):
    layer = KINDS[kind](**EXAMPLES[kind][index])
    count = 2 if layer.inputs is None else layer.inputs
    inputs = ("input",) if count == 1 else ("input", "other")
    more = () if count == 1 else (Node("other", KINDS["scale.v1"]([0.5, 0.75])),)
    return Network((*more, Node("it", layer, inputs)))


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request):
    net = network_of(*request.param)
    batch = np.random.default_rng(0).normal(size=(2, 2, 6, 7)).astype(np.float32)
    if request.param[0] == "color.v1":
        batch = np.random.default_rng(0).random((2, 3, 6, 7)).astype(np.float32)
    return net, spel.to_torch(net).eval(), torch.from_numpy(batch)


def test_export(case):
    _, module, x = case
    program = torch.export.export(module, (x,))
    assert torch.equal(program.module()(x), module(x))


def test_compile_without_a_break(case):
    _, module, x = case
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = torch.compile(module, fullgraph=True, backend="eager")
        assert torch.equal(compiled(x), module(x))


def test_pickle_and_deepcopy(case):
    _, module, x = case
    for again in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert torch.equal(again(x), module(x))


def test_there_and_back_is_the_same_network(case):
    net, module, _ = case
    assert spel.from_torch(module) == net


def test_autocast_to_bfloat16():
    net = spel.load("parasite-eggs")
    image = np.random.default_rng(0).integers(0, 256, (1, 3, 40, 50)).astype(np.float32)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        result = spel.to_torch(net)(torch.from_numpy(image))
    assert result.shape[-2:] == (40, 50)
    assert torch.isfinite(result.float()).all()


@pytest.mark.parametrize("border", ["inside", "valid"])
@pytest.mark.parametrize("kind", ["max_pool.v1", "min_pool.v1", "mean_pool.v1"])
def test_windows_with_no_adjacent_in_the_image(kind, border):
    away = Adjacency.from_displacements([(-9, 0), (-9, 1), (8, 8)])
    net = chain(KINDS[kind](away, border=border))
    image = np.random.default_rng(0).normal(size=(4, 5, 2)).astype(np.float32)
    x = torch.from_numpy(np.moveaxis(image, -1, 0)[None].copy())
    result = spel.to_torch(net)(x)[0].numpy()
    assert np.allclose(np.moveaxis(result, 0, -1), net(image))


@pytest.mark.parametrize("border", ["zero", "edge", "reflect", "valid", 2.0])
def test_kernels_that_lie_outside_the_image(border):
    away = Adjacency.from_displacements([(-9, 0), (-7, 1)])
    bank = spel.KernelBank.random(away, kernels=2, channels=2, seed=0)
    net = chain(KINDS["convolution.v1"](bank, border=border))
    image = np.random.default_rng(0).normal(size=(4, 5, 2)).astype(np.float32)
    x = torch.from_numpy(np.moveaxis(image, -1, 0)[None].copy())
    result = spel.to_torch(net)(x)[0].detach().numpy()
    assert np.allclose(np.moveaxis(result, 0, -1), net(image), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (2, 9)])
@pytest.mark.parametrize("kind", ["max_pool.v1", "group_normalize.v1"])
def test_images_smaller_than_a_window_give_the_shapes_of_the_engine(kind, size):
    of_windows = {"adjacency": Adjacency.box((3, 2)), "stride": 2, "border": "valid"}
    net = chain(KINDS[kind](**(of_windows if kind == "max_pool.v1" else {"groups": 2})))
    image = np.random.default_rng(0).normal(size=(*size, 2)).astype(np.float32)
    result = spel.to_torch(net)(torch.from_numpy(np.moveaxis(image, -1, 0)[None].copy()))[0]
    assert np.moveaxis(result.detach().numpy(), 0, -1).shape == net(image).shape
    assert np.allclose(np.moveaxis(result.detach().numpy(), 0, -1), net(image))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 7)])
def test_statistics_of_each_spel_are_not_spread_over_another_size(size):
    statistics = {"mean": np.ones((6, 7, 2)), "deviation": np.ones((6, 7, 2))}
    module = spel.to_torch(chain(KINDS["batch_normalize.v1"](**statistics)))
    with pytest.raises(spel.ShapeError, match="statistics of shape"):
        module(torch.zeros(1, 2, *size))
