"""Network files: whole, bounded, and readable for ever."""

import contextlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings

from spel import Adjacency, FormatError, KernelBank, Provenance, SpelError
from spel.nn import Color, Convolution, MaxPool, chain, load, residue
from spel.testing import networks


def example():
    bank = KernelBank.random(Adjacency.disk(2), kernels=2, channels=3, seed=3)
    told = tuple(Provenance(1, i, "egg.png", (4, i)) for i in range(2))
    bank = KernelBank(bank.adjacency, bank.weights, bank.bias, told)
    return chain(
        color=Color("rgb"), features=Convolution(bank), pooled=MaxPool(Adjacency.box(3), 2)
    )


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.safetensors"
    example().save(path)
    return path


def rewritten(path, change):
    """The file with its architecture changed."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    described = json.loads(header["__metadata__"]["spel"])
    changed = change(described)
    described = described if changed is None else changed
    header["__metadata__"]["spel"] = json.dumps(described)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])


def test_provenance_survives(saved):
    assert load(saved)["features"].bank.provenance[1].at == (4, 1)


@settings(max_examples=25, deadline=None)
@given(networks(channels=2))
def test_loaded_is_saved(tmp_path_factory, network):
    path = tmp_path_factory.mktemp("net") / "n.safetensors"
    network.save(path)
    again = load(path)
    assert again.nodes == network.nodes
    image = np.random.default_rng(0).normal(size=(9, 8, 2)).astype(np.float32)
    assert np.array_equal(again(image), network(image))


def test_every_truncation_is_refused(saved):
    data = saved.read_bytes()
    for length in [*range(60), *range(60, len(data), 97), len(data) - 1]:
        saved.write_bytes(data[:length])
        with pytest.raises(FormatError, match=r"net\.safetensors"):
            load(saved)


def test_every_flipped_byte_is_refused_or_still_a_network(saved):
    data = bytearray(saved.read_bytes())
    (size,) = struct.unpack("<Q", data[:8])
    for place in range(0, 8 + size, 41):
        damaged = data.copy()
        damaged[place] ^= 0x15
        saved.write_bytes(damaged)
        with contextlib.suppress(FormatError):
            assert load(saved).nodes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(version=99), "newer spel"),
        (lambda d: d.update(version=0), "version 0"),
        (lambda d: d.update(format="x"), "not a network of spel"),
        (lambda d: {k: v for k, v in d.items() if k != "nodes"}, "nodes is missing"),
        (
            lambda d: d["nodes"][1]["layer"].update(kind="dream.v1"),
            "unknown kind of layer 'dream.v1'",
        ),
        (
            lambda d: d["nodes"][1]["layer"].update(kind="mylab.dream.v1"),
            r"belongs to the package mylab, .* import mylab, .*allow=\['mylab.dream.v1'\]",
        ),
        (lambda d: d["nodes"][1]["layer"].update(extra=1), "unknown fields"),
        (lambda d: d["nodes"][2]["layer"].update(stride=0), "stride 0"),
        (lambda d: d["nodes"][2].update(inputs=["nope"]), "not before it"),
        (
            lambda d: d["nodes"][1]["layer"]["bank"]["bank"]["weights"].update(shape=[9, 9, 9]),
            "the architecture says",
        ),
        (lambda d: d.update(nodes=[{}] * 10_001), "at most"),
        (lambda d: [], "not a network of spel"),
    ],
)
def test_damage_is_named(saved, change, words):
    rewritten(saved, change)
    with pytest.raises(FormatError, match=words):
        load(saved)


def test_other_files_are_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(FormatError, match="not a network of spel"):
        load(tmp_path / "a.safetensors")
    with pytest.raises(FormatError, match="a folder"):
        load(tmp_path)
    with pytest.raises(FormatError, match="there is no such file"):
        load(tmp_path / "absent")
    (tmp_path / "j").write_text("{" + '"a":' * 5000)
    with pytest.raises(FormatError, match="no safetensors"):
        load(tmp_path / "j")


def test_deep_and_repeating_headers_are_refused(tmp_path):
    for text, words in ((b'{"a":' * 999, "deeper"), (b'{"a":1,"a":2}', "repeats")):
        (tmp_path / "n").write_bytes(struct.pack("<Q", len(text)) + text)
        with pytest.raises(FormatError, match=words):
            load(tmp_path / "n")


def test_nothing_is_left_where_nothing_can_be_written(tmp_path):
    with pytest.raises(SpelError, match="no folder"):
        example().save(tmp_path / "absent" / "n.safetensors")
    with pytest.raises(SpelError, match="folder"):
        example().save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nested_layers_survive(tmp_path):
    net = chain(residue(MaxPool(Adjacency.box(3))), residue(MaxPool(Adjacency.cross(2))))
    net.save(tmp_path / "n")
    assert load(tmp_path / "n").names == net.names


@pytest.mark.parametrize("text", [b"7", b"[]", b"null", b'"a"', b'{"__metadata__": 3}', b"{}"])
def test_headers_that_are_no_network(tmp_path, text):
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(FormatError, match="not a network of spel"):
        load(path)


DAMAGES = [
    ("adjacency", 3),
    ("adjacency", "box"),
    ("stride", 10**40),
    ("stride", 1e9),
    ("stride", [1, "2"]),
    ("border", 1e308),
    ("white", 1e-300),
    ("white", [255]),
    ("space", None),
    ("bank", 17),
]


@pytest.mark.parametrize(("field", "value"), DAMAGES, ids=str)
def test_every_field_is_checked_where_it_is_read(saved, field, value):
    def change(described):
        for node in described["nodes"]:
            if field in node["layer"]:
                node["layer"][field] = value

    rewritten(saved, change)
    with pytest.raises(FormatError, match="node '") as error:
        load(saved)
    assert field in str(error.value) or "bank" in str(error.value)
    assert "\n" not in str(error.value)


def test_brackets_in_texts_do_not_count_and_depth_is_checked_before_writing(tmp_path):
    path = tmp_path / "net.safetensors"
    net = example().with_meta(note="[" * 65 + '"' + "{" * 70)
    net.save(path)
    assert load(path).meta["note"] == net.meta["note"]
    deep: object = 1
    for _ in range(70):
        deep = [deep]
    with pytest.raises(FormatError, match="nested deeper than 64"):
        example().with_meta(deep=deep).save(tmp_path / "deep.safetensors")
    for value in (float("nan"), object(), {1, 2}):
        with pytest.raises(FormatError, match="cannot be written as JSON"):
            example().with_meta(value=value).save(tmp_path / "bad.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["net.safetensors"]
