"""What a person does at the page in a real browser."""

import os
import shutil
import time
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("SPEL_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
needs_chromium = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.flaky(reruns=3, reruns_delay=1),  # a browser on a busy machine misses a move
    pytest.mark.skipif(
        not Path(CHROMIUM).exists(), reason="no chromium; install Debian's or set SPEL_CHROMIUM"
    ),
]


COUNT_REQUESTS = """(() => {
  const send = window.fetch.bind(window);
  let open = 0;
  window.fetch = async (...asked) => {
    open += 1;
    try { return await send(...asked); } finally { open -= 1; }
  };
  window.calm = async (frames) => {
    const busy = () => open || document.querySelector('.busy.on');
    const end = performance.now() + 40000;
    for (let still = 0; still < frames; still = busy() ? 0 : still + 1) {
      if (performance.now() > end) throw new Error(`${open} requests are still open`);
      await new Promise((done) => requestAnimationFrame(done));
    }
  };
})()"""
"""Before a page's own scripts: what it asks for is counted."""


class Person:
    """A page, and what a person does on it."""

    def __init__(self, page, server):
        self.page, self.server = page, server

    def open(self, page="chain"):
        self.page.goto(self.server.url)
        self.page.wait_for_selector("html[data-ready]")
        self.go(page)
        self.rest()

    def go(self, page):
        self.page.click(f"#top a[data-page={page}]")
        self.page.wait_for_selector(f"page-{page}")

    def place(self, row, col, stage="spel-stage"):
        """Where a spel of the image is on the screen."""
        return self.page.evaluate(
            """([stage, row, col]) => { const s = document.querySelector(stage),
            b = s.canvas.getBoundingClientRect(), v = s.view;
            return [b.left + v.x + col * v.zoom, b.top + v.y + row * v.zoom]; }""",
            [stage, row, col],
        )

    def click(self, row, col, stage="spel-stage"):
        """Click on a spel once nothing is on its way and the picture stands still."""
        self.settle()
        self.rest()
        self.page.mouse.click(*self.place(row, col, stage))
        self.settle()

    def draw(self, *points):
        self.rest()
        first, *others = [self.place(*p) for p in points]
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for point in others:
            self.page.mouse.move(*point, steps=4)
        self.page.mouse.up()
        self.settle()

    def until(self, told, limit=40.0):
        """Wait until an expression is true (the page's policy forbids Playwright's own way)."""
        end = time.monotonic() + limit
        while not self.page.evaluate(told):
            assert time.monotonic() < end, f"still not: {told}"
            self.page.wait_for_timeout(30)

    def settle(self):
        """Wait until nothing is on its way any more, and that has been drawn."""
        self.page.wait_for_timeout(30)
        self.page.evaluate("calm(4)")

    def hover(self, row, col, told):
        """Move the mouse over a spel until the page has answered: no hand stands still."""
        end = time.monotonic() + 40
        while not self.page.evaluate(told):
            assert time.monotonic() < end, f"still not: {told}"
            for aside in (0.1, 0):
                self.page.mouse.move(*self.place(row, col + aside))
                self.page.wait_for_timeout(50)

    def point(self, row, col, told):
        """Click on a spel; again where the page was laid out anew under the first click."""
        self.page.mouse.click(*self.place(row, col))
        self.until(told)
        self.click(row, col)

    def rest(self):
        """Wait until the picture, if the page has one, stands still: it is laid out in steps."""
        where = """(() => { const s = document.querySelector('spel-stage');
            if (!s) return 'none';
            if (!s.canvas) return '';
            const b = s.canvas.getBoundingClientRect(), v = s.view;
            return [b.left, b.top, b.width, b.height, v.x, v.y, v.zoom].join(); })()"""
        before, end = "", time.monotonic() + 20
        while time.monotonic() < end:
            now = self.page.evaluate(where)
            if now and now == before:
                return
            before = now
            self.page.wait_for_timeout(150)

    @property
    def session(self):
        return self.server.session


def text(person, selector):
    return person.page.inner_text(selector)
