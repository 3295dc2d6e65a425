"""Images of any number of channels, of 16 bits, from strokes to masks of two classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

import spel
from spel.io.annotation.markers import write_markers
from spel.metrics.segmentation import dice

from .conftest import Program

ARCH = {
    "nlayers": 1,
    "layer1": {
        "conv": {"kernel_size": [3, 3], "nkernels_per_marker": 1, "noutput_channels": 4},
        "pooling": {"type": "avg_pool", "size": [3, 3], "stride": 1},
    },
}


def scene(seed: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Squares of two classes, which the first and the last channel tell apart, and labels."""
    random = np.random.default_rng(seed)
    labels = np.ones((60, 80), np.int64)
    labels[10:25, 10:30], labels[30:50, 45:65] = 2, 3
    image = random.normal(3000, 200, (*labels.shape, channels))
    image[labels == 2, 0] += 20000
    image[labels == 3, -1] += 20000
    return image.astype(np.uint16), labels


@pytest.fixture(params=[2, 4, 5])
def folders(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """Two images whose channels are no colours, and strokes on them."""
    images, strokes = tmp_path / "images", tmp_path / "strokes"
    images.mkdir()
    strokes.mkdir()
    for i in range(2):
        image, labels = scene(i, request.param)
        kind = {"photometric": "minisblack", "planarconfig": "contig"}
        tifffile.imwrite(images / f"{i}.tif", image, **kind)
        drawn = np.where(np.add.outer(np.arange(60), np.arange(80)) % 6 == 0, labels, -1)
        write_markers(strokes / f"{i}-seeds.txt", spel.Markers.from_image(drawn, background=1))
    (tmp_path / "arch.json").write_text(json.dumps(ARCH))
    return images, strokes


def test_channels_that_are_no_colours_are_learned_and_segmented(
    program: Program, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    images, strokes = folders
    net, masks = tmp_path / "net.safetensors", tmp_path / "masks"
    learn = ["learn", tmp_path / "arch.json", "--images", images, "--markers", strokes]
    learn += ["--labels", "from-1", "--objects", "any-size", "--out", net]
    code, _, err = program(*learn)
    assert code == 0
    assert "no colours, so they are taken as they are (--space none)" in err
    assert program("segment", net, images, "--out", masks)[0] == 0
    _, labels = scene(0, 2)
    found = spel.read(masks / "0.png")[..., 0]
    assert all(dice(found == label, labels == label) > 0.9 for label in (2, 3))
    code, _, err = program(*learn, "--space", "lab")
    assert code != 0
    assert "channels" in err
    assert "Traceback" not in err
    first = spel.load(net)
    assert program(*learn, "--space", "none")[0] == 0
    assert spel.load(net).fingerprint() == first.fingerprint()


def test_channels_that_are_no_colours_are_cut(
    program: Program, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    images, strokes = folders
    cut = ["cut", images, "--markers", strokes, "--labels", "from-1", "--out", tmp_path / "cut"]
    code, _, err = program(*cut)
    assert code == 0
    assert "(--space none)" in err
    _, labels = scene(0, 2)
    assert (spel.read(tmp_path / "cut" / "0.png")[..., 0] == labels).mean() > 0.99
    code, _, err = program(*cut, "--space", "grey", "--fresh")
    assert code != 0
    assert "channels" in err


def test_an_architecture_without_colours(program: Program, tmp_path: Path) -> None:
    (tmp_path / "arch.json").write_text(json.dumps(ARCH))
    made = tmp_path / "net.safetensors"
    code, _, _ = program("convert", tmp_path / "arch.json", made, "--space", "none")
    assert code == 0
    assert next(iter(spel.load(made).names)) == "conv1"


def test_detectors_refuse_channels_that_are_no_colours(
    program: Program, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    images, _ = folders
    one = {"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 15], "id": 1}
    truth = {
        "images": [{"id": 1, "file_name": "0.tif", "width": 80, "height": 60}],
        "categories": [{"id": 1, "name": "square"}],
        "annotations": [one],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    learn = ["learn-boxes", tmp_path / "truth.json", "--images", images]
    code, _, err = program(*learn, "--out", tmp_path / "net.safetensors")
    assert code == 3
    assert "0.tif" in err.splitlines()[-1]
    assert "channels" in err.splitlines()[-1]
