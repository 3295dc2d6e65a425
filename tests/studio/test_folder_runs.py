"""A run over a folder inside the studio: as on the command line, with broken files named."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from spel.errors import ParameterError, SpelError
from spel.io import write
from spel.jobs import DetectJob
from spel.runs import run
from spel.studio.document import Entry
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.views.folders import folders_view, picture_view, thumb_view
from spel.studio.web import changes

from .conftest import blobs, sources


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(2):
        write(folder / f"{i}.png", blobs(i))
    (folder / "broken.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def rooted(photos, folder):
    session = Session(sources(), folder, roots=[photos])
    yield session
    session.close()


def finished(session, folder_id, network="plate", **more):
    body = {"network": network, "image": "image0", "folder": folder_id, **more}
    task = session.tasks.get(changes.run_folder(session, body)["id"])
    end = time.monotonic() + 60
    while task.state == "running":
        assert time.monotonic() < end
        time.sleep(0.02)
    return task


def test_a_run_is_that_of_the_command_line(rooted, photos, tmp_path):
    own, root = folders_view(rooted)["folders"]
    assert (own["id"], root["name"]) == ("session", str(photos))
    task = finished(rooted, root["id"])
    assert task.state == "done", task.message
    rows = task.result["rows"]
    assert [row["name"] for row in rows] == ["0.png", "1.png", "broken.png"]
    assert [bool(row["problem"]) for row in rows] == [False, False, True]
    assert (task.done, task.total) == (3, 3)
    network = rooted.fitted("plate", "image0")
    run(DetectJob(network, save=("overlay",), formats=("csv",)), photos, tmp_path / "own")
    ours = Path(task.result["folder"]) / "results.jsonl"
    lines = [
        [json.loads(line)["boxes"] for line in path.read_text().splitlines()]
        for path in (ours, tmp_path / "own" / "results.jsonl")
    ]
    assert lines[0] == lines[1]
    assert [row["count"] for row in rows[:2]] == [len(boxes) for boxes in lines[0]]
    _, (picture,) = picture_view(task, 0)
    assert picture.shape == (64, 96, 3)
    for index in (2, 3, -1):
        with pytest.raises(ParameterError, match="no picture"):
            picture_view(task, index)
    again = finished(rooted, root["id"])  # it resumes: only the broken file is tried again
    assert again.result["rows"] == rows


def test_the_images_of_the_session_are_run_over_under_their_names(session, tmp_path):
    array = np.arange(24, dtype=np.uint16).reshape(4, 6, 1)
    upload = session.uploads / "0123456789.bin"
    with upload.open("wb") as file:
        np.save(file, array)
    session.add_upload(upload, "deep one.npy")
    task = finished(session, "session")
    assert task.state == "done", task.message
    names = [row["name"] for row in task.result["rows"]]
    assert names == ["blobs 0.png", "blobs 1.png", "deep one.npy"]
    assert thumb_view(session, "image0")[1][0].shape == (64, 96, 3)


def test_only_folders_of_the_list_are_read(rooted, photos, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    write(secret / "a.png", blobs())
    for other in ("../secret", str(secret), str(photos), "", "x"):
        assert finished(rooted, other).state == "failed"
    (photos / "link").symlink_to(secret)
    assert len(folders_view(rooted)["folders"]) == 2
    root = folders_view(rooted)["folders"][1]["id"]
    task = finished(rooted, root)
    assert (task.state, "outside" in task.message) == ("failed", True)
    with pytest.raises(SpelError):
        changes.run_folder(rooted, {"network": "none", "image": "image0", "folder": root})
    with pytest.raises(Refusal):
        rooted.tasks.get("../x")


def test_objects_of_another_size_are_found_as_by_the_command_line(rooted, photos):
    from spel import zoo

    rooted.change("add", lambda d: d.with_entry("plates", Entry(zoo.get("plates"))))
    _, root = folders_view(rooted)["folders"]
    task = finished(rooted, root["id"], "plates", factor=2)
    (settings,) = Path(task.result["folder"]).glob("run.json")
    assert '"enlarge": 2.0' in settings.read_text()
    refused = finished(rooted, root["id"], "plates", factor=9)
    assert (refused.state, refused.refusal["code"]) == ("failed", "size_factor")
    assert "enlarge" in finished(rooted, root["id"], "plate", factor=2).message
