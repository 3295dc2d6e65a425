"""Boxes around masks that COCO keeps as run lengths: by hand, and as pycocotools finds them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spel.io import AnnotationWarning, read_coco
from spel.io.annotation.convert.coco_rle import rle_box


def test_runs_go_down_the_columns():
    assert rle_box({"size": [3, 4], "counts": [4, 2, 6]}) == [1, 1, 2, 3]
    assert rle_box({"size": [3, 4], "counts": [2, 2, 8]}) == [0, 0, 2, 3]  # over a column's end
    assert rle_box({"size": [3, 4], "counts": [0, 12]}) == [0, 0, 4, 3]


def test_the_boxes_are_those_of_pycocotools(rng):
    mask_api = pytest.importorskip("pycocotools.mask")
    for _ in range(200):
        mask = (rng.random(rng.integers(1, 40, 2)) < rng.random() ** 3).astype(np.uint8, order="F")
        if not mask.any():
            continue
        packed = mask_api.encode(mask)
        x, y, width, height = mask_api.toBbox(packed)
        column = np.concatenate([[0], mask.ravel("F"), [2]])
        ends = np.flatnonzero(np.diff(column))
        runs = np.diff([0, *ends]).tolist()
        for counts in (packed["counts"].decode(), runs):
            found = rle_box({"size": list(mask.shape), "counts": counts})
            assert found == [x, y, x + width, y + height]


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        ({"size": [3, 4], "counts": [4, 2, 5]}, "do not make 3 x 4"),
        ({"size": [3, 4], "counts": [14, -2]}, "do not make 3 x 4"),
        ({"size": [3, 4], "counts": [12]}, "empty"),
        ({"size": [3, 4], "counts": "\x00"}, "no run lengths"),
        ({"size": [3, 4], "counts": "P"}, "cut short"),
        ({"size": [3, 4], "counts": 7}, "neither"),
        ({"size": [3], "counts": [3]}, "rows, cols"),
        ({"size": [3, 1 << 40], "counts": [3]}, "rows, cols"),
    ],
)
def test_damaged_masks_are_named(mask, reason):
    with pytest.raises(ValueError, match=reason):
        rle_box(mask)


def test_a_crowd_without_a_box(tmp_path):
    entry = {"id": 1, "image_id": 7, "category_id": 1, "iscrowd": 1, "area": 2}
    content = {
        "images": [{"id": 7, "file_name": "a.png", "width": 4, "height": 3}],
        "categories": [{"id": 1, "name": "egg"}],
        "annotations": [
            {**entry, "segmentation": {"size": [3, 4], "counts": [4, 2, 6]}},
            {**entry, "id": 2, "segmentation": {"size": [3, 4], "counts": [4, 2]}},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.warns(AnnotationWarning) as caught:
        truth = read_coco(tmp_path / "a.json")
    texts = [str(one.message) for one in caught]
    assert "annotations[1].segmentation: the run lengths do not make" in texts[0]
    assert "no bbox; the box around its segmentation is taken" in texts[1]
    (image,) = truth.images
    assert (image.boxes.tolist(), image.crowd.tolist()) == ([[1, 1, 2, 3]], [True])
