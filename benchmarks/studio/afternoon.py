"""``python -m benchmarks.studio.afternoon``: an afternoon in the studio's laboratory, by a script.

The page is driven in Chromium with mouse and keyboard: 67 microscope fields are opened, strokes
drawn on three of them, a network is learned, kernels are dropped and stay dropped, the second layer
is learned again, all fields are run over and their masks leave; then boxes are drawn on photographs
of cars, and a detector is learned, judged and run. A table of all steps is printed.

``--data`` names a folder that holds ``parasites`` (``images`` and ``masks`` of one name each) and
``plates`` (``eu``, a folder of photographs, and ``annotations.json``, their boxes as COCO).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studio.browser import Studio
from spel.io import read
from spel.studio.session import Session
from spel.studio.sources import files
from spel.studio.web.server import Server

Row = tuple[str, float, str]
Place = tuple[float, float]
SPOTS = 4
"""Background strokes on each field."""
BOXED = 12
"""Photographs on which boxes are drawn."""


class Desk(Studio):
    """A page, and what a person does on it, with the time that each step takes."""

    def __init__(self, page: Any, server: Server) -> None:
        super().__init__(page, server)
        self.rows: list[Row] = []
        page.set_default_timeout(300_000)
        page.goto(server.url)
        page.wait_for_selector("html[data-ready]")

    def step(self, name: str, work: Callable[[], str]) -> None:
        """Do something, and note how long it took and what came of it."""
        begin = time.perf_counter()
        outcome = work()
        self.rows.append((name, time.perf_counter() - begin, outcome))
        print(f"{name}: {outcome}", flush=True)

    def open_image(self, name: str) -> str:
        """Choose an image of the session; returns its id."""
        (id,) = (s.id for s in self.server.session.sources if s.name == name)
        self.page.select_option("#top select >> nth=1", id)
        self.rest()
        self.page.wait_for_timeout(200)
        return str(id)

    def drag(self, *places: Place) -> None:
        """Draw from place to place (row, col) of the picture."""
        script = """([row, col]) => { const s = document.querySelector('spel-stage'),
            b = s.canvas.getBoundingClientRect(), v = s.view;
            return [b.left + v.x + col * v.zoom, b.top + v.y + row * v.zoom]; }"""
        first, *others = (self.page.evaluate(script, list(place)) for place in places)
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for other in others:
            self.page.mouse.move(*other, steps=6)
        self.page.mouse.up()
        self.rest()

    def wait_for_task(self, kind: str) -> Any:
        """Wait until the last task of a kind has ended, and return it."""
        while True:
            tasks = [t for t in self.server.session.tasks.all() if t.kind == kind]
            if tasks and tasks[-1].state != "running":
                self.page.wait_for_timeout(600)
                return tasks[-1]
            self.page.wait_for_timeout(100)

    def save(self, selector: str) -> bytes:
        """Click on what saves a file, and return the file."""
        with self.page.expect_download() as caught:
            self.page.locator(selector).first.click()
        return Path(caught.value.path()).read_bytes()

    @property
    def network(self) -> Any:
        """The network that the page shows."""
        name = self.page.evaluate("document.querySelector('#top select').value")
        return self.server.session.document.entry(name).network


# -- 67 fields -------------------------------------------------------------------------------------


def fields(desk: Desk, data: Path) -> None:
    """Strokes on three fields, kernels dropped, a layer learned again, all fields run over."""
    masks = {p.name: read(p)[..., 0] > 0 for p in sorted((data / "masks").iterdir())}
    marked = [name for name, mask in masks.items() if mask.any()][:3]

    def open_all() -> str:
        desk.go("images")
        return f"{desk.page.locator('.image-grid li').count()} images"

    def draw() -> str:
        desk.go("markers")
        for name in marked:
            desk.open_image(name)
            _draw_field(desk, masks[name])
        return f"{sum(map(len, desk.server.session.document.strokes.values()))} strokes"

    def learn() -> str:
        desk.page.click("#learn")
        desk.page.wait_for_selector("text=Learned in")
        desk.rest()
        return f"{len(desk.network['conv1'].bank)} and {len(desk.network['conv2'].bank)} kernels"

    def drop() -> str:
        desk.go("kernels")
        desk.page.wait_for_selector(".kernel-card")
        before = len(desk.network["conv1"].bank)
        for n in (0, 1):
            desk.page.locator(".kernel-card input[type=checkbox]").nth(n).check()
        desk.page.locator(".stage-tools").get_by_role("button", name="drop").click()
        desk.rest()
        return f"{before} to {len(desk.network['conv1'].bank)} kernels"

    def relearn() -> str:
        kept = desk.network["conv1"].fingerprint()
        desk.page.click("#learn")
        desk.page.click("[data-choice=keep]")
        desk.rest()
        desk.page.wait_for_timeout(1500)
        same = desk.network["conv1"].fingerprint() == kept
        return f"conv1 {'is as it was' if same else 'HAS CHANGED'}"

    desk.step("open 67 fields", open_all)
    desk.step("draw strokes on three", draw)
    desk.step("learn", learn)
    desk.step("drop two kernels", drop)
    desk.step("learn again, keeping them", relearn)
    desk.step("run over all fields", lambda: _run_over(desk))
    desk.step("masks out", lambda: _masks_out(desk, masks))


def _draw_field(desk: Desk, mask: Any) -> None:
    """A stroke along the egg, and some on the background, away from it."""
    points = np.argwhere(mask)
    middle = points.mean(axis=0)
    spread = np.linalg.eigh(np.cov((points - middle).T))
    along = spread[1][:, 1] * np.sqrt(spread[0][1])
    desk.page.keyboard.press("Shift+Digit1")
    desk.drag(tuple(middle - along), tuple(middle + along))
    desk.page.keyboard.press("Shift+Digit0")
    rows, cols = mask.shape
    random = np.random.default_rng(int(mask.sum()))
    drawn = 0
    while drawn < SPOTS:
        row, col = random.uniform(12, rows - 12), random.uniform(12, cols - 52)
        near = mask[int(row) - 10 : int(row) + 10, int(col) - 10 : int(col) + 50]
        if not near.any():
            desk.drag((row, col), (row, col + 40))
            drawn += 1


def _run_over(desk: Desk) -> str:
    desk.go("images")
    desk.page.click("#run-folder")
    task = desk.wait_for_task("run_folder")
    rows = task.result["rows"]
    problems = sum(row["problem"] is not None for row in rows)
    return f"{task.state}: {len(rows)} images, {problems} problems, {_objects(rows)} objects"


def _objects(rows: list[Any]) -> int:
    return sum(row["count"] or 0 for row in rows)


def _masks_out(desk: Desk, masks: dict[str, Any]) -> str:
    """The archive of masks, and the mean Dice coefficient of fields with an egg."""
    desk.go("export")
    archive = zipfile.ZipFile(io.BytesIO(desk.save("[data-export=masks]")))
    dices = []
    for name, truth in masks.items():
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            file.write(archive.read(f"{Path(name).stem}.labels.png"))
            file.flush()
            mask = read(file.name)[..., 0] > 0
        if truth.any():
            dices.append(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))
    return f"{len(archive.namelist())} files; Dice {np.mean(dices):.3f} on {len(dices)} eggs"


# -- plates ----------------------------------------------------------------------------------------


def plates(desk: Desk, truth: dict[str, Any]) -> None:
    """Boxes drawn on some photographs, a detector learned, judged on all, and run over all."""
    boxes = _boxes_by_name(truth)

    def draw() -> str:
        desk.go("markers")
        desk.page.keyboard.press("b")
        for name in list(boxes)[:BOXED]:
            desk.open_image(name)
            x0, y0, x1, y1 = boxes[name]
            desk.drag((y0, x0), (y1, x1))
        return f"{len(desk.server.session.document.truth)} images with boxes"

    def learn() -> str:
        desk.page.click("#learn-boxes")
        task = desk.wait_for_task("learn_boxes")
        desk.page.wait_for_selector("text=The detector is learned")
        desk.rest()
        return f"{task.state}: {task.message}"

    def load() -> str:
        coco = desk.server.session.folder / "truth.json"
        coco.write_text(json.dumps(truth))
        with desk.page.expect_file_chooser() as chooser:
            desk.page.get_by_role("button", name="import").last.click()
        chooser.value.set_files(str(coco))
        desk.page.wait_for_timeout(1500)
        return f"{len(desk.server.session.document.truth)} images with boxes"

    def judge() -> str:
        desk.go("detect")
        desk.page.get_by_role("button", name="Evaluate all images").click()
        total = desk.wait_for_task("judge").result["total"]
        return f"{total['hits']} hits, {total['false']} false, {total['missed']} missed"

    def save() -> str:
        desk.go("detect")
        found = desk.save("text=save found boxes")
        return f"{len(json.loads(found)['annotations'])} boxes"

    desk.step(f"draw boxes on {BOXED}", draw)
    desk.step("learn a detector", learn)
    desk.step("load the boxes of all", load)
    desk.step("judge all", judge)
    desk.step("run over all photographs", lambda: _run_over(desk))
    desk.step("boxes out", save)


def _true_boxes(data: Path, region: str) -> dict[str, Any]:
    """The part of the annotations that is about the photographs of a folder."""
    content = json.loads((data / "annotations.json").read_text())
    here = {path.name for path in (data / region).iterdir()}
    images = [i for i in content["images"] if Path(i["file_name"]).name in here]
    ids = {one["id"] for one in images}
    found = [a for a in content["annotations"] if a["image_id"] in ids]
    return {"images": images, "categories": content["categories"], "annotations": found}


def _boxes_by_name(truth: dict[str, Any]) -> dict[str, tuple[float, ...]]:
    names = {one["id"]: Path(one["file_name"]).name for one in truth["images"]}
    corners = {names[a["image_id"]]: a["bbox"] for a in truth["annotations"]}
    return {n: (x, y, x + w, y + h) for n, (x, y, w, h) in sorted(corners.items())}


# -- all -------------------------------------------------------------------------------------------


def main() -> None:
    """Work through the afternoon, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", choices=("fields", "plates"))
    options = parser.parse_args()
    rows: list[Row] = []
    if options.only != "plates":
        folder = options.data / "parasites"
        rows += _sit_down(folder / "images", lambda desk: fields(desk, folder))
    if options.only != "fields":
        truth = _true_boxes(options.data / "plates", "eu")
        rows += _sit_down(options.data / "plates" / "eu", lambda desk: plates(desk, truth))
    print("\n| step | seconds | outcome |\n|---|---:|---|")
    for name, seconds, outcome in rows:
        print(f"| {name} | {seconds:.1f} | {outcome} |")


def _sit_down(images: Path, work: Callable[[Desk], None]) -> list[Row]:
    """A session on a folder of images; what the page complains of is a row of its own."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("SPEL_CHROMIUM") or shutil.which("chromium")
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        session = Session(files([images]), folder, roots=[images])
        server = Server(session).start()
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 720}, locale="en-US")
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
            desk = Desk(page, server)
            work(desk)
            return [*desk.rows, ("complaints of the page", 0.0, "; ".join(complaints) or "none")]
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
