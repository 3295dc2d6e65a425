"""SIGINT and SIGTERM deep in a command: one line, its exit code, and nothing half written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.cli.main import run
from spel.cli.signals import stop_on_signals
from spel.data import street
from spel.io.annotation.annotations import ImageBoxes
from spel.io.annotation.labels import write_coco
from spel.io.annotation.markers import write_markers
from spel.nn import Unlearned

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Signals as the program has them, also where the tests were started to ignore SIGINT."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals go to the main thread")
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    stop_on_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos with boxes, masks and strokes, two classes, and networks."""
    home = tmp_path_factory.mktemp("signals")
    for name in ("photos", "masks", "strokes", "classes/a", "classes/b"):
        (home / name).mkdir(parents=True)
    truth = []
    for i in range(3):
        scene = street(i, size=(120, 160))
        x0, y0, x1, y1 = scene.boxes[0].astype(int)
        mask = np.zeros((120, 160), np.uint8)
        mask[y0:y1, x0:x1] = 255
        spel.write(home / f"photos/{i}.png", scene.image)
        spel.write(home / f"masks/{i}.png", mask)
        truth.append(ImageBoxes(f"{i}.png", (120, 160), scene.boxes))
        points = [(y0 + 1, x) for x in range(x0, x1)] + [(115, x) for x in range(0, 140, 4)]
        labels = [1] * (x1 - x0) + [0] * 35
        markers = spel.Markers(points, labels, (120, 160), background=0)
        write_markers(home / f"strokes/{i}.txt", markers)
        for name, most in (("a", 255), ("b", 90)):
            image = np.random.default_rng(i).integers(0, most, (20, 20, 3))
            spel.write(home / f"classes/{name}/{i}.png", image.astype(np.uint8))
    write_coco(home / "truth.json", truth)
    box = spel.Adjacency.box(3)
    spel.chain(
        color=spel.Color("lab"), conv=Unlearned(box, kernels=2), relu=spel.Activation("relu"),
        pool=spel.MaxPool(box),
    ).save(home / "arch.safetensors")  # fmt: skip
    spel.chain(grey=spel.Color("grey"), scale=spel.Scale([1 / 255])).save(home / "n.safetensors")
    photo = str(home / "photos/0.png")
    small = ["--task", "denoise:15", "--anchors", "1", "--stages", "1", "--out", str(home / "r")]
    assert run(["learn-restore", photo, *small]) == 0
    return home


def interrupting(number: int, monkeypatch: pytest.MonkeyPatch, where: str) -> list[str]:
    """Let the next call of ``module:name`` bring the signal; the calls, of which there is one."""
    module, _, name = where.partition(":")
    owner: object = import_module(module)
    *path, attribute = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    real: Callable[..., object] = getattr(owner, attribute)
    calls: list[str] = []

    def brings(*args: object, **options: object) -> object:
        if not calls:
            calls.append(where)
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 5)  # a system call, after which Python handles the signal
        return real(*args, **options)

    monkeypatch.setattr(owner, attribute, brings)
    return calls


LEARN = "learn arch.safetensors --images photos --markers strokes --out out"
COMMANDS = [
    ("fit classes --size 3 --kernels 4 --out out", "spel.cli.fit_run:hold_out"),
    ("fit classes --size 3 --kernels 4 --test 0 --out out", "os:replace"),
    (LEARN, "spel.flim.learn:gather_samples"),
    (f"{LEARN} --encoder", "os:fsync"),
    ("eval masks masks", "spel.evaluation.masks:overlap"),
    ("compare n.safetensors --images photos --masks masks", "spel.evaluation.networks:segment"),
    ("learn-restore photos --task denoise:15 --out out", "spel.cli.progress:Progress.step"),
    ("restore r photos/0.png --out out.png", "spel.cli.progress:Progress.step"),
    ("texture photos/0.png --out out.png", "spel.cli.progress:Progress.step"),
    ("invert n.safetensors photos/0.png --out out.png", "os:fsync"),
]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("words", "where"), COMMANDS)
def test_a_signal_ends_a_command(place, monkeypatch, capsys, number, words, where):
    monkeypatch.chdir(place)
    before = sorted(place.rglob("*"))
    calls = interrupting(number, monkeypatch, where)
    assert run(words.split()) == SIGNALS[number]
    assert calls == [where]
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("spel: interrupted; ")
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("number", SIGNALS)
def test_what_was_mined_is_left_for_the_same_command(place, monkeypatch, capsys, number):
    monkeypatch.chdir(place)
    interrupting(number, monkeypatch, "spel.learning.detector:training_photos")
    words = "learn-boxes truth.json --images photos --out out"
    assert run(words.split()) == SIGNALS[number]
    assert "goes on from what was mined, in out.rounds" in capsys.readouterr().err
    assert [path.name for path in place.glob("out*")] == ["out.rounds"]
    (place / "out.rounds").unlink()


def test_the_program_ends_with_the_exit_code_of_sigterm():
    program = """
import os, signal
from spel.cli import main
main.cli.main = lambda *words, **options: os.kill(os.getpid(), signal.SIGTERM)
main.main(["doctor"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 143
    assert done.stderr == "spel: interrupted; no incomplete file was left behind\n"


def test_a_signal_while_the_command_line_is_imported_is_one_line(tmp_path):
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    roots = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    lines = "import signal, runpy; signal.signal(2, signal.default_int_handler); "
    done = subprocess.run(
        [sys.executable, "-c", lines + "runpy.run_module('spel', run_name='__main__')"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(roots)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (130, "spel: interrupted; nothing was started\n")
