"""Windows over images that are read in parts: the boxes of the whole, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spel
from spel.data import street
from spel.decide import decision_of
from spel.errors import ShapeError
from spel.rigid import Windows, octaves
from spel.rigid.detect import detect_rigid
from spel.rigid.large import detect_in_levels

SIDE = 100


class Read:
    """An array that can only be read by windows."""

    def __init__(self, image: np.ndarray) -> None:
        self.image, self.shape = image, image.shape

    def __getitem__(self, window: tuple[slice, ...]) -> np.ndarray:
        assert all(part.start < part.stop for part in window)
        return self.image[window]


@pytest.fixture(autouse=True)
def nothing_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(octaves, "CACHE_SPELS", 0)


def test_plates() -> None:
    network, image = spel.zoo.plates(), street(0, size=(160, 220)).image
    decision, whole = decision_of(network), spel.detect(network, image)
    assert isinstance(decision, Windows)
    parts = detect_in_levels(network, [Read(image)], decision, size=100)
    assert len(whole) > 0
    assert np.array_equal(parts.boxes, whole.boxes)
    assert np.array_equal(parts.scores, whole.scores)


@pytest.mark.parametrize(("stride", "proposes"), [((1, 3), True), ((3, 2), True), ((2, 5), False)])
def test_windows_with_a_stride(stride: tuple[int, int], proposes: bool) -> None:
    network, image = spel.zoo.plates(), street(2, size=(160, 220)).image
    decision = decision_of(network)
    assert isinstance(decision, Windows)
    assert decision.proposals is not None
    proposals = replace(decision.proposals, stride=stride) if proposes else None
    decision = replace(decision, proposals=proposals, stride=stride, threshold=0.01)
    whole = detect_rigid(network, image, decision)
    parts = detect_in_levels(network, [Read(image)], decision, size=52)
    assert len(whole) > 0
    assert np.array_equal(parts.boxes, whole.boxes)
    assert np.array_equal(parts.scores, whole.scores)


def test_volumes_are_refused() -> None:
    network = spel.zoo.plates()
    with pytest.raises(ShapeError, match=r"expect \(rows, cols, channels\)"):
        detect_in_levels(network, [np.zeros((3, 9, 9, 1))], decision_of(network))  # type: ignore[arg-type]


def test_a_small_level_is_made_from_small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(octaves, "CACHE_SPELS", 1 << 20)
    monkeypatch.setattr(octaves, "READ_SIDE", 64)
    image = np.random.default_rng(0).random((333, 501), dtype=np.float32)
    sizes = []

    class Watched(Read):
        def __getitem__(self, window: tuple[slice, ...]) -> np.ndarray:
            part = super().__getitem__(window)
            sizes.append(part.shape)
            return part

    twice = octaves.halved(octaves.Halved(Watched(image)))
    whole = octaves.halved(octaves.halved(image))
    assert isinstance(twice, np.ndarray)
    assert np.array_equal(twice, whole)
    assert max(rows for rows, _ in sizes) == 64
    assert max(cols for _, cols in sizes) == 64
