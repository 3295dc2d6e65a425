"""Parts of a mask and several objects of one image: by hand, by laws, on rendered cells."""

from __future__ import annotations

import numpy as np
import pytest

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.data import cells
from spel.decide import Delineation, ObjectModel, learn_object_model, parts, segment_image
from spel.decide.parts import Merge, Parts
from spel.decide.segmentation import Segmentation
from spel.errors import ParameterError, ShapeError
from spel.nn import Scale, chain
from spel.ops import label


def disks(*centres: tuple[int, ...], size: tuple[int, ...], radius: float) -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1)
    near = [((grid - centre) ** 2).sum(-1) <= radius**2 for centre in centres]
    return np.any(near, axis=0)


# -- LITERAL -------------------------------------------------------------------------------------


def test_the_neck_is_the_pass_over_the_lower_peak():
    mask = np.ones((1, 7), bool)
    found = parts(mask, np.array([[1.0, 4.0, 2.0, 8.0, 6.0, 9.0, 1.0]]))
    assert found.labels.tolist() == [[1, 1, 1, 2, 2, 3, 3]]
    assert [(m.first, m.second, m.whole, m.neck) for m in found.merges] == [
        (2, 3, 4, 0.75),
        (1, 4, 5, 0.5),
    ]
    assert found.members() == [(1,), (2,), (3,), (2, 3), (1, 2, 3)]
    assert found.necks() == [0.5, 0.75, 0.75, 0.5, 0.0]
    assert found.cut(0.4).max() == 1
    assert found.cut(0.6).tolist() == [[1, 1, 1, 2, 2, 2, 2]]
    assert found.cut(1.0).max() == 3


@pytest.mark.parametrize("axes", [2, 3])
def test_two_balls_that_touch_come_apart(axes):
    size = (24,) * (axes - 1) + (40,)
    centres = [(12,) * (axes - 1) + (col,) for col in (12, 25)]
    found = parts(disks(*centres, size=size, radius=7)).cut(0.8)
    assert found.max() == 2
    assert found[centres[0]] != found[centres[1]]
    assert found[..., :18].max() == 1 or found[..., :18][found[..., :18] > 0].min() == 2


def test_the_mask_of_several_objects_is_that_of_its_instances():
    centres = [(14, 14), (14, 27), (27, 27)]  # an L of three disks: its hull covers the gap
    disk = disks(*centres, size=(42, 42), radius=7)
    model = ObjectModel(area=150, area_spread=0.2, multiple=True)
    how = Segmentation(objects=model, delineation=Delineation(convex=True))
    network = chain(same=Scale([1.0]))
    found = segment_image(network, disk.astype(np.float32), how)
    assert len(found.instances) == 3
    assert found.mask.tolist() == (found.instances.labels > 0).tolist()
    assert not found.mask[23:26, 15:18].any()


