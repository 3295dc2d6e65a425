"""The session without HTTP: commands, undo, autosave, reopening, results by fingerprint."""

import json
import shutil

import numpy as np
import pytest

from spel.errors import FormatError, ImageReadError, ParameterError, ShapeError, SpelError
from spel.nn import Convolution
from spel.studio import exports
from spel.studio.commands import COMMANDS
from spel.studio.images import NoImageError
from spel.studio.records import parse_line
from spel.studio.refusals import Refusal
from spel.studio.session import ConflictError, Session
from spel.studio.sources import Source
from spel.studio.views.detections import quality_view
from spel.studio.views.document import document_view
from spel.studio.views.kernels import kernels_view
from spel.studio.web import changes

from .conftest import add, sources, stroke

SET_BIAS = {"do": "set_kernel", "network": "plate", "node": "edges", "kernel": 0, "bias": -0.25}


def copy_of(folder):
    """The folder as a process that is killed now leaves it; a new session may open the copy."""
    copy = folder.with_name(f"{folder.name}-copy")
    shutil.copytree(folder, copy)
    return copy


def bias(session):
    return session.document.entry("plate").network["edges"].bank.bias.tolist()


def test_a_command_changes_the_document_and_undo_brings_the_very_same_back(session):
    before = session.document
    session.do(SET_BIAS)
    assert bias(session) == [-0.25]
    assert session.undoable == "set_kernel"
    assert session.undo()
    assert session.document is before
    assert session.redo()
    assert bias(session) == [-0.25]
    assert not session.redo()


def test_a_gesture_is_one_step(session):
    before = session.document
    for value in (-0.1, -0.2, -0.3):
        session.do({**SET_BIAS, "bias": value}, gesture="drag-1")
    session.do({**SET_BIAS, "bias": 0.5}, gesture="drag-2")
    assert session.undo()
    assert bias(session) == pytest.approx([-0.3])
    assert session.undo()
    assert session.document is before


def test_a_refused_command_leaves_everything_as_it_was(session):
    before, revision = session.document, session.revision
    for wrong in (
        {"do": "no such"},
        {"do": "set_kernel", "network": "plate", "node": "edges"},
        {"do": "set_kernel", "network": "plate", "node": "grey", "kernel": 0},
        {**SET_BIAS, "kernel": 7},
        {**SET_BIAS, "bias": float("nan")},
        {**SET_BIAS, "weights": [1, 2]},
        {"do": "set_layer", "network": "plate", "node": "join", "fields": {"stride": 0}},
        {"do": "set_layer", "network": "plate", "node": "join", "fields": {"adjacency": 3}},
        {"do": "set_layer", "network": "plate", "node": "join", "fields": {"weights": 1}},
        {"do": "remove_step", "network": "plate", "node": "nothing"},
        {"do": "move_step", "network": "plate", "node": "plate.residue", "after": "grey"},
        {"do": "rename_step", "network": "plate", "node": "grey", "name": "<b>"},
        {"do": "add_network", "name": "", "template": "flim"},
        {"do": "add_network", "name": "plate", "template": "flim"},
        {"do": "drop_kernels", "network": "plate", "node": "edges", "kernels": [0]},
        {"do": "set_classes", "classes": [{"label": 1, "name": "a", "color": "red; x: url(y)"}]},
        add("nowhere", stroke("a", 1, [[1, 1]])),
        add("image0", stroke("a", 1, [])),
        add("image0", stroke("a", 1, [[1, 1]], radius=1e9)),
        {"do": "learn", "network": "from strokes"},
        {"do": "set_truth", "image": "image0", "boxes": [[4, 0, 1, 1]]},
        {"do": "set_truth", "image": "image0", "boxes": [[0, 0, 1, 1]] * 100_001},
        {"do": "set_pins", "images": ["nowhere"]},
        {
            "do": "set_classes",
            "classes": [{"label": i, "name": "a", "color": "#000000"} for i in range(65)],
        },
        {"do": "stage_lesson", "template": "edges", "commands": [{"do": "x"}] * 21},
        add("image0", stroke("a" * 65, 1, [[1, 1]])),
    ):
        with pytest.raises(SpelError):
            session.do(wrong)
    assert session.document is before
    assert session.revision == revision
    assert session.undoable is None


def test_another_tab_is_told_and_nothing_is_lost(session):
    session.do(SET_BIAS, revision=0)
    with pytest.raises(ConflictError, match="another tab"):
        session.do({**SET_BIAS, "bias": 1.0}, revision=0)
    assert bias(session) == [-0.25]


