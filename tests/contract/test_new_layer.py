"""A layer that others write: the code of docs/contributing/add-a-layer.md, all the way through."""

import importlib.util
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import spel
from spel import Adjacency, FormatError
from spel.nn import KINDS, Layer, Network, Node, chain, register

PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "add-a-layer.md"
KIND = "mylab.local_contrast.v1"
IMAGE = np.random.default_rng(0).normal(size=(13, 17, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def mylab(tmp_path_factory):
    """The page's code as a module of somebody else's package; its parts in the page's order."""
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    layer, files, torch_part, onnx_part = blocks
    path = tmp_path_factory.mktemp("mylab") / "mylab.py"
    path.write_text("\n".join([layer, torch_part, onnx_part]))
    spec = importlib.util.spec_from_file_location("mylab", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["mylab"] = module
    spec.loader.exec_module(module)
    module.FILES = files
    yield module
    del sys.modules["mylab"]


@pytest.fixture
def net(mylab):
    return chain(contrast=mylab.LocalContrast(Adjacency.box(5)), relu=spel.Activation())


def test_the_engine_and_the_shape(mylab):
    layer = mylab.LocalContrast(Adjacency.rectangle(width=3, height=1))
    assert layer([[0.0, 3.0, 9.0]]).tolist() == [[-1.5, -1.0, 3.0]]
    assert layer.shape((5, 6, 7)) == (5, 6, 7)
    with pytest.raises(spel.ShapeError, match="LocalContrast: 2 images"):
        layer(IMAGE, IMAGE)


def test_it_is_an_equal_value(mylab):
    assert KINDS[KIND] is mylab.LocalContrast
    assert mylab.LocalContrast(Adjacency.box(5)) == mylab.LocalContrast(Adjacency.box(5))
    assert mylab.LocalContrast(Adjacency.box(5)) != mylab.LocalContrast(Adjacency.box(3))


def test_a_file_is_read_only_if_the_kind_is_allowed(net, mylab, tmp_path, monkeypatch):
    net.save(tmp_path / "net.safetensors")
    with pytest.raises(FormatError, match=r"belongs to mylab.*allow=\['mylab.local_contrast.v1'\]"):
        spel.load(tmp_path / "net.safetensors")
    again = spel.nn.load(tmp_path / "net.safetensors", allow=[KIND])
    assert again == net
    assert np.array_equal(again(IMAGE), net(IMAGE))
    monkeypatch.chdir(tmp_path)
    exec(mylab.FILES, {"LocalContrast": mylab.LocalContrast, "Adjacency": Adjacency})


def test_a_name_that_is_taken_or_malformed_is_refused(mylab):
    for kind, word in ((KIND, "is taken"), ("convolution.v1", "is taken"), ("Bad", "expected")):
        other = type("Other", (mylab.LocalContrast,), {"kind": kind})
        with pytest.raises(spel.ParameterError, match=word):
            register(other)


def test_a_layer_whose_fields_have_no_known_type_is_refused():
    class Unknown(Layer):
        kind = "mylab.unknown.v1"
        size: "Nowhere" = 3  # noqa: F821

    with pytest.raises(spel.ParameterError, match="name 'Nowhere' is not defined"):
        register(dataclass(frozen=True)(Unknown))
    assert "mylab.unknown.v1" not in spel.nn.KINDS


def test_the_trace_and_the_summary(net):
    trace = net.trace(IMAGE, at=(3, 4))
    step = trace["contrast"]
    assert step.value == net.activations(IMAGE)["contrast"][3, 4, step.channel]
    assert "LocalContrast" in net.summary(IMAGE.shape)
    json.loads(trace.to_json())


def test_a_tile_with_its_halo_gives_the_bits_of_the_whole(net):
    assert net.halo == ((2, 2), (2, 2))
    whole, tile = net(IMAGE), net(IMAGE[3:11, 2:14])
    assert np.array_equal(tile[2:-2, 2:-2], whole[5:9, 4:12])


def test_pytorch_and_back(net):
    import torch

    module = spel.to_torch(net)
    x = torch.from_numpy(np.moveaxis(IMAGE, -1, 0)[None].copy())
    assert np.allclose(np.moveaxis(module(x)[0].numpy(), 0, -1), net(IMAGE), atol=1e-6)
    assert spel.from_torch(module) == net
    assert torch.export.export(module, (x,))


def test_onnx(net, tmp_path):
    report = spel.to_onnx(net, tmp_path / "net.onnx", images=[IMAGE, IMAGE[:9]])
    assert report.difference <= 1e-5


def test_the_script_builds_it_again(net, mylab):
    scope = {}
    exec(spel.backends.to_script(net), scope)
    assert scope["network"] == net


def test_the_studio_describes_it(mylab):
    from spel.studio.describe import fields_of, form_of, with_fields
    from spel.studio.new_layers import addable, new_layer

    assert form_of(mylab.LocalContrast) == [{"name": "adjacency", "type": "adjacency"}]
    assert "mylab.local_contrast" in addable()
    layer = new_layer("mylab.local_contrast", 3)
    assert fields_of(layer)["adjacency"]["width"] == 5
    edited = with_fields(layer, {"adjacency": {"shape": "cross", "radius": 2}})
    assert edited.adjacency == Adjacency.cross(2)


def test_backends_refuse_what_nobody_translated(tmp_path):
    for package in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(package)

    class Plain(Layer):
        kind = "mylab.plain.v1"

        def __call__(self, image):
            return np.asarray(image, dtype=np.float32)

        def shape(self, shape):
            return shape

    net = Network((Node("plain", Plain()),))
    for translate in (
        spel.to_torch,
        lambda n: spel.to_onnx(n, tmp_path / "n.onnx", images=[IMAGE]),
    ):
        with pytest.raises(spel.UnsupportedLayerError) as error:
            translate(net)
        assert "'plain'" in error.value.__notes__[0]
