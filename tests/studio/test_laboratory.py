"""The laboratory without a browser: folders of annotations, classes, objects, judging as a task."""

import json
import time

import numpy as np
import pytest

from spel.decide.object_model import ObjectModel
from spel.decide.presence import Presence
from spel.decide.segmentation import Segmentation, segmentation_of, with_segmentation
from spel.errors import FormatError
from spel.studio.document import Box, Entry
from spel.studio.refusals import Refusal
from spel.studio.sources import Source
from spel.studio.views.labels import labels_view
from spel.studio.views.objects import objects_view
from spel.studio.views.strokes import stroke_view, wavering_view
from spel.studio.web import changes, truth_files
from spel.studio.web.wire import unpack_folder
from spel.synthesis import invert

from .conftest import add, blobs, stroke

VOC = """<annotation><filename>{name}.png</filename>
<size><width>96</width><height>64</height><depth>3</depth></size>
<object><name>disc</name><bndbox><xmin>17</xmin><ymin>12</ymin><xmax>35</xmax><ymax>30</ymax>
</bndbox></object></annotation>"""


def packed(tmp_path, files):
    """A folder as the page sends it."""
    data = [text.encode() for text in files.values()]
    header = json.dumps([{"name": n, "size": len(d)} for n, d in zip(files, data)]).encode()
    path = tmp_path / "packed"
    path.write_bytes(len(header).to_bytes(4, "little") + header + b"".join(data))
    return path


def test_a_folder_of_voc_gives_true_boxes(session, tmp_path):
    files = {f"voc/blobs {i}.xml": VOC.format(name=f"blobs {i}") for i in range(2)}
    reply = truth_files.take_truth_folder(session, {}, packed(tmp_path, files), "")
    assert reply["images"] == 2
    (box,) = session.document.truth["image0"]
    assert box[:4] == (16, 11, 35, 30)
    assert {c.name: c.label for c in session.document.classes}["disc"] == box.label


def test_a_folder_of_yolo_takes_sizes_from_the_images(session, tmp_path):
    files = {
        "data.yaml": "names: [disc]\n",
        "labels/blobs 1.txt": f"0 {25.5 / 96} {20.5 / 64} {19 / 96} {19 / 64}\n",
    }
    reply = truth_files.take_truth_folder(session, {}, packed(tmp_path, files), "")
    assert reply["images"] == 1
    (box,) = session.document.truth["image1"]
    np.testing.assert_allclose(box[:4], (16, 11, 35, 30), atol=1e-3)


def test_names_of_a_folder_lead_nowhere_else(tmp_path):
    names = [
        "../out.txt",
        "/etc/out.txt",
        "a/../../out.txt",
        "a\\..\\..\\b.txt",
        "x" * 300 + ".txt",
    ]
    inside = tmp_path / "deep" / "inside"
    inside.mkdir(parents=True)
    files = {**dict.fromkeys(names, "0 0 0 0 0"), "picture.png": "no", "good.txt": "1"}
    assert unpack_folder(packed(tmp_path, files), inside) == 1
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["packed", "good.txt"]
    (tmp_path / "bad").write_bytes(b"\xff\xff\xff\x7f")
    with pytest.raises(FormatError, match="too long"):
        unpack_folder(tmp_path / "bad", inside)


def test_pixels_may_be_undecided(drawn):
    drawn.do(add("image0", stroke("d", 2, [[40, 66], [40, 74]])))
    drawn.do({"do": "learn", "network": "from strokes"})
    assert labels_view(drawn, "from strokes", "image0")[0]["undecided"] == 0
    drawn.do({"do": "set_undecided", "network": "from strokes", "undecided": 0.9})
    header, (numbers,) = labels_view(drawn, "from strokes", "image0")
    assert header["limit"] == 0.9
    assert header["undecided"] == (numbers == 255).mean() > 0
    with pytest.raises(Refusal, match="does not tell classes apart"):
        drawn.do({"do": "set_undecided", "network": "plate", "undecided": 0.5})


