"""A small file that is a very narrow picture takes little memory, and too much is refused."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import spel
from spel.draw import Tile, sheet
from spel.io import write

BANK = spel.KernelBank.random(spel.Adjacency.box(3), kernels=2, channels=3, seed=0)


PROGRAM = """
import sys
from spel.cli.main import main
try:
    main(["apply", "net.safetensors", "a.png", "--out", "out", *sys.argv[1:]])
finally:
    with open("/proc/self/status") as status, open("peak", "w") as peak:
        peak.writelines(line for line in status if line.startswith("VmHWM"))
"""


def apply(folder, *options):
    """Exit code, standard error and peak memory in bytes of ``spel apply``."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *options], cwd=folder, capture_output=True, text=True
    )
    return done.returncode, done.stderr, int((folder / "peak").read_text().split()[1]) << 10


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux")
@pytest.mark.parametrize("rows", [20_000, 100_000])
def test_a_narrow_picture_takes_little_memory(tmp_path, rows):
    spel.chain(spel.Convolution(BANK)).save(tmp_path / "net.safetensors")
    write(tmp_path / "a.png", np.zeros((rows, 1, 3), np.uint8))
    code, words, peak = apply(tmp_path)
    assert code == 0, words
    assert peak < 600 << 20


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux")
def test_steps_that_take_more_memory_than_allowed_are_refused(tmp_path):
    many = spel.KernelBank.random(spel.Adjacency.box(3), kernels=64, channels=3, seed=0)
    spel.chain(spel.Convolution(many)).save(tmp_path / "net.safetensors")
    write(tmp_path / "a.png", np.zeros((600, 600, 3), np.uint8))
    code, words, _ = apply(tmp_path, "--format", "npy", "--max-memory", "64")
    assert code != 0
    assert "raise the limit (--max-memory)" in words
    assert apply(tmp_path, "--format", "npy", "--max-memory", "2000", "--retry")[0] == 0


@pytest.mark.parametrize("shape", [(20_000, 1), (1, 20_000), (9000, 300)])
def test_no_picture_of_a_sheet_is_taller_than_4096_pixels(shape):
    page = sheet([Tile(np.zeros(shape), "zeros")], columns=1, tile_width=240)
    assert page.shape[0] < 4096 + 300
