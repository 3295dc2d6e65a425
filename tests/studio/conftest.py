import numpy as np
import pytest

from spel.studio.session import Session
from spel.studio.sources import Source


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
