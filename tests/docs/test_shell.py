"""The commands of the pages run, one after the other, in the folder of a reader."""

from __future__ import annotations

import re

import pytest

from .shell_samples import ROOT, SAMPLES, called

BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NEEDS = {"--to onnx": "onnxruntime", "--to bioimageio": "onnxruntime", "--to torch": "torch"}
LEFT_OUT = ("spel reproduce", "spel fit truth", "spel learn-boxes", "plates.onnx", "denoise:25")
"""What needs data of others, or takes more than seconds."""


def commands(page: str) -> list[str]:
    """The lines of a page that call spel, in order, without their remarks."""
    text = (ROOT / "docs" / "how-to" / page).read_text()
    lines = "".join(code for kind, code in BLOCK.findall(text) if kind in ("", "sh")).splitlines()
    return [line.split("  #")[0].strip() for line in lines if line.startswith("spel ")]


@pytest.mark.parametrize("page", SAMPLES)
def test_the_commands_of_a_page_run_one_after_the_other(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if page == "video.md":
        pytest.importorskip("av")
    SAMPLES[page]()
    ran = 0
    for line in commands(page):
        if any(word in line for word in LEFT_OUT):
            continue
        for word, package in NEEDS.items():
            if word in line:
                pytest.importorskip(package)
        code = called(line)
        told = capsys.readouterr()
        assert code in ((0, 6) if "--fail-under" in line else (0,)), f"{line}: {told.err}"
        ran += 1
    assert ran
