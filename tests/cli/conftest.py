"""Files that the commands are tried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spel
from spel.cli.main import run
from spel.data import street


class Program:
    """Runs a command in this process: exit code, standard output, standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        self.capsys.readouterr()
        try:
            code = run([str(a) for a in arguments])
        except SystemExit as leave:
            code = int(leave.code or 0)
        out, err = self.capsys.readouterr()
        return code, out, err


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A rendered street with one plate."""
    path = tmp_path / "street.png"
    spel.write(path, street(3).image)
    return path


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Three kernels on a grey image, then one channel."""
    net = spel.chain(
        edges=spel.Convolution(
            spel.KernelBank.random(spel.Adjacency.box(3), kernels=3, channels=1, seed=0)
        ),
        positive=spel.Activation("relu"),
        sum=spel.WeightedSum([1.0, 1.0, 1.0]),
    )
    path = tmp_path / "net.safetensors"
    net.save(path)
    return path


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    spel.write(path, np.arange(48, dtype=np.uint8).reshape(6, 8) * 5)
    return path
