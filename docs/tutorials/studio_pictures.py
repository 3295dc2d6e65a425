"""Take the pictures of the studio: python docs/tutorials/studio_pictures.py [--out FOLDER]

Every page in both themes at 1280 x 720, in headless Chromium (Playwright; ``SPEL_CHROMIUM``).
"""

import argparse
import io
import os
import shutil
import tempfile
from pathlib import Path

from spel.studio.session import Session
from spel.studio.web.server import Server

COINS = [
    (1, [[122, 92], [128, 112]]),
    (1, [[252, 40], [262, 60]]),
    (1, [[35, 330], [45, 340]]),
    (1, [[55, 150], [50, 160]]),
    (0, [[14, 10], [12, 120], [12, 290]]),
    (0, [[88, 10], [86, 120], [86, 230]]),
    (0, [[150, 20], [154, 200], [152, 300]]),
    (0, [[224, 90], [226, 180], [222, 280]]),
    (0, [[60, 118], [40, 118]]),
    (0, [[296, 20], [297, 200]]),
]
PAGES = ("chain", "space", "markers", "kernels", "detect", "compare", "export", "lessons")


def prepared(folder):
    """A session with strokes on the coins, and a network learned from them."""
    session = Session((), folder)
    for i, (label, points) in enumerate(COINS):
        stroke = {"id": f"c{i}", "label": label, "tool": "brush", "radius": 4, "points": points}
        session.do({"do": "add_stroke", "image": "sample-coins", "stroke": stroke})
    session.do({"do": "learn", "network": "from strokes"})
    decision = {"threshold": 0.5, "area": [400, 1e9]}
    session.do({"do": "set_decision", "network": "from strokes", "decision": decision})
    session.do({"do": "set_pins", "images": ["sample-coins", "sample-cell", "street-3"]})
    return session


def look(page, **view):
    """Bring the page to a view, and wait until it stands."""
    page.evaluate(
        "async (view) => { const { choose } = await import('/static/store.js'); choose(view); }",
        view,
    )
    quiet(page)


def quiet(page):
    for _ in range(400):
        page.wait_for_timeout(100)
        if not page.evaluate("document.querySelector('.busy.on') !== null"):
            break
    page.wait_for_timeout(700)


def go(page, name):
    page.click(f"#top a[data-page={name}]")
    quiet(page)


def shots(page, save):
    """All pages, one after the other."""
    look(page, network="plate", image="street-3")
    look(page, node="edges", cursor=[270, 290], pinned=True)
    save("chain")
    go(page, "space")
    save("space")
    page.click("text=3D")
    quiet(page)
    save("space-3d")
    go(page, "markers")
    look(page, network="from strokes", image="sample-coins", node="conv1")
    save("markers")
    go(page, "kernels")
    page.wait_for_selector(".kernel-card")
    quiet(page)
    save("kernels")
    go(page, "detect")
    page.locator(".why .chip").first.click()
    quiet(page)
    save("detect")
    go(page, "compare")
    page.wait_for_timeout(2500)
    save("compare")
    go(page, "export")
    save("export")
    go(page, "lessons")
    save("lessons")
    page.click("[data-lesson=plate]")
    quiet(page)
    for _ in range(6):
        page.click("spel-lesson .primary")
        quiet(page)
    save("lesson")
    page.get_by_role("button", name="Python of this view").click()
    page.wait_for_selector("dialog .code")
    page.wait_for_timeout(300)
    save("code")


def main():
    from PIL import Image
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--out", type=Path, default=here / "pictures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("SPEL_CHROMIUM") or shutil.which("chromium")
    for theme in ("light", "dark"):
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            server = Server(prepared(folder)).start()
            browser = playwright.chromium.launch(
                executable_path=chromium,
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            page = browser.new_page(
                viewport={"width": 1280, "height": 720}, color_scheme=theme, locale="en-US"
            )

            def save(name, page=page, theme=theme):
                page.evaluate("document.querySelector('#toasts').replaceChildren()")
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                path = out / f"studio-{name}-{theme}.webp"
                picture.save(path, quality=85, method=6)
                print(path)

            page.goto(server.url)
            page.wait_for_selector("html[data-ready]")
            quiet(page)
            shots(page, save)
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