def test_objects_of_the_learned_size_and_their_stated_rate(drawn):
    assert objects_view(drawn, "plate", "image0") == {}
    drawn.do({"do": "learn", "network": "from strokes"})
    assert objects_view(drawn, "from strokes", "image0") == {}
    presence = Presence((-0.5, -0.6, -0.7), (-3.0, -4.0, -5.0))
    model = ObjectModel(area=250, min_score=-2.0, multiple=True, presence=presence)
    network = drawn.document.entry("from strokes").network
    sized = with_segmentation(network, Segmentation(objects=model))
    drawn.change("add_network", lambda d: d.with_entry("sized", Entry(sized)))
    view = objects_view(drawn, "sized", "image0")
    assert (view["rate"], view["backgrounds"], view["marked"], view["reached"]) == (0.25, 3, 3, 3)
    assert len(view["boxes"]) == len(view["scores"]) == len(view["probabilities"]) > 0
    drawn.do({"do": "set_false_alarms", "network": "sized", "rate": 0.5})
    lowered = segmentation_of(drawn.document.entry("sized").network).objects
    assert lowered.min_score == -4.0


def test_all_images_are_judged_as_a_task_that_says_how_far_it_is(session):
    session.do({"do": "set_truth", "image": "image0", "boxes": [[16, 11, 35, 30, 1]]})
    task = session.tasks.get(changes.judge(session, {"network": "plate"})["id"])
    end = time.monotonic() + 20
    while task.state == "running" and time.monotonic() < end:
        time.sleep(0.02)
    assert (task.state, task.done, task.total) == ("done", 1, 2)
    assert {row["image"] for row in task.result["rows"]} == {"image0", "image1"}
    assert session.document.truth["image0"] == (Box(16, 11, 35, 30, 1),)


def test_a_stroke_is_judged_by_the_other_images_and_doubt_has_places(drawn):
    assert stroke_view(drawn, "from strokes", "image0", "o") == {"images": 2}
    drawn.images.add(Source("image2", "blobs 2", lambda: blobs(2)))
    drawn.do(add("image2", stroke("o", 1, [[20, 22], [20, 28]])))
    drawn.do(add("image2", stroke("b", 0, [[55, 10], [55, 60]])))
    drawn.do({"do": "learn", "network": "from strokes"})
    good = stroke_view(drawn, "from strokes", "image2", "o")
    assert (good["images"], good["hurts"]) == (2, False)
    drawn.do(add("image2", stroke("wrong", 0, [[40, 64], [40, 76]], radius=4.0)))
    wrong = stroke_view(drawn, "from strokes", "image2", "wrong")
    assert wrong["effect"] <= good["effect"]
    view = wavering_view(drawn, "from strokes", "image0")
    assert 0 < len(view["boxes"]) <= 5
    assert view["doubts"] == sorted(view["doubts"], reverse=True)
    drawn.do({"do": "add_network", "name": "g", "template": "edges"})
    with pytest.raises(Refusal, match="no saliency or probabilities"):
        wavering_view(drawn, "g", "image0")


def test_a_folder_may_name_images_that_are_not_here(session, tmp_path):
    voc = {f"voc/{n}.xml": VOC.format(name=n) for n in ("blobs 0", "elsewhere")}
    yolo = {"data.yaml": "names: [disc]\n"}
    yolo |= {f"labels/{n}.txt": "0 .5 .5 .1 .1\n" for n in ("blobs 1", "elsewhere")}
    for files in (voc, yolo):
        reply = truth_files.take_truth_folder(session, {}, packed(tmp_path, files), "")
        assert reply["images"] == 1
        assert any("elsewhere" in note or "1 image of" in note for note in reply["notes"])


def test_boxes_of_an_image_of_another_size_are_refused(session, tmp_path):
    before = session.document.truth
    files = {"voc/blobs 0.xml": VOC.format(name="blobs 0").replace("96", "1").replace("64", "1")}
    with pytest.raises(FormatError, match=r"annotations say 1 x 1 .* the image has 96 x 64"):
        truth_files.take_truth_folder(session, {}, packed(tmp_path, files), "")
    assert session.document.truth == before


def ended(session, body):
    id = changes.invert(session, {"network": "plate", "image": "image0", **body})["id"]
    while session.tasks.get(id).state == "running":
        time.sleep(0.01)
    return session.tasks.get(id)


