"""A studio in headless Chromium, with what the page complains of and whom it asks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.web.server import Server

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@dataclass
class Studio:
    """A page of a studio that runs; `complaints` and `strangers` should stay empty."""

    page: Any
    server: Server
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Open the page anew, and wait until it is ready."""
        self.page.goto("about:blank")
        self.page.goto(self.server.url)
        self.page.wait_for_selector("html[data-ready]")

    def go(self, name: str) -> None:
        """Go to a page by its tab."""
        self.page.click(f"#top a[data-page={name}]")
        self.page.wait_for_selector(f"page-{name}")
        self.rest()

    def rest(self) -> None:
        """Wait until nothing is on its way."""
        self.page.wait_for_timeout(250)
        while self.page.evaluate("document.querySelector('.busy.on') !== null"):
            self.page.wait_for_timeout(50)

    def place(self, row: float, col: float) -> list[float]:
        """Where a spel of the picture is on the screen."""
        script = """([row, col]) => { const s = document.querySelector('spel-stage'),
            b = s.canvas.getBoundingClientRect(), v = s.view;
            return [b.left + v.x + col * v.zoom, b.top + v.y + row * v.zoom]; }"""
        place: list[float] = self.page.evaluate(script, [row, col])
        return place


@contextmanager
def studio(
    sources: Sequence[Source], roots: Sequence[Path] = (), **context: Any
) -> Iterator[Studio]:
    """A studio with some images in a browser, in a folder that is removed afterwards."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("SPEL_CHROMIUM") or shutil.which("chromium")
    context = {"viewport": {"width": 1280, "height": 720}, "locale": "en-US", **context}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Session(sources, folder, roots=roots)).start()
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        try:
            page = browser.new_page(**context)
            page.set_default_timeout(300_000)
            made = Studio(page, server)
            _listen(made)
            yield made
        finally:
            browser.close()
            server.stop()


def _listen(made: Studio) -> None:
    said, home = made.complaints, (made.server.address, "blob:", "data:", "about:")
    made.page.on("pageerror", lambda error: said.append(str(error)))
    made.page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)

    def asked(request: Any) -> None:
        if not request.url.startswith(home):
            made.strangers.append(request.url)

    made.page.on("request", asked)
