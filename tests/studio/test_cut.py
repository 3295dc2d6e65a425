"""Masks cut by the colours of one image: along strokes, and by networks that carry the cut."""

import io
import zipfile

import numpy as np
import pytest

from spel.decide.segmentation import segmentation_of
from spel.decide.segmented import segment
from spel.errors import SpelError
from spel.flim import label_from_strokes
from spel.io.image.label_image import read_label_image
from spel.nn import Color, load
from spel.studio import exports, reduction
from spel.studio.folder_runs import run_folder
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.stroke_cut import cut_along_strokes
from spel.studio.strokes import markers_of
from spel.studio.tasks import StoppedError, Task
from spel.studio.true_masks import masks_of
from spel.studio.views.document import network_view
from spel.studio.views.true_masks import mask_view, true_mask_view

from .conftest import add, blobs, stroke

NET = {"network": "from strokes"}


def cut(session, image="image0"):
    task = Task("cut")
    cut_along_strokes(session, image, task)
    return task


def true_mask(session, image="image0"):
    return read_label_image(masks_of(session)[image])


def mask_of(session, image="image1"):
    return mask_view(session, "from strokes", image)[1][0]


# -- along strokes ---------------------------------------------------------------------------------


def test_strokes_cut_the_true_mask_as_the_command_does(drawn, folder):
    task = cut(drawn)
    assert task.done == task.total
    markers = markers_of(drawn.document.strokes["image0"], (64, 96))
    expected = label_from_strokes(Color("labnorm2")(blobs(0)), markers)
    np.testing.assert_array_equal(true_mask(drawn), expected)
    assert 200 < expected.sum() < 300  # the disc under the stroke
    (box,) = drawn.document.truth["image0"]
    assert (box.x0, box.y0, box.label) == (16, 11, 1)
    drawn.close()
    again = Session(tuple(drawn.images), folder)
    assert again.undoable == "cut_mask"
    np.testing.assert_array_equal(true_mask(again), expected)
    again.undo()
    assert again.document.masks == {}
    assert len(again.document.truth["image0"]) == 2
    again.close()


def test_classes_without_background_are_cut_and_shown_apart(session):
    session.do(add("image0", stroke("a", 1, [[20, 22], [20, 28]])))
    session.do(add("image0", stroke("b", 255, [[55, 10], [55, 60]])))
    cut(session)
    labels = true_mask(session)
    assert labels.dtype == np.uint16  # 255 of 8 bits would mean "left out"
    assert (labels[20, 25], labels[60, 90]) == (1, 255)
    assert len(np.unique(true_mask_view(session, "image0")[1][0])) == 2
    assert [c.label for c in session.document.classes] == [0, 1, 2]
    assert {box.label for box in session.document.truth["image0"]} == {1, 2}


@pytest.mark.parametrize(
    ("strokes", "code"),
    [([], "no_stroke_here"), ([0], "cut_no_object"), ([1], "cut_no_background")],
)
def test_strokes_of_one_side_are_refused_by_name(session, strokes, code):
    for label in strokes:
        session.do(add("image0", stroke("a", label, [[20, 22], [20, 28]])))
    with pytest.raises(Refusal, match="image blobs 0") as refused:
        cut(session)
    assert refused.value.code == code
    assert session.document.masks == {}


def test_one_colour_and_nan_are_refused_and_a_stopped_cut_changes_nothing(tmp_path, drawn):
    grey = Source("grey", "grey", lambda: np.full((20, 30, 1), 90, np.uint8))
    session = Session([grey], tmp_path / "grey")
    session.do(add("grey", stroke("a", 1, [[5, 5], [5, 9]])))
    session.do(add("grey", stroke("b", 0, [[15, 5], [15, 9]])))
    with pytest.raises(Refusal) as refused:
        cut(session, "grey")
    assert refused.value.code == "cut_one_color"
    session.close()
    odd = np.full((20, 30, 3), 0.5, np.float32)
    odd[3, 4] = np.nan
    session = Session([Source("grey", "odd", lambda: odd)], tmp_path / "odd")
    session.do(add("grey", stroke("a", 1, [[5, 5], [5, 9]])))
    session.do(add("grey", stroke("b", 0, [[15, 5], [15, 9]])))
    with pytest.raises(Refusal, match="image odd has pixels without a number"):
        cut(session, "grey")
    session.close()
    task = Task("cut")
    task.stop()
    with pytest.raises(StoppedError):
        cut_along_strokes(drawn, "image0", task)
    assert drawn.document.masks == {}


