"""The same picture in 8, 12 and 16 bits and in 0 to 1 gives the same answers, and that is said."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tifffile

import spel
from spel.decide import segment
from spel.io import ImageBoxes, isolation, write_coco
from spel.io.annotation.markers import write_markers
from spel.io.annotation.results import read_results
from spel.io.image.reader import read_with_white
from spel.nn import expected_white

ARCH = {
    "stdev_factor": 0.01,
    "nlayers": 1,
    "layer1": {
        "conv": {
            "kernel_size": [3, 3],
            "nkernels_per_marker": 2,
            "dilation_rate": [1, 1],
            "nkernels_per_image": 8,
            "noutput_channels": 4,
        },
        "relu": 1,
        "pooling": {"type": "no_pool", "size": [3, 3], "stride": 1},
    },
}
FORMS = ("8", "12", "16", "float")


def egg(seed: int) -> tuple[np.ndarray, spel.Markers]:
    """An orange disk on blue, with a stroke on it and one beside it."""
    random = np.random.default_rng(seed)
    row, col = (int(n) for n in random.integers(25, 55, 2))
    image = random.normal((90, 110, 180), 6, (80, 90, 3))
    rows, cols = np.mgrid[:80, :90]
    disk = (rows - row) ** 2 + (cols - col) ** 2 <= 81
    image[disk] = random.normal((200, 140, 60), 6, (int(disk.sum()), 3))
    inside = [(row + i, col + j) for i in (0, 1) for j in range(-5, 6)]
    beside = [((row + 20) % 70, 5 + j) for j in range(20)]
    labels = [1] * len(inside) + [0] * len(beside)
    return image.clip(0, 255).astype(np.uint8), spel.Markers(inside + beside, labels, (80, 90))


def write(folder: Path, name: str, image: np.ndarray, form: str) -> Path:
    """The picture as a file of a form."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{'png' if form in ('8', '16') else 'tif'}"
    if form == "12":
        deep = np.rint(image * (4095 / 255)).astype(np.uint16)
        largest = (281, "H", 3, (4095,) * 3, True)  # MaxSampleValue
        tifffile.imwrite(path, deep, photometric="rgb", extratags=[largest])
    else:
        scaled = {"8": image, "16": image.astype(np.uint16) * 257, "float": image / np.float32(255)}
        spel.write(path, scaled[form])
    return path


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.fixture(params=FORMS)
def form(request) -> str:
    return str(request.param)


@pytest.fixture
def learned(program, tmp_path):
    """Learn from two marked images of a form by the command; the file of the network."""

    def learn(form: str) -> tuple[Path, str]:
        place = tmp_path / f"marked-{form}"
        for seed in (1, 2):
            image, markers = egg(seed)
            write(place / "images", f"egg{seed}", image, form)
            (place / "markers").mkdir(exist_ok=True)
            write_markers(place / "markers" / f"egg{seed}.json", markers)
        (place / "arch.json").write_text(json.dumps(ARCH))
        out = place / "net.safetensors"
        options = ("--images", place / "images", "--markers", place / "markers", "--out", out)
        code, _, err = program("learn", place / "arch.json", *options)
        assert code == 0, err
        return out, err

    return learn


def mask_of(path: Path) -> np.ndarray:
    return spel.read(path)[..., 0] > 0


def test_learn_and_segment_in_any_form(program, learned, tmp_path, form):
    net, err = learned(form)
    assert err.count("full intensity is taken to be") == (form != "8")
    image, _ = egg(3)
    masks = {}
    for other in FORMS:
        paths = [write(tmp_path / f"new-{other}", name, image, other) for name in ("a", "b")]
        out = tmp_path / f"out-{form}-{other}"
        code, _, err = program("segment", net, *paths, "--out", out)
        assert code == 0, err
        assert err.count("full intensity is taken to be") == (other != "8")  # once per run
        masks[other] = mask_of(out / "a.png")
    assert masks["8"].sum() > 100
    for other in FORMS:
        assert dice(masks["8"], masks[other]) > 0.99


