"""Whatever a user types or a file holds: an exit code that says so, and one clear message."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spel
from spel.errors import FormatError

COMMANDS_OF_FILES = {
    "see": ["see", "FILE"],
    "apply": ["apply", "NET", "FILE", "--out", "OUT"],
    "apply net": ["apply", "FILE", "IMAGE", "--out", "OUT"],
    "trace": ["trace", "NET", "FILE", "--at", "1,1"],
    "trace net": ["trace", "FILE", "IMAGE", "--at", "1,1"],
    "segment": ["segment", "NET", "FILE", "--out", "OUT"],
    "segment net": ["segment", "FILE", "IMAGE", "--out", "OUT"],
    "cut": ["cut", "FILE", "--markers", "FOLDER", "--out", "OUT"],
    "cut markers": ["cut", "IMAGE", "--markers", "FILE", "--out", "OUT"],
    "detect": ["detect", "NET", "FILE"],
    "detect folder": ["detect", "NET", "FILE", "--out", "OUT", "--save", "overlay,mask,saliency"],
    "detect net": ["detect", "FILE", "IMAGE"],
    "detect tiles": ["detect", "NET", "FILE", "--tile", "4"],
    "classify": ["classify", "FILE", "IMAGE"],
    "features": ["features", "NET", "FILE"],
    "features net": ["features", "FILE", "IMAGE"],
    "invert": ["invert", "NET", "FILE", "--out", "OUT.png"],
    "restore": ["restore", "FILE", "IMAGE", "--out", "OUT.png"],
    "learn-restore": ["learn-restore", "FILE", "--task", "denoise:25", "--out", "OUT"],
    "serve": ["serve", "FILE"],
    "fit": ["fit", "FILE", "--out", "OUT"],
    "learn": ["learn", "FILE", "--images", "FOLDER", "--markers", "FOLDER", "--out", "OUT"],
    "learn markers": ["learn", "NET", "--images", "FOLDER", "--markers", "FILE", "--out", "OUT"],
    "learn-boxes": ["learn-boxes", "FILE", "--out", "OUT"],
    "export": ["export", "FILE", "--to", "script", "--out", "OUT"],
    "export onnx": ["export", "NET", "--to", "onnx", "--out", "OUT", "--check", "FILE"],
    "eval": ["eval", "FILE", "FILE"],
    "compare": ["compare", "NET", "--images", "FILE", "--masks", "FILE"],
    "convert txt": ["convert", "FILE", "OUT.txt"],
    "convert network": ["convert", "FILE", "OUT.safetensors"],
    "convert mimg": ["convert", "FILE", "OUT.mimg"],
    "convert coco": ["convert", "FILE", "OUT.json"],
}
ARRAYS = {
    "nan.npy": np.full((6, 8, 1), np.nan, np.float32),
    "infinity.npy": np.full((6, 8, 1), np.inf, np.float32),
    "float64.npy": np.full((6, 8, 1), 1e300),
    "int64.npy": np.full((6, 8, 1), 1 << 62),
    "complex.npy": np.zeros((6, 8, 1), complex),
    "bool.npy": np.ones((6, 8), bool),
    "volume.npy": np.zeros((3, 6, 8, 1), np.float32),
    "five.npy": np.zeros((6, 8, 5), np.uint8),
    "empty.npy": np.zeros((0, 8, 1), np.uint8),
    "vector.npy": np.zeros(7),
    "one.npy": np.zeros((1, 1, 1), np.uint8),
    "text.npy": np.array(["a", "b"]),
}
TEXTS = {
    "empty.png": b"",
    "text.png": b"this is not a picture",
    "list.json": b"[]",
    "deep.json": b"[" * 5000,
    "number.json": b"3",
    "half.json": b'{"images": [',
    "coco.json": json.dumps(
        {
            "images": [{"id": 1, "file_name": "../a", "width": -1, "height": 1e40}],
            "annotations": [{"id": 1, "image_id": 7, "bbox": [1, 2, "x", None], "category_id": {}}],
            "categories": [{"id": "a"}],
        }
    ).encode(),
    "arch.json": b'{"nlayers": 99999, "layer1": {"conv": {"kernel_size": [1e9, -3]}}}',
    "results.jsonl": b'{"image": 3, "boxes": [[1, 2]], "scores": "x"}\n',
    "seeds.txt": b"3 99999999999 4\n1 1 1 1\n",
    "bytes.safetensors": bytes(range(256)) * 4,
    "header.safetensors": (8).to_bytes(8, "little") + b'{"a": 1}',
    "huge.safetensors": (1 << 39).to_bytes(8, "little") + b"{",
    "list.txt": b"\xff\xfe/nowhere\n",
    "null\x01.png": b"\x89PNG\r\n\x1a\n",
}
NUMBERS = ["-1", "0", "99999999999999999999", "1e400", "nan", "x", "", "1,2,3,4,5", "-1,-1", "a=b"]
OPTIONS = {
    "see": ["--size"],
    "apply": ["--save", "--format", "--max-pixels"],
    "trace": ["--at", "--step", "--channel"],
    "segment": ["--max-pixels"],
    "detect": [
        *("--threshold", "--select", "--size", "--area", "--width", "--height", "--aspect"),
        *("--workers", "--dask", "--shard", "--on-error", "--every", "--tile", "--level"),
        *("--max-pixels", "--max-seconds", "--max-memory", "--format", "--save"),
    ],
    "fit": ["--features", "--head", "--by", "--kernels", "--size", "--test", "--seed"],
    "classify": ["--truth"],
    "features": ["--steps", "--statistics", "--parts", "--level"],
    "learn": ["--labels", "--space", "--method", "--seed"],
    "learn-boxes": ["--folds", "--seed"],
    "export": ["--to", "--most", "--input", "--tolerance"],
    "eval": ["--iou", "--worst", "--fail-under"],
    "compare": ["--decision"],
    "convert": ["--labels", "--space", "--arch"],
    "studio": ["--port", "--host", "--root", "--session"],
}
BASE = {
    "see": ["NET"],
    "apply": ["NET", "IMAGE", "--out", "OUT"],
    "trace": ["NET", "IMAGE"],
    "segment": ["NET", "IMAGE", "--out", "OUT"],
    "detect": ["NET", "IMAGE"],
    "fit": ["FOLDER", "--out", "OUT", "--by", "prefix", "--test", "0", "--kernels", "4"],
    "classify": ["NET", "IMAGE"],
    "features": ["NET", "IMAGE"],
    "learn": ["NET", "--images", "FOLDER", "--markers", "FOLDER", "--out", "OUT"],
    "learn-boxes": ["FOLDER/none.json", "--out", "OUT"],
    "export": ["NET", "--out", "OUT", "--to", "script"],
    "eval": ["FOLDER", "FOLDER"],
    "compare": ["NET", "--images", "FOLDER", "--masks", "FOLDER"],
    "convert": ["IMAGE", "OUT.txt"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    for name, array in ARRAYS.items():
        np.save(folder / name, array)
    for name, data in TEXTS.items():
        (folder / name).write_bytes(data)
    (folder / "folder.png").mkdir()
    pictures = folder / "pictures"
    pictures.mkdir()
    image = np.random.default_rng(0).integers(0, 255, (12, 16, 1), np.uint8)
    spel.write(pictures / "a_1.png", image)
    spel.write(pictures / "b_1.png", image)
    bank = spel.KernelBank.sobel("col")
    spel.chain(edges=spel.Convolution(bank)).save(folder / "net.safetensors")
    return folder


def words(template: list[str], place, tmp_path, file: str = "") -> list[str]:
    values = {
        "FILE": str(place / file) if file else "",
        "NET": str(place / "net.safetensors"),
        "IMAGE": str(place / "pictures" / "a_1.png"),
        "FOLDER": str(place / "pictures"),
        "OUT": str(tmp_path / "out"),
    }
    found = []
    for word in template:
        for name, value in values.items():
            word = word.replace(name, value)
        found.append(word)
    return found


def check(program, arguments: list[str]) -> None:
    code, _, err = program(*arguments)
    assert code in (0, 2, 3, 4, 5, 6), (arguments, code, err)
    assert "unexpected" not in err, (arguments, err)
    assert "Traceback" not in err
    assert "Error:" not in err, (arguments, err)
    assert code == 0 or err.strip(), arguments


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("file", [*ARRAYS, *TEXTS, "folder.png", "missing.png"])
def test_files_of_all_kinds(program, place, tmp_path, file):
    for number, template in enumerate(COMMANDS_OF_FILES.values()):
        check(program, words(template, place, tmp_path / str(number), file))


@pytest.mark.parametrize("command", BASE)
def test_values_of_all_kinds(program, place, tmp_path, command):
    for option in OPTIONS[command]:
        for number, value in enumerate(NUMBERS):
            if option == "--dask":
                value += "tcp://"
            base = words(BASE[command], place, tmp_path / f"{option}{number}")
            check(program, [command, *base, option, value])


def test_fit_says_beforehand_what_would_not_fit(program, place, tmp_path):
    large = tmp_path / "large"
    large.mkdir()
    for name in ("a_1.png", "b_1.png"):
        spel.write(large / name, np.zeros((120, 120, 3), np.uint8))
    options = (large, "--by", "prefix", "--test", "0", "--out", tmp_path / "m")
    code, _, err = program("fit", *options, "--size", "99")
    assert code == 3
    assert "99 x 99 pixels have 29403 values, more than 2048" in err
    code, _, err = program("fit", *options, "--kernels", "1000000")
    assert code == 3
    assert "use fewer --kernels" in err


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_fit_and_classify_name_numbers_they_cannot_take(program, tmp_path, value):
    for name in ("a_1", "b_1"):
        np.save(tmp_path / f"{name}.npy", np.full((8, 8, 1), value))
    from spel.jobs.classify import classify_image
    from spel.learning.classifier import ClassifierConfig

    images = [np.load(tmp_path / f"{name}.npy") for name in ("a_1", "b_1")]
    with pytest.raises(FormatError, match="64 of 64 values are NaN, infinite or too large"):
        ClassifierConfig("flat").fit(images, ["a", "b"])
    with pytest.raises(FormatError, match="64 of 64 values"):
        classify_image(None, images[0])


@pytest.mark.parametrize(
    "command", ["fit", "learn", "learn-boxes", "invert", "learn-restore", "restore"]
)
def test_the_place_of_the_output_is_checked_before_the_work(program, place, tmp_path, command):
    out = tmp_path / "nowhere" / "net"
    options = {
        "fit": [place / "missing", "--out", out],
        "learn": [
            place / "missing",
            *("--images", place / "missing", "--markers", place / "missing", "--out", out),
        ],
        "learn-boxes": [place / "missing", "--out", out],
        "invert": [place / "missing", place / "missing", "--out", out],
        "learn-restore": [place / "missing", "--task", "denoise:5", "--out", out],
        "restore": [place / "missing", place / "missing", "--out", out],
    }[command]
    code, _, err = program(command, *options)
    assert code == 3
    assert "there is no folder" in err


@pytest.mark.parametrize("command", ["segment", "apply"])
def test_leftovers_of_a_killed_run_go(program, place, tmp_path, command):
    ours = tmp_path / ".a_1.png.0123456789ab.part.png"
    other = tmp_path / ".c.png.0123456789ab.part.png"
    ours.touch()
    other.touch()
    net, image = place / "net.safetensors", place / "pictures" / "a_1.png"
    assert program(command, net, image, "--out", tmp_path)[0] == 0
    assert not ours.exists()
    assert other.exists()


def test_pictures_of_long_images_stay_small(program, place, tmp_path):
    np.save(tmp_path / "tall.npy", np.zeros((100_000, 1, 1), np.uint8))
    np.save(tmp_path / "wide.npy", np.zeros((1, 100_000, 1), np.uint8))
    for name in ("tall", "wide"):
        options = (tmp_path / f"{name}.npy", "--out", tmp_path / name)
        assert program("apply", place / "net.safetensors", *options)[0] == 0
        (picture,) = (tmp_path / name).glob("*.png")
        rows, cols, _ = spel.read(picture).shape
        assert rows * cols < 3_000_000
