"""What is no array of real numbers is refused in one clear line, by every door of the package."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

import spel
from spel import Adjacency, KernelBank, Markers, flim, nn, ops
from spel.core.numbers import as_numbers, as_unmasked
from spel.decide import decide, segment, segment_image
from spel.errors import SpelError

BOX = Adjacency.box(3)
BANK = KernelBank.random(BOX, kernels=2, channels=3, seed=0)
NETWORK = spel.chain(edges=spel.Convolution(BANK), positive=spel.Activation("relu"))
WINDOWS = spel.load("plates")
DIVISION = nn.DivisiveNormalize(BOX)
NUMBERS = np.arange(48, dtype=np.float32).reshape(4, 4, 3)
SEEDS = np.eye(4, dtype=int)
DRAWN = Markers.from_image(SEEDS)
BATCH = np.ones((2, 4, 4, 3))
STATISTICS = flim.Statistics(np.zeros(3), np.ones(3))

DOORS = {
    "KernelBank": lambda x: KernelBank(BOX, x),
    "KernelBank.distance": BANK.distance,
    "KernelBank.from_array": KernelBank.from_array,
    "Adjacency": Adjacency.from_displacements,
    "Adjacency.from_mask": Adjacency.from_mask,
    "Markers": Markers.from_image,
    "Scale": nn.Scale,
    "WeightedSum": nn.WeightedSum,
    "PReLU": nn.PReLU,
    "BatchNormalize": lambda x: nn.BatchNormalize(x, 1.0),
    "BatchNormalize.fitted": lambda x: nn.BatchNormalize().fitted(x),
    "BatchNormalize()()": lambda x: nn.BatchNormalize()(x),
    "GlobalPool": lambda x: nn.GlobalPool()(x),
    "network": NETWORK,
    "activations": NETWORK.activations,
    "trace": lambda x: NETWORK.trace(x, at=(0, 0)),
    "match_white": lambda x: nn.match_white(NETWORK, x),
    "adjoint of": lambda x: nn.adjoint(spel.Convolution(BANK), x, NUMBERS),
    "adjoint at": lambda x: nn.adjoint(spel.Activation("relu"), NUMBERS, x),
    "norms_of": lambda x: nn.norms_of(DIVISION, x),
    "undo_division": lambda x: nn.undo_division(DIVISION, x, NUMBERS),
    "undo_division by": lambda x: nn.undo_division(DIVISION, NUMBERS, x),
    "invert": lambda x: spel.invert(NETWORK, x, "positive", shape=(4, 4, 3)),
    "batch_normalize by": lambda x: ops.batch_normalize(BATCH, statistics=(x, 1.0)),
    "group_normalize by": lambda x: ops.group_normalize(NUMBERS, 3, gamma=x),
    "transposed_convolve with": lambda x: ops.transposed_convolve(NUMBERS[..., :2], BANK, bias=x),
    "residue of": lambda x: ops.residue(NUMBERS, x),
    "watershed from": lambda x: ops.watershed(NUMBERS, x),
    "dynamic_trees from": lambda x: ops.dynamic_trees(NUMBERS, x),
    "growcut from": lambda x: ops.growcut(NUMBERS, x),
    "regions of": lambda x: ops.regions(x, NUMBERS[..., 0]),
    "detect": lambda x: spel.detect(NETWORK, x),
    "detect in windows": lambda x: spel.detect(WINDOWS, x),
    "segment": lambda x: segment(NETWORK, x),
    "segment_image": lambda x: segment_image(NETWORK, x),
    "decide": decide,
    "robot_markers": lambda x: flim.robot_markers(x, seed=0),
    "statistics": lambda x: flim.statistics([x], [DRAWN]),
    "statistics at": lambda x: flim.statistics([NUMBERS], [x]),
    "samples": lambda x: flim.samples([x], [DRAWN], BOX, STATISTICS),
    "check_markers": lambda x: flim.check_markers([DRAWN], [x]),
    "check_markers of": lambda x: flim.check_markers([x]),
    "linear_decoder": lambda x: flim.linear_decoder([x], [DRAWN]),
    "feature_points": lambda x: flim.feature_points(spel.chain(nn.Unlearned(BOX, 2)), [x], [DRAWN]),
    "learn": lambda x: flim.learn(spel.chain(nn.Unlearned(BOX, 2)), [x], [DRAWN]),
    "io.write": lambda x: spel.io.write("never.png", x),
}

NO_IMAGES = {
    "complex": NUMBERS + 1j,
    "text": NUMBERS.astype(str),
    "objects": NUMBERS.astype(object),
    "dates": NUMBERS.astype("datetime64[s]"),
    "a date": [[datetime.date(2020, 1, 1)]],
    "a record": np.zeros((4, 4), dtype=[("red", "f4"), ("green", "f4")]),
    "masked": np.ma.masked_greater(NUMBERS, 40),
    "nothing": None,
    "a name": "photo.png",
    "a mapping": {"image": 1},
    "a type": int,
    "rows of different lengths": [[1], [2, 3]],
    "rows with a hole": [[None, 1], [2, 3]],
}


def test_of_plain_values():
    assert as_unmasked([[1, 2]]).tolist() == [[1, 2]]
    assert as_numbers([[True, False]]).dtype == bool


@pytest.mark.parametrize("door", DOORS)
def test_what_holds_no_real_numbers_is_refused_in_one_line(door):
    for kind, values in NO_IMAGES.items():
        with pytest.raises(SpelError) as error:
            DOORS[door](values)
        assert "\n" not in str(error.value), kind


@pytest.mark.parametrize("name", ["network", "activations", "detect", "segment"])
def test_a_masked_image_is_refused_by_name(name):
    with pytest.raises(SpelError, match="masked array"):
        DOORS[name](NO_IMAGES["masked"])


@pytest.mark.parametrize("image", [3.0, [], np.ones(3), np.ones((1,) * 6)])
def test_a_network_takes_images_of_two_or_more_axes(image):
    for network in (NETWORK, spel.chain(nn.Threshold("otsu")), spel.chain(nn.GroupNormalize(1))):
        with pytest.raises(SpelError, match=r"image of shape .* has \d ax"):
            network(image)
