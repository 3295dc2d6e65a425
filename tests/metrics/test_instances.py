"""Measures of instances: by hand, by laws, and beside pycocotools."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from spel.errors import ParameterError, ShapeError
from spel.metrics.instances import (
    aggregated_jaccard,
    count_pairs,
    evaluate_instances,
    instance_overlaps,
    overlaps_of_pairs,
    panoptic_quality,
)

TRUTH = np.array([[1, 1, 1, 1, 0, 2, 2, 0, 3, 3]])
ANSWER = np.array([[1, 1, 1, 0, 0, 0, 2, 0, 0, 0]])
"""IoU 3/4 with the first object, 1/2 with the second; the third is missed."""


def test_by_hand():
    found = instance_overlaps(ANSWER, TRUTH, scores=[0.9, 0.8])
    assert found.both.toarray().tolist() == [[3, 0, 0], [0, 1, 0]]
    assert [one.tolist() for one in found.pairs] == [[0, 1], [0, 1], [3, 1], [0.75, 0.5]]
    figures = evaluate_instances([found])
    assert (figures.images, figures.answers, figures.truths) == (1, 2, 3)
    assert figures.f1 == 2 * 2 / (2 + 3)
    assert figures.accuracy == 2 / 3
    assert figures.pq == pytest.approx((0.75 + 0.5) / (2 + 0.5 * 1))
    assert figures.aji == (3 + 1) / (4 + 2 + 2)
    assert figures.count_error == pytest.approx(1 / 3)
    assert figures.ap50 == pytest.approx(67 / 101)  # recall 2/3 at precision 1
    assert figures.ap75 == pytest.approx(34 / 101)  # the first alone
    assert figures.ap == pytest.approx((67 + 5 * 34) / 1010)


def test_objects_of_other_classes_do_not_match():
    found = instance_overlaps(ANSWER, TRUTH, classes=[1, 2], true_classes=[1, 1, 2])
    figures = evaluate_instances([found])
    assert figures.f1 == 2 / 5
    assert figures.pq == pytest.approx((2 * 0.75 / 3 + 0) / 2)
    assert figures.ap50 == pytest.approx((51 / 101 + 0) / 2)


def test_an_answer_that_no_object_chose_adds_to_the_union():
    both = instance_overlaps([[1, 1, 2, 0]], [[1, 1, 0, 0]])
    assert aggregated_jaccard(both) == 2 / 3


def test_empty_cases():
    nothing = instance_overlaps(np.zeros((2, 2), int), np.zeros((2, 2), int))
    assert aggregated_jaccard(nothing) == 1
    assert np.isnan(panoptic_quality([nothing]))
    figures = evaluate_instances([nothing])
    assert np.isnan([figures.f1, figures.ap]).all()
    assert figures.count_error == 0
    alarm = instance_overlaps([[1]], [[0]])
    assert evaluate_instances([alarm]).f1 == 0
    assert aggregated_jaccard(alarm) == 0


def test_truth_against_itself_is_perfect_in_volumes_too():
    labels = np.zeros((4, 5, 6), int)
    labels[1, 1:3, 1:3], labels[2:, 4, 4:] = 1, 2
    figures = evaluate_instances([instance_overlaps(labels, labels)])
    assert (figures.ap, figures.f1, figures.pq, figures.aji, figures.count_error) == (1, 1, 1, 1, 0)


def test_parts_of_an_image_are_counted_one_by_one_and_memory_follows_what_overlaps():
    random = np.random.default_rng(0)
    truth = np.kron(np.arange(1, 40_001).reshape(200, 200), np.ones((3, 3), int))
    answer = np.roll(truth, (1, 0), (0, 1)) * random.integers(0, 2, truth.shape)
    whole = instance_overlaps(answer, truth)
    parts = [count_pairs(answer[a : a + 70], truth[a : a + 70]) for a in range(0, 600, 70)]
    overlaps, numbers, _ = overlaps_of_pairs(parts)
    assert (overlaps.both != whole.both).nnz == 0
    assert overlaps.both.nnz < 3 * 40_000
    assert np.array_equal(numbers, np.unique(answer[answer > 0]))
    assert evaluate_instances([overlaps]) == evaluate_instances([whole])


def test_gaps_in_the_numbers_do_not_count():
    assert instance_overlaps([[0, 7]], [[3, 0]]).both.toarray().tolist() == [[0]]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: instance_overlaps([[1]], [[1, 1]]), ShapeError),
        (lambda: instance_overlaps([[0.5]], [[1]]), ParameterError),
        (lambda: instance_overlaps([[-1]], [[1]]), ParameterError),
        (lambda: instance_overlaps([[2]], [[1]], scores=[0.5]), ShapeError),
        (lambda: evaluate_instances([]), ParameterError),
    ],
)
def test_what_does_not_fit_is_refused(call, error):
    with pytest.raises(error):
        call()


def random_labels(rng: np.random.Generator) -> np.ndarray:
    labels = np.zeros((40, 50), int)
    for number in range(1, int(rng.integers(2, 9))):
        row, col = rng.integers(0, 32), rng.integers(0, 42)
        labels[row : row + rng.integers(4, 9), col : col + rng.integers(4, 9)] = number
    return labels


def moved(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    answer = np.zeros_like(labels)
    for number in rng.permutation(np.arange(1, labels.max() + 2)):
        shift = rng.integers(-1, 2, 2)
        answer[np.roll(labels == number, shift, (0, 1))] = number
    return answer


def test_average_precision_equals_pycocotools():
    mask_api = pytest.importorskip("pycocotools.mask")
    coco_api = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    rng = np.random.default_rng(5)
    images, annotations, answers, overlaps = [], [], [], []
    for image in range(1, 9):
        truth = random_labels(rng)
        answer = moved(truth, rng)
        scores, kinds = rng.permutation(200)[:20] / 200, rng.integers(1, 3, 20)
        own = np.where(rng.random(20) < 0.9, kinds, 3 - kinds)
        images.append({"id": image, "height": 40, "width": 50})
        for labels, to, classes in ((truth, annotations, kinds), (answer, answers, own)):
            for number in np.unique(labels[labels > 0]):
                rle = mask_api.encode(np.asfortranarray(labels == number, dtype=np.uint8))
                entry = {"image_id": image, "category_id": int(classes[number - 1])}
                entry |= {"segmentation": rle, "area": float(mask_api.area(rle)), "iscrowd": 0}
                entry |= {"bbox": mask_api.toBbox(rle).tolist(), "id": len(to) + 1}
                entry |= {"score": float(scores[number - 1])}
                to.append(entry)
        overlaps.append(
            instance_overlaps(answer, truth, scores=scores, classes=own, true_classes=kinds)
        )
    with contextlib.redirect_stdout(io.StringIO()):
        truth_set = coco_api.COCO()
        truth_set.dataset = {
            "info": {},
            "images": images,
            "annotations": annotations,
            "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        }
        truth_set.createIndex()
        run = COCOeval(truth_set, truth_set.loadRes(answers), "segm")
        run.evaluate(), run.accumulate(), run.summarize()
    figures = evaluate_instances(overlaps)
    assert [figures.ap, figures.ap50, figures.ap75] == pytest.approx(run.stats[:3], abs=1e-12)
    assert 0.1 < figures.ap < 0.9
