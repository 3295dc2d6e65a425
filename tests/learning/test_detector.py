"""Learning a detector from a COCO file: card, figures on photos kept aside, picture."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.core.markers import Markers
from spel.data import street
from spel.errors import ParameterError
from spel.io.annotation.annotations import Annotations, AnnotationWarning, ImageBoxes
from spel.io.annotation.labels import read_coco, write_coco
from spel.io.annotation.markers import write_markers
from spel.learning.detector import find_photos, learn_from_boxes
from spel.learning.detector_sheet import detector_sheet
from spel.learning.training_boxes import boxes_from_strokes
from spel.rigid import RigidConfig
from spel.rigid.groups import group_by_aspect
from spel.rigid.learn import training_photos
from spel.rigid.sampling import Background

QUICK = RigidConfig(orientations=4, min_crops=4, crops=20, rounds=1, hard_negatives=20)


def streets(folder: Path, count: int) -> Path:
    truth = []
    for seed in range(count):
        scene = street(seed, size=(200, 300))
        spel.write(folder / f"{seed}.png", scene.image)
        truth.append(ImageBoxes(f"{seed}.png", (200, 300), scene.boxes))
    write_coco(folder / "truth.json", truth)
    return folder / "truth.json"


def test_a_detector_its_card_and_its_figures(tmp_path: Path) -> None:
    truth = read_coco(streets(tmp_path, 4))
    told: list[str] = []
    command = "spel learn-boxes truth.json"
    network, answers = learn_from_boxes(
        truth, tmp_path, QUICK, folds=2, command=command, on_step=told.append
    )
    card = network.meta["card"]
    assert (card["photos"], card["boxes"]) == (4, 4)
    assert card["config"]["orientations"] == 4
    assert card["figures"]["2 folds"]["images"] == 4
    assert {a.name for a in answers} == {f"{i}.png" for i in range(4)}
    assert any("fold 2" in line for line in told)
    network.save(tmp_path / "net.safetensors")
    again = spel.load(tmp_path / "net.safetensors")
    assert again.meta["card"] == card
    assert again["score"].bank.provenance[0].image.endswith(".png")  # type: ignore[attr-defined]
    picture = detector_sheet(network, answers, tmp_path, worst=2)
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3


def test_missing_photos_are_named(tmp_path: Path) -> None:
    box = np.array([[1.0, 1.0, 9.0, 5.0]])
    truth = Annotations((ImageBoxes("gone.png", (20, 20), box),), ("plate",))
    with pytest.raises(ParameterError, match=r"gone\.png"):
        learn_from_boxes(truth, tmp_path, QUICK)


def test_strokes_say_where_the_objects_are(tmp_path: Path) -> None:
    truth = read_coco(streets(tmp_path, 2))
    (tmp_path / "strokes").mkdir()
    for one in truth:
        x0, y0, x1, y1 = one.boxes[0].astype(int)
        steps = np.linspace(0, 1, 200)
        diagonal = np.stack([y0 + steps * (y1 - 1 - y0), x0 + steps * (x1 - 1 - x0)], axis=1)
        nothing = Markers(np.zeros((0, 2), int), np.zeros(0, int), one.size)
        drawn = nothing.draw(np.unique(diagonal.round().astype(int), axis=0), 1).draw(
            [(0, 0), (0, 1)], 0
        )
        write_markers(tmp_path / "strokes" / f"{Path(one.image).stem}-markers.json", drawn)
    found = boxes_from_strokes(tmp_path, tmp_path / "strokes")
    for one, drawn_boxes in zip(truth, found):
        np.testing.assert_array_equal(drawn_boxes.boxes, one.boxes.round())
    network, _ = learn_from_boxes(found, tmp_path, QUICK)
    assert network.meta["card"]["boxes"] == 2


def test_more_folds_than_photos_are_refused_before_the_work(tmp_path: Path) -> None:
    truth = read_coco(streets(tmp_path, 2))
    with pytest.raises(ParameterError, match="999 folds for 2 photos"):
        learn_from_boxes(truth, tmp_path, QUICK, folds=999)


def test_boxes_are_learned_once_and_within_their_photos(tmp_path: Path) -> None:
    """As spel learn-boxes, by whatever way the annotations came."""
    spel.write(tmp_path / "a.png", np.zeros((40, 60), np.uint8))
    boxes = [[10, 10, 30, 20], [10, 10, 30, 20], [50, 30, 70, 45], [60, 0, 70, 9]]
    one = ImageBoxes("a.png", (40, 60), boxes, ("plate",) * 4)
    with pytest.warns(AnnotationWarning) as said:
        photos = find_photos(Annotations((one,), ("plate",)), tmp_path)
    assert photos.boxes[0].tolist() == [[10, 10, 30, 20], [50, 30, 60, 40]]
    assert photos.classes[0] == ("plate", "plate")
    assert "1 box of the same class at the same place" in str(said[0].message)
    assert "2 boxes reach beyond their photos" in str(said[1].message)


def test_a_photo_takes_little_memory_beside_its_name(tmp_path: Path) -> None:
    """Boxes of thousands of photos lie in a few arrays, also of the groups of their objects."""
    count = 2000
    for number in range(count):
        (tmp_path / f"{number}.png").touch()
    one = np.array([[10.0, 20.0, 60.0, 40.0]])
    drawn = tuple(ImageBoxes(f"{n}.png", (64, 96), one, ("plate",)) for n in range(count))
    truth = Annotations(drawn, ("plate",))

    def prepare():
        photos = find_photos(truth, tmp_path)
        training = training_photos(photos.images, photos.boxes, photos.names, crowd=photos.crowd)
        return photos, Background(QUICK, training), group_by_aspect(QUICK, training.truth)

    prepare()  # whatever is imported and cached once
    tracemalloc.start()
    try:
        kept = prepare()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(kept[0]) == count
    assert taken / count < 350
