"""``spel fit``, ``spel classify`` and ``spel export``: from folders to files, and clear words."""

import importlib.util
import json
import runpy

import numpy as np
import pytest

import spel
from spel.nn import Activation, Color, Convolution, MaxPool, MeanPool, chain


def textures(folder, n=16, size=(16, 16), suffix="png"):
    draw = np.random.default_rng(0)
    for number in range(n):
        name = ("across", "down")[number % 2]
        wave = 60 * np.sin(np.arange(size[1]) * 1.5 + draw.uniform(0, 6))
        image = np.tile(wave, (size[0], 1)) if name == "across" else np.tile(wave, (size[0], 1)).T
        image = np.clip(image + 128 + draw.normal(0, 9, image.shape), 0, 255).astype(np.uint8)
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        spel.write(place / f"{number:03d}.{suffix}", image[..., None])
    return folder


@pytest.mark.parametrize("features", ["patches", "pooled", "flat"])
@pytest.mark.parametrize("head", ["ridge", "svm"])
def test_folders_to_a_model_to_classes(program, tmp_path, features, head):
    data, model = textures(tmp_path / "data"), tmp_path / "model.safetensors"
    options = ["--features", features, "--head", head]
    options += ["--kernels", 8] if features == "patches" else []
    code, out, err = program("fit", data, "--out", model, *options)
    assert code == 0, err
    assert out.strip() == str(model)
    assert "16 images: 8 across, 8 down" in err
    assert "held out: 4 images, accuracy" in err
    code, out, err = program("classify", model, data, "--truth", "folder")
    assert code == 0, err
    assert len(out.splitlines()) == 16
    assert "accuracy" in err
    if features == "patches":
        assert "accuracy 1.0000" in err
        code, out, err = program("see", model)
        assert code == 0, err
        assert "classifier of 2 classes: across, down" in out
        facts = json.loads(program("see", model, "--json")[1])
        assert (facts["image"], facts["white"]) == ([16, 16, 1], 255)
    code, out, _ = program("classify", model, data / "down", "--json")
    told = json.loads(out.splitlines()[0])
    assert set(told) == {"image", "class", "scores"}
    assert set(told["scores"]) == {"across", "down"}


def test_shares_of_the_labels_are_judged_on_the_same_images(program, tmp_path):
    data, options = textures(tmp_path / "data", 24), ("--out", tmp_path / "m", "--kernels", 4)
    shares = ("--share", 10, "--share", 100)
    code, _, err = program("fit", data, *options, *shares)
    assert code == 0, err
    figures = dict(line.split(": ", 1) for line in err.splitlines() if "kappa" in line)
    of_few, of_all = (
        f"from {share} % of the labels ({count} images), held out"
        for share, count in ((10, 2), (100, 18))
    )
    assert list(figures) == ["held out", of_few, of_all]
    assert figures["held out"] == figures[of_all]
    code, _, err = program("fit", data, *options, *shares, "--test", 0)
    assert code == 3
    assert "leave --test 0 out" in err


def test_a_share_of_the_labels_is_one_image_of_each_class_at_least():
    from spel.learning.classifier import ClassifierConfig, hold_out

    seen = []

    class Config(ClassifierConfig):
        def fit(self, images, classes, **how):
            seen.append(sorted(classes))
            return super().fit(images, classes, **how)

    images = [np.full((4, 4, 1), v, np.uint8) for v in range(0, 240, 20)]
    classes = ["dark"] * 6 + ["light"] * 6
    for share in (0.01, 0.5):
        hold_out(Config("flat"), images, classes, 1 / 3, share=share)
    assert seen == [["dark", "light"], ["dark"] * 2 + ["light"] * 2]


def test_a_perceptron_needs_images_by_which_it_stops(program, tmp_path):
    data = textures(tmp_path / "data", 10)
    code, _, err = program("fit", data, "--out", tmp_path / "m", "--head", "mlp", "--test", 0)
    assert code == 3
    assert "2 classes need 11 images, and 2 of each, but there are 10, and 5 of across" in err


