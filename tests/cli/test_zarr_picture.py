"""``--out NAME.zarr``: one picture of one image as a folder of OME-Zarr, whole or absent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.cli.main import run as program
from spel.data import street
from spel.io.large import LargeImage

pytest.importorskip("zarr", reason="needs the extra zarr")
BOX = spel.Adjacency.box(3)
NET = spel.chain(grey=spel.Color("grey"), blur=spel.MeanPool(BOX))
SOLID = spel.chain(blur=spel.MeanPool(spel.Adjacency.box(3, ndim=3)))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    NET.save("net.safetensors")
    SOLID.save("solid.safetensors")
    np.save("flat.npy", street(1, size=(300, 280)).image)
    np.save("volume.npy", np.random.default_rng(0).random((5, 40, 30, 1), np.float32))
    return tmp_path


def code_of(*words: str) -> int:
    try:
        return int(program(list(words)) or 0)
    except SystemExit as left:
        return int(left.code or 0)


def pixels(path: Path | str) -> np.ndarray:
    with LargeImage(path) as image:
        return image[:]


@pytest.mark.parametrize("tile", [(), ("--tile", "64")], ids=["whole", "tiles"])
@pytest.mark.parametrize(
    ("net", "image"), [("net.safetensors", "flat.npy"), ("solid.safetensors", "volume.npy")]
)
def test_a_step_or_mask_becomes_one_folder(place, net, image, tile, capsys):
    import zarr

    output = spel.load(net)(np.load(image))
    for job in ("apply", "segment"):
        for _ in range(2):  # the second replaces the first
            assert code_of(job, net, image, "--out", f"{job}.zarr", *tile, "-q") == 0
            assert capsys.readouterr().out == f"{job}.zarr\n"
    assert np.array_equal(pixels("apply.zarr"), output)
    mask = spel.ops.threshold(output[..., 0], "otsu")
    assert np.array_equal(pixels("segment.zarr")[..., 0], np.where(mask, 255, 0))
    stored = zarr.open_group("apply.zarr", mode="r")
    assert np.array_equal(np.moveaxis(stored["0"][:], 0, -1), output)
    assert sorted(p.name for p in place.iterdir() if p.name.startswith(".")) == []
    assert program(["see", "apply.zarr"]) in (0, None)
    assert "ZARR" in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_run_leaves_no_part_of_it_and_goes_on(place, capsys):
    words = ["apply", "net.safetensors", "flat.npy", "--out", "a.zarr", "--tile", "64", "-q"]
    code = (
        "import os, sys; from spel.runs import spread; left, store = [3], spread.store\n"
        "def dying(place, value):\n"
        "    left[0] -= 1\n"
        "    os.kill(os.getpid(), 9) if left[0] < 0 else store(place, value)\n"
        "spread.store = dying\n"
        "from spel.cli.main import run\nrun(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *words])
    assert done.returncode == -signal.SIGKILL
    assert not Path("a.zarr").exists()
    assert len(list(Path(".a.zarr.run").glob("*.parts/*.npz"))) == 3
    assert code_of(*words) == 0
    assert np.array_equal(pixels("a.zarr"), NET(np.load("flat.npy")))
    assert not Path(".a.zarr.run").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("call", ["rename", "rmtree"])
def test_a_run_killed_around_the_move_of_its_picture_goes_on(place, capsys, call, earlier):
    """Killed before each rename, and before the run's folder is removed."""
    words = ["apply", "net.safetensors", "flat.npy", "--out", "a.zarr", "--tile", "64", "-q"]
    if earlier:
        assert code_of("segment", *words[1:]) == 0
    code = (
        "import os, shutil, sys; from pathlib import Path; from spel.cli import zarr_picture\n"
        "def dying(*_, **__): os.kill(os.getpid(), 9)\n"
        "move = zarr_picture.move_folder\n"
        "def moving(*given):\n"
        f"    setattr(Path if {call!r} == 'rename' else shutil, {call!r}, dying); move(*given)\n"
        "zarr_picture.move_folder = moving\n"
        "from spel.cli.main import run\nrun(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *words])
    assert done.returncode == -signal.SIGKILL
    assert Path(".a.zarr.run").exists()
    assert code_of(*words) == 0
    assert np.array_equal(pixels("a.zarr"), NET(np.load("flat.npy")))
    assert not Path(".a.zarr.run").exists()


def test_a_video_is_refused_before_it_is_read(place, capsys, monkeypatch):
    Path("a.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    assert code_of("apply", "net.safetensors", "a.mp4", "--out", "a.zarr") == 2
    assert "a video of many; give a folder" in capsys.readouterr().err
    assert not Path(".a.zarr.run").exists()


def test_what_is_more_than_one_picture_is_refused(place, capsys):
    net, out = "net.safetensors", ("--out", "a.zarr")
    for words, said in (
        (("apply", net, "flat.npy", "volume.npy", *out), "these are 2 images"),
        (("apply", net, "flat.npy", *out, "--save", "all"), "makes more files"),
        (("segment", net, "flat.npy", *out, "--save", "csv"), "makes more files"),
        (("segment", net, "flat.npy", *out, "--format", "ome-tiff"), "without --shard and other"),
        (("detect", net, "flat.npy", *out), "which spel segment and spel apply write"),
    ):
        assert code_of(*words) in (2, 3)
        assert said in capsys.readouterr().err
    assert not Path("a.zarr").exists()
