"""convert, eval, learn-boxes and fit on annotations as other programs write them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spel
from spel.data import street
from spel.io import ImageBoxes, Result, read_labels, write_as, write_labels

SIZE = (200, 300)


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    """Four photos with their plates in every format, in folders of their own."""
    root = tmp_path_factory.mktemp("streets")
    (root / "photos").mkdir()
    truth = []
    for seed in (1, 2, 3, 4):
        scene = street(seed, size=SIZE)
        spel.write(root / "photos" / f"{seed}.png", scene.image)
        truth.append(ImageBoxes(f"{seed}.png", SIZE, scene.boxes, ["plate"]))
    names = {"coco": "t.json", "voc": "voc", "yolo": "yolo", "label-studio": "ls.json",
             "geojson": "t.geojson", "csv": "t.csv"}  # fmt: skip
    for form, name in names.items():
        write_labels(root / name, truth, form=form)
    (root / "yolo" / "images.json").unlink()  # as others write it
    return root, names


@pytest.mark.parametrize("form", ["coco", "voc", "yolo", "label-studio", "geojson", "csv"])
def test_learn_boxes_takes_every_format(program, streets, tmp_path, form):
    root, names = streets
    code, _, err = program(
        "learn-boxes",
        root / names[form],
        "--images",
        root / "photos",
        "--smaller",
        1.2,
        *(("--adjust", "--tilt", 5) if form == "csv" else ()),
        "--out",
        tmp_path / "n.safetensors",
    )
    assert code == 0, err
    learned = spel.load(tmp_path / "n.safetensors")
    config = learned.meta["card"]["config"]
    assert config["size_margin_below"] == 1.2
    assert (config["adjust"], config["tilt"]) == ((True, 5) if form == "csv" else (False, 0))
    assert ("adjust_node" in learned.meta["decision"]) == (form == "csv")


@pytest.mark.parametrize("form", ["coco", "voc", "yolo", "label-studio", "geojson", "csv"])
def test_eval_takes_every_format(program, streets, tmp_path, form):
    root, names = streets
    results = [
        Result(one.image, one.size, one.boxes, [0.9], [9.0], ("plate",))
        for one in read_labels(root / "t.json")
    ]
    write_as("jsonl", tmp_path / "r.jsonl", results)
    code, out, err = program(
        "eval", tmp_path / "r.jsonl", root / names[form], "--images", root / "photos", "--json"
    )
    assert code == 0, err
    figures = json.loads(out)
    assert (figures["ap"], figures["coco_ap"], figures["missing"]) == (1.0, 1.0, [])
    assert figures["classes"]["plate"]["recall"] == 1.0


def test_eval_takes_a_coco_list_of_results(program, streets, tmp_path):
    root, _ = streets
    truth = json.loads((root / "t.json").read_text())
    answers = [
        {
            "image_id": a["image_id"],
            "category_id": a["category_id"],
            "bbox": a["bbox"],
            "score": 0.5,
        }
        for a in truth["annotations"]
    ]
    (tmp_path / "r.json").write_text(json.dumps(answers))
    code, out, _ = program("eval", tmp_path / "r.json", root / "t.json", "--json")
    assert code == 0
    assert json.loads(out)["coco_ap"] == 1.0


def test_eval_compares_classes_and_says_so(program, streets, tmp_path):
    root, _ = streets
    boxes = list(read_labels(root / "t.json"))
    wrong = [Result(o.image, o.size, o.boxes, [0.9], [9.0], ("car",)) for o in boxes]
    write_as("jsonl", tmp_path / "r.jsonl", wrong)
    code, out, _ = program("eval", tmp_path / "r.jsonl", root / "t.json")
    assert code == 0
    assert "AP 0.000" in out
    assert "no class of the results (car) occurs in the truth (plate)" in out
    code, out, _ = program("eval", tmp_path / "r.jsonl", root / "t.json", "--any-class", "--json")
    assert json.loads(out)["ap"] == 1.0


def test_eval_refuses_other_sizes(program, streets, tmp_path):
    root, _ = streets
    one = read_labels(root / "t.json").images[0]
    results = [Result(one.image, (300, 200), one.boxes, [0.9], [9.0], orientation=6)]
    write_as("jsonl", tmp_path / "r.jsonl", results)
    code, _, err = program("eval", tmp_path / "r.jsonl", root / "t.json", "--only-answered")
    assert code == 3
    assert "before its EXIF rotation" in err
    code, out, _ = program(
        "eval", tmp_path / "r.jsonl", root / "t.json", "--only-answered", "--turn", "--json"
    )
    assert code == 0
    assert json.loads(out)["images"] == 1


@pytest.mark.parametrize("target", ["voc", "yolo", "label-studio", "geojson", "csv", "jsonl"])
def test_convert_there_and_back(program, streets, tmp_path, target):
    root, _ = streets
    middle = tmp_path / f"m.{target}" if target in ("geojson", "csv", "jsonl") else tmp_path / "m"
    if target == "label-studio":
        middle = tmp_path / "m.json"
    code, _, err = program("convert", root / "t.json", middle, "--to", target)
    assert code == 0, err
    code, _, err = program("convert", middle, tmp_path / "back.json", "--to", "coco")
    assert code == 0, err
    first, again = read_labels(root / "t.json"), read_labels(tmp_path / "back.json")
    assert [o.image for o in first] == [o.image for o in again]
    for one, two in zip(first, again):
        np.testing.assert_allclose(one.boxes, two.boxes, atol=1e-9)
        assert one.classes == two.classes


def test_convert_says_what_is_lost_and_keeps_numbers(program, streets, tmp_path):
    content = json.loads((streets[0] / "t.json").read_text())
    content["annotations"][0]["attributes"] = {"blurred": 1}
    content["annotations"][1]["iscrowd"] = 1
    content["annotations"][2]["bbox"] = [1, 1, 0, 5]
    (tmp_path / "t.json").write_text(json.dumps(content))
    (tmp_path / "classes.txt").write_text("car\nplate\n")
    code, _, err = program(
        "convert", tmp_path / "t.json", tmp_path / "y", "--to", "yolo",
        "--class-names", tmp_path / "classes.txt",
    )  # fmt: skip
    assert code == 0, err
    assert "annotations[2].bbox" in err
    assert "no place for it: attributes" in err
    assert "has no place for crowds: 1 box around crowds" in err
    assert (tmp_path / "y" / "1.txt").read_text().startswith("1 ")
    code, _, err = program(
        "convert", tmp_path / "t.json", tmp_path / "z", "--to", "voc", "--strict"
    )
    assert code == 3
    assert not (tmp_path / "z").exists()


def test_convert_asks_for_a_format_that_no_name_tells(program, streets, tmp_path):
    code, _, err = program("convert", streets[0] / "t.json", tmp_path / "folder")
    assert code in (2, 3)
    assert "--to" in err


def test_fit_learns_from_boxes(program, tmp_path):
    rng = np.random.default_rng(0)
    images = []
    (tmp_path / "i").mkdir()
    for number in range(4):
        image = rng.integers(0, 60, (40, 60, 3)).astype(np.uint8)
        image[5:25, 5:25] = (200, 30, 30)
        image[10:30, 35:55] = (30, 30, 200)
        spel.write(tmp_path / "i" / f"{number}.png", image)
        boxes = [[5, 5, 25, 25], [35, 10, 55, 30]]
        images.append(ImageBoxes(f"{number}.png", (40, 60), boxes, ["red", "blue"]))
    names = {"coco": "t.json", "voc": "voc", "yolo": "yolo", "label-studio": "ls.json",
             "geojson": "t.geojson", "csv": "t.csv"}  # fmt: skip
    for form, name in names.items():
        write_labels(tmp_path / name, images, form=form)
        code, _, err = program(
            "fit", tmp_path / name, "--images", tmp_path / "i", "--features", "pooled",
            "--out", tmp_path / "m.spel",
        )  # fmt: skip
        assert code == 0, (form, err)
        assert "8 images: 4 blue, 4 red" in err, form
        assert "accuracy 1.0000" in err


def test_boxes_that_stand_twice_are_learned_once(program, streets, tmp_path):
    root, names = streets
    truth = json.loads((root / names["coco"]).read_text())
    again = [{**one, "id": 100 + one["id"]} for one in truth["annotations"]]
    (tmp_path / "t.json").write_text(
        json.dumps({**truth, "annotations": [*truth["annotations"], *again]})
    )
    networks = []
    for number, path in enumerate((root / names["coco"], tmp_path / "t.json")):
        out = tmp_path / f"{number}.safetensors"
        code, _, err = program(
            "learn-boxes", path, "--images", root / "photos", "--out", out, "--folds", "2"
        )
        assert code == 0, err
        networks.append(spel.load(out).fingerprint())
    assert "4 boxes of the same class at the same place as another" in err
    assert networks[0] == networks[1]
