"""Without scikit-learn, everything but classifiers works, and they say what to install."""

import subprocess
import sys

import numpy as np
import pytest

import spel
from spel.io import write

WITHOUT = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "sklearn" else found(name, *more)
sys.modules["sklearn"] = None
from spel.cli.main import main
sys.argv = ["spel", *sys.argv[1:]]
main()
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, np.zeros((8, 8, 1), np.uint8))
    return tmp_path


def program(*words):
    command = [sys.executable, "-c", WITHOUT, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("command", ["fit", "classify"])
def test_classifiers_say_what_to_install(folder, command):
    words = ("fit", folder, "--out", folder / "m") if command == "fit" else ("classify", "m", "x")
    done = program(*words)
    assert done.returncode not in (0, 1), done.stderr
    assert "pip install 'spel[sklearn]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr


def test_other_commands_do_not_need_it(folder):
    done = program("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "extra sklearn: not installed" in done.stdout
    done = program("detect", "plate-lecture", folder / "a", "--out", folder / "results")
    assert done.returncode in (0, 1), done.stderr
    assert "sklearn" not in done.stderr
    assert spel.__version__
