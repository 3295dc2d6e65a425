"""What the pages show is what Python prints, and their links lead somewhere."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import spel

from . import samples

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks/METHOD.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name not in ("en", "pt")),
]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
FRAGMENTS = {"add-a-layer.md", "add-an-operator.md", "METHOD.md"}  # pages that show parts of code
RUN = [page for page in PAGES if BLOCK.search(page.read_text()) and page.name not in FRAGMENTS]
NEEDS = {"spel.plot": "matplotlib", "torch": "torch", "onnx": "onnxruntime", "zarr": "zarr"}


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that the pages name."""
    folder = tmp_path_factory.mktemp("pages")
    samples.make(folder)
    return folder


@pytest.mark.parametrize("page", RUN, ids=title)
def test_code_on_the_page_runs(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    scope: dict[str, object] = {}
    blocks = BLOCK.findall(page.read_text())
    for block in blocks:
        if ">>>" not in block:
            for word, package in NEEDS.items():
                if word in block:
                    pytest.importorskip(package)
            if "gate.mp4" in block and not (folder / "gate.mp4").exists():
                pytest.skip("the sample video is made with the package av, which is not installed")
            exec(compile(block, title(page), "exec"), scope)
    shown = "\n".join(block for block in blocks if ">>>" in block)
    test = doctest.DocTestParser().get_doctest(shown, scope, title(page), str(page), 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        place, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = page.parent / place if place else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor and target.suffix == ".md":
            heads = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            known = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in known, f"{link}: no such heading"


CODE = re.compile(r"^(?:```|~~~).*?^(?:```|~~~)|`[^`\n]+`", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_the_commands_of_the_page_exist(page):
    from spel.cli.main import COMMANDS

    code = "\n".join(block.strip("`~") for block in CODE.findall(page.read_text()))
    program = re.compile(r"^(?:\$ )?spel ([a-z][a-z-]*)(?= |$)", re.MULTILINE)
    missing = {f"spel {name}" for name in program.findall(code) if name not in COMMANDS}
    for module in re.findall(r"python(?:3)? -m (benchmarks[\w.]*)", code):
        place = ROOT / module.replace(".", "/")
        if not (place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()):
            missing.add(module)
    scripts = re.findall(
        r"(?:python3? |pytest |\b)((?:benchmarks|scripts|tests|docs)/[\w./*-]+)", code
    )
    missing |= {one for one in scripts if "ROOM" not in one and not [*ROOT.glob(one.rstrip("./"))]}
    assert not missing


def test_every_decision_is_listed_by_its_title():
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    for page in sorted(folder.glob("00*.md")):
        number, title = page.read_text().split("\n", 1)[0].removeprefix("# ").split(" · ", 1)
        assert page.name.startswith(number)
        assert f"[{title}]({page.name})" in listed, f"{page.name} is not listed"


def test_the_citation_and_the_changelog_name_this_version():
    assert f"\nversion: {spel.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    cite = (ROOT / "docs" / "reference" / "cite.md").read_text()
    assert f"version = {{{spel.__version__}}}" in cite
    sources = re.findall(r"arxiv.org/abs/([\d.]+)|doi: (\S+)", (ROOT / "CITATION.cff").read_text())
    assert sources
    assert all(arxiv + doi in cite for arxiv, doi in sources)
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert newest is not None
    assert newest[1] == spel.__version__


def test_no_line_of_the_readme_is_longer_than_a_terminal():
    assert [line for line in (ROOT / "README.md").read_text().splitlines() if len(line) > 100] == []


def test_the_architecture_to_download_is_that_of_the_page():
    from spel.io.annotation import libift

    network = libift.read_arch(ROOT / "docs" / "how-to" / "arch.json")
    waiting = [node.layer for node in network.nodes if isinstance(node.layer, spel.Unlearned)]
    assert [layer.kernels for layer in waiting] == [16, 32]
    assert [layer.adjacency for layer in waiting] == [spel.Adjacency.box(7)] * 2
