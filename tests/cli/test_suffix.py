"""A picture whose format is not written is refused before anything is read or computed."""

from __future__ import annotations

import numpy as np
import pytest

from spel.cli.main import run


@pytest.mark.parametrize(
    "words",
    [
        ["invert", "plate-lecture", "absent.png"],
        ["restore", "absent.safetensors", "absent.png"],
        ["texture", "absent.png"],
    ],
    ids=lambda words: words[0],
)
def test_the_suffix_comes_first(words, tmp_path, capsys) -> None:
    assert run([*words, "--out", str(tmp_path / "a.gif")]) == 3
    assert "ends in '.gif'; give one of .png" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", [np.int16, np.float64])
def test_a_type_that_the_format_does_not_hold_is_refused_before_the_work(
    dtype, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr("spel.synthesis.texture", None)  # whoever calls it fails
    np.save(tmp_path / "a.npy", np.arange(4096).reshape(64, 64, 1).astype(dtype))
    assert run(["texture", str(tmp_path / "a.npy"), "--out", str(tmp_path / "a.png")]) == 3
    assert f".png holds bool, uint8 or uint16, not {np.dtype(dtype)}" in capsys.readouterr().err
