"""Delineation over images larger than memory: the bits of the whole, for any tiles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import spel
from spel.decide.delineate import Delineation
from spel.decide.segmentation import ObjectClass, Segmentation
from spel.errors import ParameterError
from spel.large import delineated, windows
from spel.large.delineated import delineated_classes, delineated_mask
from spel.large.tiling import Lazy, Tiling
from spel.large.view import View

DEPTHS = (np.uint8, np.uint16, np.float32)


def scene(seed: int, channels: int) -> tuple[np.ndarray, np.ndarray, tuple[float, ...] | None]:
    """Smooth values of some classes, and a picture of few or many greys; some are volumes."""
    random = np.random.default_rng(seed)
    size = tuple(random.integers(30, 80, 2)) if seed % 3 else tuple(random.integers(9, 22, 3))
    noise = random.normal(size=(channels, *size))
    smooth = np.stack([gaussian_filter(one, 2.5) for one in noise], -1).astype(np.float32)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    levels = (3, 256, 60000)[seed % 3]
    picture = (random.random((*size, 1 + seed % 2)) * levels).astype(DEPTHS[seed // 2 % 3])
    return smooth, picture, (2.0, *[1.0] * (len(size) - 1)) if seed % 5 == 0 else None


def line_of(seed: int) -> Delineation:
    method = ("watershed", "growcut")[seed % 2]
    return Delineation(method, inner=(1, 2, 3.5)[seed % 3], outer=(4, 2, 1)[seed // 2 % 3])


def as_is(values: np.ndarray) -> spel.Network:
    """A network that gives the values themselves."""
    border = (0,) * (values.ndim - 1)
    return spel.chain(output=spel.Crop(border, border))


# ----------------------------------------------------------------------------------------- LAW


@pytest.mark.parametrize("seed", range(24))
def test_delineated_classes_tile_by_tile_are_those_of_the_whole(seed):
    smooth, picture, spacing = scene(seed, 4)
    classes = tuple(ObjectClass(k, background=k == 0) for k in range(4))
    how = Segmentation(classes=classes, delineation=line_of(seed), undecided=0.5)
    rough = how.labels(smooth)
    whole = how.delineation.refine_regions(picture, rough + 1, spacing) - 1
    assert not np.array_equal(whole, rough)
    tiling = Tiling(smooth, 5 + seed % 13)
    labels = delineated_classes(View(as_is(smooth), tiling, picture, how, spacing))
    assert np.array_equal(labels[:][..., 0], whole)


@pytest.mark.parametrize("seed", range(24))
def test_objects_larger_than_a_window_grow_to_those_of_the_whole(seed, monkeypatch):
    monkeypatch.setattr(delineated, "LARGEST", 400 if seed % 4 else 1)  # some, or all
    smooth, picture, spacing = scene(seed, 1)
    share = (0.5, 0.7, 0.3)[seed % 3]
    level = float(np.quantile(smooth, share))
    how = Segmentation(threshold=level, delineation=line_of(seed))
    whole = how.mask(smooth, picture, spacing)
    tiling = Tiling(smooth, 5 + seed % 13)
    mask = delineated_mask(View(as_is(smooth), tiling, picture, how, spacing))
    assert np.array_equal(mask[:][..., 0], whole)
    assert not np.array_equal(whole, smooth[..., 0] > level)


def test_a_path_goes_through_all_tiles():
    """A corridor of low ground winds through the image; its walls are high, and no seed is near."""
    ground = np.full((60, 60, 1), 200, np.uint8)
    ground[2::4, 2:-2] = 10
    ground[2:-2:8, -4:], ground[6:-2:8, :4] = 200, 200
    for row in range(2, 56, 4):
        ground[row : row + 5, (-3 if row // 4 % 2 else 2)] = 10
    classes = (ObjectClass(0, background=True), ObjectClass(1), ObjectClass(2))
    how = Segmentation(classes=classes, delineation=Delineation(inner=3))
    rough = np.random.default_rng(0).integers(0, 3, (60, 60))
    rough[:8, :8], rough[-9:, -9:] = 1, 2
    values = np.eye(3, dtype=np.float32)[rough]
    whole = how.delineation.refine_regions(ground, rough.astype(np.int32) + 1) - 1
    assert set(np.unique(whole)) == {1, 2}  # the others are nowhere deep
    labels = delineated_classes(View(as_is(values), Tiling(values, 7), ground, how))
    assert np.array_equal(labels[:][..., 0], whole)


def test_classes_that_are_nowhere_deep_stay_as_they_are():
    rough = np.indices((20, 20)).sum(axis=0) % 2
    values = np.eye(2, dtype=np.float32)[rough]
    how = Segmentation(classes=(ObjectClass(0), ObjectClass(1)), delineation=Delineation())
    labels = delineated_classes(View(as_is(values), Tiling(values, 8), values, how))
    assert np.array_equal(labels[:][..., 0], rough)
    assert np.array_equal(how.delineation.refine_regions(values, rough), rough)


def test_what_no_path_reaches_keeps_its_class():
    """NaN is a wall, and what lies behind it belongs to no seed."""
    rough = np.zeros((30, 30), int)
    rough[:, 15:] = 1
    picture = np.random.default_rng(0).random((30, 30, 1)).astype(np.float32)
    picture[10:20, 12:18] = np.nan
    values = np.eye(2, dtype=np.float32)[rough]
    how = Segmentation(classes=(ObjectClass(0), ObjectClass(1)), delineation=Delineation(inner=6))
    whole = how.delineation.refine_regions(picture, rough)
    assert np.array_equal(whole[11:19, 13:17], rough[11:19, 13:17])
    labels = delineated_classes(View(as_is(values), Tiling(values, 9), picture, how))
    assert np.array_equal(labels[:][..., 0], whole)


def test_items_are_made_when_they_are_asked_for():
    asked = []
    items = Lazy(lambda index: asked.append(index) or index, 5)
    assert (len(items), asked) == (5, [])
    assert (items[3], list(items), asked) == (3, [0, 1, 2, 3, 4], [3, 0, 1, 2, 3, 4])
    with pytest.raises(IndexError):
        items[5]


# ------------------------------------------------------------------------------------- REFUSED


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"method": "trees"}, "by Dynamic Trees"),
        ({"convex": True}, "with its convex hull"),
        ({"average": True, "convex": True}, "with its convex hull and with an averaged border"),
    ],
)
def test_what_must_see_an_object_whole_is_refused_with_its_place(options, reason, monkeypatch):
    monkeypatch.setattr(windows, "LARGEST", 900)
    values = np.zeros((60, 70, 1), np.float32)
    values[3:6, 3:6] = values[20:50, 30:61] = 1
    how = Segmentation(threshold=0.5, delineation=Delineation(**options, outer=3))
    with pytest.raises(ParameterError, match=f"in rows 20 to 50, columns 30 to 61 .*{reason}"):
        delineated_mask(View(as_is(values), Tiling(values, 32), values, how))
