"""A picture whose format is not written is refused before anything is read or computed."""

from __future__ import annotations

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