def test_a_step_is_inverted_in_a_task(session):
    task = ended(session, {"step": "edges"})
    run = session.run("plate", "image0")
    wanted = run.activations["edges"]
    picture = invert(run.network, wanted, "edges", shape=(64, 96, 3), bounds=(0, 255), rounds=2)
    np.testing.assert_array_equal(task.picture, np.rint(picture).clip(0, 255))
    assert (task.state, task.done, task.total) == ("done", 2, 2)
    where = {"network": "plate", "after": "edges", "image": "image0"}
    session.do({"do": "add_step", "kind": "softmax", **where})
    refused = ended(session, {"step": "softmax"})
    assert refused.refusal == {"code": "not_inverted", "values": {"step": "softmax"}}
    assert task.picture is None


def test_what_a_step_lost_is_guessed_from_the_other_images(session):
    task = ended(session, {"step": "grey", "guess": True})
    alone = ended(session, {"step": "grey"})
    assert task.state == "done"
    assert task.result["likeness"] > alone.result["likeness"]
    where = {"network": "plate", "after": "edges", "image": "image0"}
    session.do({"do": "add_step", "kind": "global_pool", **where})
    refused = ended(session, {"step": "global_pool", "guess": True})
    assert refused.refusal == {"code": "not_guessed", "values": {"step": "global_pool"}}
    session.do({"do": "remove_image", "image": "image1"})
    refused = ended(session, {"step": "edges", "guess": True})
    assert refused.refusal["code"] == "no_others"


def grey_of_both(session):
    return np.stack([session.run("plate", i).activations["grey"] for i in ("image0", "image1")])


def test_batch_normalization_has_the_statistics_that_it_says(session, monkeypatch):
    batch = {"network": "plate", "node": "batch_normalize"}
    session.do({"do": "add_step", "network": "plate", "after": "grey", "kind": "batch_normalize"})
    grey = grey_of_both(session)

    def have(mean, deviation):
        layer = session.document.entry("plate").network["batch_normalize"]
        np.testing.assert_allclose(layer.mean, mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(layer.deviation, deviation, rtol=1e-4, atol=1e-6)

    have(grey.mean((0, 1, 2)), grey.std((0, 1, 2)))
    session.do({"do": "set_layer", **batch, "fields": {"over": "spel"}})
    have(grey.mean(0), grey.std(0, ddof=1))

    monkeypatch.setattr("spel.studio.statistics.FIRST", 1)  # of two images
    session.do({"do": "set_layer", **batch, "fields": {"over": "channel"}})
    have(grey[0].mean((0, 1)), grey[0].std((0, 1)))
    with pytest.raises(Refusal, match="at least 2 images"):
        session.do({"do": "set_layer", **batch, "fields": {"over": "spel"}})
    task = session.tasks.get(changes.fit_statistics(session, batch)["id"])
    while task.state == "running":
        time.sleep(0.01)
    assert (task.state, task.done, task.total) == ("done", 2, 2)
    have(grey.mean((0, 1, 2)), grey.std((0, 1, 2)))
    session.undo()
    have(grey[0].mean((0, 1)), grey[0].std((0, 1)))


@pytest.mark.parametrize(
    ("adjacency", "weights"),
    [
        ({"shape": "disk", "radius": 1, "dilation": 2}, [0] * 5),
        ({"shape": "cross", "radius": 1}, [0, -2, 0, 2, 0]),
        ({"shape": "rectangle", "width": 3, "height": 1}, [-2, 0, 2]),
        ({"shape": "rectangle", "width": 3, "height": 3, "dilation": 4}, None),
    ],
)
def test_a_kernel_has_any_adjacency_and_keeps_what_it_shares(session, adjacency, weights):
    before = session.document.entry("plate").network["edges"].bank
    change = {"do": "set_kernel_adjacency", "network": "plate", "node": "edges"}
    session.do({**change, "adjacency": adjacency})
    bank = session.document.entry("plate").network["edges"].bank
    kept = before.weights.ravel().tolist() if weights is None else weights
    assert bank.weights.ravel().tolist() == kept
    assert session.run("plate", "image0").result("edges").error == ""
