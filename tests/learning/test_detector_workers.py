"""Detectors learned in workers: the same bits as in this process."""

from dataclasses import replace

import numpy as np
import pytest

from spel.data import street
from spel.errors import ParameterError
from spel.io import write
from spel.io.annotation.annotations import Annotations, ImageBoxes
from spel.io.image.reader import read_with_white
from spel.jobs.portions import in_workers
from spel.learning.detector import learn_from_boxes
from spel.learning.portions import run_here
from spel.learning.saved_rounds import SavedRounds
from spel.rigid import RigidConfig, sampling, stored_rows

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


def test_samples_in_portions_give_the_same_detector(annotated, monkeypatch):
    """On disk, and no more than the samples of one photo in memory: but for rounding, the whole.

    The first photo has no objects.
    """
    truth, folder = annotated
    first, *others = truth.images
    empty = ImageBoxes(first.image, first.size, np.zeros((0, 4)))
    annotated = Annotations((empty, *others), ("plate",)), folder
    quick = replace(CONFIG, rounds=0, crops=100, rotations=())
    whole, _ = learn_from_boxes(*annotated, quick)
    monkeypatch.setattr(stored_rows, "IN_MEMORY", 1)
    monkeypatch.setattr(stored_rows, "PORTION_BYTES", 1)
    parts, _ = learn_from_boxes(*annotated, quick)
    for node in ("score", "score_refine"):
        expected, made = (network[node].bank.weights for network in (whole, parts))
        assert not np.array_equal(made, expected)  # portions were taken
        np.testing.assert_allclose(made, expected, atol=1e-4 * np.abs(expected).max())
    figures = [one.meta["validation"]["average_precision"] for one in (whole, parts)]
    assert figures[0] == pytest.approx(figures[1], abs=1e-3)


@pytest.mark.parametrize("cut", [0, 5])
def test_learning_that_was_stopped_goes_on_with_the_same_bits(annotated, tmp_path, cut):
    """Stopped inside a round and after one, also with a last record that was cut short."""
    truth, folder = annotated
    rounds = tmp_path / "net.rounds"
    config = replace(CONFIG, rounds=2)
    expected = bits(learn_from_boxes(truth, folder, config)[0], tmp_path / "1")

    def stopped(reads: float, step: str) -> int:
        """Learn up to a number of photos that are read, or to a step; bytes of what was mined."""
        count = 0

        def read(path):
            nonlocal count
            count += 1
            if count == reads:
                raise KeyboardInterrupt
            return read_with_white(path)

        def on_step(text):
            if text.startswith(step):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            learn_from_boxes(truth, folder, config, read=read, rounds=rounds, on_step=on_step)
        rounds.write_bytes(rounds.read_bytes()[: rounds.stat().st_size - cut])
        return rounds.stat().st_size

    empty, some, more = stopped(5, "never"), stopped(13, "never"), stopped(np.inf, "round 1")
    assert empty < some < more  # photos are read for their objects before they are mined
    network, _ = learn_from_boxes(truth, folder, config, rounds=rounds, run=run_here)
    assert bits(network, tmp_path / "2") == expected
    assert not rounds.exists()


def test_what_was_mined_with_other_settings_is_discarded(annotated, tmp_path):
    rounds = tmp_path / "net.rounds"
    with SavedRounds(rounds, "other"), pytest.raises(ParameterError, match="another run"):
        SavedRounds(rounds, "other")
    rounds.write_bytes(b"x" * 500)
    network, _ = learn_from_boxes(*annotated, CONFIG, rounds=rounds)
    expected, _ = learn_from_boxes(*annotated, CONFIG)
    assert bits(network, tmp_path / "1") == bits(expected, tmp_path / "2")
