"""Every slide of the lecture: python docs/tutorials/lecture_pictures.py [--out FOLDER]

A real browser clicks from the page as it opens to each slide, in at most four clicks, takes its
picture, and prints its section of lecture.md. It needs Playwright and ``SPEL_CHROMIUM``.
"""

import argparse
import io
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from spel.data import street
from spel.studio.session import Session
from spel.studio.sources import Source, samples
from spel.studio.web.server import Server

MOST_CLICKS = 4
WIDE = 760


def lesson(name, step=1):
    """Clicks to a step of a lesson: the page Lessons, the lesson, then Next."""
    return [
        "#top a[data-page=lessons]",
        f"[data-lesson={name}]",
        *["spel-lesson .primary"] * (step - 1),
    ]


def step(name):
    return [f"[data-step='{name}']"]


def image(name):
    """Clicks to an image: the list of images, its name, then the first card."""
    return [("#top select", name), *step("input")]


SLIDES = [
    ("Image, n = 2, m = 1", "grey", step("grey")),
    ("Image, n = 3, m = 1 (a volume)", "volume", image("volume")),
    ("Image, n = 2, m = 3, its channels", "channels", step("input")),
    ("Matrix and three-dimensional array", "images-2", lesson("images", 2)),
    ("N images as a four-dimensional tensor", "batch-of-images", image("batch")),
    ("k kernels give k channels", "layer-1", lesson("layer", 1)),
    ("Adjacency relation, a disk of radius r", "adjacency-1", lesson("adjacency", 1)),
    ("Adjacency as a set of displacements", "adjacency-1", lesson("adjacency", 1)),
    ("Receptive field w x h, dilation", "adjacency-2", lesson("adjacency", 2)),
    ("Neighbours at the edge", "adjacency-3", lesson("adjacency", 3)),
    ("Padding", "convolution-2", lesson("convolution", 2)),
    ("Patch and kernel", "patches-1", lesson("patches", 1)),
    ("Few parameters by sharing", "patches-2", lesson("patches", 2)),
    ("Convolution", "convolution-1", lesson("convolution", 1)),
    ("ReLU", "activation-1", lesson("activation", 1)),
    ("ReLU, the example in numbers", "activation-2", lesson("activation", 2)),
    ("Other activations", "activation-3", lesson("activation", 3)),
    ("Convolution and ReLU on the plate", "positive", step("positive")),
    ("Perceptron", "neuron", [*lesson("convolution", 1), "details.neuron summary"]),
    ("Hyperplane", "perceptron-1", lesson("perceptron", 1)),
    ("Perceptron, distance to the hyperplane", "perceptron-2", lesson("perceptron", 2)),
    ("The bias moves the hyperplane", "perceptron-3", lesson("perceptron", 3)),
    ("A layer selects features", "layer-2", lesson("layer", 2)),
    ("Max pooling", "pooling-1", lesson("pooling", 1)),
    ("Min and average pooling", "pooling-2", lesson("pooling", 2)),
    ("The widest component", "detect", ["#top a[data-page=detect]"]),
    ("Stride and the size of the output", "stride-1", lesson("stride", 1)),
    ("Without padding", "stride-2", lesson("stride", 2)),
    ("Linear normalization", "normalization-1", lesson("normalization", 1)),
    ("Linear normalization over a batch", "normalization-2", lesson("normalization", 2)),
    ("Divisive normalization", "normalization-3", lesson("normalization", 3)),
    ("Residue", "residue", step("plate.residue")),
    ("Batch normalization", "batch-1", lesson("batch", 1)),
    ("The cloud before and after", "batch-2", lesson("batch", 2)),
    ("Flattening", "flattening-1", lesson("flattening", 1)),
    ("Why layers before a classifier", "flattening-2", lesson("flattening", 2)),
    ("A convolutional network with a classifier", "flattening-3", lesson("flattening", 3)),
    ("The plate, step by step", "plate-1", lesson("plate", 1)),
    ("A network from strokes", "strokes-1", lesson("strokes", 1)),
]


def volume():
    """A bright ball in 24 planes."""
    planes, rows, cols = np.mgrid[:24, :80, :120]
    far = np.sqrt((3 * (planes - 12)) ** 2 + (rows - 40) ** 2 + (cols - 60) ** 2)
    return (255 / (1 + np.exp((far - 28) / 3)))[..., None].astype(np.uint8)


def sources():
    batch = Source("batch", "batch", lambda: np.stack([street(s).image for s in (3, 5, 7)]))
    return [*samples(), Source("volume", "volume", volume), batch]


def quiet(page):
    """Wait until nothing is on its way and the picture stands."""
    for _ in range(300):
        page.wait_for_timeout(100)
        if not page.evaluate("document.querySelector('.busy.on') !== null"):
            break
    page.wait_for_timeout(900)


def reach(page, clicks):
    """Click through; choosing from a list takes two clicks."""
    count = 0
    for one in clicks:
        if isinstance(one, tuple):
            selector, name = one
            page.locator(selector).filter(has_text=name).first.select_option(label=name)
            count += 2
        else:
            page.locator(one).first.click()
            count += 1
        quiet(page)
    return count


def slides(page, url, save, only):
    """The number of clicks to each slide, each from the page as it opens."""
    for name, picture, clicks in SLIDES:
        if picture not in only:
            continue
        page.goto("about:blank")
        page.goto(url)
        page.wait_for_selector("html[data-ready]")
        page.evaluate("localStorage.removeItem('spel-lessons')")
        page.click("#top a[data-page=chain]")
        page.locator("#top select").first.select_option("plate")
        page.locator("#top select").nth(1).select_option("street-3")
        quiet(page)
        count = reach(page, clicks)
        assert count <= MOST_CLICKS, f"{name}: {count} clicks"
        save(picture)
        yield name, picture, count


def main():
    from PIL import Image
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--out", type=Path, default=here / "pictures" / "lecture")
    names = [picture for _, picture, _ in SLIDES]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="Pictures to take.")
    options = parser.parse_args()
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("SPEL_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Session(sources(), folder)).start()
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 720}, locale="en-US")
        page.set_default_timeout(300_000)
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))

        def save(name):
            page.evaluate("document.querySelector('#toasts').replaceChildren()")
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            high = round(picture.height * WIDE / picture.width)
            picture = picture.resize((WIDE, high), Image.Resampling.LANCZOS)
            picture.save(out / f"{name}.webp", quality=72, method=6)

        for name, picture, count in slides(page, server.url, save, options.only):
            clicks = f"{count} click{'' if count == 1 else 's'}"
            shown = f"![{name}](../pictures/lecture/{picture}.webp)"
            print(f"## {name}\n\n{clicks}.\n\n{shown}\n")
        assert not problems, problems
        browser.close()
        server.stop()


if __name__ == "__main__":
    main()
