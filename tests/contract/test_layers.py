"""The contract of a layer, over a table of all kinds: a kind that is not in the table fails."""

import dataclasses

import numpy as np
import pytest

from spel import Adjacency, KernelBank, NotLearnedError, ShapeError, ops
from spel.nn import KINDS, Network, Node, chain, load
from spel.nn.registry import is_own
from spel.testing.examples import EXAMPLES, REQUESTS

CASES = [(kind, i) for kind, given in EXAMPLES.items() for i in range(len(given))]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def layer(request):
    kind, index = request.param
    return KINDS[kind](**EXAMPLES[kind][index])


def pictures(layer, seed=0):
    rng = np.random.default_rng(seed)
    count = 2 if layer.inputs is None else layer.inputs
    return [rng.normal(size=(6, 7, 2)).astype(np.float32) for _ in range(count)]


def test_every_kind_is_in_the_table():
    missing = set(filter(is_own, KINDS)) - set(EXAMPLES) - set(REQUESTS)
    assert not missing, f"add {missing} to EXAMPLES"


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_has_a_shape_and_a_file_but_cannot_be_called(kind, tmp_path):
    net = chain(KINDS[kind](**REQUESTS[kind]))
    net.save(tmp_path / "net.safetensors")
    assert load(tmp_path / "net.safetensors").nodes == net.nodes
    assert net.shape((6, 7, 2)) == (6, 7, 4)
    with pytest.raises(NotLearnedError):
        net(np.ones((6, 7, 2)))


def test_the_result_has_the_shape_told_without_data(layer):
    images = pictures(layer)
    assert layer(*images).shape == layer.shape(*[i.shape for i in images])


def test_another_number_of_images_is_refused_by_name(layer):
    images = pictures(layer)
    wrong = [[]] if layer.inputs is None else [[], [*images, images[0]]]
    for given in wrong:
        told = f"{type(layer).__name__}: {len(given)} images given; expected"
        with pytest.raises(ShapeError, match=told):
            layer(*given)
        with pytest.raises(ShapeError, match=told):
            layer.shape(*[i.shape for i in given])


def test_same_input_same_bits_and_inputs_untouched(layer):
    images = pictures(layer)
    before = [i.copy() for i in images]
    assert np.array_equal(layer(*images), layer(*images))
    assert all(np.array_equal(a, b) for a, b in zip(images, before))


def test_values_are_frozen_comparable_and_hashable(layer):
    (name, *_) = [f.name for f in dataclasses.fields(layer)] or ["anything"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(layer, name, None)
    again = dataclasses.replace(layer)
    assert again == layer
    assert hash(again) == hash(layer)


def test_saved_and_loaded_it_is_equal(layer, tmp_path):
    count = 2 if layer.inputs is None else layer.inputs
    net = Network((Node("only", layer, ("input",) * count),), {"note": "é"})
    net.save(tmp_path / "net.safetensors")
    again = load(tmp_path / "net.safetensors")
    assert again["only"] == layer
    assert again.fingerprint() == net.fingerprint()
    assert dict(again.meta) == {"note": "é"}
    (image, *_) = pictures(layer)
    assert np.array_equal(net(image), again(image))


def test_every_value_can_be_explained(layer):
    images = pictures(layer)
    output = layer(*images)
    if output.ndim == 1:
        told = layer.explain(images, output, (), 5)
        assert told.terms["value"] == output[5]
        return
    at = tuple(n // 2 for n in output.shape[:-1])
    for channel in range(output.shape[-1]):
        told = layer.explain(images, output, at, channel)
        assert told.terms["value"] == output[(*at, channel)]
        for read in told.reads:
            images[read.image][(*read.at, read.channel)]


def test_it_runs_in_a_network_as_alone(layer):
    (image, *others) = pictures(layer)
    if not others:
        assert np.array_equal(chain(layer)(image), layer(image))
        assert chain(layer).shape(image.shape) == layer.shape(image.shape)
        return
    double = KINDS["scale.v1"]([2.0, -1.0])
    net = Network((Node("double", double), Node("it", layer, ("input", "double"))))
    assert np.array_equal(net(image), layer(image, double(image)))
    assert net.shape(image.shape) == layer.shape(image.shape, image.shape)


def test_a_batch_is_decided_image_by_image(layer):
    count = 2 if layer.inputs is None else layer.inputs
    net = Network((Node("only", layer, ("input",) * count),))
    first, second = pictures(layer, 3)[0], pictures(layer, 4)[0] * 5 + 1
    pair = net(np.stack([first, second]))
    assert np.array_equal(pair[0], net(first))
    assert np.array_equal(pair[1], net(second))


@pytest.mark.parametrize("rule", ["otsu", "p80", "p33.3"])
def test_a_rule_looks_at_one_image_of_a_batch_and_at_a_whole_volume(rule):
    low = np.random.default_rng(0).random((5, 6, 7, 1)).astype(np.float32)
    high = low * 1000 + 300
    layer = KINDS["threshold.v1"](rule)
    assert np.array_equal(layer(np.stack([low[0], high[0]]))[1], layer(high[0]))
    still = KernelBank(Adjacency.ball(0, ndim=3), np.ones((1, 1, 1)))
    volume = chain(KINDS["convolution.v1"](still), layer)
    pair = volume(np.stack([low, high]))
    assert np.array_equal(pair[1], volume(high))
    assert np.array_equal(pair[1][..., 0] > 0, ops.threshold(high[..., 0], rule))
