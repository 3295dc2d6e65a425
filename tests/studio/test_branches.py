"""Branches and joins that a user builds, and steps that look at all images of a batch."""

import numpy as np
import pytest

from spel.errors import ParameterError
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.views.runs import trace_view

from .conftest import blobs

PLATE = {"network": "plate"}


def test_a_branch_is_begun_and_joined(session):
    do = session.do
    before = session.document.entry("plate").network.output
    do({"do": "add_step", **PLATE, "after": before, "kind": "min_pool"})
    do({"do": "set_inputs", **PLATE, "node": "min_pool", "inputs": ["positive"]})
    do({"do": "add_step", **PLATE, "after": "min_pool", "kind": "add"})
    network = session.document.entry("plate").network
    assert network.node("add").inputs == ("min_pool", "positive")
    do({"do": "set_inputs", **PLATE, "node": "add", "inputs": ["min_pool", before, "positive"]})
    run = session.run("plate", "image0")
    assert all(result.error == "" for result in run.results)
    arrays = run.activations
    total = arrays["min_pool"] + arrays[before] + arrays["positive"]
    np.testing.assert_allclose(arrays["add"], total, rtol=1e-6)
    for _ in range(4):
        session.undo()
    assert session.document.entry("plate").network.output == before


@pytest.mark.parametrize("kind", ["add", "multiply", "concatenate"])
@pytest.mark.parametrize("after", ["input", "edges"])
def test_a_join_takes_the_step_before_it_and_what_that_one_reads(session, kind, after):
    session.do({"do": "add_step", **PLATE, "after": after, "kind": kind})
    node = session.document.entry("plate").network.node(kind)
    assert node.inputs == ((after, "grey") if after == "edges" else ("input", "input"))
    assert session.run("plate", "image0").result(kind).error == ""


def test_what_cannot_be_read_is_refused(session):
    edit = {"do": "set_inputs", **PLATE, "node": "edges"}
    with pytest.raises(ParameterError, match="not before it"):
        session.do({**edit, "inputs": ["positive"]})
    with pytest.raises(ParameterError, match="takes 2 images"):
        session.do({**edit, "inputs": ["grey", "grey"]})
    with pytest.raises(Refusal, match="at most 8"):
        session.do({**edit, "inputs": []})


def test_kernels_before_a_sum_with_another_branch_stay(session):
    session.do({"do": "set_bank", **PLATE, "node": "edges", "preset": "gabor"})
    session.do({"do": "add_step", **PLATE, "after": "positive", "kind": "add"})
    session.do({"do": "set_inputs", **PLATE, "node": "add", "inputs": ["positive", "grey"]})
    with pytest.raises(Refusal, match="joins branches"):
        session.do({"do": "keep_kernels", **PLATE, "node": "edges", "kernels": [0]})


@pytest.fixture
def batched(tmp_path):
    stack = np.stack([blobs(seed) for seed in range(3)])
    made = Session([Source("b", "batch", lambda: stack)], tmp_path / "batched")
    made.do({"do": "add_step", **PLATE, "after": "edges", "kind": "linear_normalize"})
    edit = {"do": "set_layer", **PLATE, "node": "linear_normalize", "fields": {"over": "batch"}}
    made.do(edit)
    yield made, stack
    made.close()


@pytest.mark.parametrize("plane", range(3))
def test_the_extremes_over_a_batch_are_the_engine_s(batched, plane):
    session, stack = batched
    network = session.document.entry("plate").network
    whole = network.activations(stack)
    run = session.run("plate", f"b@0.{plane}")
    for name in ("linear_normalize", network.output):
        np.testing.assert_array_equal(run.activations[name], whole[name][plane])
    traced = trace_view(session, "plate", f"b@0.{plane}", "linear_normalize", (9, 9), 0)
    terms = traced["steps"][-1]["terms"]
    values = whole["edges"][:, 9, 9, 0]
    assert (terms["min"], terms["max"]) == (values.min(), values.max())
    assert terms["value"] == whole["linear_normalize"][plane, 9, 9, 0]


def test_one_image_has_no_extremes_over_a_batch(session):
    session.do({"do": "add_step", **PLATE, "after": "edges", "kind": "linear_normalize"})
    edit = {"do": "set_layer", **PLATE, "node": "linear_normalize", "fields": {"over": "batch"}}
    session.do(edit)
    assert "is no batch" in session.run("plate", "image0").result("linear_normalize").error
