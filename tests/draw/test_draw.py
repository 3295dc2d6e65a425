"""Colors that state their scale, boxes around their spels, sheets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from spel import draw
from spel.core.detections import Detections
from spel.draw.font import drawable, shortened, width, wrapped
from spel.draw.shade import NAN_COLOR, table
from spel.errors import ParameterError, ShapeError

# LITERAL


def test_signed_values_have_white_at_zero_blue_below_and_orange_above():
    rgb = draw.shade([[-3.0, 0.0, 1.5, 3.0]]).rgb[0].astype(int)
    assert rgb[1].min() >= 250
    assert rgb[0, 2] > rgb[0, 0]
    assert rgb[2, 0] > rgb[2, 2]
    assert rgb[3].tolist() == table("signed")[-1].tolist()


def test_positive_values_start_with_black_at_zero():
    shaded = draw.shade([[0.0, 2.0, 4.0]])
    assert (shaded.kind, shaded.low, shaded.high) == ("positive", 0.0, 4.0)
    assert shaded.rgb[0, 0].max() <= 4
    assert shaded.rgb[0, 2].tolist() == table("positive")[-1].tolist()


def test_a_constant_and_an_empty_channel_are_drawn():
    assert (draw.shade(np.full((2, 2), 7.0), "grey").rgb == 0).all()
    assert draw.shade(np.zeros((0, 3))).rgb.shape == (0, 3, 3)


def test_what_is_not_finite_is_magenta_and_told():
    shaded = draw.shade([[np.nan, np.inf, 1.0]])
    assert shaded.missing == 2
    assert shaded.rgb[0, 0].tolist() == list(NAN_COLOR)
    assert "2 not finite" in shaded.scale


def test_clipping_is_told():
    values = np.arange(1000, dtype=float).reshape(10, 100)
    shaded = draw.shade(values, clip=0.01)
    assert shaded.high == pytest.approx(990, abs=1)
    assert 0 < shaded.beyond <= 0.01
    assert "beyond" in shaded.scale


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"channel": np.zeros(3)}, ShapeError),
        ({"channel": np.zeros((1, 1), complex)}, ParameterError),
        ({"channel": np.zeros((1, 1)), "kind": "rainbow"}, ParameterError),
        ({"channel": np.zeros((1, 1)), "clip": 0.9}, ParameterError),
    ],
)
def test_bad_channels_are_refused(given, error):
    with pytest.raises(error, match="expected"):
        draw.shade(**given)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.array([[7]], np.uint8), [7, 7, 7]),
        (np.array([[[7, 100]]], np.uint8), [7, 7, 7]),
        (np.array([[[1, 2, 3, 0]]], np.uint8), [1, 2, 3]),
        (np.array([[True]]), [255, 255, 255]),
        (np.array([[0x8000]], np.uint16), [128, 128, 128]),
        (np.array([[[0.5, 0.0, 1.0]]]), [128, 0, 255]),
        (np.zeros((3, 1, 1, 3), np.uint8), [0, 0, 0]),
    ],
)
def test_images_as_they_look(image, expected):
    assert draw.as_rgb(image)[0, 0].tolist() == expected


def test_boxes_lie_around_their_spels():
    found = Detections([[2, 2, 6, 5]], [0.5], [12], (30, 40))
    image = np.full((30, 40), 200, np.uint8)
    picture = draw.overlay(image, found, truth=[[20, 20, 24, 24]], labels=[""])
    assert (picture[2:5, 2:6] == 200).all()
    assert (picture[1, 1:7] == draw.DETECTION_COLOR).all()
    assert (picture[19, 19:25] == draw.TRUTH_COLOR).all()
    assert (image == 200).all()


def test_boxes_outside_the_picture_do_not_fail():
    picture = draw.mark(np.zeros((5, 5), np.uint8), [[-9, -9, 99, 99], [3, 3, 3, 3]], labels=["a"])
    assert picture.shape == (5, 5, 3)


def test_a_sheet_has_its_tiles_side_by_side():
    tiles = [draw.Tile(np.full((4, 4), k, np.uint8), f"tile {k}") for k in (10, 20, 30)]
    page = draw.sheet(tiles, columns=2, tile_width=40, title="t", subtitle="s", footer="f")
    assert page.shape[1] == 2 * 22 + 2 * 40 + 18
    assert {10, 20, 30} <= set(np.unique(page).tolist())


def test_an_empty_sheet_is_a_page():
    assert draw.sheet([]).shape[-1] == 3
    assert draw.sheet([draw.Tile(np.zeros((0, 0)), "none")]).shape[-1] == 3


def test_text_is_cut_and_broken():
    assert shortened("abcdef", 14, width("abc…", 14)) == "abc…"
    assert wrapped("one two", 14, width("one", 14)) == ["one", "two"]
    assert drawable("a\x1b[0m") == "a?[0m"


# LAW


@given(arrays(np.float64, (3, 4), elements=st.floats(-1e300, 1e300)))
def test_shading_keeps_the_order_of_values(values):
    shaded = draw.shade(values, "grey")
    order = np.argsort(values, axis=None, kind="stable")
    assert (np.diff(shaded.rgb[..., 0].ravel()[order].astype(int)) >= 0).all()
    assert shaded.low == values.min()
    assert shaded.high == values.max()


@given(arrays(np.float64, (2, 5), elements=st.floats(-1e9, 1e9)))
def test_the_opposite_image_has_the_opposite_colors(values):
    here, there = draw.shade(values, "signed"), draw.shade(-values, "signed")
    assert here.high == there.high
    colors = table("signed").astype(int)
    places = [np.abs(colors - c).sum(axis=1).argmin() for c in here.rgb.reshape(-1, 3).astype(int)]
    mirrored = [
        np.abs(colors - c).sum(axis=1).argmin() for c in there.rgb.reshape(-1, 3).astype(int)
    ]
    assert np.abs(np.add(places, mirrored) - 254).max() <= 1