def test_a_stroke_sent_twice_is_drawn_once(session):
    session.do(add("image0", stroke("same", 1, [[5, 5]])))
    session.do(add("image0", stroke("same", 1, [[5, 5]])))
    assert len(session.document.strokes["image0"]) == 1


def test_reopening_brings_back_everything_undo_included(drawn, folder):
    drawn.do({"do": "learn", "network": "from strokes"})
    drawn.do({"do": "drop_kernels", "network": "from strokes", "node": "conv1", "kernels": [0]})
    drawn.do(SET_BIAS, gesture="g")
    drawn.do({**SET_BIAS, "bias": 0.75}, gesture="g")
    drawn.do({"do": "set_decision", "network": "plate", "decision": {"threshold": 0.5}})
    drawn.undo()
    drawn.do({"do": "set_pins", "images": ["image1"]})
    drawn.set_view({"page": "kernels"})
    told = document_view(drawn)
    drawn.flush()
    again = Session(sources(), copy_of(folder))
    try:
        now = document_view(again)
        assert {**now, "revision": 0} == {**told, "revision": 0}
        for name, entry in drawn.document.networks.items():
            mine = again.document.entry(name)
            assert mine.network.fingerprint() == entry.network.fingerprint()
        while drawn.undo():
            assert again.undo()
            assert again.document.strokes == drawn.document.strokes
            assert bias(again) == bias(drawn)
        assert not again.undo()
    finally:
        again.close()


def test_a_journal_cut_short_by_a_crash_loses_only_its_last_line(drawn, folder):
    drawn.flush()
    copy = copy_of(folder)
    path = copy / "journal.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[:-9])
    again = Session(sources(), copy)
    assert sum(map(len, again.document.strokes.values())) == 5
    again.do(add("image1", stroke("new", 1, [[3, 3]])))
    again.close()
    assert all(parse_line(line) for line in path.read_bytes().splitlines())


def test_a_damaged_journal_is_refused_in_words(drawn, folder):
    drawn.flush()
    copy = copy_of(folder)
    path = copy / "journal.jsonl"
    path.write_bytes(b'{"do": "x", "set": {"strokes": 3}}\n' + path.read_bytes())
    with pytest.raises(FormatError, match="line 1"):
        Session(sources(), copy)


def test_results_are_found_by_what_made_them(session):
    first = session.run("plate", "image0")
    again = session.run("plate", "image0")
    assert [s.activation for s in again.results] == [s.activation for s in first.results]
    assert not any(s.fresh for s in again.results)
    session.do(SET_BIAS)
    changed = session.run("plate", "image0")
    assert [s.fresh for s in changed.results] == [False, True, True, True, True, True]
    session.undo()
    assert not any(s.fresh for s in session.run("plate", "image0").results)


def test_a_run_gives_what_the_network_gives(session):
    run = session.run("plate", "image0")
    network = session.document.entry("plate").network
    for name, array in network.activations(session.load("image0").array).items():
        np.testing.assert_array_equal(run.activations[name], array)


def test_a_step_that_does_not_fit_says_so_and_the_others_stay(session):
    session.do({"do": "set_bank", "network": "plate", "node": "edges", "preset": "gabor"})
    session.do({"do": "add_step", "network": "plate", "after": "positive", "kind": "weighted_sum"})
    session.do({"do": "remove_step", "network": "plate", "node": "grey"})
    steps = session.run("plate", "image0").results
    assert "channels" in steps[0].error
    assert all("waits" in s.error for s in steps[1:])


def test_bypassed_steps_are_left_out_and_come_back(session):
    session.do({"do": "bypass_step", "network": "plate", "node": "positive", "off": True})
    run = session.run("plate", "image0")
    assert "positive" not in run.network.names
    edges = run.activations["edges"]
    np.testing.assert_array_equal(run.activations["join"], run.network["join"](edges))
    session.do({"do": "bypass_step", "network": "plate", "node": "positive", "off": False})
    assert "positive" in session.run("plate", "image0").network.names


