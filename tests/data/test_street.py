"""The rendered street: exact truth, the same bits for a seed, clear refusals."""

from __future__ import annotations

import numpy as np
import pytest

from spel.data import PLATE_ASPECT, street
from spel.data.canvas import Canvas, box_cover, polygon_cover
from spel.data.font import GLYPHS
from spel.errors import ParameterError


def test_a_box_covers_exactly_its_spels() -> None:
    canvas = Canvas((4, 6))
    cover = box_cover(canvas.cols, canvas.rows, (3, 2), (2, 1))
    assert cover.tolist() == [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 0],
    ]


def test_a_polygon_covers_what_the_same_box_covers() -> None:
    canvas = Canvas((4, 6))
    corners = [(1.0, 1.0), (5.0, 1.0), (5.0, 3.0), (1.0, 3.0)]
    boxed = box_cover(canvas.cols, canvas.rows, (3, 2), (2, 1))
    np.testing.assert_array_equal(polygon_cover(canvas.cols, canvas.rows, corners), boxed)


def test_the_font_has_all_letters_and_digits_and_no_two_are_alike() -> None:
    assert len(GLYPHS) == 36
    assert len({cells.tobytes() for cells in GLYPHS.values()}) == 36


def test_same_seed_same_bits_and_other_seed_other_picture() -> None:
    first, again, other = street(4), street(4), street(5)
    np.testing.assert_array_equal(first.image, again.image)
    assert first.texts == again.texts
    assert (first.image != other.image).any()


@pytest.mark.parametrize("cars", [0, 1, 2, 3])
def test_one_box_per_car_inside_the_picture(cars: int) -> None:
    scene = street(1, cars=cars)
    assert scene.boxes.shape == (cars, 4)
    assert scene.masks.shape == (cars, 360, 540)
    assert (scene.boxes[:, :2] >= 0).all()
    assert (scene.boxes[:, 2] <= 540).all()
    assert (scene.boxes[:, 3] <= 360).all()


def test_the_box_is_tight_around_the_mask_and_has_the_asked_width() -> None:
    scene = street(2, plate_width=93)
    x0, y0, x1, y1 = scene.boxes[0].astype(int)
    mask = scene.masks[0]
    assert mask[y0:y1, x0:x1].sum() == mask.sum()
    assert mask[y0].any()
    assert mask[y1 - 1].any()
    assert mask[:, x0].any()
    assert mask[:, x1 - 1].any()
    assert abs((x1 - x0) - 93) <= 1
    assert abs((y1 - y0) - 93 / PLATE_ASPECT) <= 1


def test_tilt_makes_the_box_higher_and_light_changes_no_truth() -> None:
    straight, turned = street(6), street(6, tilt=10)
    height = straight.boxes[0, 3] - straight.boxes[0, 1]
    assert turned.boxes[0, 3] - turned.boxes[0, 1] > 1.3 * height
    night = street(6, light=0.25)
    np.testing.assert_array_equal(night.boxes, straight.boxes)
    assert night.image.mean() < 0.4 * straight.image.mean()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("size", (50, 50)),
        ("cars", 4),
        ("cars", -1),
        ("plate_width", 5),
        ("tilt", 45),
        ("light", 0),
        ("noise", -1),
        ("blur", 1.5),
    ],
)
def test_options_outside_their_range_are_named(option: str, value: object) -> None:
    with pytest.raises(ParameterError, match=option):
        street(0, **{option: value})  # type: ignore[arg-type]
