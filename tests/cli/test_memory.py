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


def apply(folder, *options):
    """Exit code, standard error and peak memory in bytes of ``spel apply``."""
    command = [sys.executable, "-m", "spel", "apply", "net.safetensors", "a.png", "--out", "out"]
    with subprocess.Popen(
        [*command, *options], cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        assert process.stderr is not None
        words = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, words, usage.ru_maxrss * 1024


@pytest.mark.parametrize("rows", [20_000, 100_000])
def test_a_narrow_picture_takes_little_memory(tmp_path, rows):
    spel.chain(spel.Convolution(BANK)).save(tmp_path / "net.safetensors")
    write(tmp_path / "a.png", np.zeros((rows, 1, 3), np.uint8))
    code, words, peak = apply(tmp_path)
    assert code == 0, words
    assert peak < 600 << 20


def test_steps_that_take_more_memory_than_allowed_are_refused(tmp_path):
    spel.chain(spel.Convolution(BANK)).save(tmp_path / "net.safetensors")
    write(tmp_path / "a.png", np.zeros((600, 600, 3), np.uint8))
    code, words, _ = apply(tmp_path, "--max-memory", "1")
    assert code != 0
    assert "raise the limit (--max-memory)" in words
    assert apply(tmp_path, "--max-memory", "100")[0] == 0


@pytest.mark.parametrize("shape", [(20_000, 1), (1, 20_000), (9000, 300)])
def test_no_picture_of_a_sheet_is_taller_than_4096_pixels(shape):
    page = sheet([Tile(np.zeros(shape), "zeros")], columns=1, tile_width=240)
    assert page.shape[0] < 4096 + 300