def test_learning_drops_and_inverts_are_undoable(drawn):
    waiting = drawn.document
    drawn.do({"do": "learn", "network": "from strokes"})
    run = drawn.run("from strokes", "image0")
    assert run.output.array.shape == (64, 96, 1)
    assert run.output.array[20, 25, 0] > 0.5 > run.output.array[55, 50, 0]
    bank = drawn.document.entry("from strokes").network["conv1"].bank
    assert {p.image for p in bank.provenance} == {"blobs 0", "blobs 1"}
    drawn.do({"do": "drop_kernels", "network": "from strokes", "node": "conv1", "kernels": [1]})
    smaller = drawn.document.entry("from strokes").network
    assert len(smaller["conv1"].bank) == len(bank) - 1
    assert smaller["conv2"].bank.channels == len(bank) - 1
    assert drawn.run("from strokes", "image0").output is not None
    drawn.do({"do": "invert_kernels", "network": "from strokes", "node": "conv1", "kernels": [0]})
    inverted = drawn.document.entry("from strokes").network["conv1"].bank
    np.testing.assert_array_equal(inverted.weights[0], -smaller["conv1"].bank.weights[0])
    for _ in range(3):
        drawn.undo()
    assert drawn.document is waiting


def test_relearning_from_a_layer_keeps_those_before_it(drawn):
    drawn.do({"do": "learn", "network": "from strokes"})
    drawn.do({"do": "keep_kernels", "network": "from strokes", "node": "conv1", "kernels": [0, 2]})
    kept = drawn.document.entry("from strokes").network["conv1"]
    drawn.do({"do": "learn", "network": "from strokes", "start": "conv2", "seed": 3})
    after = drawn.document.entry("from strokes").network
    assert after["conv1"] == kept
    assert isinstance(after["conv2"], Convolution)
    assert after["conv2"].bank.channels == 2


@pytest.mark.parametrize("decoder", ["linear", "lm", "mb", "at", "none"])
def test_decoders_end_in_one_channel_or_none_is_there(drawn, decoder):
    drawn.do({"do": "learn", "network": "from strokes", "decoder": decoder})
    output = drawn.run("from strokes", "image0").output
    assert (output.array.shape[-1] == 1) == (decoder != "none")


def test_learning_gives_the_library_s_kernels(drawn):
    import spel
    from spel.studio.learning import template
    from spel.studio.strokes import markers_of

    drawn.do({"do": "learn", "network": "from strokes"})
    images = [drawn.load(f"image{i}") for i in range(2)]
    markers = [markers_of(drawn.document.strokes[i.id], i.size) for i in images]
    names = [i.name for i in images]
    whole = spel.learn(template("flim"), [i.array for i in images], markers, names=names)
    mine = drawn.document.entry("from strokes").network
    assert mine["conv1"] == whole["conv1"]
    assert mine["conv2"] == whole["conv2"]


def test_kernels_are_judged_by_all_strokes_whatever_is_pinned(drawn):
    from spel.studio.views.kernels import kernels_view

    drawn.do({"do": "learn", "network": "from strokes"})
    drawn.do({"do": "set_pins", "images": []})
    header, _ = kernels_view(drawn, "from strokes", "conv1", [])
    assert all(k["object"] is not None and k["background"] is not None for k in header["kernels"])


def test_learning_twice_gives_the_same_bits(drawn):
    drawn.do({"do": "learn", "network": "from strokes"})
    first = drawn.document.entry("from strokes").network.fingerprint()
    drawn.do({"do": "learn", "network": "from strokes", "start": ""})
    assert drawn.document.entry("from strokes").network.fingerprint() == first


@pytest.mark.parametrize(
    "kind", ["residue", "min_pool", "scale", "threshold", "center", "unlearned"]
)
def test_every_kind_of_step_can_be_added_and_removed(session, kind):
    before = session.run("plate", "image0").output
    session.do({"do": "add_step", "network": "plate", "after": "grey", "kind": kind})
    names = session.document.entry("plate").network.names
    run = session.run("plate", "image0")
    if kind != "unlearned":
        assert all(s.error == "" for s in run.results)
    for name in (n for n in names if kind in n and n not in ("plate.residue",)):
        session.do({"do": "remove_step", "network": "plate", "node": name})
    assert session.run("plate", "image0").output is before


def test_the_commands_that_the_page_can_name_in_both_languages():
    from pathlib import Path

    import spel.studio.web as web

    folder = Path(web.__file__).parent / "static" / "locales"
    for path in (folder / "en.json", folder / "pt-BR.json"):
        words = json.loads(path.read_text(encoding="utf-8"))
        assert {f"do.{name}" for name in COMMANDS} <= set(words), path