def test_a_network_gives_features_of_images_of_any_size(program, tmp_path, network):
    data = textures(tmp_path / "data", 8)
    textures(data / "more", 4, (20, 20))
    for place in ("across", "down"):
        for path in (data / "more" / place).iterdir():
            path.rename(data / place / f"big{path.name}")
        (data / "more" / place).rmdir()
    (data / "more").rmdir()
    model = tmp_path / "model.safetensors"
    code, _, err = program("fit", data, "--out", model, "--features", network, "--test", 0)
    assert code == 0, err
    assert program("classify", model, data)[0] == 0
    code, _, err = program("fit", data, "--out", model, "--features", "flat")
    assert code == 3
    assert "different sizes" in err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--features", "pooled", "--kernels", 8), "--kernels is of kernels learned from patches"),
        (("--features", "flat", "--size", 5), "--features flat learns none; leave it out"),
        (("--turn",), "--turn is of annotations, and"),
    ],
)
def test_options_that_would_do_nothing_are_refused(program, tmp_path, options, told):
    data, model = textures(tmp_path / "data", 2), tmp_path / "model.safetensors"
    code, _, err = program("fit", data, "--out", model, *options)
    assert code == 3
    assert told in err
    assert not model.exists()


def test_folders_that_are_wrong_are_told(program, tmp_path):
    def fails(folder, *more):
        code, out, err = program("fit", folder, "--out", tmp_path / "m", *more)
        assert (code, out) == (3, "")
        assert not (tmp_path / "m").exists()
        return err

    assert "no such folder" in fails(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "has no image" in fails(tmp_path / "empty")
    one = tmp_path / "one"
    textures(one / "both", 2)
    assert "only one class ('both', 2 images)" in fails(one)
    loose = textures(tmp_path / "loose", 4)
    spel.write(loose / "stray.png", np.zeros((16, 16, 1), np.uint8))
    assert "1 of 5 images have no class" in fails(loose)
    assert "no '_'" in fails(loose, "--by", "prefix")
    few = textures(tmp_path / "few", 2)
    assert "has only one image" in fails(few)


def test_bad_images_do_not_stop_the_others(program, tmp_path):
    data, model = textures(tmp_path / "data", 8), tmp_path / "model.safetensors"
    assert program("fit", data, "--out", model, "--features", "flat", "--test", 0)[0] == 0
    (data / "down" / "bad.png").write_bytes(b"no image")
    spel.write(data / "down" / "wide.png", np.zeros((5, 9, 1), np.uint8))
    code, out, err = program("classify", model, data)
    assert code == 4
    assert len(out.splitlines()) == 8
    assert "bad.png" in err
    assert "wide.png" in err
    code, _, err = program("classify", data / "down" / "bad.png", data)
    assert code == 3
    assert "no safetensors file" in err


def test_export_to_onnx_compares_first(program, tmp_path, network, grey):
    pytest.importorskip("onnxruntime")
    out = tmp_path / "net.onnx"
    code, _, err = program("export", network, "--to", "onnx", "--out", out)
    assert code == 3
    assert "--check" in err
    code, told, err = program("export", network, "--to", "onnx", "--out", out, "--check", grey)
    assert code == 0, err
    assert told.strip() == str(out)
    assert "1 image compared" in err
    code, _, err = program(
        "export", network, "--to", "onnx", "--out", tmp_path / "x", "--check", grey,
        "--tolerance", 0,
    )  # fmt: skip
    assert (code == 3 and "not written" in err and not (tmp_path / "x").exists()) or code == 0


def test_export_as_a_script_is_bit_for_bit(program, tmp_path, network):
    code, _, err = program("export", network, "--to", "script", "--out", tmp_path / "net.py")
    assert code == 0, err
    found = runpy.run_path(str(tmp_path / "net.py"))["network"]
    assert found.fingerprint() == spel.load(network).fingerprint()
    code, _, _ = program("export", "plate-lecture", "--to", "script", "--out", tmp_path / "p.py")
    assert code == 0
    plate = runpy.run_path(str(tmp_path / "p.py"))["network"]
    assert dict(plate.meta) == dict(spel.zoo.get("plate-lecture").meta)


def test_export_to_libift_reads_back(program, tmp_path):
    from spel.io.annotation.libift import read_model

    bank = spel.KernelBank.random(spel.Adjacency.box((3, 5)), kernels=4, channels=3, seed=0)
    net = chain(
        color=Color("labnorm2"),
        conv1=Convolution(bank, border=(0.1, 0.2, 0.3)),
        relu1=Activation(),
        pool1=MaxPool(spel.Adjacency.box(3), stride=2),
        conv2=Convolution(
            spel.KernelBank.random(spel.Adjacency.box(3).dilated(2), kernels=2, channels=4, seed=1)
        ),
        relu2=Activation(),
        pool2=MeanPool(spel.Adjacency.box(3), count="full"),
    )
    net.save(tmp_path / "net.safetensors")
    code, _, err = program(
        "export", tmp_path / "net.safetensors", "--to", "libift", "--out", tmp_path / "model"
    )
    assert code == 0, err
    back = read_model(tmp_path / "model")
    image = np.random.default_rng(0).integers(0, 256, (12, 14, 3)).astype(np.uint8)
    assert np.allclose(back(image), net(image), atol=1e-6)
    code, _, err = program("export", "plate-lecture", "--to", "libift", "--out", tmp_path / "m")
    assert code == 3
    assert "grey" in err


def test_export_to_torch(program, tmp_path, network, grey):
    if importlib.util.find_spec("torch") is None:
        code, _, err = program("export", network, "--to", "torch", "--out", tmp_path / "net.pt")
        assert code == 5
        assert 'pip install "spel[torch]"' in err
        return
    import torch

    out = tmp_path / "net.pt"
    code, _, err = program("export", network, "--to", "torch", "--out", out, "--check", grey)
    assert code == 0, err
    state = torch.load(out, weights_only=True)
    module = spel.to_torch(spel.load(network))
    module.load_state_dict(state)


def test_folders_below_those_of_the_classes_belong_to_the_classes(program, tmp_path):
    """fit takes them so; to classify, an image in down/monday was of an unknown class monday."""
    data, model = textures(tmp_path / "data", 8), tmp_path / "m"
    for kind in ("across", "down"):
        (data / kind / "monday").mkdir()
        for image in list((data / kind).glob("*.png"))[:4]:
            image.rename(data / kind / "monday" / image.name)
    assert program("fit", data, "--out", model, "--kernels", 4)[0] == 0
    code, _, err = program("classify", model, data, "--truth", "folder")
    assert code == 0
    assert "accuracy 1.0000" in err
    assert "monday" not in err


def test_grey_beside_rgb_is_no_matter_of_size(program, tmp_path):
    data = textures(tmp_path / "data", 4)
    for path in (data / "down").glob("*.png"):
        spel.write(path, np.repeat(spel.read(path), 3, axis=-1))
    code, _, err = program("fit", data, "--out", tmp_path / "m", "--kernels", 4)
    assert code == 3
    grey, rgb = data / "across", data / "down"
    assert f"images of 1 ({grey}" in err
    assert f"3 ({rgb}" in err


@pytest.mark.parametrize("features", ["patches", "pooled", "flat"])
def test_the_image_at_fault_is_named_and_no_other(program, tmp_path, features):
    data = textures(tmp_path / "data", 4)
    names = sorted(data.rglob("*.png"))
    holed = spel.read(names[-1]).astype(np.float32)
    holed[3, 3] = np.nan
    spel.write(names[-1].with_suffix(".tif"), holed)
    names[-1].unlink()
    command = "fit", data, "--out", tmp_path / "m", "--kernels", 4
    command = command if features == "patches" else (*command[:4], "--features", features)
    code, _, err = program(*command)
    assert code == 3
    assert err.splitlines()[-1].startswith(f"spel: {names[-1].with_suffix('.tif')}: 1 of")
    names[-1].with_suffix(".tif").write_bytes(b"")
    code, _, err = program(*command)
    assert code == 3
    assert err.splitlines()[-1].startswith(f"spel: {names[-1].with_suffix('.tif')}: it is empty")