def test_detect_says_and_stores_what_it_assumes(program, learned, tmp_path, form):
    net, _ = learned("8")
    image, _ = egg(3)
    paths = [write(tmp_path / "new", name, image, form) for name in ("a", "b")]
    code, out, err = program("detect", net, *paths, "--threshold", 0.5)
    assert code == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    white = {"8": None, "12": 4095.0, "16": 65535.0, "float": 1.0}[form]
    assert [line.get("white") for line in lines] == [white, white]
    assert len(lines[0]["boxes"]) >= 1
    if white is None:
        assert "full intensity" not in err
    else:
        assert err.count(f"full intensity is taken to be {white:g}") == 1
    plain = [write(tmp_path / "plain", "a", image, "8")]
    expected = json.loads(program("detect", net, *plain, "--threshold", 0.5)[1])
    assert np.allclose(
        [box["xyxy"] for box in lines[0]["boxes"]],
        [box["xyxy"] for box in expected["boxes"]],
        atol=1,
    )


def test_an_image_far_below_its_range_is_named_once(program, tmp_path):
    image, _ = egg(3)
    for name in ("a", "b"):
        spel.write(tmp_path / f"{name}.tif", image.astype(np.int16))
    plain = program("detect", "plate-lecture", tmp_path, "--out", tmp_path / "out")
    assert plain[0] == 0, plain[2]
    most = int(image.max())
    words = f"a.tif: its largest number is {most}, {most / 32767:.1%} of full intensity"
    assert plain[2].count("its largest number is") == 1
    assert words in plain[2]
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["largest"] for line in lines] == [most] * 2
    assert read_results(tmp_path / "out" / "results.jsonl")[0].largest == most


def test_tiles_take_the_same_range(program, learned, tmp_path):
    net, _ = learned("8")
    image, _ = egg(3)
    found = []
    forms = {
        "8": (image, None),
        "16": (image.astype(np.uint16) * 257, 65535),
        "float": (image / np.float32(255), 1),
        "float of 8 bits": (image.astype(np.float32), 255),
        "int64 of 8 bits": (image.astype(np.int64), 255),
    }
    for form, (scaled, white) in forms.items():
        path = tmp_path / f"{form}.npy"
        np.save(path, scaled)
        code, out, err = program("detect", net, path, "--threshold", 0.5, "--tile", 32)
        assert code == 0, err
        assert json.loads(out).get("white") == white
        found.append([box["xyxy"] for box in json.loads(out)["boxes"]])
    assert found[0]
    assert all(boxes == found[0] for boxes in found)


def test_apply_gives_the_same_activations(program, learned, tmp_path):
    net, _ = learned("8")
    image, _ = egg(3)
    done = []
    for form in ("8", "16", "float"):
        path = write(tmp_path / f"new-{form}", "a", image, form)
        out = tmp_path / f"out-{form}"
        assert program("apply", net, path, "--out", out, "--format", "npy")[0] == 0
        done.append(np.load(next(out.glob("*.npy"))))
    assert np.abs(done[0] - done[1]).max() < 1e-5
    assert np.abs(done[0] - done[2]).max() < 1e-5


def test_numbers_that_are_not_finite_are_reported_for_each_image(program, learned, tmp_path):
    net, _ = learned("8")
    image, _ = egg(3)
    bad = image / np.float32(255)
    bad[3, 4] = np.nan, np.inf, 0.5
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path in paths:
        spel.write(path, bad)
    code, out, err = program("detect", net, *paths, "--threshold", 0.5)
    assert code == 0, err
    assert err.count("2 numbers NaN or infinite") == 2
    assert [json.loads(line)["non_finite"] for line in out.splitlines()] == [2, 2]
    code, _, err = program("segment", net, paths[0], "--out", tmp_path / "masks")
    assert err.count("2 numbers NaN or infinite") == 1


