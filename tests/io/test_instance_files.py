"""Files of instances: by hand, beside pycocotools, and read again as boxes."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from spel.core.instances import Instances
from spel.errors import ParameterError, ShapeError
from spel.io import read_labels
from spel.io.annotation.instance_files import run_lengths, write_instances

LABELS = np.zeros((6, 8), np.int32)
LABELS[1:4, 1:4], LABELS[2, 2], LABELS[4:, 5:] = 1, 0, 2
TWO = Instances(LABELS, [0.9, 0.25], [1, 3], ("leaf", "spot"))


def test_one_row_per_object(tmp_path):
    write_instances(tmp_path / "a.csv", {"a.png": TWO})
    with (tmp_path / "a.csv").open() as file:
        first, second = csv.DictReader(file)
    assert first == {
        "image": "a.png", "object": "1", "class": "1", "name": "leaf", "score": "0.9",
        "area": "8", "x0": "1.0", "y0": "1.0", "x1": "4.0", "y1": "4.0", "row": "2.0",
        "col": "2.0",
    }  # fmt: skip
    assert (second["name"], second["area"], second["col"]) == ("spot", "6", "6.0")


def test_volumes_have_rows_with_planes(tmp_path):
    volume = Instances(np.stack([LABELS, 0 * LABELS]), [0.9, 0.2])
    write_instances(tmp_path / "v.csv", {"v.tif": volume})
    head, row, _ = (tmp_path / "v.csv").read_text().splitlines()
    assert head == "image,object,class,score,area,x0,y0,z0,x1,y1,z1,plane,row,col"
    assert row == "v.tif,1,1,0.9,8,1.0,1.0,0.0,4.0,4.0,1.0,0.0,2.0,2.0"
    with pytest.raises(ShapeError, match="no place for volumes"):
        write_instances(tmp_path / "v.json", {"v.tif": volume})


def test_geojson_has_the_hole(tmp_path):
    write_instances(tmp_path / "a.geojson", {"a.png": TWO})
    first, _ = json.loads((tmp_path / "a.geojson").read_text())["features"]
    outer, hole = first["geometry"]["coordinates"]
    assert outer == [[1, 1], [4, 1], [4, 4], [1, 4], [1, 1]]
    assert sorted(hole[:4]) == [[2, 2], [2, 3], [3, 2], [3, 3]]
    assert first["properties"]["classification"] == {"name": "leaf"}


@pytest.mark.parametrize("suffix", [".json", ".geojson"])
def test_what_is_written_is_read_as_boxes(tmp_path, suffix):
    write_instances(tmp_path / f"a{suffix}", {"a.png": TWO})
    (image,) = read_labels(tmp_path / f"a{suffix}")
    assert image.boxes.tolist() == TWO.boxes.tolist()
    assert image.classes == ("leaf", "spot")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pycocotools
def test_coco_holds_the_masks_exactly(tmp_path):
    mask_api = pytest.importorskip("pycocotools.mask")
    write_instances(tmp_path / "a.json", {"a.png": TWO})
    content = json.loads((tmp_path / "a.json").read_text())
    for number, entry in enumerate(content["annotations"]):
        decoded = mask_api.decode(entry["segmentation"])
        assert np.array_equal(decoded, number + 1 == LABELS)
        assert entry["bbox"] == mask_api.toBbox(entry["segmentation"]).tolist()
    write_instances(tmp_path / "p.json", {"a.png": TWO}, "coco-polygons")
    one, other = json.loads((tmp_path / "p.json").read_text())["annotations"]
    assert one["segmentation"] == [[1, 1, 4, 1, 4, 4, 1, 4]]
    decoded = mask_api.decode(mask_api.merge(mask_api.frPyObjects(other["segmentation"], 6, 8)))
    assert np.array_equal(decoded, LABELS == 2)


def test_run_lengths_equal_pycocotools():
    mask_api = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for _ in range(100):
        mask = rng.random(tuple(rng.integers(1, 70, 2))) < rng.random() ** 2
        expected = mask_api.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"].decode()
        assert run_lengths(mask) == expected


def test_another_format_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="coco-polygons"):
        write_instances(tmp_path / "a.xml", {"a.png": TWO})