def test_large_images_and_planes_of_stacks_say_how_they_were_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(reduction, "MAX_WORKED", 2000)
    deep = np.stack([blobs(i).astype(np.uint16) * 16 for i in range(3)])
    session = Session([Source("deep", "deep", lambda: deep)], tmp_path / "deep")
    image = "deep@0.2"
    session.do(add(image, stroke("a", 1, [[20, 20], [20, 30]], radius=4)))
    session.do(add(image, stroke("b", 0, [[55, 10], [55, 60]], radius=4)))
    told = cut(session, image).result
    assert (told["factor"], told["plane"], told["objects"]) == (2, True, 1)
    assert true_mask(session, image).shape == (64, 96)
    assert true_mask(session, image)[20, 25] == 1
    session.close()


# -- networks whose masks are cut ------------------------------------------------------------------


def test_a_network_carries_the_cut_to_its_file(drawn, tmp_path):
    drawn.do({"do": "learn", **NET, "cut": True})
    assert network_view("", drawn.document.entry("from strokes"))["cut"]
    data = exports.export(drawn, "network", {**NET, "image": "image1"})[2]
    (tmp_path / "net.safetensors").write_bytes(data)
    network = load(tmp_path / "net.safetensors")
    assert segmentation_of(network).cut
    mask = segment(network, blobs(1))
    np.testing.assert_array_equal(mask_of(drawn), mask)
    rows, cols = np.mgrid[:64, :96]
    discs = [(rows - r) ** 2 + (cols - c) ** 2 <= 81 for r, c in ((20, 25), (40, 70))]
    assert (mask != (discs[0] | discs[1])).mean() < 0.02
    archive = zipfile.ZipFile(io.BytesIO(exports.export(drawn, "masks", NET)[2]))
    archive.extractall(tmp_path)
    np.testing.assert_array_equal(read_label_image(tmp_path / "blobs 1.labels.png") > 0, mask)
    line = exports.command_line(drawn, {**NET, "image": "image1"})
    assert line.startswith("spel segment ")
    task = Task("run_folder")
    run_folder(drawn, "from strokes", "image1", "session", 1.0, task)
    (made,) = (drawn.folder / "runs").glob("from strokes-*/blobs 1.png")
    np.testing.assert_array_equal(read_label_image(made) > 0, mask)


def test_the_cut_stays_until_it_is_taken_off(drawn):
    drawn.do({"do": "learn", **NET, "cut": True})
    decision = drawn.document.entry("from strokes").decision.to_dict()
    assert "threshold" not in decision  # Otsu's, as for spel learn
    drawn.do({"do": "set_decision", **NET, "decision": {**decision, "threshold": 0.25}})
    drawn.do({"do": "learn", **NET})
    how = segmentation_of(drawn.document.entry("from strokes").network)
    assert (how.cut, how.threshold) == (True, 0.25)  # that of the page is that of the mask
    drawn.do({"do": "learn", **NET, "cut": False})
    assert not network_view("", drawn.document.entry("from strokes"))["cut"]


def test_masks_follow_their_colours_through_changes_of_steps(drawn):
    drawn.do({"do": "learn", **NET, "cut": True})
    mask = mask_of(drawn)
    drawn.do({"do": "rename_step", **NET, "node": "color", "name": "lab"})
    np.testing.assert_array_equal(mask_of(drawn), mask)
    for command in (
        {"do": "bypass_step", **NET, "node": "lab", "off": True},
        {"do": "remove_step", **NET, "node": "lab"},
    ):
        drawn.do(command)
        mask_of(drawn)
        entry = drawn.document.entry("from strokes")
        assert segmentation_of(entry.effective).features == "input"
        drawn.undo()


def test_a_large_image_is_cut_on_itself_whatever_reduces_it(drawn, monkeypatch):
    monkeypatch.setattr(reduction, "MAX_WORKED", 2000)
    drawn.do({"do": "learn", **NET, "cut": True})
    network = drawn.document.entry("from strokes").network
    assert reduction.factor_of(network) == 2
    assert segmentation_of(network).features == "input"
    assert segment(network, blobs(1)).shape == (64, 96)
    with pytest.raises(Refusal, match="too large"):
        mask_of(drawn)


def test_what_cannot_be_cut_is_refused_by_name(drawn):
    with pytest.raises(SpelError, match="cut 'yes'; expected true or false"):
        drawn.do({"do": "learn", **NET, "cut": "yes"})
    with pytest.raises(Refusal) as refused:
        drawn.do({"do": "learn", **NET, "cut": True, "decoder": "lm"})
    assert refused.value.code == "cut_decoder"
    drawn.do(add("image0", stroke("k", 2, [[40, 67], [40, 73]])))
    with pytest.raises(Refusal) as refused:
        drawn.do({"do": "learn", **NET, "cut": True})
    assert refused.value.code == "cut_classes"
    for image in ("image0", "image1"):
        drawn.do({"do": "clear_strokes", "image": image})
    drawn.do(add("image0", stroke("o", 1, [[20, 22], [20, 28]])))
    with pytest.raises(SpelError, match="background"):
        drawn.do({"do": "learn", **NET, "cut": True})
