"""``python -m benchmarks.studio``: from an action to the picture on the screen, in Chromium.

Each action is repeated; the table gives the median and the 95th percentile of the time from the
event to the end of the drawing, beside the targets of the design. It needs Playwright and Chromium
(``SPEL_CHROMIUM``, else the one on the path).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.environment import environment
from benchmarks.studio import pages
from spel.data import street
from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.web.server import Server

SIZES = ((512, 512), (960, 1280))
SEEDS = (3, 7, 11)

TARGETS = {
    "hover a spel: the inspector's numbers": 16,
    "brush: ink of one more piece": 8,
    "threshold: mask and boxes": 33,
    "a weight: all images behind it": 100,
    "learn from strokes on three images": 1000,
    "turn a cloud of 5,000 patches": 16.7,
    "open the page": 1000,
    **pages.TARGETS,
}
"""Milliseconds at the 95th percentile."""

HOVER = """async (n) => {
  const { choose } = await import('/static/store.js');
  const inspector = document.querySelector('spel-inspector'), times = [];
  for (let i = 0; i < n; i++) {
    const done = new Promise((f) => inspector.addEventListener('traced', f, { once: true }));
    const start = performance.now();
    choose({ cursor: [40 + (i * 37) % 300, 50 + (i * 53) % 380] });
    await done;
    times.push(performance.now() - start);
    await new Promise((f) => setTimeout(f, 15));
  }
  return times;
}"""

WEIGHT = """async (n) => {
  const { live } = await import('/static/commands.js');
  const strip = document.querySelector('spel-strip');
  const viewer = document.querySelector('spel-viewer');
  const times = [];
  for (let i = 0; i < n; i++) {
    const once = (e) => new Promise((f) => e.addEventListener('drawn', f, { once: true }));
    const done = Promise.all([once(strip), once(viewer)]);
    const start = performance.now();
    const bias = -0.01 * (i + 1);
    live({ do: 'set_kernel', network: 'plate', node: 'edges', kernel: 0, bias }, 'b');
    await done;
    times.push(performance.now() - start);
    await new Promise((f) => setTimeout(f, 60));
  }
  return times;
}"""

THRESHOLD = """async (n) => {
  const page = document.querySelector('page-detect'), times = [];
  const { low, high } = page.saliency;
  for (let i = 0; i < n; i++) {
    const slider = document.querySelector('#threshold');
    const done = new Promise((f) => page.addEventListener('boxes', f, { once: true }));
    const start = performance.now();
    slider.value = String(low + (high - low) * (0.2 + 0.6 * ((i * 7) % n) / n));
    slider.dispatchEvent(new Event('input'));
    await done;
    times.push(performance.now() - start);
    await new Promise((f) => setTimeout(f, 30));
  }
  return times;
}"""

INK = """async (n) => {
  const page = document.querySelector('page-markers'), times = [];
  page.down([60, 60]);
  for (let i = 0; i < n; i++) {
    const start = performance.now();
    page.move([60 + i * 2, 60 + i * 2.5]);
    page.stage.canvas.getContext('2d');
    times.push(performance.now() - start);
    await new Promise((f) => requestAnimationFrame(f));
  }
  page.current = null;
  page.redraw();
  return times;
}"""

TURN = """async (n) => {
  const page = document.querySelector('page-space'), times = [];
  for (let i = 0; i < n; i++) {
    page.yaw += 0.05;
    const start = performance.now();
    page.drawNow();
    times.push(performance.now() - start);
    await new Promise((f) => requestAnimationFrame(f));
  }
  return times;
}"""

LEARN = """async (n) => {
  const { learn } = await import('/static/learn.js');
  const page = document.querySelector('page-kernels'), times = [];
  for (let i = 0; i < n; i++) {
    const done = new Promise((f) => page.addEventListener('drawn', f, { once: true }));
    const start = performance.now();
    await learn({ seed: i, start: '' });
    await done;
    times.push(performance.now() - start);
    await new Promise((f) => setTimeout(f, 300));
  }
  return times;
}"""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--out", type=Path, help="Folder for studio.json.")
    options = parser.parse_args()
    times = {f"{r} x {c}": measure((r, c), options.rounds) for r, c in SIZES}
    env = environment()
    print(table(times))
    print(f"\n{env}")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"environment": env, "times": times}, default=str)
        (options.out / "studio.json").write_text(text)


def measure(size: tuple[int, int], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every action on images of a size."""
    from playwright.sync_api import sync_playwright

    def image(seed: int) -> Any:
        return lambda: street(seed, size=size).image

    sources = [Source(f"s{seed}", f"street {seed}", image(seed)) for seed in SEEDS]
    chromium = os.environ.get("SPEL_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Session(sources, folder)).start()
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.set_default_timeout(120_000)
            return _actions(page, server, size, rounds)
        finally:
            browser.close()
            server.stop()


def _actions(page: Any, server: Server, size: tuple[int, int], rounds: int) -> dict[str, Any]:
    names = islice(TARGETS, len(TARGETS) - len(pages.TARGETS))
    found: dict[str, list[float]] = {name: [] for name in TARGETS}
    hover, ink, threshold, weight, learn, turn, opened = names
    page.goto(server.url)
    ready = "html[data-ready]"
    page.wait_for_selector(ready)
    for _ in range(5):
        page.reload()
        page.wait_for_selector(ready)
        found[opened].append(
            page.evaluate("performance.getEntriesByName('spel-stage')[0]?.startTime")
            or page.evaluate("performance.now()")
        )

    def go(name: str) -> None:
        page.click(f"#top a[data-page={name}]")
        page.wait_for_timeout(700)

    for script, name in ((HOVER, hover), (WEIGHT, weight)):
        page.evaluate(script, 3)
        found[name] = page.evaluate(script, rounds)
    go("detect")
    found[threshold] = page.evaluate(THRESHOLD, rounds)
    found.update(pages.page_times(page, server, rounds))
    go("markers")
    found[ink] = page.evaluate(INK, rounds)
    go("space")
    page.click("text=3D")
    page.wait_for_timeout(500)
    found[turn] = page.evaluate(TURN, rounds)
    _draw(server, size)
    page.reload()
    page.wait_for_selector(ready)
    go("kernels")
    page.evaluate(LEARN, 1)
    found[learn] = page.evaluate(LEARN, 5)
    return found


def _draw(server: Server, size: tuple[int, int]) -> None:
    """Draw as a person would: one stroke on the plate and three on the background of each image."""
    for seed in SEEDS:
        x0, y0, x1, y1 = street(seed, size=size).boxes[0]
        row, rows, cols = (y0 + y1) / 2, *size
        strokes = [
            (1, [[row, x0 + 8], [row, x1 - 8]]),
            (0, [[0.10 * rows, 0.2 * cols], [0.12 * rows, 0.4 * cols]]),
            (0, [[0.45 * rows, 0.1 * cols], [0.47 * rows, 0.3 * cols]]),
            (0, [[0.95 * rows, 0.3 * cols], [0.93 * rows, 0.5 * cols]]),
        ]
        for i, (label, points) in enumerate(strokes):
            stroke = {
                "id": f"{seed}-{i}",
                "label": label,
                "tool": "brush",
                "radius": 3,
                "points": points,
            }
            server.session.do({"do": "add_stroke", "image": f"s{seed}", "stroke": stroke})


def table(times: dict[str, dict[str, list[float]]]) -> str:
    """The times as Markdown; a missed target is marked."""
    lines = [
        "| action | target | " + " | ".join(f"{s}: p50 / p95" for s in times) + " |",
        "|---|---:|" + "---:|" * len(times),
    ]
    for name, target in TARGETS.items():
        cells = []
        for by_action in times.values():
            ordered = sorted(by_action[name])
            high = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
            mark = "" if high <= target else " (misses)"
            cells.append(f"{statistics.median(ordered):.3g} / {high:.3g} ms{mark}")
        lines.append(f"| {name} | {target:g} ms | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
