"""Packages of the BioImage Model Zoo: what they hold, and that the file in them gives the result.

The zoo's own validator (``pip install bioimageio.core`` and ``bioimageio test model.zip``) ran on
packages of images and volumes; it is no dependency of the tests.
"""

from __future__ import annotations

import hashlib
import io
import zipfile

import numpy as np
import pytest
import yaml

import spel
from spel import Adjacency, KernelBank
from spel.backends import to_bioimageio
from spel.errors import FormatError, ShapeError

onnxruntime = pytest.importorskip("onnxruntime")


def network(ndim: int = 2, stride: int = 1) -> spel.Network:
    bank = KernelBank.random(Adjacency.cross(1, ndim=ndim), kernels=2, channels=1, seed=0)
    return spel.chain(edges=spel.Convolution(bank, stride=stride), positive=spel.Activation("relu"))


def image(*size: int) -> np.ndarray:
    return np.random.default_rng(1).random((*size, 1)).astype(np.float32)


@pytest.mark.parametrize(("size", "stride"), [((12, 16), 1), ((12, 16), 2), ((4, 6, 8), 2)])
def test_a_package_runs_to_the_result_that_it_states(tmp_path, size, stride):
    net, given = network(len(size), stride), image(*size)
    path = tmp_path / "a+b.v1.zip"
    report = to_bioimageio(net, path, images=[given], authors=["A. Person"], license="CC-BY-4.0")
    assert report.difference < 1e-6
    archive = zipfile.ZipFile(path)
    about = yaml.safe_load(archive.read("rdf.yaml"))
    assert about["name"] == "a+b-v1 (spel)"
    assert (about["authors"], about["license"]) == ([{"name": "A. Person"}], "CC-BY-4.0")
    weights = about["weights"]["onnx"]
    model = archive.read(weights["source"])
    assert hashlib.sha256(model).hexdigest() == weights["sha256"]
    first = np.load(io.BytesIO(archive.read(about["inputs"][0]["test_tensor"]["source"])))
    last = np.load(io.BytesIO(archive.read(about["outputs"][0]["test_tensor"]["source"])))
    ran = onnxruntime.InferenceSession(model).run(["output"], {"image": first})[0]
    np.testing.assert_allclose(ran, last, atol=1e-5)
    np.testing.assert_array_equal(last[0], net(given))
    axes = [axis.get("id", axis["type"]) for axis in about["inputs"][0]["axes"]]
    assert axes == ["batch", *"zyx"[-len(size) :], "channel"]
    scales = [axis["scale"] for axis in about["outputs"][0]["axes"] if "scale" in axis]
    assert scales == [stride] * len(size)


def test_the_same_network_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        to_bioimageio(network(), tmp_path / name / "net.zip", images=[image(8, 8)])
    assert (tmp_path / "a/net.zip").read_bytes() == (tmp_path / "b/net.zip").read_bytes()


def test_what_no_package_can_hold_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"named \*\.zip"):
        to_bioimageio(network(), tmp_path / "net.onnx", images=[image(8, 8)])
    with pytest.raises(ShapeError, match="multiple of the strides"):
        to_bioimageio(network(stride=2), tmp_path / "net.zip", images=[image(7, 8)])
    assert not list(tmp_path.iterdir())
