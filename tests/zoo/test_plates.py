"""The plate networks by hand and from masks: rendered streets, and the lecture's picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spel
from spel import zoo
from spel.data import street
from spel.errors import ParameterError, ShapeError
from spel.metrics.detection import iou
from spel.zoo.assignment import fisher_weights

PICTURE = Path(__file__).parents[3] / "shared" / "data" / "lecture" / "plate.png"
PLATE = [[155, 172, 248, 222]]
"""Where the plate of the lecture's picture is, about."""


def best_overlap(network: spel.Network, scene: object, **options: object) -> float:
    found = spel.detect(network, scene.image, **options)  # type: ignore[attr-defined]
    return float(iou(found.boxes[:1], scene.boxes).max(initial=0.0))  # type: ignore[attr-defined]


def test_the_lectures_plate_is_boxed_by_the_lectures_chain() -> None:
    if not PICTURE.exists():
        pytest.skip(f"{PICTURE.name}: the shared data is not beside the repository")
    found = spel.detect(zoo.plate_lecture(), spel.read(PICTURE), why=True)
    assert len(found) == 1
    assert iou(found.boxes, PLATE).item() >= 0.5
    (why,) = found.why
    assert why.margin > 0
    assert why.kernels[0][:2] == ("edges", 0)
    assert all(172 <= row < 222 and 150 <= col < 253 for row, col in why.spels)


@pytest.mark.parametrize("seed", range(6))
def test_rendered_plates_are_boxed_by_the_lectures_chain(seed: int) -> None:
    assert best_overlap(zoo.plate_lecture(), street(seed)) >= 0.6
    assert best_overlap(zoo.plate_lecture(), street(seed, light=0.25, noise=0.03)) >= 0.6
    assert best_overlap(zoo.plate_lecture(), street(seed, tilt=8)) >= 0.6


def test_a_sign_with_characters_misleads_it_as_it_must() -> None:
    assert best_overlap(zoo.plate_lecture(), street(1, sign=True)) == 0.0


def test_reduced_it_finds_plates_in_larger_pictures() -> None:
    big = street(2, size=(720, 1080))
    assert best_overlap(zoo.plate_lecture(reduce=2), big) >= 0.6


def test_the_assignment_learns_from_masks_or_boxes_and_finds_other_plates() -> None:
    scenes = [street(seed) for seed in range(100, 105)]
    images = [scene.image for scene in scenes]
    network = zoo.plate_assignment(images, [scene.masks[0] for scene in scenes])
    overlaps = [best_overlap(network, street(seed)) for seed in range(8)]
    assert np.mean(np.array(overlaps) >= 0.5) >= 0.85
    boxed = zoo.plate_assignment(images, [scene.boxes for scene in scenes])
    assert np.corrcoef(boxed["sum"].weights, network["sum"].weights)[0, 1] > 0.9


def test_the_maxima_are_taken_over_all_training_images() -> None:
    bright, dark = street(1), street(2, light=0.2)
    first = zoo.plate_assignment([bright.image, dark.image], [bright.boxes, dark.boxes])
    second = zoo.plate_assignment([dark.image, bright.image], [dark.boxes, bright.boxes])
    np.testing.assert_array_equal(first["scaled"].factor, second["scaled"].factor)
    closed = [first.upto("close")(s.image).max(axis=(0, 1)) for s in (bright, dark)]
    np.testing.assert_allclose(1 / first["scaled"].factor, np.max(closed, axis=0), rtol=1e-6)


def test_a_learned_network_survives_its_file(tmp_path: Path) -> None:
    scene = street(3)
    network = zoo.plate_assignment([scene.image], [scene.masks[0]])
    network.save(tmp_path / "plates.safetensors")
    again = spel.load(tmp_path / "plates.safetensors")
    assert spel.detect(again, scene.image) == spel.detect(network, scene.image)


def test_fisher_weights_follow_the_difference_and_ignore_the_spread() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(0, 5, (40, 40))
    mask = np.zeros((40, 40), dtype=bool)
    mask[10:20, 10:20] = True
    maps = np.stack([mask + random.normal(0, 0.1, mask.shape), noise], axis=-1)
    weights = fisher_weights([maps], [mask])
    assert weights[0] > 0.99
    assert np.linalg.norm(weights) == pytest.approx(1)


def test_what_cannot_be_learned_from_is_refused() -> None:
    image = street(0).image
    with pytest.raises(ShapeError, match="truths"):
        zoo.plate_assignment([image], [])
    with pytest.raises(ShapeError, match="boxes"):
        zoo.plate_assignment([image], [np.ones((3, 3))])
    with pytest.raises(ParameterError, match="has no plate"):
        zoo.plate_assignment([image], [np.zeros((0, 4))])
    with pytest.raises(ParameterError, match="reduce"):
        zoo.plate_lecture(0)


def test_names() -> None:
    assert zoo.get("plate-lecture") == zoo.plate_lecture()
    with pytest.raises(ParameterError, match="plate-lecture"):
        zoo.get("plate")


def test_the_shipped_detector_finds_plates_that_it_has_never_seen_the_like_of() -> None:
    network = zoo.get("plates")
    for seed in range(3):
        assert best_overlap(network, street(seed), threshold=0.1) >= 0.6
    assert "learned from" in network.meta["card"]
    assert {p.image.split("/")[0] for p in network["score"].bank.provenance} == {"br", "eu", "us"}
    if PICTURE.exists():
        found = spel.detect(network, spel.read(PICTURE), threshold=0.02)
        assert iou(found.boxes[:1], PLATE).item() >= 0.5
