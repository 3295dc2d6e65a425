"""What each command prints and writes."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.data import street
from spel.io.annotation.labels import read_coco
from spel.io.annotation.results import read_results

ROOT = Path(__file__).parents[2]
LECTURE = Path(__file__).parents[3] / "shared/data/lecture/plate.png"


# -- see -----------------------------------------------------------------------------------------


def test_see_an_image(program, grey):
    code, out, _ = program("see", grey)
    assert code == 0
    assert "PNG, 6 x 8 x 1" in out
    assert "channel 0: 0 to 235, mean 117.5" in out


def test_see_an_image_as_json(program, grey):
    code, out, _ = program("see", grey, "--json")
    assert code == 0
    facts = json.loads(out)
    assert facts["shape"] == [6, 8, 1]
    assert facts["channels"] == [{"min": 0.0, "mean": 117.5, "max": 235.0, "not_finite": 0}]


def test_see_tells_what_is_not_finite(program, tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1.0, np.nan], [np.inf, -3.0]]))
    code, out, _ = program("see", tmp_path / "a.npy")
    assert code == 0
    assert "-3 to 1, mean -1; 2 values are NaN or infinite" in out
    np.save(tmp_path / "b.npy", np.full((2, 2), np.nan))
    assert "no finite value; 4 values" in program("see", tmp_path / "b.npy")[1]


def test_see_a_network_by_name_and_by_file(program, network):
    code, out, _ = program("see", "plate-lecture", "--json", "--size", "240,352,1")
    assert code == 0
    facts = json.loads(out)
    assert facts["kind"] == "network"
    assert facts["nodes"][-1]["shape"] == [240, 352, 1]
    code, out, _ = program("see", network)
    assert code == 0
    assert "3 nodes, 33 parameters" in out
    assert "a halo of 1 rows before and 1 after, 1 columns before and 1 after" in out


def test_see_results_and_annotations(program, picture, tmp_path):
    program("detect", "plate-lecture", picture, "--out", tmp_path / "r", "--format", "coco")
    code, out, _ = program("see", tmp_path / "r" / "results.jsonl", "--json")
    assert code == 0
    assert json.loads(out)["images"] == 1
    code, out, _ = program("see", tmp_path / "r" / "results.coco.json")
    assert code == 0
    assert "COCO annotations of 1 image, 1 box" in out


def test_see_markers(program, tmp_path):
    path = tmp_path / "seeds.txt"
    path.write_text("2 8 6\n1 1 1 0\n4 2 2 1\n")
    code, out, _ = program("see", path)
    assert code == 0
    assert "markers of 2 pixels, labels [0, 1]" in out


# -- apply ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["npy", "tiff"])
def test_apply_saves_the_exact_values_of_every_step(program, network, grey, tmp_path, kind):
    code, out, _ = program(
        "apply", network, grey, "--out", tmp_path / "o", "--save", "all", "--format", kind
    )
    assert code == 0
    expected = spel.load(network).activations(spel.read(grey))
    paths = [Path(line) for line in out.splitlines()]
    assert [p.name for p in paths] == [
        f"grey.{i}-{name}.{kind}" for i, name in zip(("01", "02", "03"), expected)
    ]
    for path, array in zip(paths, expected.values()):
        saved = spel.read(path)
        assert saved.dtype == np.float32
        np.testing.assert_array_equal(saved, array)


def test_apply_draws_pictures_with_their_scale(program, network, grey, tmp_path):
    code, out, _ = program("apply", network, grey, "--out", tmp_path / "o", "--save", "all")
    assert code == 0
    names = [Path(line).name for line in out.splitlines()]
    assert names == [
        "grey.01-edges.png",
        "grey.02-positive.png",
        "grey.03-sum.png",
        "grey.steps.png",
    ]
    picture = spel.read(tmp_path / "o" / "grey.01-edges.png")
    assert picture.shape[-1] == 3
    # Three channels in one sheet, the first with values below zero: blue and orange are there.
    blue = (picture[..., 2].astype(int) - picture[..., 0] > 80).any()
    orange = (picture[..., 0].astype(int) - picture[..., 2] > 80).any()
    assert blue
    assert orange


def test_apply_saves_feature_vectors_as_arrays(program, grey, tmp_path):
    net = tmp_path / "flat.safetensors"
    spel.chain(double=spel.Scale([2.0]), flat=spel.Flatten()).save(net)
    code, out, _ = program("apply", net, grey, "--out", tmp_path / "o")
    assert code == 0
    (path,) = out.splitlines()
    np.testing.assert_array_equal(np.load(path), 2.0 * spel.read(grey).ravel())


def test_apply_draws_volumes_by_their_middle_plane(program, tmp_path):
    net = tmp_path / "volume.safetensors"
    spel.chain(largest=spel.MaxPool(spel.Adjacency.ball(1))).save(net)
    np.save(tmp_path / "v.npy", np.random.default_rng(0).random((3, 6, 8, 1), dtype=np.float32))
    code, out, _ = program("apply", net, tmp_path / "v.npy", "--out", tmp_path / "o")
    assert code == 0
    assert Path(out.strip()).name == "v.01-largest.png"


def test_apply_saves_the_last_step_by_default(program, network, grey, tmp_path):
    code, out, _ = program("apply", network, grey, "--out", tmp_path / "o")
    assert code == 0
    assert [Path(line).name for line in out.splitlines()] == ["grey.03-sum.png"]


def test_apply_goes_on_after_a_bad_file(program, network, grey, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(grey.read_bytes()[:60])
    code, out, err = program("apply", network, bad, grey, "--out", tmp_path / "o")
    assert code == 4
    assert len(out.splitlines()) == 1
    assert "bad.png" in err
    assert not list((tmp_path / "o").glob(".*"))


def test_apply_to_channels_that_do_not_fit(program, network, picture, tmp_path):
    code, _, err = program("apply", network, picture, "--out", tmp_path / "o")
    assert code == 3
    assert "street.png" in err
    assert "in node 'edges'" in err


# -- trace ---------------------------------------------------------------------------------------


def test_trace_prints_the_numbers_that_the_engine_used(program, network, grey):
    code, out, _ = program("trace", network, grey, "--at", "2,3", "--step", "edges", "--json")
    assert code == 0
    (step,) = json.loads(out)["steps"]
    value = spel.load(network).activations(spel.read(grey))["edges"]
    assert step["terms"]["value"] == pytest.approx(value[2, 3, step["channel"]].item(), rel=1e-6)
    total = np.sum(step["terms"]["products"]) + step["terms"]["bias"]
    assert total == pytest.approx(step["terms"]["value"], rel=1e-5)
    code, out, _ = program("trace", network, grey, "--at", "2,3")
    assert code == 0
    assert "patch x kernel = products" in out


# -- detect --------------------------------------------------------------------------------------


def test_detect_writes_lines_and_says_where(program, picture, tmp_path):
    out = tmp_path / "run"
    code, said, err = program("detect", "plate-lecture", picture, "--out", out)
    assert code == 0
    assert said == f"{out / 'results.jsonl'}\n"
    assert "1 image, 1 box" in err
    (result,) = read_results(out / "results.jsonl")
    found = spel.detect(spel.zoo.plate_lecture(), spel.read(picture))
    np.testing.assert_array_equal(result.boxes, found.boxes)


def test_detect_without_a_folder_writes_lines_to_standard_output(program, picture):
    code, said, _ = program("detect", "plate-lecture", picture)
    assert code == 0
    assert json.loads(said)["boxes"][0]["xyxy"] == [253.0, 260.0, 353.0, 285.0]


def test_detect_changes_the_networks_own_decision(program, picture):
    code, said, _ = program(
        "detect", "plate-lecture", picture, "--select", "all", "--threshold", "p90", "--width",
        "5:200", "--aspect", "0.1:",
    )  # fmt: skip
    assert code == 0
    expected = spel.detect(
        spel.zoo.plate_lecture(),
        spel.read(picture),
        select="all",
        threshold="p90",
        width=(5, 200),
        aspect=(0.1, np.inf),
    )
    boxes = [b["xyxy"] for b in json.loads(said)["boxes"]]
    assert boxes == expected.boxes.tolist()
    assert len(boxes) > 1


def test_detect_saves_pictures_and_other_formats(program, picture, tmp_path):
    out = tmp_path / "run"
    code, said, _ = program(
        "detect", "plate-lecture", picture, "--out", out, "--save", "overlay,mask,saliency",
        "--format", "csv,coco,yolo", "--format", "voc,geojson,label-studio",
    )  # fmt: skip
    assert code == 0
    assert all(Path(line).exists() for line in said.splitlines())
    assert len(said.splitlines()) == 7
    image = spel.read(picture)
    found = spel.detect(spel.zoo.plate_lecture(), image)
    mask = spel.read(out / "street.mask.png")[..., 0]
    np.testing.assert_array_equal(mask, found.components)
    np.testing.assert_array_equal(
        spel.read(out / "street.saliency.tif"), spel.zoo.plate_lecture()(image)
    )
    assert spel.read(out / "street.overlay.jpg").shape == image.shape
    assert read_coco(out / "results.coco.json").images[0].boxes.tolist() == found.boxes.tolist()


def test_detect_tells_which_files_failed(program, picture, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    code, _, err = program("detect", "plate-lecture", bad, picture, "--out", tmp_path / "run")
    assert code == 4
    assert "bad.png" in err
    (line,) = (tmp_path / "run" / "failures.jsonl").read_text().splitlines()
    assert json.loads(line)["error"] == "ImageReadError"
    code, _, _ = program("detect", "plate-lecture", bad)
    assert code == 3


def test_detect_gives_pictures_of_one_name_different_files(program, picture, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / picture.name).write_bytes(picture.read_bytes())
    out = tmp_path / "run"
    program("detect", "plate-lecture", picture, other, "--out", out, "--save", "mask")
    assert sorted(p.name for p in out.glob("*.mask.png")) == [
        "street-2.mask.png",
        "street.mask.png",
    ]


# -- eval ----------------------------------------------------------------------------------------


def truth(tmp_path: Path) -> Path:
    x0, y0, x1, y1 = street(3).boxes[0].tolist()
    path = tmp_path / "truth.json"
    path.write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "street.png", "width": 540, "height": 360}],
                "categories": [{"id": 1, "name": "plate"}],
                "annotations": [
                    {"id": 1, "image_id": 1, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0]}
                ],
            }
        )
    )
    return path


def test_eval_measures_and_guards(program, picture, tmp_path):
    program("detect", "plate-lecture", picture, "--out", tmp_path / "run")
    code, out, _ = program("eval", tmp_path / "run", truth(tmp_path), "--json")
    assert code == 0
    figures = json.loads(out)
    assert figures["recall"] == 1
    # By hand: the box is 100 x 25, the plate 79 x 26; they share 79 x 25.
    assert figures["mean_iou"] == pytest.approx(1975 / (2500 + 2054 - 1975))
    code, out, _ = program("eval", tmp_path / "run", truth(tmp_path), "--fail-under", "recall=0.9")
    assert code == 0
    assert "recall 1.000" in out
    code, _, err = program("eval", tmp_path / "run", truth(tmp_path), "--fail-under", "mean_iou=.9")
    assert code == 6
    assert "mean_iou is 0.7658, below 0.9" in err
    code, _, err = program("eval", tmp_path / "run", truth(tmp_path), "--fail-under", "f9=.9")
    assert code == 3
    assert "expected" in err


# -- doctor --------------------------------------------------------------------------------------


def test_doctor_says_what_is_there(program):
    code, out, _ = program("doctor", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["problems"] == []
    assert facts["packages"]["numpy"] == np.__version__
    code, out, _ = program("doctor")
    assert "all good" in out


def test_doctor_names_the_line_for_a_missing_extra(program, monkeypatch):
    from spel.cli import installation

    monkeypatch.setitem(installation.EXTRAS, "plot", (("nowhere_to_be_found",), "figures"))
    code, out, _ = program("doctor")
    assert code == 0
    assert 'extra plot: not installed (figures); pip install "spel[plot]"' in out


def test_doctor_looks_for_what_the_package_requires():
    from spel.cli.installation import EXTRAS, REQUIRED

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(REQUIRED) == {package_name(line) for line in project["dependencies"]}
    tools = {"bench", "dev", "docs", "notebook", "test"}  # for contributors, or no package
    extras = project["optional-dependencies"]
    assert set(EXTRAS) == set(extras) - tools
    for name, (packages, _) in EXTRAS.items():
        assert set(packages) == {package_name(line) for line in extras[name]}, name


def package_name(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement)[0]


def test_doctor_reports_a_broken_engine(program, monkeypatch):
    from spel.cli import installation

    monkeypatch.setattr(installation, "check_engine", lambda: ["the engine computed nonsense"])
    code, out, _ = program("doctor")
    assert code == 3
    assert "PROBLEM: the engine computed nonsense" in out


def test_doctor_tests_itself(program):
    code, out, err = program("doctor", "--self-test", "--json")
    assert code == 0
    assert set(json.loads(out)["self_test"].values()) == {"good"}
    assert "a worker that dies costs one task: good" in err


def test_doctor_tells_what_its_test_finds(program, monkeypatch):
    from spel.cli import self_test

    monkeypatch.setattr(
        self_test, "checks", lambda: {"one": lambda: "broken", "two": lambda: 1 / 0}
    )
    code, out, _ = program("doctor", "--self-test")
    assert code == 3
    assert "PROBLEM: one: broken" in out
    assert "PROBLEM: two: ZeroDivisionError" in out


# -- a picture of the lecture --------------------------------------------------------------------


@pytest.mark.skipif(not LECTURE.exists(), reason="the lecture's picture is not here")
def test_the_lectures_plate_is_boxed(program):
    from spel.metrics.detection import iou

    code, said, _ = program("detect", "plate-lecture", LECTURE)
    assert code == 0
    box = json.loads(said)["boxes"][0]["xyxy"]
    assert iou([box], [[155, 172, 248, 222]])[0, 0] >= 0.5


def test_segment_refuses_a_network_for_boxes_before_any_image(program, picture, tmp_path):
    code, out, err = program("segment", "plates", picture, picture, "--out", tmp_path / "masks")
    assert (code, out) == (3, "")
    assert err.count("makes boxes, not masks; use detect") == 1
    assert not (tmp_path / "masks").exists()