def ring_of_disks() -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Twelve disks of radius 7 that touch, in a ring around the background."""
    angles = np.arange(12) * np.pi / 6
    centres = [(int(40 + 25 * np.sin(a)), int(40 + 25 * np.cos(a))) for a in angles]
    return disks(*centres, size=(80, 80), radius=7), centres


def test_what_a_ring_of_objects_surrounds_belongs_to_none_of_them():
    mask, centres = ring_of_disks()
    model = ObjectModel(area=150, area_spread=0.2, multiple=True)
    found = model.mask(mask.astype(float))
    assert all(found[centre] for centre in centres)
    assert not found[35:46, 35:46].any()


def test_a_stroke_marks_one_object_of_a_group():
    mask, centres = ring_of_disks()
    drawn = np.full(mask.shape, -1)
    for row, col in centres[:4]:
        drawn[row, col - 2 : col + 3] = 1
    drawn[2] = 0
    model, evidence = learn_object_model(
        [mask.astype(float)], [Markers.from_image(drawn)], ObjectModel(area=1, multiple=True)
    )
    assert len(evidence.areas) == 4
    assert 120 < model.area < 180  # a disk has 149 spels, the group 1,600


def test_an_empty_mask_has_no_parts():
    found = parts(np.zeros((3, 4), bool))
    assert found.count == 0
    assert found.merges == ()
    assert not found.cut(0.5).any()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="expected the same spels"):
        parts(np.ones((3, 4), bool), np.ones((4, 3)))
    with pytest.raises(ShapeError):
        parts(np.ones((3, 4), bool), adjacency=Adjacency.box(3, ndim=3))
    with pytest.raises(ParameterError, match="1 to 4 kinds"):
        cells(kinds=9)


def test_wide_necks_separate_but_tilted_bars_stay_whole():
    """The neck of the disks is .87 of their width; distances along the bar vary by .4 spels."""
    row, col = np.indices((61, 81)) - 30
    along, across = col * np.cos(0.9) + row * np.sin(0.9), col * np.sin(0.9) - row * np.cos(0.9)
    bar = (abs(along) < 18) & (abs(across) < 4.5)
    pair = disks((30, 30), (30, 45), size=(61, 81), radius=15)
    network = chain(same=Scale([1.0]))
    for mask, count in ((pair, 2), (bar, 1)):
        found = segment_image(network, mask[..., None] * 1.0, Segmentation(threshold=0.5))
        assert found.instances.labels.max() == count
    plain = parts(bar)
    assert plain.cut(0.98).max() > 1
    assert parts(bar, rounding=0.4).cut(0.98).max() == 1


# -- LAW -----------------------------------------------------------------------------------------


def test_parts_cover_the_mask_and_merge_into_its_components():
    mask = cells(4, count=40, touching=0.8).labels > 0
    found = parts(mask)
    assert np.array_equal(found.labels > 0, mask)
    assert np.array_equal(found.cut(0.0), label(mask))
    counts = [int(found.cut(neck).max()) for neck in (0.2, 0.5, 0.7, 0.8, 0.9, 1.0)]
    assert counts == sorted(counts)


def test_cells_of_a_scene_are_counted():
    scene = cells(1, count=60, touching=0.9)
    assert abs(int(parts(scene.labels > 0).cut(0.8).max()) - 60) <= 4
    volume = cells(1, size=(24, 64, 64), count=20, radius=7)
    assert abs(int(parts(volume.labels > 0).cut(0.8).max()) - 20) <= 2


# -- several objects in one image ------------------------------------------------------------------


def test_each_stroke_marks_an_object_and_touching_ones_are_separated():
    mask = disks((20, 20), (20, 33), (60, 60), (60, 25), size=(80, 80), radius=7)
    drawn = Markers(
        [(20, 20), (20, 21), (20, 33), (60, 60), (60, 61), (40, 5)], [1, 1, 1, 1, 1, 0], (80, 80)
    )
    model, evidence = learn_object_model([0.9 * mask], [drawn], ObjectModel(area=9, multiple=True))
    assert 130 <= model.area <= 160  # a disk of radius 7 has 149 spels
    assert len(evidence.areas) == len(evidence.objects) == 3
    chosen = [component for _, component in model.select(0.9 * mask)]
    assert len(chosen) == 4  # the fourth has no stroke
    points = [(20, 20), (20, 33), (60, 60), (60, 25)]
    held = [[one.coverage(np.array([p])) for one in chosen] for p in points]
    assert np.sum(held, axis=0).tolist() == np.sum(held, axis=1).tolist() == [1, 1, 1, 1]


def test_the_best_cut_is_that_of_all_cuts():
    """A chain of three: 1 and 2 make 4, which makes 5 with 3."""
    three = Parts(np.array([[1, 2, 3]], np.int32), 3, (Merge(1, 2, 4, 0.8), Merge(4, 3, 5, 0.4)))
    for values, best in (
        ([1, 1, 1, 5, 5], [3, 4]),
        ([1, 1, 1, 2, 3], [5]),
        ([2, 2, -9, 3, -6], [1, 2, 3]),
        ([2, 2, -9, 3, -5], [5]),
    ):
        assert three.best_cut(values) == best
    assert three.merged([3, 4]).tolist() == [[1, 1, 2]]
    assert three.merged([5]).tolist() == [[1, 1, 1]]


CENTRES = [(20, 20), (20, 38), (36, 29)]


def test_a_component_is_divided_into_objects_of_the_size():
    every = disks(*CENTRES, size=(60, 80), radius=10).astype(float)
    found = ObjectModel(area=314, multiple=True, levels=(0.5,)).select(every)
    assert len(found) == 3
    for centre in CENTRES:
        disk = disks(centre, size=(60, 80), radius=10)
        best = max(((m := one.full_mask()) & disk).sum() / (m | disk).sum() for _, one in found)
        assert best > 0.9
    assert len(ObjectModel(area=942, multiple=True, levels=(0.5,)).select(every)) == 1


def test_a_pale_middle_is_no_gap_between_objects():
    disk = disks((30, 30), size=(60, 60), radius=10)
    ring = disk & ~disks((30, 30), size=(60, 60), radius=5)
    ((_, one),) = ObjectModel(area=314, multiple=True, levels=(0.5,)).select(ring.astype(float))
    assert np.array_equal(one.full_mask(), disk)
