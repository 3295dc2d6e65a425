"""Decoders ranked by validation, decoders that have collapsed, the picture of what was learned."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.flim import linear_decoder
from spel.flim.backprop import backprop_decoder
from spel.learning.decoders import channel_warnings, collapse_warnings, rank_decoders
from spel.learning.sheet import learning_sheet
from spel.nn import Decode

from .test_segmenter import PLACES, field, network, strokes


@pytest.fixture(scope="module")
def marked():
    images = [field(i, *place)[0] for i, place in enumerate(PLACES)]
    drawn = [strokes(*place) for place in PLACES]
    return spel.learn(network(), images, drawn), images, drawn


# -- LITERAL -------------------------------------------------------------------------------------


def test_collapse_is_told():
    assert collapse_warnings([np.zeros((3, 3, 1), np.float32)])
    assert "all kernels come from objects" in collapse_warnings([], Decode("lm", (True, True)))[0]
    assert channel_warnings([np.random.default_rng(0).random((9, 9, 2))]) == ()


# -- LAW -----------------------------------------------------------------------------------------


def test_decoders_are_ranked_and_can_be_used(marked):
    net, images, drawn = marked
    masks = [field(i, *place)[1] for i, place in enumerate(PLACES)]
    for truth in ((), masks):
        ranked = rank_decoders(net, images, drawn, masks=truth)
        assert len(ranked) == 2 * 8 + 1
        free = [choice.score for choice in ranked if not choice.warnings]
        assert free == sorted(free, reverse=True)
        assert ranked[0].score > 0.95
        assert ranked[0].network(images[0]).shape == (80, 90, 1)
    with pytest.raises(ParameterError, match="unknown"):
        rank_decoders(net, images, drawn, methods=["best"])


def test_backpropagation_fits_masks():
    image, truth = field(0, 30, 30)
    features = image.astype(np.float32) / 255
    layer = backprop_decoder([features], [truth], epochs=400)
    found = layer(features)[..., 0] > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.8


def test_the_report_shows_strokes_masks_and_kernels(marked):
    net, images, drawn = marked
    picture = learning_sheet(net, images, drawn, ["0", "1"])
    assert picture.ndim == 3
    assert picture.dtype == np.uint8


def test_the_report_says_which_images_it_shows(marked, monkeypatch):
    net, images, drawn = marked
    monkeypatch.setattr("spel.learning.sheet.sheet", lambda tiles, **words: words["subtitle"])
    names = [str(number) for number in range(10)]
    shown = learning_sheet(net, images[:1] * 10, drawn[:1] * 10, names)
    assert shown.startswith("10 marked images, the first 8 are shown,")
    assert learning_sheet(net, images[:1], drawn[:1], ["0"]).startswith("1 marked image, ")


def test_the_linear_decoder_ignores_dead_channels():
    image = np.zeros((4, 4, 3), np.float32)
    image[:2, :, 0] = 1
    image[..., 2] = 5
    drawn = Markers([(0, 0), (0, 1), (3, 0), (3, 1)], [1, 1, 0, 0], (4, 4))
    assert linear_decoder([image], [drawn]).weights[1:].tolist() == [0, 0]
