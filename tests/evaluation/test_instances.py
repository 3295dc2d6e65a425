"""Label images object by object: LITERAL figures, scores of a run, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

import spel
from spel.cli.main import run
from spel.core.instances import Instances
from spel.errors import FormatError
from spel.evaluation import evaluate_instance_masks, label_windows
from spel.io.annotation.instance_files import write_instances

TRUE = np.array([[300, 300, 0, 9], [300, 300, 0, 9]], np.uint16)
ANSWER = np.array([[1, 1, 0, 0], [1, 1, 7, 0]], np.uint8)


@pytest.fixture
def folders(tmp_path):
    for name, labels in (("answers", ANSWER), ("truth", TRUE)):
        (tmp_path / name).mkdir()
        spel.write(tmp_path / name / "a.png", labels)
    return tmp_path / "answers", tmp_path / "truth"


def test_objects_are_compared_whatever_their_numbers(folders):
    figures = evaluate_instance_masks(*folders).to_dict()
    assert figures["answers"] == figures["truths"] == 2
    assert figures["f1"] == figures["pq"] == 0.5  # one object is exact, one missed, one too many
    assert figures["aji"] == pytest.approx(4 / 7)
    assert figures["count_error"] == 0


def test_the_instances_of_a_run_have_scores(folders):
    answers, truth = folders
    spel.write(answers / "a.instances.tif", ANSWER)
    assert evaluate_instance_masks(*folders).to_dict()["ap50"] == pytest.approx(51 / 101)
    run_of_two = Instances(np.minimum(ANSWER, 2), [0.2, 0.9])
    spel.write(answers / "a.instances.tif", run_of_two.labels.astype(np.uint8))
    write_instances(answers / "a.objects.csv", {"a.png": run_of_two})
    assert evaluate_instance_masks(*folders).to_dict()["ap50"] == pytest.approx(51 / 101 / 2)
    (answers / "a.instances.tif").rename(answers / "a.instances.ome.tif")  # as of tiles
    spel.write(answers / "a.ome.tif", np.zeros_like(ANSWER))
    assert evaluate_instance_masks(*folders).to_dict()["ap50"] == pytest.approx(51 / 101 / 2)
    spel.write(truth / "b.png", TRUE)
    both = evaluate_instance_masks(*folders)
    assert both.missing == ("b",)
    assert both.to_dict()["truths"] == 4
    assert "no answer" in both.text()


def test_large_label_images_are_read_by_windows(folders, monkeypatch):
    figures = evaluate_instance_masks(*folders).to_dict()
    for folder, name in zip(folders, ("a.instances.tif", "a.tif")):
        image = spel.read(folder / "a.png")
        (folder / "a.png").unlink()
        tifffile.imwrite(folder / name, np.tile(image[..., 0], (16, 16)), tile=(16, 16))
    whole = evaluate_instance_masks(*folders).to_dict()
    monkeypatch.setattr(label_windows, "is_too_large", lambda info: True)
    monkeypatch.setattr(label_windows, "default_size", lambda shape: 13)
    assert evaluate_instance_masks(*folders).to_dict() == whole
    assert whole["answers"] == figures["answers"] == 2


def exit_code(folders, *options):
    with pytest.raises(SystemExit) as stop:
        run(["eval", *map(str, folders), "--instances", *options])
    return int(stop.value.code or 0)


def test_the_command_prints_and_refuses(folders, capsys):
    assert exit_code(folders, "--json") == 0
    assert json.loads(capsys.readouterr().out)["f1"] == 0.5
    assert exit_code(folders, "--fail-under", "f1=0.6") == 6
    assert "0.5000  a" in capsys.readouterr().out
    assert run(["eval", *map(str, folders), "--instances", "--classes"]) == 3
    assert "a class or an object" in capsys.readouterr().err
    (folders[0] / "manifest.jsonl").touch()  # a run that saved class labels only
    assert run(["eval", *map(str, folders), "--instances"]) == 3
    assert "--save instances" in capsys.readouterr().err
    (folders[0] / "manifest.jsonl").unlink()
    spel.write(folders[0] / "a.png", ANSWER[:1])
    with pytest.raises(FormatError, match=r"a\.png"):
        evaluate_instance_masks(*folders)
