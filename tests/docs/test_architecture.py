"""The page on architecture names rooms and stops that exist."""

from __future__ import annotations

import contextlib
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType

import numpy as np
import pytest

import spel
from spel.cli.main import run
from spel.data import street
from spel.io.annotation.markers import write_markers
from spel.nn import Unlearned

HOME = Path(spel.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "architecture.md"
MOST_STOPS = 12


def calls_of(work: Callable[[], object]) -> Iterator[tuple[str, str]]:
    """File and name of every call of the package, in order; a method is a call of its class."""
    codes: list[CodeType] = []
    home = f"{HOME}/"

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(home):
            codes.append(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    for code in codes:
        yield code.co_filename.removeprefix(home), code.co_qualname.partition(".")[0]


def program(words: list[str]) -> None:
    with contextlib.suppress(SystemExit):
        run(words)


def walk_detect(folder: Path) -> Callable[[], object]:
    spel.write(folder / "street.png", street(3).image)
    words = ["detect", "plate-lecture", "street.png", "--out", "found", "--no-isolate"]
    return lambda: program(words)


def walk_learn(folder: Path) -> Callable[[], object]:
    for name in ("images", "strokes"):
        (folder / name).mkdir()
    image = np.zeros((24, 24, 3), np.uint8)
    image[4:12, 4:12] = 200
    spel.write(folder / "images/a.png", image)
    points = [(row, col) for row in (7, 20) for col in range(5, 10)]
    markers = spel.Markers(points, [1] * 5 + [0] * 5, (24, 24), background=0)
    write_markers(folder / "strokes/a.txt", markers)
    box = spel.Adjacency.box(3)
    net = spel.chain(
        spel.Color("lab"), conv=Unlearned(box, kernels=4), relu=spel.Activation("relu"),
        pool=spel.MaxPool(box),
    )  # fmt: skip
    net.save(folder / "net.safetensors")
    words = ["learn", "net.safetensors", "--images", "images", "--markers", "strokes"]
    return lambda: program(
        [*words, "--out", "learned.safetensors", "--no-isolate", "--objects", "one"]
    )


def walk_edit(folder: Path) -> Callable[[], object]:
    changes = pytest.importorskip("spel.studio.web.changes", reason="the studio is not installed")
    from spel.studio.session import Session
    from spel.studio.sources import Source

    image = np.zeros((24, 24, 3), np.uint8)
    session = Session([Source("image", "image", lambda: image)], folder / "session")
    command = {"do": "set_kernel", "network": "plate", "node": "edges", "kernel": 0, "bias": 1}

    def work() -> None:
        changes.do(session, {"command": command, "revision": session.revision})
        session.close()

    return work


WALKS = {"detect": walk_detect, "learn": walk_learn, "studio": walk_edit}


def stops_of(walk: str) -> list[tuple[str, str]]:
    return re.findall(r"`([\w/]+\.py):(\w+)`", walk)


@pytest.mark.parametrize("title", WALKS)
def test_the_walks_of_the_page_are_those_of_the_code(
    title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (walk,) = (w for w in PAGE.read_text().split("### ")[1:] if title in w.splitlines()[0])
    stops = stops_of(walk)
    assert len(stops) > 8
    calls = calls_of(WALKS[title](tmp_path))
    for stop in stops:
        assert stop in calls, f"{stop} is not called after the stops before it"


def test_a_walk_has_at_most_a_dozen_stops():
    walks = PAGE.read_text().split("### ")[1:]
    assert len(walks) == 3
    for walk in walks:
        assert len(re.findall(r"^\d+\. ", walk, re.MULTILINE)) <= MOST_STOPS


def test_every_room_is_on_the_page():
    text = PAGE.read_text()
    rooms = {p.name for p in HOME.iterdir() if (p / "__init__.py").exists()}
    files = {p.stem for p in HOME.glob("*.py") if not p.stem.startswith("__")}
    missing = sorted(name for name in rooms | files if f"`{name}`" not in text)
    assert not missing, f"{PAGE.name} does not name {missing}"


def test_rooms_may_import_what_the_contract_allows():
    contract = tomllib.loads((PAGE.parents[2] / "pyproject.toml").read_text())
    (layers,) = (c["layers"] for c in contract["tool"]["importlinter"]["contracts"])
    floors = [re.findall(r"spel\.(\w+)", layer) for layer in layers]
    below = [f"{', '.join(f'`{room}`' for room in floor)} and below" for floor in floors[1:]]
    allowed = [(room, text) for floor, text in zip(floors, [*below, "nothing"]) for room in floor]
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == allowed
