"""``python -m benchmarks.studio.killed``: SIGKILL in the middle of a task, and two windows at once.

``spel studio`` runs as a process and is driven over HTTP. In the middle of each task (strokes
learned, boxes learned, a run over a folder, an upload, a row of undos) the process is killed; the
session is opened again, and must hold every change that was acknowledged and nothing half done.
Then two windows change the session at the same revision. A table is printed; the status is 1 if a
row fails.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from spel.data import street
from spel.io import write

Row = tuple[str, str, bool]
SEEDS = (3, 7, 11, 5)
COPIES = 30
"""Images of the folder that is run over."""


class Process:
    """A studio in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "spel", "studio", "--no-browser", "--session"]
        arguments = [str(folder / "session"), "--root", str(folder), str(folder / "images")]
        self.process = subprocess.Popen(
            command + arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        url = self.process.stdout.readline().strip()
        self.port = int(url.split(":")[2].split("/")[0])
        line = self._line()
        line.request("GET", url.partition(str(self.port))[2])
        moved = line.getresponse()
        location = moved.getheader("Location") or ""
        self.token = location.partition("#key=")[2]

    def _line(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Status and answer of a request."""
        line = self._line()
        line.request(method, f"/api/{path}", body, self._fields("application/json"))
        answer = line.getresponse()
        text = answer.read()
        return answer.status, json.loads(text)

    def _fields(self, kind: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.token}",
            "Origin": f"http://127.0.0.1:{self.port}",
            "Content-Type": kind,
        }

    def head(self, method: str, path: str, length: int) -> bytes:
        """The head of a request whose body follows."""
        fields = {
            "Host": f"127.0.0.1:{self.port}",
            "Content-Length": length,
            **self._fields("application/octet-stream"),
        }
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def post(self, path: str, **values: Any) -> Any:
        return self.ask("POST", path, json.dumps(values).encode())

    def document(self) -> dict[str, Any]:
        """The document, without what is only of this process."""
        _, document = self.ask("GET", "document")
        return {k: v for k, v in document.items() if k not in ("revision", "view", "tasks")}

    def kill(self) -> None:
        """SIGKILL: nothing can be put in order any more."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def desk() -> Iterator[Path]:
    """A folder with images on which strokes and boxes can be drawn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "images").mkdir()
        for seed in SEEDS:
            write(folder / "images" / f"street-{seed}.png", street(seed).image)
        (folder / "many").mkdir()
        for i in range(COPIES):
            one = folder / "images" / f"street-{SEEDS[i % len(SEEDS)]}.png"
            shutil.copy(one, folder / "many" / f"{i:03}.png")
        yield folder


def draw(studio: Process) -> None:
    """A stroke on the plate and two on the background of each image, and its box."""
    _, document = studio.ask("GET", "document")
    for seed, image in zip(SEEDS, document["images"], strict=False):
        x0, y0, x1, y1 = street(seed).boxes[0]
        row = (y0 + y1) / 2
        lines = [
            (1, [row, x0 + 8], [row, x1 - 8]),
            (0, [40, 100], [44, 200]),
            (0, [340, 160], [336, 260]),
        ]
        for i, (label, *points) in enumerate(lines):
            stroke = {
                "id": f"s{seed}-{i}",
                "label": label,
                "tool": "brush",
                "radius": 3,
                "points": points,
            }
            done(
                studio.post(
                    "do", command={"do": "add_stroke", "image": image["id"], "stroke": stroke}
                )
            )
        truth = {"do": "set_truth", "image": image["id"], "boxes": [[x0, y0, x1, y1]]}
        done(studio.post("do", command=truth))


def done(answer: tuple[int, Any]) -> Any:
    """The body of an answer that must be a success."""
    status, body = answer
    assert status == 200, body
    return body


def killed_in(
    folder: Path, begin: Callable[[Process], Any], after: float
) -> tuple[Any, Any, Process]:
    """The document before a task, and that of the session that is opened after SIGKILL in it."""
    studio = Process(folder)
    before = studio.document()
    thread = threading.Thread(target=lambda: _quietly(lambda: begin(studio)), daemon=True)
    thread.start()
    time.sleep(after)
    studio.kill()
    thread.join()
    again = Process(folder)
    return before, again.document(), again


def _quietly(work: Callable[[], Any]) -> None:
    with suppress(OSError, http.client.HTTPException, ValueError):  # it was killed meanwhile
        work()


# -- the rows --------------------------------------------------------------------------------------


def strokes(folder: Path) -> Row:
    """A stroke is there although the process was killed as soon as it had answered."""
    lost = 0
    for i in range(5):
        studio = Process(folder)
        image = studio.document()["images"][0]["id"]
        points = [[20 + i, 30], [20 + i, 60]]
        stroke = {"id": f"k{i}", "label": 0, "tool": "brush", "radius": 2, "points": points}
        done(studio.post("do", command={"do": "add_stroke", "image": image, "stroke": stroke}))
        studio.kill()
        again = Process(folder)
        lost += f"k{i}" not in [one["id"] for one in again.document()["strokes"][image]]
        again.kill()
    return "killed at the answer to a stroke", f"{5 - lost} of 5 strokes are there", not lost


def undos(folder: Path) -> Row:
    """Acknowledged undos are undone; one that was on its way may be."""
    counts: list[int] = []

    def many(studio: Process) -> None:
        while True:
            counts.append(_count(done(studio.post("undo"))["document"]))

    _, after, again = killed_in(folder, many, 0.2)
    for _ in counts:
        done(again.post("redo"))
    again.kill()
    fine = _count(after) in (counts[-1], counts[-1] - 1)
    return "undo", f"{len(counts)} were answered, and are undone", fine


def _count(document: dict[str, Any]) -> int:
    return sum(map(len, document["strokes"].values())) + sum(map(len, document["truth"].values()))


def learning(folder: Path) -> Row:
    """Strokes learned by a command of the page."""
    command = {"do": "learn", "network": "from strokes"}
    return _unchanged("learn from strokes", folder, lambda s: s.post("do", command=command), 0.05)


def boxes(folder: Path) -> Row:
    """A detector learned by a task."""
    return _unchanged("learn from boxes", folder, lambda s: s.post("learn-boxes", network="b"), 1.5)


def upload(folder: Path) -> Row:
    """An image of 30 MB of which half has come."""

    def half(studio: Process) -> None:
        with socket.create_connection(("127.0.0.1", studio.port)) as line:
            head = studio.head("PUT", "/api/images?name=half.tif", 30_000_000)
            line.sendall(head + bytes(15_000_000))
            line.recv(1)

    name, _, same = _unchanged("upload", folder, half, 0.5)
    left = [path.name for path in (folder / "session" / "uploads").iterdir()]
    return name, f"{len(left)} files of it are left", same and not left


def run_over(folder: Path) -> Row:
    """A run that was killed goes on where it ended."""
    studio = Process(folder)
    image = studio.document()["images"][0]["id"]
    folders = done(studio.ask("GET", "folders"))["folders"]
    (many,) = (one["id"] for one in folders if one["name"].endswith("many"))
    what = {"network": "plate", "image": image, "folder": many}
    task = done(studio.post("run-folder", **what))
    while task["done"] < 5:
        time.sleep(0.02)
        task = done(studio.ask("GET", f"tasks/{task['id']}"))
    studio.kill()
    again = Process(folder)
    task = done(again.post("run-folder", **what))
    first = None
    while task["state"] == "running":
        time.sleep(0.02)
        task = done(again.ask("GET", f"tasks/{task['id']}"))
        first = first or task["done"]
    again.kill()
    rows = task["result"]["rows"]
    whole = sorted(row["name"] for row in rows) == [f"{i:03}.png" for i in range(COPIES)]
    fine = task["state"] == "done" and whole and (first or 0) >= 4
    return "run over a folder", f"goes on at image {first} of {len(rows)}", fine


def windows(folder: Path) -> Row:
    """Two windows change the session at one revision: the second is refused, and sees the first."""
    studio = Process(folder)
    _, shown = studio.ask("GET", "document")
    image, revision = shown["images"][0]["id"], shown["revision"]
    answers = []
    for name in ("w1", "w2"):
        points = [[50, 30], [50, 60]]
        stroke = {"id": name, "label": 0, "tool": "brush", "radius": 2, "points": points}
        command = {"do": "add_stroke", "image": image, "stroke": stroke}
        answers.append(studio.post("do", command=command, revision=revision))
    (first, one), (second, other) = answers
    studio.kill()
    equal = one["document"]["strokes"] == other["document"]["strokes"]
    fine = (first, second, other["code"], equal) == (200, 409, "conflict", True)
    return "two windows at one revision", f"{first}, then {second}: {other['error'][:40]} ...", fine


def _unchanged(name: str, folder: Path, begin: Callable[[Process], Any], after: float) -> Row:
    before, now, again = killed_in(folder, begin, after)
    again.kill()
    changed = [key for key in before if before[key] != now.get(key)]
    said = f"changed: {', '.join(changed)}" if changed else "the session is as before"
    return name, said, not changed


def main() -> None:
    """Kill, open again, and print a table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("| killed in | what the session holds | |\n|---|---|---|")
    failed = 0
    with desk() as folder:
        studio = Process(folder)
        draw(studio)
        studio.kill()
        for work in (strokes, learning, boxes, upload, run_over, windows, undos):
            name, said, fine = work(folder)
            failed += not fine
            print(f"| {name} | {said} | {'OK' if fine else 'FAILS'} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
