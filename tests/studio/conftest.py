import numpy as np
import pytest

from spel.studio.session import Session
from spel.studio.sources import Source

from .attack import Client
from .person import CHROMIUM, COUNT_REQUESTS, Person


def stroke(name, label, points, *, tool="brush", radius=2.0):
    return {"id": name, "label": label, "tool": tool, "radius": radius, "points": points}


def blobs(seed=0, size=(64, 96)):
    """Bright discs on a dark, noisy ground."""
    random = np.random.default_rng(seed)
    image = random.normal(60, 6, (*size, 3))
    rows, cols = np.mgrid[: size[0], : size[1]]
    for row, col in ((20, 25), (40, 70)):
        image[(rows - row) ** 2 + (cols - col) ** 2 <= 81] += 120
    return np.clip(image, 0, 255).astype(np.uint8)


def sources(count=2):
    truth = ((16.0, 11.0, 35.0, 30.0), (61.0, 31.0, 80.0, 50.0))
    return [
        Source(f"image{i}", f"blobs {i}", lambda i=i: blobs(i), truth=lambda: truth)
        for i in range(count)
    ]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "session"


@pytest.fixture
def session(folder):
    made = Session(sources(), folder)
    yield made
    made.close()


@pytest.fixture
def drawn(session):
    """A session with strokes on an object and on the ground of both images."""
    for i in range(2):
        session.do(add(f"image{i}", stroke("o", 1, [[20, 22], [20, 28]])))
        session.do(add(f"image{i}", stroke("b", 0, [[55, 10], [55, 60]])))
        session.do(add(f"image{i}", stroke("c", 0, [[6, 60], [6, 90]])))
    return session


def add(image, one):
    return {"do": "add_stroke", "image": image, "stroke": one}


# -- under attack ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from spel.studio.web.server import Server

    folder = tmp_path_factory.mktemp("attacked")
    (folder / "secret.txt").write_text("the secret")
    made = Server(Session(sources(), folder / "session")).start()
    yield made
    made.stop()


@pytest.fixture
def client(server):
    return Client(server)


# -- in a browser ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium():
    pytest.importorskip("playwright", reason="playwright is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def person(chromium, tmp_path, request):
    """A person on a fresh session; in the end the console is clean and nobody else was asked."""
    from spel.studio.web.server import Server

    extra = getattr(request, "param", [])
    server = Server(Session([*sources(), *extra], tmp_path / "session")).start()
    context = chromium.new_context(
        viewport={"width": 1280, "height": 720}, locale="en-US", accept_downloads=True
    )
    context.add_init_script(COUNT_REQUESTS)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: said.append(str(e)))
    page.on("request", lambda r: asked.append(r.url))
    page.on("dialog", lambda d: (said.append(f"dialog {d.message}"), d.dismiss()))
    made = Person(page, server)
    made.said = said
    yield made
    context.close()
    server.stop()
    assert said == []
    home = server.address
    assert [u for u in asked if not u.startswith((home, "blob:", "data:"))] == []