def test_sizes_are_bounded(session):
    with pytest.raises(ParameterError, match="points"):
        session.do(add("image0", stroke("a", 1, [[1, 1]] * 20_001)))
    with pytest.raises(ParameterError, match="too long"):
        session.set_view({"x": "y" * 5000})
    edges = {"network": "plate", "node": "edges"}
    with pytest.raises((ParameterError, ShapeError)):
        session.do({"do": "resize_kernels", **edges, "width": 9e9, "height": 1})
    disk = {"shape": "disk", "radius": 33}
    with pytest.raises(Refusal, match="67 x 67"):
        session.do({"do": "set_kernel_adjacency", **edges, "adjacency": disk})


def test_the_numbers_of_a_field_come_back_as_they_were(session):
    from spel.nn import Scale
    from spel.studio.describe import fields_of, with_fields

    layer = Scale(np.float32([0.1, 1e-9, 3e8, 1 / 3, -0.0]), np.float32([1e-20, 2, 3, 4, 5]))
    fields = json.loads(json.dumps(fields_of(layer)))
    assert with_fields(layer, fields) == layer


def test_a_volume_says_which_plane_is_shown(tmp_path):
    from spel.studio.sources import Source
    from spel.studio.views.images import image_view

    planes = np.arange(5 * 4 * 6, dtype=np.uint8).reshape(5, 4, 6, 1)
    session = Session([Source("v", "volume", lambda: planes)], tmp_path / "volume")
    header, _ = image_view(session, "v")
    assert (header["cut"], header["stack"]) == ((0, 2), (5, 4, 6))
    np.testing.assert_array_equal(session.load("v").array, planes[2])
    np.testing.assert_array_equal(session.load("v@2.3").values, planes[:, :, 3])
    with pytest.raises(NoImageError, match="no plane"):
        session.load("v@0.5")
    session.close()


# -- broken and removed images ---------------------------------------------------------------------


def broken():
    raise ImageReadError("open file: the file ends before the last row")


@pytest.fixture
def torn(folder):
    """A session whose first image is broken."""
    made = Session([Source("torn", "torn.png", broken), *sources()], folder)
    yield made
    made.close()


def test_an_error_names_the_image_and_the_document_marks_it(torn):
    with pytest.raises(ImageReadError, match=r"^torn\.png: the file ends before the last row$"):
        torn.load("torn")
    problems = {
        image["name"]: image["problem"]
        for image in document_view(torn)["images"]
        if not image["lesson"]
    }
    assert problems == {
        "torn.png": "torn.png: the file ends before the last row",
        "blobs 0": None,
        "blobs 1": None,
    }


def test_a_broken_image_stops_neither_kernels_nor_boxes_nor_statistics(torn):
    header, arrays = kernels_view(torn, "plate", "edges", torn.image_ids())
    assert [shown["image"] for shown in header["shown"]] == ["image0", "image1"]
    assert [failed["image"] for failed in header["failed"]] == ["torn"]
    assert len(arrays) == 3
    _, _, data = exports.export(torn, "results", {"network": "plate"})
    lines = [json.loads(line) for line in data.decode().splitlines()]
    assert [line["image"] for line in lines] == ["torn.png", "blobs 0", "blobs 1"]
    assert lines[0]["error"] == "ImageReadError"
    assert quality_view(torn, "plate", None)["failed"] == []
    torn.do({"do": "add_step", "network": "plate", "after": "edges", "kind": "batch_normalize"})
    assert "batch_normalize" in torn.document.entry("plate").network.names


def test_a_change_is_done_though_the_image_on_the_screen_is_broken(torn):
    run = {"network": "plate", "image": "torn"}
    reply = changes.do(torn, {"command": SET_BIAS, "run": run})
    assert reply["document"]["revision"] == 1
    assert reply["run_problem"].startswith("torn.png: ")
    assert "run" not in reply


def test_an_image_is_removed_and_undo_and_reopening_agree(session, folder):
    session.do(add("image0", stroke("a", 1, [[20, 22]])))
    session.do({"do": "remove_image", "image": "image0"})
    assert session.image_ids() == ("image1",)
    assert session.document.pins == ("image1",)
    assert session.document.strokes["image0"]
    with pytest.raises(ParameterError, match="the only image"):
        session.do({"do": "remove_image", "image": "image1"})
    session.flush()
    again = Session(sources(), copy_of(folder))
    assert again.image_ids() == ("image1",)
    again.undo()
    assert again.image_ids() == ("image0", "image1")
    again.close()
