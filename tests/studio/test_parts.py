"""Parts of the studio: strokes to spels, edits of graphs, adjacencies in words, code that runs."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.nn import Convolution, MaxPool, Network, Node, WeightedSum, chain
from spel.studio import banks, exports, graph
from spel.studio.code import view_code
from spel.studio.describe import adjacency_from, adjacency_words
from spel.studio.document import Stroke
from spel.studio.images import Images
from spel.studio.session import Session
from spel.studio.source import source
from spel.studio.sources import Source, clean_name, files
from spel.studio.strokes import markers_of, strokes_of
from spel.studio.views import detections, kernels, patch_space, runs

POINTS = st.lists(st.tuples(st.floats(-5, 25), st.floats(-5, 35)), min_size=1, max_size=5)


# -- strokes -------------------------------------------------------------------------------------


def test_a_line_of_radius_one_by_hand():
    one = Stroke("a", 1, "line", 1.0, ((1.5, 1.5), (1.5, 3.5)))
    assert (markers_of([one], (3, 6)).image() + 1).tolist() == [
        [0, 2, 2, 2, 0, 0],
        [2, 2, 2, 2, 2, 0],
        [0, 2, 2, 2, 0, 0],
    ]


def test_a_filled_square_by_hand():
    one = Stroke("a", 3, "fill", 0.0, ((1, 1), (1, 4), (3, 4), (3, 1)))
    assert (markers_of([one], (4, 5)).image() == 3).sum() >= 6


@settings(deadline=None)
@given(points=POINTS, radius=st.floats(0, 6))
def test_a_brush_marks_exactly_the_spels_near_its_path(points, radius):
    size = (20, 30)
    drawn = markers_of([Stroke("a", 1, "brush", radius, tuple(points))], size).image() == 1
    rows, cols = np.mgrid[:20, :30] + 0.5
    near = np.full(size, np.inf)
    ends = list(pairwise(points)) or [(points[0], points[0])]
    for (r0, c0), (r1, c1) in ends:
        for t in np.linspace(0, 1, 400):
            near = np.minimum(near, np.hypot(rows - r0 - t * (r1 - r0), cols - c0 - t * (c1 - c0)))
    step = max(np.hypot(a[0] - b[0], a[1] - b[1]) for a, b in ends) / 399
    assert (drawn[near <= radius - step]).all()
    under = np.zeros(size, dtype=bool)
    for r, c in np.floor(points).astype(int):
        if 0 <= r < 20 and 0 <= c < 30:
            under[r, c] = True
    assert not drawn[(near > radius + step) & ~under].any()


def test_markers_come_back_as_strokes():
    drawn = markers_of(
        [Stroke("a", 1, "brush", 2.0, ((5.5, 5.5),)), Stroke("b", 0, "brush", 1.0, ((1.5, 12.5),))],
        (12, 16),
    )
    again = markers_of(strokes_of(drawn, "m"), (12, 16))
    np.testing.assert_array_equal(again.image(), drawn.image())


# -- descriptions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "adjacency",
    [
        Adjacency.rectangle(width=25, height=5),
        Adjacency.rectangle(width=4, height=2),
        Adjacency.disk(2**0.5),
        Adjacency.disk(3).dilated(2),
        Adjacency.cross(3),
        Adjacency.rectangle(width=1, height=1),
        Adjacency.from_displacements([(0, 1), (2, -1)]),
    ],
)
def test_adjacencies_survive_words_and_source(adjacency):
    import spel

    assert adjacency_from(adjacency_words(adjacency)) == adjacency
    assert eval(source(adjacency), {"spel": spel}) == adjacency


def test_names_are_harmless_and_unique():
    assert clean_name("\x00\x1b]0;evil\x07" + "x" * 200) == "]0;evil " + "x" * 72
    images = Images([Source(i, "same", lambda: np.zeros((2, 2))) for i in "ab"])
    assert [s.name for s in images] == ["same", "same (2)"]


def test_files_stay_under_their_roots(tmp_path):
    from spel.errors import ParameterError
    from spel.io import write

    inside, outside = tmp_path / "root", tmp_path / "root-secret"
    inside.mkdir()
    outside.mkdir()
    write(outside / "a.png", np.zeros((4, 4, 1), np.uint8))
    (inside / "link.png").symlink_to(outside / "a.png")
    with pytest.raises(ParameterError, match="outside"):
        files([outside / "a.png"], [inside])
    with pytest.raises(ParameterError, match="outside"):
        files([inside / "link.png"], [inside])
    write(inside / "b.png", np.zeros((4, 4, 1), np.uint8))
    (one,) = files([inside / "b.png"], [inside])
    assert one.read().shape == (4, 4, 1)
    (inside / "b.png").unlink()
    (inside / "b.png").symlink_to(outside / "a.png")
    with pytest.raises(Exception, match="read"):
        one.read()


# -- edits ---------------------------------------------------------------------------------------


def test_steps_are_added_moved_and_removed_by_hand():
    pool = MaxPool(Adjacency.box(3))
    net = chain(a=pool, b=pool, c=pool)
    assert graph.add_nodes(net, "a", [Node("x", pool, ("a",))]).names == ("a", "x", "b", "c")
    moved = graph.move_node(net, "c", "input")
    assert [(n.name, n.inputs) for n in moved.nodes] == [
        ("c", ("input",)),
        ("a", ("c",)),
        ("b", ("a",)),
    ]
    assert graph.remove_node(net, "b").nodes[1].inputs == ("a",)


def test_dropping_kernels_drops_the_channels_behind_them():
    bank = banks.preset("gabor", 1)
    second = KernelBank.random(Adjacency.box(3), kernels=2, channels=4, seed=0)
    net = Network(
        (
            Node("a", Convolution(bank), ("input",)),
            Node("p", MaxPool(Adjacency.box(3)), ("a",)),
            Node("b", Convolution(second), ("p",)),
            Node("s", WeightedSum([1.0, 2.0]), ("b",)),
        )
    )
    image = np.random.default_rng(0).random((12, 14, 1))
    part = graph.keep_kernels(net, "a", [1, 3])
    np.testing.assert_array_equal(
        part.activations(image)["p"], net.activations(image)["p"][..., [1, 3]]
    )
    np.testing.assert_array_equal(part["b"].bank.weights, second.weights[:, :, [1, 3]])
    assert graph.keep_kernels(net, "b", [1])["s"].weights.tolist() == [2.0]


# -- what the page shows -------------------------------------------------------------------------


def test_the_trace_is_the_engine_s(session):
    told = runs.trace_view(session, "plate", "image0", "edges", (20, 16), 0)
    value = session.run("plate", "image0").activations["edges"][20, 16, 0]
    assert told["value"] == value
    terms = told["steps"][-1]["terms"]
    assert np.isclose(np.sum(terms["products"]) + terms["bias"], value, atol=1e-5)


@pytest.mark.parametrize("directions", ["kernel", "components", "entries"])
@pytest.mark.parametrize("normalized", [False, True])
def test_the_plane_in_the_cloud_is_the_kernel_s(drawn, directions, normalized):
    drawn.do({"do": "set_kernel", "network": "plate", "node": "edges", "kernel": 0, "bias": -0.3})
    header, (coordinates, spels, labels, distances) = patch_space.cloud_view(
        drawn, "plate", "image0", "edges", directions=directions, normalized=normalized
    )
    value = drawn.run("plate", "image0").activations["edges"][(*spels.T, 0)]
    # Centring and scaling move points and plane together: no patch changes its side.
    np.testing.assert_allclose(distances * header["norm"], value, atol=2e-4)
    assert set(labels.tolist()) == {-1, 0, 1}
    if directions == "kernel":
        plane = coordinates @ header["plane"]["normal"] + header["plane"]["offset"]
        np.testing.assert_allclose(plane, value, atol=2e-3)


def test_kernels_come_with_their_strokes(drawn):
    drawn.do({"do": "learn", "network": "from strokes"})
    header, arrays = kernels.kernels_view(drawn, "from strokes", "conv1", ["image0", "image1"])
    count = len(header["kernels"])
    assert [a.shape[0] for a in arrays] == [count] * 3
    assert {k["label"] for k in header["kernels"]} == {0, 1}
    assert all(k["object"] is not None and k["background"] is not None for k in header["kernels"])


def test_boxes_and_reasons(drawn):
    drawn.do({"do": "learn", "network": "from strokes"})
    decision = {"threshold": 0.5, "area": [30, 1e9]}
    found = detections.boxes_view(drawn, "from strokes", "image0", decision)
    assert found["count"] == 2
    assert found["truth"]["recall"] == 1
    assert found["truth"]["precision"] == 1
    why = detections.why_view(drawn, "from strokes", "image0", 0, decision)
    assert why["margin"] == pytest.approx(why["saliency"] - 0.5)
    gone = detections.boxes_view(
        drawn, "from strokes", "image0", {"threshold": why["vanishes"][0]["to"]}
    )
    assert why["box"] not in gone["boxes"]
    assert (
        detections.quality_view(drawn, "from strokes", {"threshold": 0.5})["total"]["recall"] == 1
    )


# -- code and files that leave -------------------------------------------------------------------


def run(text, folder):
    script = folder / "shown.py"
    script.write_text(text)
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(Path(banks.__file__).parents[2]), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout


def test_the_code_of_every_page_runs_and_gives_the_shown_number(tmp_path):
    from spel.io import write
    from spel.studio.session import Session

    from .conftest import add, blobs, stroke

    write(tmp_path / 'ünder "quote".png', blobs())
    made = Session(files([str(tmp_path / 'ünder "quote".png')]), tmp_path / "session")
    try:
        (image,) = made.image_ids()
        made.do(add(image, stroke("o", 1, [[20, 22], [20, 28]])))
        made.do(add(image, stroke("b", 0, [[55, 10], [55, 60]])))
        made.do({"do": "learn", "network": "from strokes"})
        made.do({"do": "bypass_step", "network": "plate", "node": "positive", "off": True})
        made.do(
            {
                "do": "set_decision",
                "network": "plate",
                "decision": {"threshold": "p90", "area": [3, 900], "select": "widest"},
            }
        )
        base = {
            "network": "plate",
            "image": image,
            "node": "edges",
            "row": 20,
            "col": 16,
            "channel": 0,
            "kernel": 0,
            "other": "from strokes",
        }
        value = made.run("plate", image).activations["edges"][20, 16, 0]
        told = run(view_code(made, {**base, "page": "chain"}), tmp_path)
        assert f"= {value + 0.0:g}," in told
        texts = [
            view_code(made, {**base, "page": page})
            for page in ("space", "markers", "detect", "compare", "export")
        ]
        texts.append(view_code(made, {**base, "page": "markers", "network": "from strokes"}))
        texts.append(
            view_code(made, {**base, "page": "kernels", "network": "from strokes", "node": "conv1"})
        )
        joined = "\n\n".join(texts)
        assert "patches lie" in run(joined, tmp_path)
    finally:
        made.close()


def test_the_code_of_the_strokes_learns_what_the_page_learned(drawn, tmp_path):
    drawn.do({"do": "learn", "network": "from strokes"})
    view = {"page": "markers", "network": "from strokes", "image": "image0"}
    told = "print(float(net(images[1]).sum(dtype=float)))"
    lines = run(f"{view_code(drawn, view)}\n{told}", tmp_path).splitlines()
    saliency = drawn.run("from strokes", "image1").output.array
    assert float(lines[-1]) == pytest.approx(float(saliency.sum(dtype=float)), rel=1e-5)


def test_the_code_of_an_image_without_strokes_runs(session, tmp_path):
    told = run(
        view_code(session, {"page": "markers", "network": "plate", "image": "image0"}), tmp_path
    )
    assert "no strokes" in told


def test_the_code_of_a_step_over_a_batch_runs(tmp_path):
    stack = np.random.default_rng(1).integers(0, 255, (3, 12, 16, 3)).astype(np.uint8)
    made = Session([Source("b", "batch", lambda: stack)], tmp_path / "session")
    edit = {"network": "plate", "node": "linear_normalize"}
    made.do({"do": "add_step", "network": "plate", "after": "edges", "kind": "linear_normalize"})
    made.do({"do": "set_layer", **edit, "fields": {"over": "batch"}})
    view = {**edit, "page": "chain", "image": "b@0.2", "row": 4, "col": 5, "channel": 0}
    value = made.run("plate", "b@0.2").activations["linear_normalize"][4, 5, 0]
    assert float(run(view_code(made, view), tmp_path).split()[-1]) == pytest.approx(float(value))
    made.close()


def test_files_that_leave(drawn):
    drawn.do({"do": "learn", "network": "from strokes"})
    view = {"page": "chain", "network": "from strokes", "image": "image0", "node": "conv1"}
    for kind in set(exports.KINDS) - {"onnx"}:
        name, _, data = exports.export(drawn, kind, view)
        assert name
        assert data
    assert b"<script" not in exports.export(drawn, "report", view)[2]
