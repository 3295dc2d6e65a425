"""Learning rigid objects from boxes: other streets, files, scales, several and no objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.data import Scene, street
from spel.decide import decision_of
from spel.errors import FormatError, ParameterError, ShapeError
from spel.metrics.detection import iou
from spel.rigid import RigidConfig, Windows, learn_detector
from spel.rigid.detect import best_windows
from spel.rigid.mining import Truth
from spel.rigid.photos import UnitImages
from spel.rigid.score import Scanner
from spel.rigid.views import ScoredWindows, View, apply_deltas

QUICK = RigidConfig(orientations=4, crops=120, rounds=1, hard_negatives=400)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [street(seed, size=(240, 352)) for seed in range(100, 104)]


@pytest.fixture(scope="module")
def network(scenes: list[Scene]) -> spel.Network:
    return learn_detector([s.image for s in scenes], [s.boxes for s in scenes], QUICK)


def test_plates_of_other_streets_are_boxed_closely(network: spel.Network) -> None:
    for seed in range(3):
        scene = street(seed, size=(240, 352))
        found = spel.detect(network, scene.image, threshold=0.02)
        assert iou(found.boxes[:1], scene.boxes).max() > 0.7


def test_all_plates_of_a_street_are_found_and_none_twice(network: spel.Network) -> None:
    scene = street(2, cars=2, size=(240, 352), plate_width=52)
    found = spel.detect(network, scene.image, threshold=0.02)
    overlap = iou(found.boxes[:2], scene.boxes)
    assert (overlap.max(axis=0) > 0.6).all()
    assert (overlap.argmax(axis=1)[:2] == [0, 1]).all() or (overlap.argmax(axis=1) == [1, 0]).all()


def test_a_larger_picture_has_larger_boxes(network: spel.Network, scenes: list[Scene]) -> None:
    small = scenes[0]
    big = np.kron(small.image, np.ones((2, 2, 1), dtype=np.uint8))
    found = spel.detect(network, big, threshold=0.02, min_scale=0.2)
    assert iou(found.boxes[:1], 2 * small.boxes).item() > 0.7


def test_the_file_keeps_everything(
    network: spel.Network, scenes: list[Scene], tmp_path: Path
) -> None:
    network.save(tmp_path / "plates.safetensors")
    again = spel.load(tmp_path / "plates.safetensors")
    assert spel.detect(again, scenes[1].image) == spel.detect(network, scenes[1].image)
    assert isinstance(decision_of(again), Windows)
    assert again["score"].bank.provenance[0].image in "0123"


def test_the_score_is_the_kernels_answer_and_why_tells_it(
    network: spel.Network, scenes: list[Scene]
) -> None:
    (why, *_) = (found := spel.detect(network, scenes[0].image, threshold=0.02, why=True)).why
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-why.saliency)))
    assert why.kernels == (("score", 0, why.saliency),)
    assert why.margin == pytest.approx(why.saliency - np.log(0.02 / 0.98))
    x0, y0, x1, y1 = found.boxes[0]
    inside = [x0 - 9 <= col < x1 + 9 and y0 - 9 <= row < y1 + 9 for row, col in why.spels]
    assert sum(inside) == len(inside) > 0


def test_what_lies_in_a_crowd_is_no_background() -> None:
    boxes = np.array([[10.0, 10, 30, 20], [60, 10, 80, 20], [58, 8, 82, 22], [50, 12, 62, 18]])
    truth = Truth(objects=boxes[:1], crowds=np.array([[50.0, 0, 100, 40]]))
    assert truth.is_background(boxes).tolist() == [False, False, False, False]
    away = np.array([[40.0, 10, 54, 20], [110, 10, 130, 20], [40, 0, 120, 100]])
    assert truth.is_background(away).tolist() == [True, True, True]


def test_crowds_are_neither_learned_nor_counted_as_false_alarms(scenes: list[Scene]) -> None:
    images = [s.image for s in scenes]
    crowd = [np.zeros(len(s.boxes), bool) for s in scenes]
    crowd[0][:] = True
    network = learn_detector(images, [s.boxes for s in scenes], QUICK, crowd=crowd)
    alone = learn_detector(images, [scenes[0].boxes[:0], *(s.boxes for s in scenes[1:])], QUICK)
    assert {p.image for p in network["score"].bank.provenance} <= set("123")
    found = [spel.detect(one, images[0], threshold=0.01).scores.max() for one in (network, alone)]
    assert found[0] > found[1]  # the plate of the first photo was background to the other one
    with pytest.raises(ShapeError, match="3 marks of crowds in 1 photos for 1 boxes"):
        learn_detector(images[:1], [scenes[0].boxes[:1]], QUICK, crowd=[[True, False, False]])
    with pytest.raises(ParameterError, match="no object"):
        learn_detector(images[:1], [scenes[0].boxes], QUICK, crowd=crowd[:1])


def test_learning_again_gives_the_same_network(network: spel.Network, scenes: list[Scene]) -> None:
    again = learn_detector([s.image for s in scenes], [s.boxes for s in scenes], QUICK)
    assert again.fingerprint() == network.fingerprint()
    assert again.meta == network.meta


def test_photos_of_any_range_are_the_same_photos(scenes: list[Scene]) -> None:
    image = scenes[0].image
    forms = [image, image.astype(np.uint16) * 257, image / np.float32(255), image.astype(float)]
    assert all(np.array_equal(one, image) for one in UnitImages(forms))
    deep = np.rint(image * (4095 / 255)).astype(np.uint16)
    assert np.abs(UnitImages([deep], white=4095)[0] - image).max() < 0.04


def test_photos_of_16_bits_give_the_same_network(scenes: list[Scene]) -> None:
    small = replace(QUICK, crops=40, hard_negatives=50)
    images, boxes = [s.image for s in scenes[:2]], [s.boxes for s in scenes[:2]]
    deep = [image.astype(np.uint16) * 257 for image in images]
    one, other = (learn_detector(each, boxes, small) for each in (images, deep))
    assert one.fingerprint() == other.fingerprint()


def test_objects_of_two_aspects_get_two_kernels(scenes: list[Scene]) -> None:
    tall = [np.rot90(s.image).copy() for s in scenes[:1]]
    cols = scenes[0].image.shape[1]
    x0, y0, x1, y1 = scenes[0].boxes[0]
    turned = np.array([[y0, cols - x1, y1, cols - x0]])
    quick = RigidConfig(orientations=4, min_crops=2, crops=4, rounds=0, hard_negatives=10)
    both = learn_detector([scenes[1].image, *tall], [scenes[1].boxes, turned], quick)
    sizes = decision_of(both).sizes  # type: ignore[union-attr]
    assert len(sizes) == 2
    assert sorted(w > h for w, h in sizes) == [False, True]


def test_candidates_stand_where_their_patches_are(network: spel.Network) -> None:
    scanner = Scanner(network, decision_of(network))  # type: ignore[arg-type]
    seen = scanner.views(scanner.pyramid(street(3, size=(240, 352)).image))
    found = scanner.score_views(seen, min_log_odds=-np.inf, max_windows=50)
    bank = scanner.score.bank
    patches = found.patches(bank.adjacency)
    answers = patches @ bank.weights.reshape(len(bank), -1).T + bank.bias
    mine = answers[np.arange(len(patches)), found.kernels]
    np.testing.assert_allclose(mine, found.log_odds, rtol=1e-3, atol=1e-4)


def test_images_without_a_spel_or_too_small_have_no_detection(network: spel.Network) -> None:
    for shape in [(0, 0, 3), (1, 1, 3), (5, 300, 3)]:
        found = spel.detect(network, np.zeros(shape, dtype=np.uint8))
        assert (len(found), found.image_size) == (0, shape[:2])


def test_a_grey_image_may_have_two_axes(network: spel.Network, scenes: list[Scene]) -> None:
    grey = scenes[0].image[..., 1]
    assert spel.detect(network, grey) == spel.detect(network, grey[..., None])


def test_moved_boxes_by_hand() -> None:
    box = np.array([[0.0, 0.0, 4.0, 2.0]])
    assert apply_deltas(box, [[0.25, -0.5, 0, 0]]).tolist() == [[1.0, -1.0, 5.0, 1.0]]
    assert apply_deltas(box, [[0, 0, np.log(1.5), 0]]).round(6).tolist() == [[-1.0, 0.0, 5.0, 2.0]]


def test_what_cannot_be_learned_or_scanned_is_refused(network: spel.Network) -> None:
    image = np.zeros((9, 9), dtype=np.uint8)
    with pytest.raises(ShapeError, match="lists of boxes"):
        learn_detector([image], [])
    with pytest.raises(ParameterError, match="no object"):
        learn_detector([image], [np.zeros((0, 4))])
    with pytest.raises(ParameterError, match="empty"):
        learn_detector([image], [[[3, 3, 3, 5]]])
    with pytest.raises(ShapeError, match="Convolution"):
        spel.detect(spel.chain(spel.Color("grey")), image, decision=Windows(((8, 8),)))
    with pytest.raises(ShapeError, match="one size per kernel"):
        spel.detect(network, image, sizes=((8, 8), (9, 9)))
    with pytest.raises(ParameterError, match="by Windows"):
        spel.detect(network, image, select="widest")
    with pytest.raises(FormatError, match="Windows"):
        Windows.from_dict({"sizes": [[1, 2, 3]]})
    for options in (
        {"threshold": 2},
        {"max_detections": 0},
        {"sizes": ()},
        {"sizes": ((0, 1),)},
        {"rotations": (90,)},
        {"max_proposals": 0},
    ):
        with pytest.raises(ParameterError, match="Windows"):
            Windows(**{"sizes": ((8, 8),), **options})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def twice(scenes: list[Scene]) -> spel.Network:
    """A detector that looks twice, though it was learned from few."""
    recipe = replace(QUICK, min_objects_for_proposals=1)
    return learn_detector([s.image for s in scenes], [s.boxes for s in scenes], recipe)


def test_a_first_look_proposes_and_the_second_decides(twice: spel.Network) -> None:
    windows = decision_of(twice)
    assert isinstance(windows, Windows)
    assert windows.proposals is not None
    assert windows.proposals.sizes[0][0] < windows.sizes[0][0]
    assert Windows.from_dict(windows.to_dict()) == windows
    for seed in range(3):
        scene = street(seed, size=(240, 352))
        (why, *_) = (found := spel.detect(twice, scene.image, threshold=0.01, why=True)).why
        assert iou(found.boxes[:1], scene.boxes).max() > 0.6
        assert why.kernels[0][0] == "score"
        x0, y0, x1, y1 = found.boxes[0]
        inside = [x0 - 12 <= col < x1 + 12 and y0 - 12 <= row < y1 + 12 for row, col in why.spels]
        assert all(inside)


def test_windows_held_to_a_place_answer_as_in_a_scan(network: spel.Network) -> None:
    scanner = Scanner(network, decision_of(network))  # type: ignore[arg-type]
    scene = street(3, size=(240, 352))
    pyramid = scanner.pyramid(scene.image)
    held = scanner.score_at(pyramid, scene.boxes)
    bank = scanner.score.bank
    answers = held.patches(bank.adjacency) @ bank.weights.reshape(len(bank), -1).T + bank.bias
    np.testing.assert_allclose(answers[0, held.kernels[0]], held.log_odds[0], rtol=1e-3, atol=1e-4)
    assert iou(held.boxes, scene.boxes).item() > 0.6
    # Whatever is known of a place is added to what the kernels say.
    known = scanner.score_at(pyramid, scene.boxes, prior=np.array([3.0]))
    np.testing.assert_allclose(known.log_odds, held.log_odds + 3)
    assert len(scanner.score_at(pyramid, np.zeros((0, 4)))) == 0


def test_a_turned_plate_gets_the_upright_box_that_holds_it(network: spel.Network) -> None:
    scene = street(1, size=(240, 352))
    pyramid = Scanner(network, decision_of(network)).pyramid(scene.image)  # type: ignore[arg-type]
    x0, y0, x1, y1 = scene.boxes[0]
    centre = ((y0 + y1) / 2, (x0 + x1) / 2)
    for degrees in (-8.0, 8.0):
        # The crop's content is turned by so much: seen upright in it, turned in the image.
        part = View((1.0, 1.0), np.zeros((1, 1, 1)), centre, (50.0, 50.0), degrees)
        crop = pyramid.crop(centre, (1, 1), (100, 100), degrees=degrees)
        for x, y in [(40.5, 45.5), (62.5, 52.5)]:
            col, row = part.points(np.array([[x, y]]))[0]
            assert crop[int(y), int(x)] == pytest.approx(
                pyramid.crop((row, col), (1, 1), (1, 1))[0, 0], abs=0.1
            )
        (box,) = part.boxes(np.array([[40.0, 48.0, 60.0, 52.0]]))
        wide, high = box[2] - box[0], box[3] - box[1]
        c, s = np.cos(np.deg2rad(8)), np.sin(np.deg2rad(8))
        assert (wide, high) == pytest.approx((20 * c + 4 * s, 20 * s + 4 * c))


def test_turns_find_a_turned_plate(scenes: list[Scene], network: spel.Network) -> None:
    from PIL import Image

    better = []
    for seed in range(6):
        scene = street(seed, size=(240, 352))
        shown = np.asarray(Image.fromarray(scene.image).rotate(-8, Image.Resampling.BILINEAR))
        scores = []
        for rotations in ((), (-8.0, -4.0, 4.0, 8.0)):
            best = {"threshold": 0, "max_detections": 1, "rotations": rotations}
            scores.append(spel.detect(network, shown, **best).scores.max(initial=0))
        better.append(scores[1] >= scores[0])
    assert all(better)


def test_as_many_places_are_refined_as_the_scores_call_for() -> None:
    boxes = np.array([[20.0 * i, 0, 20.0 * i + 10, 5] for i in range(6)])
    # Probabilities .98, .95, .88, .73, .004 and .002: the last two hold less than 1 % together.
    log_odds = np.array([4.0, 3, 2, 1, -5.5, -6])
    none = np.zeros(6, dtype=np.int64)
    views = [View((1.0, 1.0), np.zeros((1, 1, 1)))]
    scored = ScoredWindows(boxes, log_odds, none, none, np.zeros((6, 2), int), views, np.zeros(6))
    assert best_windows(scored, 2).log_odds.tolist() == [4, 3, 2, 1]
    assert best_windows(scored, 5).log_odds.tolist() == [4, 3, 2, 1, -5.5]
    twin = ScoredWindows.concatenate([scored, scored])
    assert best_windows(twin, 2).log_odds.tolist() == [4, 3, 2, 1]
    # Where no window is likely, all of them are needed, up to a limit and the lowest log-odds.
    faint = replace(scored, log_odds=np.full(6, -6.0))
    assert len(best_windows(faint, 2)) == 6
    assert len(best_windows(faint, 2, limit=4)) == 4
    assert len(best_windows(replace(scored, log_odds=np.full(6, -7.0)), 2)) == 2
    assert len(best_windows(scored[:0], 2)) == 0
    assert len(best_windows(replace(scored, log_odds=np.full(6, -7.0)), 2, lowest=-7.5)) == 6


def test_boxes_of_different_sizes_at_one_place_are_all_proposed() -> None:
    # Around the first: a copy moved by a twentieth, and the half of it, which has worse scores.
    boxes = np.array([[0.0, 0, 20, 10], [1, 0, 21, 10], [5, 2, 15, 8]])
    none = np.zeros(3, dtype=np.int64)
    views = [View((1.0, 1.0), np.zeros((1, 1, 1)))]
    log_odds = np.array([3.0, 2, 1])
    scored = ScoredWindows(boxes, log_odds, none, none, np.zeros((3, 2), int), views, np.zeros(3))
    assert best_windows(scored, 3).log_odds.tolist() == [3, 1]


def test_the_threshold_comes_from_the_photos_left_out(network: spel.Network) -> None:
    figures = network.meta["validation"]
    assert (figures["method"], figures["photos"]) == ("leave-one-photo-out", 4)
    assert 0 < figures["recall"] <= 1
    assert decision_of(network).threshold == figures["threshold"] != 0.5