def test_python_and_files_agree(learned, tmp_path):
    net = spel.load(learned("8")[0])
    assert expected_white(net) == 255
    image, _ = egg(3)
    expected = segment(net, image)
    for form in FORMS:
        array, white = read_with_white(write(tmp_path / form, "a", image, form))
        assert dice(segment(net, array, white=white), expected) > 0.99
        if form != "12":
            assert dice(segment(net, array), expected) > 0.99
    assert spel.detect(net, image.astype(np.uint16) * 257, threshold=0.5).boxes.tolist() == (
        spel.detect(net, image, threshold=0.5).boxes.tolist()
    )


@pytest.mark.skipif(
    not (Path(__file__).parents[3] / "shared" / "data" / "parasites").exists(),
    reason="the images of parasites are not there",
)
def test_parasite_eggs_in_sixteen_bits_and_floats():
    from spel import zoo

    net = zoo.get("parasite-eggs")
    folder = Path(__file__).parents[3] / "shared" / "data" / "parasites" / "images"
    for path in sorted(folder.glob("*.png"))[:3]:
        image = spel.read(path)
        expected = segment(net, image)
        assert expected.any()
        assert dice(segment(net, image.astype(np.uint16) * 257), expected) > 0.99
        assert dice(segment(net, image / np.float32(255)), expected) > 0.99


def film(place: Path, seed: int) -> Path:
    """Two points in time of 16 bits: nothing, and an egg."""
    place.mkdir(parents=True, exist_ok=True)
    image = egg(seed)[0].astype(np.uint16) * 257
    times = np.stack([np.zeros_like(image), image]).transpose(0, 3, 1, 2)
    path = place / f"egg{seed}.tif"
    tifffile.imwrite(path, times, metadata={"axes": "TCYX"}, ome=True, photometric="minisblack")
    return path


def test_every_command_reads_a_point_in_time_in_a_worker(program, tmp_path, monkeypatch):
    """--page and --isolate, and what is assumed, in the commands that learn and inspect."""
    if not isolation.AVAILABLE:
        pytest.skip("the system cannot isolate")
    monkeypatch.setattr("spel.io.image.reader.decode", lambda *_: pytest.fail("decoded here"))
    out, photos, classes = tmp_path / "out", tmp_path / "photos", tmp_path / "classes"
    truth = []
    for seed in (1, 2, 3, 4):
        film(photos, seed)
        film(classes / ("even", "odd")[seed % 2], seed)
        _, markers = egg(seed)
        (tmp_path / "markers").mkdir(exist_ok=True)
        write_markers(tmp_path / "markers" / f"egg{seed}.json", markers)
        grown = markers.boxes() + [-5, -10, 5, 9]  # the disk around its stroke
        truth.append(ImageBoxes(f"egg{seed}.tif", (80, 90), grown))
    write_coco(tmp_path / "truth.json", truth[:2])
    (tmp_path / "arch.json").write_text(json.dumps(ARCH))
    net = tmp_path / "net.safetensors"
    learn = ("learn", tmp_path / "arch.json", "--images", photos, "--space", "rgb")
    first = photos / "egg1.tif"
    for words in (
        (*learn, "--markers", tmp_path / "markers", "--out", net),
        ("trace", net, first, "--at", "5,5"),
        ("export", net, "--to", "torch", "--check", first, "--out", out.with_suffix(".pt")),
        ("learn-boxes", tmp_path / "truth.json", "--images", photos, "--out", out),
        ("fit", classes, "--features", "pooled", "--out", out.with_suffix(".spel"), "--test", 0),
    ):
        if words[0] == "export" and find_spec("torch") is None:
            continue
        code, _, err = program(*words, "--page", 1, "--isolate")
        assert code == 0, err
        assert err.count("full intensity is taken to be 65535") == 1, words
    code, _, err = program("trace", net, first, "--at", "5,5", "--isolate")
    assert (code, "2 points in time" in err) == (3, True)
    assert spel.load(out).meta["card"]["white"] == [65535]
    monkeypatch.undo()
    code, text, _ = program("see", first, "--page", 1, "--json")
    assert json.loads(text)["channels"][0]["max"] > 0
