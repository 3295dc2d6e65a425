"""Files that are deleted below a session while it is open: named, and written again."""

import shutil

import numpy as np
import pytest

from spel.errors import ImageReadError
from spel.io import write
from spel.studio.images import Images
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.sources import file_source, files
from spel.studio.stroke_cut import cut_along_strokes
from spel.studio.tasks import Task, Tasks
from spel.studio.true_masks import file_of
from spel.studio.views.true_masks import masks_quality, true_mask_view

from .attack import status
from .conftest import add, blobs, sources, stroke


@pytest.mark.parametrize("what", ["journal.jsonl", "networks", "."])
def test_what_is_deleted_is_written_again_with_the_next_change(drawn, folder, what):
    drawn.flush()
    path = folder / what
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    drawn.do(add("image0", stroke("late", 1, [[40, 70]])))
    drawn.flush()
    assert drawn.problem == ""
    drawn.close()
    again = Session(sources(), folder)
    assert again.document.strokes == drawn.document.strokes
    assert again.document.networks.keys() == drawn.document.networks.keys()
    assert again.undoable == "add_stroke"
    assert again.problem == ""
    again.close()


def test_a_journal_that_was_cut_short_is_not_filled_with_zeros(drawn, folder):
    drawn.flush()
    (folder / "journal.jsonl").write_bytes((folder / "journal.jsonl").read_bytes()[:100])
    drawn.do(add("image0", stroke("late", 1, [[40, 70]])))
    drawn.close()
    assert b"\0" not in (folder / "journal.jsonl").read_bytes()
    again = Session(sources(), folder)
    assert again.document.strokes == drawn.document.strokes
    again.close()


def test_true_masks_that_are_lost_are_named_and_the_others_judged(drawn):
    drawn.do(add("image1", stroke("more", 1, [[40, 67], [40, 73]])))  # equal masks share a file
    for image in ("image0", "image1"):
        cut_along_strokes(drawn, image, Task("cut"))
    file_of(drawn, drawn.document.masks["image1"]).write_bytes(b"II*\0")
    with pytest.raises(Refusal, match="true mask of image blobs 1") as refused:
        true_mask_view(drawn, "image1")
    assert refused.value.code == "mask_lost"
    judged = masks_quality(drawn, "plate", lambda name, done, total: None)
    assert judged["lost"] == ["blobs 1"]
    assert [row["image"] for row in judged["rows"]] == ["image0"]
    shutil.rmtree(drawn.folder / "masks")
    judged = masks_quality(drawn, "plate", lambda name, done, total: None)
    assert judged == {"lost": ["blobs 0", "blobs 1"]}
    cut_along_strokes(drawn, "image0", Task("cut"))
    assert true_mask_view(drawn, "image0")


def test_a_folder_in_the_place_of_an_image_is_named(tmp_path):
    write(tmp_path / "a.png", blobs())
    images = Images(files([tmp_path / "a.png"]))
    (tmp_path / "a.png").unlink()
    (tmp_path / "a.png").mkdir()
    (source,) = images
    with pytest.raises(ImageReadError, match=r"a\.png: it is not a regular file"):
        images.load(source.id)


def test_an_upload_into_a_deleted_folder_is_no_fault_of_the_server(client, server):
    shutil.rmtree(server.session.folder / "uploads", ignore_errors=True)
    answer = client.put("/api/truth?name=a.json", b"{")
    assert status(answer) == 422
    (server.session.folder / "uploads").rmdir()
    (server.session.folder / "uploads").write_text("a file")
    assert status(client.put("/api/truth?name=a.json", b"{")) in (422, 507)
    (server.session.folder / "uploads").unlink()
    assert client.is_served()


def test_a_task_says_what_the_disk_refused_without_numbers_of_errors():
    def work(task):
        raise FileNotFoundError(2, "No such file or directory", "/somewhere")

    tasks = Tasks()
    task = tasks.start("cut", work)
    tasks.close()
    assert (task.state, task.message) == (
        "failed",
        "the disk refused it: No such file or directory",
    )


# -- OME-Zarr ----------------------------------------------------------------------------------


def test_planes_of_an_ome_zarr_volume_are_images(tmp_path):
    zarr = pytest.importorskip("zarr")
    place = tmp_path / "volume.ome.zarr"
    axes = [{"name": name, "type": "space"} for name in "zyx"]
    scales = {"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}
    root = zarr.create_group(str(place), zarr_format=2, attributes={"multiscales": [scales]})
    volume = np.stack([blobs(i)[..., 0] for i in range(3)])
    root.create_array("0", shape=volume.shape, dtype=volume.dtype)[...] = volume
    images = Images([file_source("v", "volume.ome.zarr", place)])
    np.testing.assert_array_equal(images.load("v@0.2").values[..., 0], volume[2])
    assert images.load("v").stack == (3, 64, 96)
    shutil.rmtree(place / "0")
    images = Images([file_source("v", "volume.ome.zarr", place)])
    with pytest.raises(ImageReadError) as refused:
        images.load("v")
    assert str(refused.value).startswith("volume.ome.zarr: ")
    assert str(tmp_path) not in str(refused.value)
