"""Other programs, with their own packages where these are installed: napari, supervision, ..."""

from __future__ import annotations

import importlib
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.data import volume
from spel.io import write_labels
from spel.io.annotation.annotations import Annotations, ImageBoxes
from spel.io.annotation.markers import read_markers, write_markers

from .samples import egg

CLASSES = ("cat", "dog")
TRUTH = {
    "a.png": ([[10.0, 20.0, 60.0, 50.0], [80.0, 0.0, 120.0, 40.0]], [0, 1]),
    "b.png": ([[0.0, 0.0, 30.0, 100.0]], [1]),
}
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


@pytest.fixture
def napari():
    """The functions of the script on the page, and a viewer without a window."""
    pytest.importorskip("napari", reason="napari is not installed")
    from napari.components import ViewerModel

    return runpy.run_path(str(HOW_TO / "napari_strokes.py")), ViewerModel()


def test_strokes_go_to_napari_and_come_back(napari, tmp_path):
    script, viewer = napari
    image, markers = egg(1)
    script["show"](viewer, image, markers)
    assert script["strokes"](viewer).image().tolist() == markers.image().tolist()
    viewer.layers["strokes"].data[:5, :5] = 1  # painted beside the object
    drawn = script["strokes"](viewer)
    assert (drawn.image()[:5, :5] == 0).all()
    write_markers(tmp_path / "egg.json", drawn)
    assert read_markers(tmp_path / "egg.json").image().tolist() == drawn.image().tolist()


def test_what_is_learned_in_napari_is_shown(napari):
    script, viewer = napari
    image, markers = egg(1)
    script["show"](viewer, image, markers)
    network = script["learn"](viewer, image)
    objects = viewer.layers["objects"].data
    assert objects.max() >= 1
    assert (objects[markers.image() == 1] > 0).all()
    assert (objects[markers.image() == 0] == 0).all()
    assert viewer.layers["saliency"].data.tolist() == network(image)[..., 0].tolist()


def test_a_volume_is_learned_in_napari(napari):
    script, viewer = napari
    scene = volume(1, size=(6, 32, 32), count=4)
    drawn = np.full(scene.labels.shape, -1)
    drawn[::2, ::4] = scene.labels[::2, ::4] > 0
    script["show"](viewer, scene.image, spel.Markers.from_image(drawn))
    script["learn"](viewer, scene.image)
    found = viewer.layers["objects"].data > 0
    assert found.shape == scene.labels.shape
    assert found.any()


@pytest.fixture
def labels(tmp_path):
    """Boxes of two classes in two images, in every format that others read; and the images."""
    images = [
        ImageBoxes(name, (100, 160), boxes, [CLASSES[n] for n in numbers])
        for name, (boxes, numbers) in TRUTH.items()
    ]
    (tmp_path / "images").mkdir()
    for name in TRUTH:
        spel.write(tmp_path / "images" / name, np.zeros((100, 160, 3), np.uint8))
    for form in ("coco", "yolo", "voc", "label-studio", "geojson"):
        write_labels(tmp_path / form, Annotations(tuple(images), CLASSES), form=form)
    (tmp_path / "data.yaml").write_text("names: [cat, dog]\n")
    return tmp_path


@pytest.mark.parametrize("form", ["coco", "yolo", "voc"])
def test_supervision_reads_what_is_written(labels, form):
    supervision = pytest.importorskip("supervision", reason="supervision is not installed")
    places = {"coco": ("coco",), "yolo": ("yolo", "data.yaml"), "voc": ("voc",)}[form]
    read = {"coco": "from_coco", "yolo": "from_yolo", "voc": "from_pascal_voc"}[form]
    paths = [str(labels / place) for place in places]
    found = getattr(supervision.DetectionDataset, read)(str(labels / "images"), *paths)
    assert tuple(found.classes) == CLASSES
    for name, (boxes, numbers) in TRUTH.items():
        detections = found.annotations[str(labels / "images" / name)]
        assert detections.xyxy == pytest.approx(np.array(boxes), abs=1e-3)
        assert detections.class_id.tolist() == numbers


def test_pycocotools_reads_what_is_written(labels):
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    read = coco.COCO(str(labels / "coco"))
    names = {image["id"]: image["file_name"] for image in read.loadImgs(read.getImgIds())}
    for number, name in names.items():
        found = read.loadAnns(read.getAnnIds(imgIds=number))
        boxes = [
            [x, y, x + width, y + height] for x, y, width, height in (a["bbox"] for a in found)
        ]
        assert (boxes, len(found)) == (TRUTH[name][0], len(TRUTH[name][1]))
        classes = read.loadCats([one["category_id"] for one in found])
        assert [one["name"] for one in classes] == [CLASSES[n] for n in TRUTH[name][1]]


def test_label_studio_takes_and_converts_what_is_written(labels):
    converter = pytest.importorskip("label_studio_sdk.converter", reason="its SDK is not installed")
    config = """<View><Image name="image" value="$image"/><RectangleLabels name="label"
      toName="image"><Label value="cat"/><Label value="dog"/></RectangleLabels></View>"""
    tasks = json.loads((labels / "label-studio").read_text())
    interface = importlib.import_module("label_studio_sdk.label_interface").LabelInterface(config)
    assert all(interface.validate_annotation(a) for t in tasks for a in t["annotations"])
    numbered = [{"id": n, **task} for n, task in enumerate(tasks)]  # as the server does
    (labels / "export.json").write_text(json.dumps(numbered))
    tool = converter.Converter(config, None, download_resources=False)
    (labels / "out").mkdir()
    tool.convert_to_coco(str(labels / "export.json"), str(labels / "out"), is_dir=False)
    written = json.loads((labels / "out" / "result.json").read_text())
    boxes = [[x, y, x + w, y + h] for x, y, w, h in (a["bbox"] for a in written["annotations"])]
    assert np.array(boxes) == pytest.approx(np.array([b for t in TRUTH.values() for b in t[0]]))


def test_geojson_holds_polygons_as_qupath_draws_them(labels):
    geojson = pytest.importorskip("geojson", reason="geojson is not installed")
    shapes = pytest.importorskip("shapely.geometry", reason="shapely is not installed")
    read = geojson.loads((labels / "geojson").read_text())
    assert read.is_valid, read.errors()
    boxes = [list(shapes.shape(one["geometry"]).bounds) for one in read["features"]]
    assert boxes == [box for found, _ in TRUTH.values() for box in found]
    assert {one["properties"]["classification"]["name"] for one in read["features"]} == {*CLASSES}
    assert {one["properties"]["objectType"] for one in read["features"]} == {"annotation"}
