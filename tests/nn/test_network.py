"""Networks: building, running, editing, shapes and footprints."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import spel
from spel import Adjacency, KernelBank, ParameterError, ShapeError
from spel.nn import (
    Activation,
    Center,
    Color,
    Concatenate,
    Convolution,
    DivisiveNormalize,
    Flatten,
    LinearNormalize,
    MaxPool,
    Network,
    Node,
    Residue,
    Scale,
    branch,
    chain,
    residue,
)
from spel.testing import images, networks

few = settings(max_examples=40, deadline=None)
BOX = Adjacency.box(3)


def plate_chain():
    wide = Adjacency.rectangle(width=9, height=3)
    return chain(
        color=Color("grey"),
        edges=Convolution(KernelBank.sobel("col")),
        positive=Activation("relu"),
        joined=MaxPool(wide),
        kept=residue(divided=DivisiveNormalize(wide)),
    )


def test_a_chain_is_its_layers_one_after_the_other():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    net = plate_chain()
    assert net.names == ("color", "edges", "positive", "joined", "kept.divided", "kept.residue")
    grey = image @ np.array([0.299, 0.587, 0.114]) / 255
    edges = spel.ops.convolve(grey, KernelBank.sobel("col"))
    joined = spel.ops.max_pool(np.maximum(edges, 0), Adjacency.rectangle(width=9, height=3))
    divided = spel.ops.divisive_normalize(joined, Adjacency.rectangle(width=9, height=3))
    assert np.allclose(net(image), np.maximum(joined - divided, 0), atol=1e-5)


def test_residue_layer_and_residue_chain_agree():
    image = np.random.default_rng(1).normal(size=(8, 9)).astype(np.float32)
    inner = DivisiveNormalize(BOX)
    assert np.array_equal(chain(Residue(inner))(image), residue(inner)(image))


def test_a_branch_concatenates_in_order():
    net = branch(chain(Scale([2.0]), Scale([3.0])), Scale([10.0]))
    assert net.names == ("scale", "scale2", "scale3", "concatenate")
    assert net([[1.0]]).ravel().tolist() == [6.0, 10.0]


def test_activations_are_named_and_may_stop_early():
    net, image = plate_chain(), np.zeros((5, 6, 3), dtype=np.uint8)
    assert list(net.activations(image)) == list(net.names)
    assert list(net.activations(image, upto="positive")) == ["color", "edges", "positive"]


def test_replace_changes_what_follows_and_nothing_else():
    net = plate_chain()
    changed = net.replace("positive", Activation("abs"))
    same = [name for name in net.names if net.fingerprint(name) == changed.fingerprint(name)]
    assert same == ["color", "edges"]
    assert net["positive"] == Activation("relu")


@few
@given(st.data())
def test_shapes_without_data_are_the_shapes_of_the_call(data):
    net = data.draw(networks(channels=2))
    image = data.draw(images(channels=2))
    shapes = net.shapes(image.shape)
    assert shapes == {name: a.shape for name, a in net.activations(image).items()}
    assert net(image).dtype == np.float32


@few
@given(st.data())
def test_one_output_spel_depends_on_its_footprint_only(data):
    net = data.draw(networks(channels=1))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    image = rng.normal(size=(40, 44, 1)).astype(np.float32)
    before = net(image)
    at = tuple(data.draw(st.integers(0, n - 1)) for n in before.shape[:2])
    field = net.footprints[net.output]
    place = field.place(at)
    outside = np.ones(image.shape[:2], dtype=bool)
    outside[
        tuple(
            slice(max(0, p + lo), max(0, p + hi + 1))
            for p, lo, hi in zip(place, field.low, field.high)
        )
    ] = False
    changed = image.copy()
    changed[outside] += 1
    assert np.array_equal(net(changed)[at], before[at])


def test_shapes_of_different_strides_cannot_be_joined():
    net = branch(MaxPool(BOX, 2), MaxPool(BOX))
    with pytest.raises(ShapeError, match="same") as told:
        net.shape((8, 8, 1))
    assert "in node 'concatenate'" in told.value.__notes__[0]


def test_errors_name_the_node():
    net = chain(
        first=Scale([1.0]), second=Convolution(KernelBank.from_array(np.ones((1, 3, 3, 2))))
    )
    for call in (lambda: net(np.ones((4, 4, 1))), lambda: net.shape((4, 4, 1))):
        with pytest.raises(ShapeError, match="image of 1 channels, bank for 2") as told:
            call()
        assert "second" in told.value.__notes__[0]


def test_summary_counts_weights_work_and_reach():
    text = plate_chain().summary((240, 352, 3))
    (edges,) = [line for line in text.splitlines() if line.startswith("edges")]
    assert edges.split()[-4:] == ["760,320", "3", "x", "3"]
    assert f"{240 * 352 * (9 + 27):,}" in text.splitlines()[-1]


def test_halo_is_composed_through_strides():
    net = chain(
        MaxPool(BOX, 2), MaxPool(BOX, 2), Convolution(KernelBank.from_array(np.ones((1, 5))))
    )
    assert net.halo == ((3, 3), (11, 11))
    assert chain(LinearNormalize(), MaxPool(BOX)).halo is None


@pytest.mark.parametrize(
    "nodes",
    [
        (),
        (Node("input", Scale([1.0])),),
        (Node("a b", Scale([1.0])),),
        (Node("a", Scale([1.0])), Node("a", Scale([1.0]))),
        (Node("a", Scale([1.0]), ("b",)), Node("b", Scale([1.0]))),
        (Node("a", Scale([1.0]), ()),),
        (Node("a", Residue(), ("input",)),),
        (Node("a", Concatenate(), ()),),
    ],
)
def test_graphs_that_are_none_are_refused(nodes):
    with pytest.raises(ParameterError, match="Network"):
        Network(nodes)


def test_parts_must_be_layers():
    with pytest.raises(ParameterError, match="expected a layer"):
        chain(spel.ops.max_pool)
    with pytest.raises(ParameterError, match="no layers"):
        chain()


def test_unknown_nodes_list_the_known():
    with pytest.raises(ParameterError, match="'edges'"):
        plate_chain()["edge"]


def test_a_grey_image_may_come_without_its_channel_axis():
    net = chain(Scale([2.0]), MaxPool(BOX))
    assert net(np.ones((4, 5))).shape == (4, 5, 1)
    assert net.shape((4, 5)) == (4, 5, 1)


@pytest.mark.parametrize("other", [MaxPool(BOX), Center(), LinearNormalize(), Flatten()], ids=str)
def test_layers_over_pixels_and_over_voxels_do_not_mix(other):
    # The engine gave uninitialized planes, or took the planes of a volume for a batch of images.
    ball = MaxPool(Adjacency.ball(1, ndim=3))
    with pytest.raises(ParameterError, match="is for images of 2 axes, and node 'max_pool' for"):
        chain(ball, Scale([2.0]), other)


def test_nodes_beside_the_output_make_another_network():
    def with_beside(scale):
        beside = Node("beside", Scale(scale, [0.0]), ("first",))
        nodes = Node("first", Activation("relu"), ("input",)), beside
        return Network((*nodes, Node("last", Activation("abs"), ("first",))))

    one, other = with_beside([1.0]), with_beside([2.0])
    assert one.whole_fingerprint() != other.whole_fingerprint()
    assert one != other
    assert one.fingerprint() == other.fingerprint()
    assert one.upto("last").whole_fingerprint() == one.fingerprint()
