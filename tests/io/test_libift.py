"""The group's files: published models as networks, round trips, one error for malformed ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spel.backends.libift_export import to_libift
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import FormatError, ParameterError, WriteError
from spel.io.annotation.annotations import AnnotationWarning
from spel.io.annotation.libift import mean_border, read_arch, read_model, space_of
from spel.io.annotation.libift_write import arch_of, write_arch, write_model
from spel.io.annotation.mimg import read_mimg, write_mimg
from spel.nn import Activation, Color, Convolution, DivisiveNormalize, MaxPool, Unlearned, chain

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
with_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared data are absent")

ARCH = {
    "nlayers": 1,
    "stdev_factor": 0.01,
    "layer1": {
        "conv": {
            "kernel_size": [3, 3, 0],
            "dilation_rate": [1, 1, 0],
            "nkernels_per_marker": 2,
            "nkernels_per_image": 1000,
            "noutput_channels": 4,
            "bias": True,
            "stride": 1,
        },
        "relu": True,
        "pooling": {"type": "max_pool", "size": [3, 3, 0], "stride": 2},
    },
}


def changed(path: str, value: object) -> dict:
    copy = json.loads(json.dumps(ARCH))
    place = copy
    *parents, last = path.split(".")
    for key in parents:
        place = place[key]
    place[last] = value
    return copy


def model(folder: Path, kernels: int = 4) -> Path:
    (folder / "arch.json").write_text(json.dumps(ARCH))
    weights = np.random.default_rng(0).normal(size=(27, kernels)).astype("<f4")
    np.save(folder / "conv1-kernels.npy", weights)
    (folder / "conv1-bias.txt").write_text(f"{kernels}\n" + " ".join(["0.5"] * kernels) + " \n")
    return folder


# -- LITERAL -------------------------------------------------------------------------------------


def test_an_architecture_is_a_network_to_be_learned(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(ARCH))
    net = read_arch(tmp_path / "a.json")
    assert net.names == ("color", "conv1", "relu1", "pool1")
    assert net["conv1"] == Unlearned(Adjacency.box(3), 4, 2, 1000)
    assert net["pool1"] == MaxPool(Adjacency.box(3), stride=2)


def test_the_colour_space_depends_on_the_file(tmp_path):
    import spel

    rgb = np.zeros((4, 4, 3), np.uint8)
    for name, image, space in (
        ("a.png", rgb, "labnorm2"),
        ("b.jpg", rgb, "labnorm2-jpeg"),
        ("c.png", np.zeros((4, 4, 4), np.uint8), "labnorm2-rgba"),
    ):
        spel.write(tmp_path / name, image)
        assert space_of(tmp_path / name) == space


def test_even_sizes_reach_as_far_as_the_next_odd_one(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(changed("layer1.conv.kernel_size", [4, 2, 0])))
    assert read_arch(tmp_path / "a.json")["conv1"].adjacency == Adjacency.box((3, 5))


def test_the_third_size_makes_voxels(tmp_path):
    arch = changed("layer1.conv.kernel_size", [3, 3, 3])
    arch["layer1"]["pooling"] = {"type": "no_pool"}
    (tmp_path / "a.json").write_text(json.dumps(arch))
    assert read_arch(tmp_path / "a.json", space=None)["conv1"].adjacency.ndim == 3


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nlayers", 2),
        ("nlayers", 0),
        ("nlayers", -1),
        ("nlayers", "1"),
        ("nlayers", 10**9),
        ("stdev_factor", "x"),
        ("layer1", 3),
        ("layer1.conv", None),
        ("layer1.conv.kernel_size", "3"),
        ("layer1.conv.kernel_size", [0, 3, 0]),
        ("layer1.conv.kernel_size", [3]),
        ("layer1.conv.kernel_size", [10**9, 3, 0]),
        ("layer1.conv.kernel_size", [-3, 3, 0]),
        ("layer1.conv.noutput_channels", 0),
        ("layer1.conv.noutput_channels", None),
        ("layer1.conv.nkernels_per_marker", -2),
        ("layer1.conv.nkernels_per_marker", 1.5),
        ("layer1.conv.stride", 0),
        ("layer1.pooling", "max"),
        ("layer1.pooling.type", "median"),
        ("layer1.pooling.stride", -1),
        ("layer1.pooling.size", None),
    ],
)
def test_malformed_architectures_are_one_format_error(tmp_path, path, value):
    (tmp_path / "bad.json").write_text(json.dumps(changed(path, value)))
    with pytest.raises(FormatError, match=r"bad\.json"):
        read_arch(tmp_path / "bad.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "3",
        "null",
        "{}",
        '{"features": {}}',
        '{"features": {"type": "parallel", "layers": {"a": {}}}}',
        '{"features": {"layers": {"a": {"operation": "fold"}}}}',
        '{"features": {"layers": {"a": 3}}}',
    ],
)
def test_other_json_is_one_format_error(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(FormatError, match=r"bad\.json"):
        read_arch(tmp_path / "bad.json")


def test_lids_modules(tmp_path):
    layers = {
        "m_norm1": {"operation": "m_norm2d", "params": {"kernel_size": 3}},
        "conv1": {
            "operation": "conv2d",
            "params": {
                "kernel_size": 5,
                "number_of_kernels_per_marker": 4,
                "out_channels": 12,
                "dilation": 2,
            },
        },
        "drop": {"operation": "dropout", "params": {"p": 0.5}},
        "act": {"operation": "relu", "params": {"inplace": True}},
        "pool": {"operation": "max_pool2d", "params": {"kernel_size": 3, "stride": 2}},
    }
    text = json.dumps({"features": {"type": "sequential", "layers": layers}})
    (tmp_path / "lids.json").write_text(text)
    with pytest.warns(AnnotationWarning, match=r"m_norm1 .*, drop \(dropout\) are"):
        net = read_arch(tmp_path / "lids.json")
    assert net.names == ("color", "conv1", "act", "pool")
    assert net["conv1"] == Unlearned(Adjacency.box(5).dilated(2), 12, 4)


def test_means_are_solved_from_weights_and_biases():
    weights = np.random.default_rng(1).normal(size=(6, 9, 3))
    mean = np.array([0.7, 0.4, -2.0])
    assert np.allclose(mean_border(weights, -(weights.sum(axis=1) @ mean)), mean)
    assert mean_border(weights, np.arange(6.0)) == "zero"
    assert mean_border(weights[:2], np.zeros(2)) == "zero"


OPEN = b"\x93NUMPY\x01\x00\x0a\x00{'descr': ("  # NumPy's own parser raises a TokenError
BAD = {
    "conv1-kernels.npy": [b"", b"\x93NUMPY", b"text", np.zeros(8, "u1").tobytes(), OPEN],
    "conv1-bias.txt": [b"", b"4\n1 2 3\n", b"4\n1 2 3 x\n", b"4\n1 2 3 nan\n", b"\xff\xfe"],
}


@pytest.mark.parametrize(("file", "data"), [(f, d) for f, all_ in BAD.items() for d in all_])
def test_malformed_model_files_are_one_format_error(tmp_path, file, data):
    (model(tmp_path) / file).write_bytes(data)
    with pytest.raises(FormatError, match="conv1"):
        read_model(tmp_path)


def test_truncated_and_misfit_kernels(tmp_path):
    file = model(tmp_path) / "conv1-kernels.npy"
    whole = file.read_bytes()
    for cut in (len(whole) - 1, len(whole) // 2, 80, 9):
        file.write_bytes(whole[:cut])
        with pytest.raises(FormatError, match="conv1-kernels"):
            read_model(tmp_path)
    np.save(file, np.zeros((26, 4), "f4"))
    with pytest.raises(FormatError, match="another architecture"):
        read_model(tmp_path)
    np.save(file, np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError):
        read_model(tmp_path)
    np.save(file, np.full((27, 4), np.inf, "f4"))
    with pytest.raises(FormatError, match="NaN or infinity"):
        read_model(tmp_path)
    file.unlink()
    with pytest.raises(FormatError, match="conv1-kernels"):
        read_model(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MIG\n",
        b"XXX\n1 1 1 1\n1 1 1\n0000",
        b"MIG\n2 2 1 1\n1 1 1\n0000",
        b"MIG\n-1 1 1 1\n1 1 1\n0000",
        b"MIG\na b c d\n1 1 1\n0000",
        b"MIG\n1 1 1 1\n1 1\n0000",
        b"MIG\n99999999 99999999 9 9\n1 1 1\n0000",
    ],
)
def test_malformed_mimg_is_one_format_error(tmp_path, data):
    (tmp_path / "bad.mimg").write_bytes(data)
    with pytest.raises(FormatError, match=r"bad\.mimg"):
        read_mimg(tmp_path / "bad.mimg")


def test_what_arch_json_cannot_say_is_refused(tmp_path):
    other = chain(Unlearned(Adjacency.box(3), 2), DivisiveNormalize(Adjacency.box(3)))
    with pytest.raises(ParameterError, match="no place in arch"):
        write_arch(tmp_path / "a.json", other)
    with pytest.raises(ParameterError, match="no centred rectangle"):
        write_arch(tmp_path / "a.json", chain(Unlearned(Adjacency.disk(2), 2)))


# -- LAW -----------------------------------------------------------------------------------------


def test_mimg_is_read_back(tmp_path):
    for shape in ((4, 5, 3), (2, 4, 5, 1)):
        values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        write_mimg(tmp_path / "a.mimg", values)
        assert np.array_equal(read_mimg(tmp_path / "a.mimg"), values)


def test_a_model_is_read_back(tmp_path):
    (tmp_path / "in").mkdir()
    net = read_model(model(tmp_path / "in"))
    write_model(tmp_path / "out", net)
    again = read_model(tmp_path / "out")
    assert again["conv1"] == net["conv1"]
    assert arch_of(again) == arch_of(net)


def test_a_model_without_relu_or_pooling_is_read_back(tmp_path):
    net = chain(color=Color("labnorm2"), conv1=Unlearned(Adjacency.box((3, 5)).dilated((2, 1)), 4))
    write_arch(tmp_path / "a.json", net)
    assert read_arch(tmp_path / "a.json")["conv1"].adjacency == net["conv1"].adjacency
    assert not any(isinstance(n.layer, Activation) for n in read_arch(tmp_path / "a.json"))


# -- PARITY --------------------------------------------------------------------------------------


@with_data
def test_published_models_load_with_their_means():
    home = DATA / "parasites" / "libift"
    net = read_model(home / "model_bias", arch=home / "arch2d_seg.json")
    assert np.allclose(net["conv1"].border, (0.72763, 0.48157, 0.59445), atol=1e-5)
    assert isinstance(net["conv2"], Convolution)
    assert net["conv2"].bank.weights.shape == (32, 49, 16)
    points = read_model(home / "model_bias_5_filters", arch=home / "arch2d_seg_5_filters.json")
    assert [p.label for p in points["conv1"].bank.provenance] == [1, 1, 1, 0, 0]
    citrus = read_model(DATA / "citrus" / "libift" / "model_bias_pca")
    assert np.allclose(citrus["conv1"].border, (0.66052, 0.43126, 0.66787), atol=1e-4)


@with_data
def test_published_architectures_are_written_as_they_were():
    for path in DATA.glob("*/libift/arch*.json"):
        assert arch_of(read_arch(path)) == json.loads(path.read_text())


# -- WHOLE OR NOT AT ALL -------------------------------------------------------------------------


def test_a_model_folder_is_whole_or_absent(tmp_path, monkeypatch):
    from spel import atomic

    (tmp_path / "in").mkdir()
    net = read_model(model(tmp_path / "in"))
    real, written = atomic.write_bytes, []

    def full(path, data):
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        real(path, data)

    for function in (write_model, lambda place, net: to_libift(net, place)):
        written.clear()
        monkeypatch.setattr(atomic, "write_bytes", full)
        with pytest.raises(WriteError, match="disk is full"):
            function(tmp_path / "out", net)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]
        monkeypatch.undo()


def test_an_earlier_model_is_replaced_and_other_files_are_not(tmp_path):
    (tmp_path / "in").mkdir()
    net = read_model(model(tmp_path / "in"))
    write_model(tmp_path / "out", net)
    (tmp_path / "out" / "conv9-bias.txt").write_text("1\n0\n")
    write_model(tmp_path / "out", net)
    assert not (tmp_path / "out" / "conv9-bias.txt").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(ParameterError, match=r"other files \(notes\.txt\)"):
        write_model(tmp_path / "out", net)
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_the_border_and_all_bits_of_the_bias_are_read_back(tmp_path):
    bank = KernelBank(Adjacency.box(3), np.ones((4, 9, 1)), [0.1, 1e-9, 3.0, 16777215.0])
    for border in ("zero", (0.25,)):
        net = chain(conv1=Convolution(bank, border=border))
        write_model(tmp_path / "out", net)
        again = read_model(tmp_path / "out", space=None)["conv1"]
        assert again.bank == bank
        assert again.border == border
    with pytest.raises(ParameterError, match="fills the border"):
        write_model(tmp_path / "no", chain(conv1=Convolution(bank, border="edge")))
    with pytest.raises(ParameterError, match="still to be learned"):
        write_model(tmp_path / "no", chain(conv1=Unlearned(Adjacency.box(3), 4)))
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    "values", [np.array([[[16777217]]]), np.array([[[1e39]]]), np.array([[[2.0**60 + 2**8]]])]
)
def test_mimg_refuses_what_float32_cannot_hold(tmp_path, values):
    with pytest.raises(ParameterError, match="does not fit float32"):
        write_mimg(tmp_path / "a.mimg", values)
    assert not (tmp_path / "a.mimg").exists()
