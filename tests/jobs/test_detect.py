"""Detection and evaluation jobs: order, failures, interruption, workers, truth."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile

import spel
from spel import zoo
from spel.data import street
from spel.decide import Decision
from spel.errors import ParameterError, WriteError
from spel.evaluation import evaluate_boxes
from spel.io.annotation.annotations import ImageBoxes
from spel.io.annotation.labels import write_coco
from spel.io.annotation.results import Result, read_results
from spel.jobs import DetectJob
from spel.runs import Failure, run
from spel.runs.task import TimedTask


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four streets, their truth, and one file that is no image."""
    place = tmp_path_factory.mktemp("streets")
    truth = []
    for seed in range(4):
        scene = street(seed, cars=0 if seed == 3 else 1)
        spel.write(place / f"{seed}.png", scene.image)
        truth.append(ImageBoxes(f"{seed}.png", (360, 540), scene.boxes))
    write_coco(place / "truth.json", truth)
    (place / "broken.png").write_bytes(b"no image")
    return place


def sources(folder: Path) -> list[Path]:
    names = ["0.png", "broken.png", "1.png", "2.png", "3.png"]
    return [folder / name for name in names]


def job() -> DetectJob:
    return DetectJob(zoo.plate_lecture())


def without_times(path: Path) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "ms"} for line in lines]


def test_a_run_writes_results_in_order_and_a_bad_image_is_one_line(
    folder: Path, tmp_path: Path
) -> None:
    told: list[Result | Failure] = []
    report = run(job(), sources(folder), tmp_path / "run", on_result=told.append)
    assert (report.images, report.failed) == (5, 1)
    results = read_results(tmp_path / "run" / "results.jsonl")
    assert [Path(result.image).name for result in results] == ["0.png", "1.png", "2.png", "3.png"]
    (failure,) = without_times(tmp_path / "run" / "failures.jsonl")
    assert failure["error"] == "ImageReadError"
    assert "broken.png" in str(failure["image"])
    state = json.loads((tmp_path / "run" / "run.json").read_text())
    assert state["complete"] is True
    assert state["model"] == zoo.plate_lecture().fingerprint()
    assert state["decision"] == {"threshold": "p95", "select": "widest"}
    assert [isinstance(one, Failure) for one in told] == [False, True, False, False, False]


@pytest.mark.parametrize("how", ["processes", "executor"])
def test_workers_change_nothing(folder: Path, tmp_path: Path, how: str) -> None:
    run(job(), sources(folder), tmp_path / "one")
    if how == "processes":
        run(job(), sources(folder), tmp_path / "many", workers=2)
    else:
        with ThreadPoolExecutor(3) as pool:
            run(job(), sources(folder), tmp_path / "many", executor=pool)
    for name in ("results.jsonl", "failures.jsonl"):
        assert without_times(tmp_path / "many" / name) == without_times(tmp_path / "one" / name)


def test_an_interrupted_run_keeps_its_lines_and_says_so(folder: Path, tmp_path: Path) -> None:
    def stop(answer: object) -> None:
        if isinstance(answer, Failure):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job(), sources(folder), tmp_path, on_result=stop)
    assert len(read_results(tmp_path / "results.jsonl")) == 1
    state = json.loads((tmp_path / "run.json").read_text())
    assert (state["complete"], state["done"]) == (False, 2)


def test_a_new_run_replaces_the_old_one(folder: Path, tmp_path: Path) -> None:
    run(job(), sources(folder), tmp_path)
    run(job(), sources(folder)[:1], tmp_path)
    assert len(read_results(tmp_path / "results.jsonl")) == 1
    assert (tmp_path / "failures.jsonl").read_text() == ""


def test_tasks_can_be_pickled(folder: Path) -> None:
    job = DetectJob(zoo.plate_lecture(), Decision(threshold=0.1))
    (task,) = job.tasks([str(folder / "0.png")])
    again = pickle.loads(pickle.dumps(task))
    first, second = again(), task()
    assert first.boxes.tolist() == second.boxes.tolist()
    assert again.job.network.meta == task.job.network.meta


def test_a_place_that_cannot_be_written_is_refused_at_once(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="choose another"):
        run(job(), sources(folder), tmp_path / "file")
    with pytest.raises(ParameterError, match="workers"):
        run(job(), sources(folder), tmp_path / "x", workers=0)


def test_evaluation_of_a_run_against_coco(folder: Path, tmp_path: Path) -> None:
    run(job(), sources(folder)[:4], tmp_path)
    found = evaluate_boxes(tmp_path, folder / "truth.json")
    assert found.missing == ("3.png",)
    assert found.metrics.best_recall[0.5] == 1.0
    assert found.metrics.average_precision == 1.0
    assert "1 annotated image without a result, such as 3.png" in found.text()
    part = evaluate_boxes(tmp_path / "results.jsonl", folder / "truth.json", only_answered=True)
    assert part.metrics.images == 3
    assert part.to_dict()["missing"] == ["3.png"]


@pytest.mark.parametrize(("channels", "refused"), [(2, True), (3, False), (4, True), (5, True)])
def test_channels_that_are_no_colours_never_pass_for_alpha(tmp_path, channels, refused):
    """A network that begins with a color layer drops alpha; a fourth band is none."""
    bands = np.zeros((40, 60, channels), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", bands, photometric="minisblack", planarconfig="contig")
    network = spel.chain(spel.Color("grey"), spel.Activation("relu"))
    (task,) = DetectJob(network, Decision(threshold=1.0)).tasks([str(tmp_path / "a.tif")])
    outcome = TimedTask(task)().result
    assert isinstance(outcome, Failure) is refused
    if channels in (2, 4):
        assert "does not state that its" in outcome.message
