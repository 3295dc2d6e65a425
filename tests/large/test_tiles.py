"""Tiled equals whole, bit for bit: outputs, boxes and components across seams."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import spel
from spel import Adjacency, ops
from spel.data import street
from spel.decide import Decision, decide
from spel.decide.detection import with_decision
from spel.errors import ParameterError, ShapeError
from spel.io.large import LargeImage
from spel.large import tiles
from spel.large.seams import Seams, components_of_tile
from spel.large.tiling import Tiling
from spel.nn.tiles import tiles as tiles_of
from spel.testing import networks

RELATIONS = [
    None,
    Adjacency.disk(1),
    Adjacency.disk(2.5),
    Adjacency.rectangle(width=5, height=1),
    Adjacency.rectangle(width=1, height=4),
    Adjacency.from_displacements([(0, 0), (-1, 3)]),
    Adjacency.from_displacements([(2, -1), (0, 2)]),
    Adjacency.from_displacements([(0, 0)]),
]

# LITERAL


def test_a_diagonal_across_four_tiles_is_one_component():
    mask = np.eye(4)
    found = tiles.detect(same(), mask[..., None], size=2, decision=Decision(threshold=0.5))
    assert found.boxes.tolist() == [[0, 0, 4, 4]]
    other = np.fliplr(np.eye(4))
    found = tiles.detect(same(), other[..., None], size=2, decision=Decision(threshold=0.5))
    assert found.boxes.tolist() == [[0, 0, 4, 4]]


def test_a_horseshoe_is_one_component_and_its_measures_add_up():
    mask = np.zeros((6, 6, 1))
    mask[:, 0], mask[:, 5], mask[5, :] = 1, 2, 1
    found = tiles.detect(same(), mask, size=2, decision=Decision(threshold=0.5))
    assert found.boxes.tolist() == [[0, 0, 6, 6]]
    assert found.areas.tolist() == [16]
    assert found.scores.tolist() == [2]


def test_what_is_read_must_exist_between_the_steps_too():
    # The first step reads to the right only; the second one needs its results to the left.
    net = spel.chain(
        spel.Convolution(spel.KernelBank(Adjacency.from_displacements([(0, 1)]), [[[1.0]]])),
        spel.MaxPool(Adjacency.rectangle(width=3, height=1)),
    )
    assert net.halo == ((0, 0), (1, 2))
    image = np.array([[5.0, 9.0, 1.0, 0.0, 0.0]])[..., None]
    np.testing.assert_array_equal(tiles.apply(net, image, size=1), net(image))


def same() -> spel.Network:
    return spel.chain(same=spel.Scale([1.0]))


# LAW


@settings(max_examples=40, deadline=None)
@given(networks(channels=2), st.integers(0, 99), st.integers(1, 50))
def test_tiled_equals_whole(network, seed, size):
    image = np.random.default_rng(seed).normal(size=(37, 41, 2)).astype(np.float32)
    np.testing.assert_array_equal(tiles.apply(network, image, size=size), network(image))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(RELATIONS[1:] + [Adjacency.from_displacements([(1, 2)])]),
            st.integers(1, 3),
            st.sampled_from(["inside", "valid"]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 40),
)
def test_off_centre_and_valid_windows_tile_too(layers, size):
    net = spel.chain(*[spel.MaxPool(a, stride=s, border=b) for a, s, b in layers])
    image = np.random.default_rng(0).normal(size=(67, 71, 1)).astype(np.float32)
    np.testing.assert_array_equal(tiles.apply(net, image, size=size), net(image))


def test_tiles_of_volumes():
    net = spel.chain(
        spel.MaxPool(Adjacency.ball(2), stride=2),
        spel.Convolution(
            spel.KernelBank.random(Adjacency.box(3, ndim=3), kernels=2, channels=1, seed=0)
        ),
    )
    image = np.random.default_rng(0).random((9, 14, 11, 1))
    np.testing.assert_array_equal(tiles.apply(net, image, size=4), net(image))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**31),
    st.tuples(st.integers(1, 24), st.integers(1, 24)),
    st.integers(1, 12),
    st.sampled_from(RELATIONS),
    st.sampled_from([0.4, 0.6, 0.8]),
)
def test_components_across_seams_are_those_of_the_whole(seed, shape, size, relation, level):
    # Few values, so that equal maxima must be told apart as the whole tells them.
    values = (np.random.default_rng(seed).integers(0, 6, shape) / 5).astype(np.float32)
    decision = Decision(threshold=level, adjacency=relation)
    whole = decide(values, decision)
    tiled = tiles.decide(same(), Tiling(values[..., None], size), decision)
    assert tiled.detections == whole.detections
    assert tiled.strongest == whole.strongest


@pytest.mark.parametrize("size", [37, 100, 1000])
def test_tiled_detection_is_the_whole_detection(size):
    image = street(3, cars=2, size=(240, 420)).image
    box = Adjacency.rectangle(width=11, height=3)
    net = with_decision(
        spel.chain(
            grey=spel.Color("grey"),
            edges=spel.Convolution(spel.KernelBank.sobel("col")),
            positive=spel.Activation("relu"),
            join=spel.MaxPool(box, stride=2),
        ),
        Decision(threshold=1.0, width=(10, 200)),
    )
    assert tiles.detect(net, image, size=size) == spel.detect(net, image)
    assert len(spel.detect(net, image)) > 1


# REFUSALS


def test_what_reads_the_whole_image_is_refused_by_name():
    net = spel.chain(best=spel.Decode("mb", (True,)))
    with pytest.raises(ShapeError, match="'best'"):
        tiles.detect(net, np.zeros((9, 9, 1)), decision=Decision(0.5))
    with pytest.raises(ShapeError, match="'best'"):
        list(tiles_of(net, (9, 9, 1)))
    with pytest.raises(ParameterError, match="size"):
        list(tiles_of(same(), (9, 9, 1), 0))
    with pytest.raises(ShapeError, match="out"):
        tiles.apply(same(), np.zeros((9, 9, 1)), out=np.zeros((1, 1, 1), np.float32))


# LARGE FILES


@pytest.mark.parametrize("kind", ["npy", "strips", "tiles", "deflate", "planes", "big-endian"])
def test_windows_of_a_file_are_those_of_the_array(tmp_path, kind):
    import tifffile

    image = np.random.default_rng(0).integers(0, 60000, (203, 157, 3)).astype(np.uint16)
    path = tmp_path / ("a.npy" if kind == "npy" else "a.tif")
    options = {
        "strips": {"rowsperstrip": 7},
        "tiles": {"tile": (32, 48)},
        "deflate": {"tile": (64, 32), "compression": "zlib", "predictor": True},
        "planes": {"planarconfig": "separate", "rowsperstrip": 10},
        "big-endian": {"byteorder": ">", "bigtiff": True},
    }
    if kind == "npy":
        np.save(path, image)
    elif kind == "planes":
        tifffile.imwrite(path, np.moveaxis(image, -1, 0), photometric="rgb", **options[kind])
    else:
        tifffile.imwrite(path, image, photometric="rgb", **options[kind])
    random = np.random.default_rng(1)
    with LargeImage(path) as large:
        assert large.shape == image.shape
        assert large.dtype == image.dtype
        for _ in range(30):
            (a, b), (c, d) = (np.sort(random.integers(0, n + 1, 2)) for n in image.shape[:2])
            np.testing.assert_array_equal(large[a:b, c:d], image[a:b, c:d])
        np.testing.assert_array_equal(tiles.apply(pooled(), large, size=50), pooled()(image))


def pooled() -> spel.Network:
    return spel.chain(spel.MaxPool(Adjacency.disk(3), stride=3))


def test_files_without_windows_are_refused(tmp_path):
    spel.write(tmp_path / "a.png", np.zeros((3, 3), np.uint8))
    with pytest.raises(spel.ImageReadError, match="windows"):
        LargeImage(tmp_path / "a.png")
    with pytest.raises(spel.ImageReadError, match="no such file"):
        LargeImage(tmp_path / "b.tif")
    np.save(tmp_path / "a.npy", np.zeros((3, 4), order="F"))
    with pytest.raises(spel.ImageReadError, match="C order"):
        LargeImage(tmp_path / "a.npy")
    spel.write(tmp_path / "a.tif", np.zeros((3, 3), np.uint8))
    with LargeImage(tmp_path / "a.tif") as large, pytest.raises(ParameterError, match="window"):
        large[::2, :]


def test_one_file_may_be_read_by_many_processes(tmp_path):
    import pickle

    spel.write(tmp_path / "a.tif", np.arange(12, dtype=np.uint8).reshape(3, 4))
    with LargeImage(tmp_path / "a.tif") as large:
        large[0:1, 0:1]
        again = pickle.loads(pickle.dumps(large))
    assert again[2:3, 3:4].item() == 11
    again.close()


@pytest.mark.parametrize(
    ("size", "relation"),
    [((13, 17), Adjacency.disk(3)), ((13, 17), Adjacency.from_displacements([(0, 0), (2, 1)])),
     ((13, 5, 6), Adjacency.ball(1)), ((13, 5, 6), Adjacency.ball(2.3))],
)  # fmt: skip
def test_seams_join_tiles_of_any_size(size, relation):
    mask = np.random.default_rng(3).random(size) > 0.5 + 0.3 * (len(size) - 2)
    seams = Seams(relation, size)
    cuts = [(0, 1, 2, 9, 13), *((0, 2, 3, n) for n in size[1:])]
    for place in product(*([slice(a, b) for a, b in pairwise(one)] for one in cuts)):
        values = mask[place].astype(np.float32)
        seams.add(place, components_of_tile(relation, size, place, values, 0.5))
    found, strongest = seams.regions()
    whole = ops.regions(ops.label(mask, relation), mask.astype(np.float32))
    np.testing.assert_array_equal(found.boxes, whole.boxes)
    np.testing.assert_array_equal(found.areas, whole.areas)
    assert mask.ravel()[strongest].all()


def test_padded_and_cropped_networks_run_in_tiles():
    image = np.random.default_rng(3).random((50, 61, 2)).astype(np.float32)
    net = spel.chain(
        spel.nn.Pad((3, 0), (1, 5), "symmetric"),
        spel.MaxPool(Adjacency.box(3), stride=2, border="reflect"),
        spel.nn.Crop((1, 2), (0, 1)),
        spel.MeanPool(Adjacency.disk(2), border="edge"),
    )
    assert np.array_equal(tiles.apply(net, image, size=16), net(image))


def test_a_border_that_wraps_around_cannot_run_in_tiles():
    net = spel.chain(wrapped=spel.MaxPool(Adjacency.box(3), border="wrap"))
    with pytest.raises(spel.ShapeError, match="'wrapped'"):
        tiles.apply(net, np.zeros((40, 40, 1)), size=16)
