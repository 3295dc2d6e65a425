"""Annotations as other programs write them: read, compared with their images, written back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import spel
from spel.errors import FormatError
from spel.evaluation import evaluate_boxes
from spel.io import (
    Annotations,
    AnnotationWarning,
    ImageBoxes,
    Result,
    read_as,
    read_coco,
    read_labels,
    write_as,
    write_coco,
    write_labels,
)
from spel.io.annotation.recognize import format_of, images_beside

from .label_files import LABEL_STUDIO_TASK, VOC, picture, put

COCO: dict[str, Any] = {
    "info": {"year": 2024},
    "licenses": [{"id": 4, "name": "CC"}],
    "images": [
        {"id": "p-7", "file_name": "a.jpg", "width": 160.0, "height": 100, "license": 4},
        {"id": 9, "file_name": "b.jpg", "width": 20, "height": 10, "coco_url": "http://x/b"},
    ],
    "categories": [{"id": 18, "name": "dog", "supercategory": "animal"}],
    "annotations": [
        {
            "id": 1768,
            "image_id": "p-7",
            "category_id": 18,
            "bbox": [1, 2, 30, 40],
            "area": 702.5,
            "iscrowd": 0,
            "segmentation": [[1, 2, 31, 2, 31, 42]],
            "attributes": {"occluded": True},
        }
    ],
}


class TestCoco:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"bbox": [5, 5, 9, 0]}, r"annotations\[1\].bbox: .*has no area"),
            ({"bbox": [500, 5, 9, 9]}, r"annotations\[1\].bbox: .*lies outside"),
            ({"bbox": None}, r"annotations\[1\].bbox: it is missing"),
            ({"bbox": [1, "2", 3, 4]}, r"annotations\[1\].bbox: .*is not \[x, y"),
            ({"image_id": 77}, r"annotations\[1\].image_id: 77 is no image"),
            ({"category_id": None}, r"annotations\[1\].category_id: it is missing"),
        ],
    )
    def test_a_bad_annotation_is_one_warning(self, tmp_path, change, words):
        bad = {"id": 2, "image_id": 9, "category_id": 18, "bbox": [1, 1, 2, 2], **change}
        path = put(tmp_path / "a.json", {**COCO, "annotations": [*COCO["annotations"], bad]})
        with pytest.warns(AnnotationWarning, match=words) as caught:
            truth = read_coco(path)
        assert len(caught) == 1
        assert truth.images[0].boxes.tolist() == [[1, 2, 31, 42]]
        assert len(truth.problems) == 1
        with pytest.raises(FormatError, match=words):
            read_coco(path, strict=True)

    def test_ids_of_text_whole_floats_and_a_byte_order_mark(self, tmp_path):
        path = tmp_path / "a.json"
        path.write_text(json.dumps(COCO), encoding="utf-8-sig")
        truth = read_coco(path)
        assert truth.images[0].size == (100, 160)
        assert truth.images[0].classes == ("dog",)

    def test_a_box_is_taken_from_the_segmentation(self, tmp_path):
        one = {**COCO["annotations"][0], "bbox": None}
        path = put(tmp_path / "a.json", {**COCO, "annotations": [one]})
        with pytest.warns(AnnotationWarning, match="the box around its segmentation is taken"):
            assert read_coco(path).images[0].boxes.tolist() == [[1, 2, 31, 42]]

    def test_names_ids_and_extra_fields_come_back(self, tmp_path):
        truth = read_coco(put(tmp_path / "a.json", COCO))
        write_coco(tmp_path / "again.json", truth)
        again = json.loads((tmp_path / "again.json").read_text())
        assert again["info"] == COCO["info"]
        assert again["licenses"] == COCO["licenses"]
        assert again["categories"] == COCO["categories"]
        assert again["images"] == COCO["images"]
        assert again["annotations"] == COCO["annotations"]

    def test_a_list_of_results_has_the_ids_of_its_data_set(self, tmp_path):
        truth = read_coco(put(tmp_path / "a.json", COCO))
        results = [{"image_id": "p-7", "category_id": 18, "bbox": [1, 2, 3, 4], "score": 0.5}]
        path = put(tmp_path / "results.json", results)
        answers = read_labels(path, like=truth)
        assert answers.images[0].image == "a.jpg"
        assert answers.images[0].classes == ("dog",)
        assert answers.images[0].scores.tolist() == [0.5]
        with pytest.warns(AnnotationWarning, match="only by their ids"):
            alone = read_labels(path)
        assert alone.images[0].image == "p-7"
        assert read_as("coco", path)[0].boxes.tolist() == [[1, 2, 4, 6]]

    def test_results_may_name_images_by_their_stems_and_sizes_follow_from_files(self, tmp_path):
        data = {"images": [{"id": 7, "file_name": "a.png"}], "annotations": [],
                "categories": [{"id": 3, "name": "dog"}]}  # fmt: skip
        picture(tmp_path / "i" / "a.png", 10, 20)
        with pytest.warns(AnnotationWarning, match="states no size; that of its file is taken"):
            like = read_labels(put(tmp_path / "t.json", data), images=tmp_path / "i")
        found = [{"image_id": "a", "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}]
        answers = read_labels(put(tmp_path / "r.json", found), like=like)
        assert (answers.images[0].image, answers.images[0].size) == ("a.png", (10, 20))
        assert answers.images[0].boxes.tolist() == [[1, 2, 4, 6]]

    def test_true_boxes_without_area_are_not_written(self, tmp_path):
        flat = ImageBoxes("a.png", (9, 9), [[1, 1, 1, 5]])
        for form in ("coco", "voc", "yolo", "label-studio"):
            with pytest.raises(FormatError, match="has no area"):
                write_labels(tmp_path / form, Annotations((flat,), ("x",)), form=form)


class TestVoc:
    def test_corners_count_from_1_and_belong_to_the_box(self, tmp_path):
        put(tmp_path / "a.xml", VOC)
        truth = read_labels(tmp_path)
        assert truth.images[0].boxes.tolist() == [[0, 0, 160, 100]]
        assert truth.images[0].size == (100, 160)

    def test_what_is_written_is_read_alike_elsewhere(self, tmp_path):
        from xml.etree import ElementTree

        one = ImageBoxes("a.jpg", (100, 160), [[0, 0, 160, 100]], ["=a\\b"])
        write_labels(tmp_path / "out", [one], form="voc")
        root = ElementTree.parse(tmp_path / "out" / "a.xml").getroot()
        corners = [
            root.findtext(f"object/bndbox/{tag}") for tag in ("xmin", "ymin", "xmax", "ymax")
        ]
        assert corners == ["1", "1", "160", "100"]
        assert root.findtext("object/name") == "=a\\b"  # escapes of spreadsheets are for CSV
        assert root.findtext("object/score") is None
        assert read_labels(tmp_path / "out").images[0] == one

    def test_flags_and_heads_come_back(self, tmp_path):
        put(tmp_path / "in" / "Annotations" / "a.xml", VOC)
        write_labels(tmp_path / "out", read_labels(tmp_path / "in"), form="voc")
        text = (tmp_path / "out" / "a.xml").read_text()
        for part in (
            "<folder>VOC2007</folder>",
            "<source><database>The VOC2007 Database</database></source>",
            "<pose>Left</pose><truncated>1</truncated><difficult>0</difficult>",
        ):
            assert part in text

    def test_other_encodings_and_corners_of_zero(self, tmp_path):
        box = "<xmin>0</xmin><ymin>1</ymin><xmax>8</xmax><ymax>9</ymax>"
        text = (
            "<?xml version='1.0' encoding='ISO-8859-1'?><annotation><filename>\xe9.png</filename>"
            f"<object><name>dog</name><bndbox>{box}</bndbox></object></annotation>"
        )
        (tmp_path / "a.xml").write_bytes(text.encode("latin-1"))
        with pytest.warns(AnnotationWarning, match="counts pixels from 1"):
            (one,) = read_labels(tmp_path)
        assert (one.image, one.boxes.tolist()) == ("\xe9.png", [[-1, 0, 8, 9]])

    def test_a_difficult_object_need_not_be_found(self, tmp_path):
        put(tmp_path / "in" / "a.xml", VOC.replace("<difficult>0", "<difficult>1"))
        truth = read_labels(tmp_path / "in")
        assert truth.images[0].crowd.tolist() == [True]
        write_labels(tmp_path / "own", truth, form="voc")
        assert (tmp_path / "own" / "a.xml").read_text().count("<difficult>1</difficult>") == 1
        write_labels(tmp_path / "a.json", truth, form="coco")
        assert json.loads((tmp_path / "a.json").read_text())["annotations"][0]["iscrowd"] == 1
        write_labels(tmp_path / "out", read_labels(tmp_path / "a.json"), form="voc")
        assert read_labels(tmp_path / "out").images[0].crowd.tolist() == [True]
        none = Result("a.jpg", (100, 160), np.zeros((0, 4)), np.zeros(0), np.zeros(0))
        assert evaluate_boxes([none], truth).metrics.truths == 0

    def test_control_characters_of_names_come_back(self, tmp_path):
        one = ImageBoxes("a\x01.png", (9, 9), [[1, 1, 2, 2]], ["\\n\x1b"])
        write_labels(tmp_path, [one], form="voc")
        assert read_labels(tmp_path).images[0] == one


class TestYolo:
    def test_labels_beside_images_with_a_data_yaml(self, tmp_path):
        put(tmp_path / "data.yaml", "train: images/train\nnames:\n  0: cat\n  1: dog\n")
        put(tmp_path / "labels" / "train" / "a.txt", "1 0.5 0.5 0.25 0.5\n")
        put(tmp_path / "labels" / "train" / "c.txt", "")
        picture(tmp_path / "images" / "train" / "a.jpg", 100, 160)
        picture(tmp_path / "images" / "train" / "c.jpg", 10, 20)
        for path in (tmp_path, tmp_path / "labels" / "train", tmp_path / "data.yaml"):
            truth = read_labels(path)
            assert truth.classes == ("cat", "dog")
            assert truth.images[0].boxes.tolist() == [[60, 25, 100, 75]]
            assert truth.images[0].classes == ("dog",)
            assert len(truth.images[1]) == 0
        assert images_beside(tmp_path / "labels" / "train") == tmp_path / "images" / "train"

    def test_labels_among_images_with_classes_txt(self, tmp_path):
        put(tmp_path / "classes.txt", "cat\ndog\n")
        put(tmp_path / "a.txt", "0 0.5 0.5 1 1\n1 0.1 0.1 0.3 0.1 0.3 0.5 0.1 0.5\n")
        picture(tmp_path / "a.png", 10, 20)
        truth = read_labels(tmp_path)
        np.testing.assert_allclose(truth.images[0].boxes, [[0, 0, 20, 10], [2, 1, 6, 5]])
        assert truth.images[0].image == "a.png"
        assert truth.images[0].scores is None
        assert read_as("yolo", tmp_path)[0].classes == ("cat", "dog")

    def test_parts_with_images_and_labels_of_the_same_names(self, tmp_path):
        put(tmp_path / "data.yaml", "names: {'0': cat, '1': dog}\n")
        for part, kind in (("train", 0), ("valid", 1)):
            put(tmp_path / part / "labels" / "a.txt", f"{kind} 0.5 0.5 0.5 0.5\n")
            picture(tmp_path / part / "images" / "a.jpg", 10, 20)
        truth = read_labels(tmp_path)
        names = [(one.image, one.classes) for one in truth]
        assert names == [("train/images/a.jpg", ("cat",)), ("valid/images/a.jpg", ("dog",))]

    def test_a_yaml_file_that_stands_elsewhere(self, tmp_path):
        put(tmp_path / "cfg" / "set.yaml", "path: ../set\ntrain: images\nnames: [cat]\n")
        put(tmp_path / "set" / "labels" / "a.txt", "0 0.5 0.5 0.5 0.5\n")
        picture(tmp_path / "set" / "images" / "a.jpg", 10, 20)
        assert read_labels(tmp_path / "cfg" / "set.yaml").images[0].boxes.tolist() == [
            [5, 2.5, 15, 7.5]
        ]

    def test_without_images_the_sizes_are_asked_for(self, tmp_path):
        put(tmp_path / "l" / "a.txt", "0 0.5 0.5 1 1\n")
        with pytest.raises(FormatError, match="give the folder of images"):
            read_labels(tmp_path / "l")
        picture(tmp_path / "i" / "a.png", 10, 20)
        with pytest.warns(AnnotationWarning, match="classes are named by their numbers"):
            truth = read_labels(tmp_path / "l", images=tmp_path / "i")
        assert truth.images[0].classes == ("0",)

    def test_bad_lines_are_named(self, tmp_path):
        put(tmp_path / "classes.txt", "cat\n")
        put(tmp_path / "a.txt", "0 0.5 0.5 1 1\n3 0.5 0.5 1 1\n0 0.5 0.5\n0 x 0.5 1 1\n")
        picture(tmp_path / "a.png", 10, 20)
        with pytest.warns(AnnotationWarning) as caught:
            assert len(read_labels(tmp_path).images[0]) == 1
        texts = [str(one.message) for one in caught]
        assert len(texts) == 3
        assert all(f"a.txt, line {n}: " in text for n, text in zip((2, 3, 4), texts))

    def test_numbers_of_classes_hold_over_files_written_apart(self, tmp_path):
        def result(name: str, kind: str) -> Result:
            return Result(name, (10, 10), [[0, 0, 5, 5]], [0.5], [25.0], (kind,))

        names = ["ant", "bee", "cow"]
        write_as("yolo", tmp_path / "1", [result("a.png", "cow")], classes=names)
        write_as("yolo", tmp_path / "2", [result("b.png", "ant")], classes=names)
        assert (tmp_path / "1" / "a.txt").read_text()[0] == "2"
        assert (tmp_path / "2" / "b.txt").read_text()[0] == "0"
        write_as("yolo", tmp_path / "1", [result("c.png", "bee"), result("d.png", "dog")])
        assert (tmp_path / "1" / "c.txt").read_text()[0] == "1"
        assert (tmp_path / "1" / "d.txt").read_text()[0] == "3"
        write_as("yolo", tmp_path / "3", [result("a.png", "z"), result("b.png", "a")])
        assert (tmp_path / "3" / "classes.txt").read_text() == "a\nz\n"

    def test_names_are_written_as_they_are(self, tmp_path):
        one = Result("a.png", (10, 10), [[0, 0, 5, 5]], [0.5], [25.0], ("=x",))
        write_as("yolo", tmp_path / "o", [one])
        assert (tmp_path / "o" / "classes.txt").read_text() == "=x\n"
        bad = Result("a.png", (10, 10), [[0, 0, 5, 5]], [0.5], [25.0], ("x\ny",))
        with pytest.raises(FormatError, match="one name a line"):
            write_as("yolo", tmp_path / "p", [bad])


class TestLabelStudio:
    def test_an_export_with_annotations(self, tmp_path):
        path = put(tmp_path / "a.json", [LABEL_STUDIO_TASK])
        assert format_of(path) == "label-studio"
        truth = read_labels(path)
        assert truth.images[0].boxes.tolist() == [[16, 20, 96, 50]]
        assert truth.images[0].size == (100, 160)
        assert truth.images[0].image == "0123abcd-a.jpg"
        assert truth.images[0].scores is None
        picture(tmp_path / "i" / "a.jpg", 100, 160)
        assert read_labels(path, images=tmp_path / "i").images[0].image == "a.jpg"
        write_labels(tmp_path / "b.json", truth, form="label-studio")
        again = json.loads((tmp_path / "b.json").read_text())[0]
        assert (again["id"], again["data"]) == (12, LABEL_STUDIO_TASK["data"])
        shapes = LABEL_STUDIO_TASK["annotations"][0]["result"]
        assert again["annotations"][0]["result"] == shapes

    def test_json_min_a_rotated_box_and_a_shape_that_is_no_box(self, tmp_path):
        shapes = [
            {"x": 50, "y": 20, "width": 10, "height": 20, "rotation": 90,
             "rectanglelabels": ["dog"], "original_width": 100, "original_height": 100},
        ]  # fmt: skip
        path = put(tmp_path / "a.json", [{"image": "s3://b/x.jpg", "id": 1, "label": shapes}])
        one = read_labels(path).images[0]
        assert one.image == "x.jpg"
        np.testing.assert_allclose(one.boxes, [[30, 20, 50, 30]], atol=1e-9)
        task = json.loads(json.dumps(LABEL_STUDIO_TASK))
        task["annotations"][0]["result"].append({"type": "brushlabels", "value": {}})
        with pytest.warns(AnnotationWarning, match="'brushlabels' is no box"):
            assert len(read_labels(put(tmp_path / "b.json", [task])).images[0]) == 1


def test_tasks_of_label_studio_that_nobody_annotated_are_no_empty_images(tmp_path):
    value = {"x": 10, "y": 10, "width": 50, "height": 50}
    sides = {"id": "r", "original_width": 40, "original_height": 20}
    pair = [
        {**sides, "type": "rectangle", "value": value},
        {**sides, "type": "labels", "value": {**value, "labels": ["cat"]}},
    ]
    tasks = [
        {"data": {"image": "a.png"}, "completions": [{"result": pair}]},  # before version 1.0
        {"data": {"image": "b.png"}, "annotations": [{"was_cancelled": True, "result": pair}]},
        {"data": {"image": "c.png"}, "annotations": []},
        {"data": {"image": "d.png"}, "annotations": [{"result": []}]},
    ]
    with pytest.warns(AnnotationWarning, match="task [12]: nobody has annotated it; left out"):
        truth = read_labels(put(tmp_path / "a.json", tasks))
    assert [(one.image, one.classes) for one in truth] == [("a.png", ("cat",)), ("d.png", ())]


def test_tables_with_other_separators_and_with_shares_of_the_size(tmp_path):
    head, row = "filename xmin ymin xmax ymax class", "a.png 1 2 5 8 dog"
    for mark in ";\t":
        path = put(tmp_path / "a.csv", f"{head}\n{row}\n".replace(" ", mark))
        assert read_labels(path).images[0].boxes.tolist() == [[1, 2, 5, 8]]
    picture(tmp_path / "i" / "a.png", 10, 20)
    path = put(tmp_path / "b.csv", "ImageID,LabelName,XMin,XMax,YMin,YMax\na,dog,0.1,0.5,0.2,1\n")
    with pytest.warns(AnnotationWarning, match="shares of the image's size"):
        (one,) = read_labels(path, images=tmp_path / "i")
    assert one.boxes.tolist() == [[2, 2, 10, 10]]
    path = put(tmp_path / "c.csv", "filename,xmin,ymin,xmax,ymax\na,x,1,2,3\nb,1,2,3,4\n")
    with pytest.warns(AnnotationWarning, match="line 2: 'x' is not a number"):
        assert [one.image for one in read_labels(path) if len(one)] == ["b"]


def test_geojson_of_qupath(tmp_path):
    feature = {
        "type": "Feature",
        "id": "41bb",
        "geometry": {"type": "Polygon", "coordinates": [[[5, 5], [9, 5], [7, 12], [5, 5]]]},
        "properties": {
            "objectType": "annotation",
            "classification": {"name": "Tumor", "color": [200, 0, 0]},
            "isLocked": False,
        },
    }
    path = put(tmp_path / "slide 1.geojson", {"type": "FeatureCollection", "features": [feature]})
    truth = read_labels(path)
    assert truth.images[0].image == "slide 1"
    assert truth.images[0].boxes.tolist() == [[5, 5, 9, 12]]
    assert truth.images[0].classes == ("Tumor",)
    picture(tmp_path / "i" / "slide 1.png", 40, 30)
    assert read_labels(path, images=tmp_path / "i").images[0].size == (40, 30)
    write_labels(tmp_path / "b.geojson", truth, form="geojson")
    again = json.loads((tmp_path / "b.geojson").read_text())["features"][0]
    assert again["geometry"] == feature["geometry"]
    assert again["id"] == "41bb"
    assert again["properties"]["classification"] == feature["properties"]["classification"]
    bare = put(tmp_path / "x.json", [feature])
    assert len(read_labels(bare).images[0]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,20,10,dog,1,2,5,8\n",
        "image_path,x1,y1,x2,y2,label\na.png,1,2,5,8,dog\n",
        "file;x;y;w;h;name\n".replace(";", ",") + "a.png,1,2,4,6,dog\n",
        "image,left,top,right,bottom,confidence,class_name\na.png,1,2,5,8,0.5,dog\n",
    ],
)
def test_tables_of_others(tmp_path, text):
    one = read_labels(put(tmp_path / "a.csv", text)).images[0]
    assert (one.image, one.boxes.tolist(), one.classes) == ("a.png", [[1, 2, 5, 8]], ("dog",))


def test_keypoints_of_yolo_are_no_polygon(tmp_path):
    spel.write(tmp_path / "a.png", np.zeros((10, 20), np.uint8))
    (tmp_path / "data.yaml").write_text("names: [hand]\nkpt_shape: [4, 3]\n")
    points = " ".join(["0.1 0.9 2"] * 4)
    (tmp_path / "a.txt").write_text(f"0 0.5 0.5 0.5 0.2 {points}\n")
    with pytest.warns(AnnotationWarning, match="keypoints are left out"):
        (one,) = read_labels(tmp_path, form="yolo")
    assert one.boxes.tolist() == [[5.0, 4.0, 15.0, 6.0]]


@pytest.mark.parametrize(("text", "reason"), [("", "empty"), ("<annotation><obj", "no whole XML")])
def test_a_voc_file_cut_short_is_named_with_what_to_do(tmp_path, text, reason):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(FormatError, match=rf"a\.xml: the file is {reason}.*export it again"):
        read_labels(tmp_path)
