"""Annotations against the images that they describe: sizes, names, and what is left out."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.errors import FormatError, ParameterError
from spel.io import (
    Annotations,
    AnnotationWarning,
    ImageBoxes,
    Result,
    read_labels,
    write_as,
    write_labels,
)
from spel.io.annotation.recognize import format_of

from .label_files import LABEL_STUDIO_TASK, VOC, picture, put


class TestSizes:
    def truth(self, tmp_path: Path, width: int, height: int) -> Path:
        images = [{"id": 1, "file_name": "a.jpg", "width": width, "height": height}]
        entries = [{"id": 1, "image_id": 1, "bbox": [0, 0, 2, 1]}]
        return put(tmp_path / "t.json", {"images": images, "annotations": entries})

    def test_another_size_is_refused_by_name(self, tmp_path):
        picture(tmp_path / "i" / "a.jpg", 10, 20)
        with pytest.raises(FormatError, match=r"a.jpg: the annotations say 40 x 20 .* 20 x 10"):
            read_labels(self.truth(tmp_path, 40, 20), images=tmp_path / "i")

    def test_truth_before_the_rotation_is_named_and_turned_on_request(self, tmp_path):
        picture(tmp_path / "i" / "a.jpg", 10, 20, orientation=6)
        path = self.truth(tmp_path, 20, 10)
        with pytest.raises(FormatError, match="before its EXIF rotation"):
            read_labels(path, images=tmp_path / "i")
        one = read_labels(path, images=tmp_path / "i", turn=True).images[0]
        assert one.boxes.tolist() == [[9, 0, 10, 2]]
        assert one.size == (20, 10)

    def test_a_missing_image_is_named(self, tmp_path):
        picture(tmp_path / "i" / "b.jpg", 10, 20)
        with pytest.raises(FormatError, match=r"a.jpg: there is no such image"):
            read_labels(self.truth(tmp_path, 20, 10), images=tmp_path / "i")


def test_inverted_boxes_text_and_other_lengths_are_one_clear_error():
    for make in (
        lambda boxes: ImageBoxes("a", (9, 9), boxes),
        lambda boxes: Result("a", (9, 9), boxes, [1], [1]),
        lambda boxes: spel.Detections(boxes, [1], [1], (9, 9)),
    ):
        with pytest.raises(ParameterError, match="wrong order"):
            make([[5, 5, 1, 9]])
        with pytest.raises(ParameterError, match="real numbers"):
            make([["a", "b", "c", "d"]])
        with pytest.raises((ParameterError, FormatError, ValueError), match=r"expected|lengths"):
            make([[1, 2, 3]])


def test_every_format_is_told_by_its_content(tmp_path):
    one = Result("a.png", (10, 10), [[0, 0, 5, 5]], [0.5], [25.0], ("x",))
    names = {"coco": "a.json", "csv": "a.csv", "jsonl": "a.jsonl", "geojson": "b.geojson",
             "label-studio": "c.json", "voc": "voc", "yolo": "yolo"}  # fmt: skip
    for form, name in names.items():
        write_as(form, tmp_path / name, [one])
        assert format_of(tmp_path / name) == form
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read_labels(tmp_path / name).images[0].classes == ("x",)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="holds no annotations"):
        format_of(tmp_path / "empty")
    with pytest.raises(FormatError, match="not of COCO"):
        format_of(put(tmp_path / "d.json", {"a": 1}))


class TestNothingIsDroppedInSilence:
    def test_images_without_a_label_file_are_counted(self, tmp_path):
        put(tmp_path / "classes.txt", "cat\n")
        put(tmp_path / "a.txt", "0 0.5 0.5 1 1\n")
        picture(tmp_path / "a.png", 10, 20)
        picture(tmp_path / "b.png", 10, 20)
        with pytest.warns(AnnotationWarning, match=r"1 image without a label file, .* b\.png"):
            assert len(read_labels(tmp_path)) == 1

    def test_a_result_cut_short_is_said(self, tmp_path):
        one = Result("a.png", (10, 10), [[0, 0, 5, 5]], [0.5], [25.0])
        (tmp_path / "r.jsonl").write_text(one.to_line() + "\n" + one.to_line()[:30])
        with pytest.warns(AnnotationWarning, match="cut short"):
            assert len(read_labels(tmp_path / "r.jsonl")) == 1

    def test_unknown_elements_of_voc_come_back(self, tmp_path):
        part = "<part><name>head</name></part><part><name>tail</name></part><angle>3</angle>"
        put(tmp_path / "i" / "a.xml", VOC.replace("<pose>Left</pose>", part))
        write_labels(tmp_path / "o", read_labels(tmp_path / "i"), form="voc")
        assert part in (tmp_path / "o" / "a.xml").read_text()

    def test_a_file_of_two_annotators_says_which_is_taken(self, tmp_path):
        task = json.loads(json.dumps(LABEL_STUDIO_TASK))
        task["annotations"].append({"result": []})
        with pytest.warns(AnnotationWarning, match="2 annotations; the last one is taken"):
            assert len(read_labels(put(tmp_path / "a.json", [task])).images[0]) == 0

    def test_two_images_of_one_stem_are_refused(self, tmp_path):
        from spel.io.annotation.marker_folder import marked_images

        put(tmp_path / "m" / "a.txt", "1 20 10\n3 4 1 1\n")
        picture(tmp_path / "i" / "a.png", 10, 20)
        picture(tmp_path / "i" / "a.jpg", 10, 20)
        with pytest.raises(FormatError, match="both fit the markers"):
            marked_images(tmp_path / "i", tmp_path / "m")

    def test_handicaps_are_said(self, tmp_path):
        from spel.io.annotation.markers import read_markers

        with pytest.warns(AnnotationWarning, match="handicaps"):
            read_markers(put(tmp_path / "a.txt", "1 20 10\n3 4 1 1 7\n"))

    def test_a_folder_of_arrays_says_how_they_are_named(self, tmp_path):
        from spel.io import expand

        np.save(tmp_path / "a.npy", np.zeros((3, 3)))
        with pytest.raises(ParameterError, match=r"1 \.npy files"):
            expand(tmp_path)


class TestFileNames:
    """Files are named like their images, as readers of YOLO and VOC folders expect."""

    def written(self, folder: Path, *names: str) -> list[str]:
        box = ([[0, 0, 5, 5]], [0.5], [25.0], ("x",))
        write_as("yolo", folder, [Result(name, (10, 10), *box) for name in names])
        return sorted(path.name for path in folder.glob("*[!s].txt"))

    def test_folders_that_all_images_share_are_left_out(self, tmp_path):
        assert self.written(tmp_path / "1", "p/q/a.png", "p/q/b.png") == ["a.txt", "b.txt"]
        assert self.written(tmp_path / "2", "p/a.png", "p/q/a.png") == ["a.txt", "q__a.txt"]
        assert self.written(tmp_path / "3", "pq/a.png", "pr/a.png") == ["pq__a.txt", "pr__a.txt"]

    @pytest.mark.parametrize("form", ["yolo", "voc"])
    def test_a_folder_written_in_parts_is_that_which_is_written_at_once(self, tmp_path, form):
        def results(*names: str) -> list[Result]:
            return [Result(n, (10, 10), [[i, 0, i + 5, 5]], [0.5], [25.0], ("x",))
                    for i, n in enumerate(names)]  # fmt: skip

        every = results("p/a.png", "p/p/a.png", "q/a.png")
        write_as(form, tmp_path / "parts", every[:2])
        if form == "yolo":
            write_as(form, tmp_path / "parts", every[2:])
        else:
            write_as(form, tmp_path / "parts", every)
        write_as(form, tmp_path / "whole", every)
        parts, whole = ({f.name: f.read_bytes() for f in (tmp_path / n).iterdir()}
                        for n in ("parts", "whole"))  # fmt: skip
        assert parts == whole
        write_as(form, tmp_path / "parts", every[:1], fresh=True)
        assert [one.image for one in read_labels(tmp_path / "parts")] == ["p/a.png"]

    def test_labels_that_images_json_does_not_name_are_said(self, tmp_path):
        self.written(tmp_path, "p/a.png")
        (tmp_path / "b.txt").write_text("0 .5 .5 1 1\n")
        with pytest.warns(AnnotationWarning, match="1 label file of images that images.json"):
            assert len(read_labels(tmp_path)) == 1

    def test_names_of_version_0_1_are_read(self, tmp_path):
        self.written(tmp_path, "p/a.png")
        (tmp_path / "a.txt").rename(tmp_path / "p__a.txt")
        (read,) = read_labels(tmp_path)
        assert (read.image, len(read)) == ("p/a.png", 1)


GEOJSON = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[[1, 1], [3, 1], [3, 4], [1, 4]]]},
            "properties": {},
        }
    ],
}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("l/labels/a b.txt", "0 0.5 0.5 0.2 0.2"),
        ("l/a b.geojson", GEOJSON),
        ("l/t.csv", "image,x0,y0,x1,y1\na b.png,1,1,3,4\n"),
    ],
)
@pytest.mark.filterwarnings("ignore::spel.io.AnnotationWarning")
def test_an_image_in_a_subfolder_does_not_hide_the_one_that_is_meant(tmp_path, file, content):
    for name, rows in (("a b.png", 10), ("sub/a b.png", 20)):
        picture(tmp_path / "i" / name, rows, rows)
    path = put(tmp_path / file, content)
    found = read_labels(path if path.suffix == ".csv" else tmp_path / "l", images=tmp_path / "i")
    assert [(one.image, one.size, len(one.boxes)) for one in found] == [("a b.png", (10, 10), 1)]


def test_yolo_without_a_matching_image_says_so_and_asks_for_no_folder_that_is_given(tmp_path):
    put(tmp_path / "l" / "labels" / "b.txt", "0 0.5 0.5 0.2 0.2")
    picture(tmp_path / "i" / "a.png", 10, 10)
    with pytest.raises(FormatError, match=r"no label file has an image .* 1 image, .* b\.txt"):
        read_labels(tmp_path / "l", images=tmp_path / "i")


def test_geojson_of_a_folder_has_a_file_for_each_image(tmp_path):
    boxes = [ImageBoxes(f"p/{n}.png", (10, 20), [[1, 2, 5, 8 + n]], ("cat",)) for n in (1, 2)]
    truth = Annotations(tuple(boxes), ("cat",))
    write_labels(tmp_path / "boxes", truth, form="geojson")
    assert sorted(path.name for path in (tmp_path / "boxes").iterdir()) == [
        "1.geojson",
        "2.geojson",
    ]
    again = read_labels(tmp_path / "boxes")
    assert [(one.image, one.size) for one in again] == [
        ("p/1.png", (10, 20)),
        ("p/2.png", (10, 20)),
    ]
    assert [one.boxes.tolist() for one in again] == [[[1, 2, 5, 9]], [[1, 2, 5, 10]]]
