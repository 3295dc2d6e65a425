"""Networks that spel 0.1 saved, of every kind of layer: they load, and give the same numbers."""

import json
from pathlib import Path

import numpy as np

from spel.nn import load
from spel.nn.registry import is_own

FILES = Path(__file__).with_name("version_0_1")
PRINTS = json.loads((FILES / "fingerprints.json").read_text())


def test_every_kind_loads_and_runs_as_it_did():
    network = load(FILES / "kinds.safetensors")
    results = np.load(FILES / "kinds.npz")
    assert network.fingerprint() == PRINTS["kinds"]
    assert network.meta["note"] == "é"
    assert network["convolution"].bank.provenance[1].at == (4, 1)
    activations = network.select(results["image"], network.names)
    for name in network.names:
        assert np.allclose(activations[name], results[name], atol=1e-6), name


def test_what_is_still_to_be_learned_loads():
    network = load(FILES / "unlearned.safetensors")
    assert network.fingerprint() == PRINTS["unlearned"]
    layer = network["wait"]
    assert (layer.kernels, layer.per_stroke, layer.per_image, layer.stride, layer.reduce) == (
        4,
        2,
        3,
        (1, 2),
        "pca",
    )


def test_every_kind_of_the_file_is_still_one_of_spels():
    kinds = {node.layer.kind for node in load(FILES / "kinds.safetensors")}
    assert len(kinds) == 17
    assert all(map(is_own, kinds))
