"""From strokes on planes of a volume to its mask in blocks, as a user goes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.cli.main import run
from spel.data import volume
from spel.decide.segmentation import Segmentation, with_segmentation
from spel.io.annotation.markers import write_markers
from spel.io.large.pyramid import write_pyramid

from .conftest import Program

ARCH = {
    "nlayers": 1,
    "layer1": {
        "conv": {"kernel_size": [3, 3, 3], "nkernels_per_marker": 1, "noutput_channels": 4},
        "pooling": {"type": "avg_pool", "size": [3, 3, 3], "stride": 1},
    },
}


def test_a_volume_is_learned_from_three_planes_and_segmented_in_blocks(tmp_path: Path) -> None:
    scene = volume(1, size=(14, 40, 40), count=6)
    images, strokes = tmp_path / "images", tmp_path / "strokes"
    for folder in (images, strokes):
        folder.mkdir()
    voxels = {"spacing": scene.spacing, "unit": "µm"}
    write_pyramid(images / "v.tif", [scene.image], scene.image.shape, np.uint8, **voxels)
    drawn = np.full(scene.labels.shape, -1)
    for plane in (3, 7, 11):
        drawn[plane, ::6] = scene.labels[plane, ::6] > 0
    write_markers(strokes / "v-seeds.txt", spel.Markers.from_image(drawn))
    (tmp_path / "arch.json").write_text(json.dumps(ARCH))
    net, out = str(tmp_path / "net.safetensors"), str(tmp_path / "out")
    learn = ["learn", str(tmp_path / "arch.json"), "--images", str(images), "--out", net]
    learn += ["--markers", str(strokes), "--objects", "any-size", "--delineation", "none"]
    run([*learn, "--space", "grey"])
    learn[learn.index(net)] = in_blocks = str(tmp_path / "in-blocks.safetensors")
    run([*learn, "--space", "grey", "--tile", "30"])
    assert spel.load(in_blocks).fingerprint() == spel.load(net).fingerprint()
    assert run([*learn, "--tile", "30", "--report", str(tmp_path / "report.png")]) == 3
    with pytest.raises(SystemExit, match="0"):
        run(["segment", net, str(images), "--out", out, "--tile", "16"])
    mask = spel.read(f"{out}/v.ome.tif")[..., 0] > 0
    whole = spel.decide.segment_image(spel.load(net), scene.image).mask
    assert np.array_equal(mask, whole)
    truth = scene.labels > 0
    assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.8


def test_masks_of_a_volume_are_stacks_and_are_evaluated(program: Program, tmp_path: Path) -> None:
    """Four columns: an image of three axes would be four channels of colours."""
    images, truth, out = (tmp_path / name for name in ("images", "truth", "out"))
    for folder in (images, truth):
        folder.mkdir()
    bright = np.zeros((3, 6, 4, 1), np.uint8)
    bright[1, 2:5, 1:3] = 255
    spel.write(images / "v.tif", bright)
    spel.write(truth / "v.tif", bright)
    net = spel.chain(spel.Activation("relu"))
    how = Segmentation(threshold=128.0)
    with_segmentation(net, how).save(tmp_path / "net.safetensors")
    code, _, err = program(
        "segment", tmp_path / "net.safetensors", images, "--out", out, "--save", "instances"
    )
    assert code == 0, err
    assert (spel.read(out / "v.tif") == bright).all()
    assert (spel.read(out / "v.instances.tif") == bright // 255).all()
    code, told, err = program("eval", out, truth, "--json")
    assert code == 0, err
    assert json.loads(told)["dice"] == 1


@pytest.mark.parametrize(
    "command",
    [
        "apply NET STACK --out OUT",
        "detect NET STACK --out OUT",
        "detect NET STACK --out OUT --tile 8",
        "detect NET STACK --out OUT --save overlay --format coco",
        "segment NET STACK --out OUT",
        "features NET STACK --out OUT",
        "trace NET STACK --at 0,0",
        "trace NET STACK --at 0,0,0",
        "invert NET STACK --out OUT.png",
        "export NET --to html --image STACK --out OUT.html",
    ],
)
def test_a_network_of_images_refuses_a_volume_in_every_command(
    program: Program, tmp_path: Path, command: str
) -> None:
    """It would take the planes for a batch, and a size that was learned for one of a volume."""
    net, stack = tmp_path / "net.safetensors", tmp_path / "stack.npy"
    spel.chain(spel.MaxPool(spel.Adjacency.box(3))).save(net)
    np.save(stack, np.ones((4, 9, 9, 1), np.uint8))
    places = {"NET": net, "STACK": stack, "OUT": tmp_path / "out", "OUT.png": tmp_path / "a.png"}
    places["OUT.html"] = tmp_path / "a.html"
    code, _, err = program(*(places.get(word, word) for word in command.split()))
    assert code == 3
    assert "(4, 9, 9, 1) is a volume" in err
    assert "--page" in err
