"""Detectors learned in workers: the same bits as in this process."""

import pytest

from spel.data import street
from spel.io import write
from spel.io.annotation.annotations import Annotations, ImageBoxes
from spel.jobs.portions import in_workers
from spel.learning.detector import learn_from_boxes
from spel.rigid import RigidConfig, sampling

CONFIG = RigidConfig(rounds=1, hard_negatives=200, object_cells=24)


@pytest.fixture(scope="module")
def annotated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    images = []
    for seed in range(5):
        scene = street(seed, size=(150, 200))
        write(folder / f"{seed}.png", scene.image)
        names = ("plate",) * len(scene.boxes)
        images.append(ImageBoxes(f"{seed}.png", scene.image.shape[:2], scene.boxes, names))
    return Annotations(tuple(images), ("plate",)), folder


def bits(network, path):
    network.save(path)
    return path.read_bytes()


def test_two_workers_give_the_same_bits(annotated, tmp_path, monkeypatch):
    """Also where the cache has no room for the last photos, whose cells are not rounded."""
    made = []
    with in_workers(2) as run:
        for room in (sampling.CACHE_BYTES, 200_000):
            monkeypatch.setattr(sampling, "CACHE_BYTES", room)
            alone, _ = learn_from_boxes(*annotated, CONFIG)
            shared, _ = learn_from_boxes(*annotated, CONFIG, run=run)
            made.append(bits(alone, tmp_path / "1"))
            assert bits(shared, tmp_path / "2") == made[-1]
    assert made[0] != made[1]  # the room of the cache was what differed
