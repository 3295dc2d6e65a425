"""What users see is typed: the code of the README and of the pages passes mypy --strict."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import spel

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *(
        page
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if page.parent.name not in ("contributing", "en", "pt")
    ),  # those are made of notebooks
]


def code_of(page):
    """The Python of a page, as one module: its blocks in order, prompts and answers left out."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    lines = []
    for block in blocks:
        if ">>>" in block:
            shown = re.findall(r"^(?:>>>|\.\.\.) ?(.*)$", block, re.MULTILINE)
            lines += shown
        else:
            lines += block.splitlines()
    return "\n".join(lines) + "\n"


def test_code_of_the_pages_type_checks_as_a_user_would(tmp_path):
    pytest.importorskip("mypy")
    files = []
    for page in PAGES:
        code = code_of(page)
        if "spel" in code:
            name = str(page.relative_to(ROOT).with_suffix("")).replace("/", "_").replace("-", "_")
            files.append(tmp_path / f"{name}.py")
            files[-1].write_text(code)
    assert files
    options = ["--strict", "--follow-imports=silent", "--ignore-missing-imports"]
    config = tmp_path / "mypy.ini"
    home = Path(spel.__file__).parents[1]  # mypy finds an installed package by itself
    config.write_text("[mypy]\n" + f"mypy_path = {home}\n" * (home.name != "site-packages"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(config), *options, *map(str, files)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_name_can_be_completed():
    assert set(spel.__all__) <= set(dir(spel))
    for room in ("decide", "flim", "io", "jobs", "learning", "plot", "rigid"):
        assert getattr(spel, room).__name__ == f"spel.{room}"
    assert set(spel.io.__all__) == set(dir(spel.io))


def test_a_network_is_loaded_by_name_or_by_path(tmp_path):
    from spel.errors import FormatError

    network = spel.load("plate-lecture")
    network.save(tmp_path / "net.safetensors")
    assert spel.load(tmp_path / "net.safetensors").fingerprint() == network.fingerprint()
    with pytest.raises(FormatError, match="no network of that name"):
        spel.load("no-such-network")
    with pytest.raises(FormatError, match="folder"):
        spel.load(tmp_path)
