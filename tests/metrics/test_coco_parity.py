"""Average precision equals pycocotools on random sets, with classes and crowds."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from spel.metrics.detection import Answers, coco_average_precision, evaluate

CLASSES = ("a", "b", "c")


def random_image(rng: np.random.Generator, name: str) -> Answers:
    def boxes(count: int) -> np.ndarray:
        corner, size = rng.integers(0, 60, (count, 2)), rng.integers(1, 40, (count, 2))
        return np.concatenate([corner, corner + size], axis=1).astype(float)

    truth = boxes(int(rng.integers(0, 7)))
    answers = boxes(int(rng.integers(0, 4)))
    moved = truth + rng.integers(-4, 5, truth.shape)
    moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
    answers = np.concatenate([answers, moved])
    return Answers(
        name,
        answers,
        rng.permutation(1000)[: len(answers)] / 1000,
        truth,
        [CLASSES[i] for i in rng.integers(0, 3, len(answers))],
        [CLASSES[i] for i in rng.integers(0, 3, len(truth))],
        rng.random(len(truth)) < 0.25,
    )


def by_pycocotools(images: list[Answers]) -> np.ndarray:
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    entries, answers = [], []
    for number, one in enumerate(images, 1):
        for box, name, crowd in zip(one.truth.tolist(), one.truth_classes, one.crowd.tolist()):
            xywh = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            entries.append(
                {"id": len(entries) + 1, "image_id": number, "bbox": xywh, "iscrowd": int(crowd),
                 "category_id": CLASSES.index(name) + 1, "area": xywh[2] * xywh[3]}
            )  # fmt: skip
        for box, name, score in zip(one.boxes.tolist(), one.classes, one.scores.tolist()):
            xywh = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            answers.append(
                {"image_id": number, "category_id": CLASSES.index(name) + 1, "bbox": xywh,
                 "score": score}
            )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": i} for i in range(1, len(images) + 1)],
            "categories": [{"id": i, "name": n} for i, n in enumerate(CLASSES, 1)],
            "annotations": entries,
        }
        truth.createIndex()
        run = cocoeval.COCOeval(truth, truth.loadRes(answers), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run.stats[:3]


@pytest.mark.parametrize("seed", range(30))
def test_equal_to_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = [random_image(rng, str(i)) for i in range(int(rng.integers(1, 9)))]
    if not any(len(one.boxes) for one in images) or not any((~i.crowd).any() for i in images):
        pytest.skip("pycocotools loads no empty results")
    ours = evaluate(images)
    theirs = by_pycocotools(images)
    np.testing.assert_allclose([ours.coco_ap, ours.coco_ap50, ours.coco_ap75], theirs, atol=1e-12)


def test_a_crowd_takes_answers_by_their_own_area() -> None:
    one = Answers(
        "a",
        [[10, 10, 30, 30], [92, 92, 100, 100]],
        [0.9, 0.8],
        [[0, 0, 90, 90], [92, 92, 100, 100]],
        crowd=[True, False],
    )
    assert coco_average_precision([one]) == pytest.approx(1.0)
    figures = evaluate([one])
    assert (figures.average_precision, figures.truths, figures.boxes) == (1.0, 1, 1)
    assert figures.false_alarms == 0.0


def test_another_class_on_the_same_box_is_a_miss_and_a_false_alarm() -> None:
    box = [[5, 5, 9, 9]]
    figures = evaluate([Answers("a", box, [0.9], box, ["y"], ["x"])])
    assert (figures.average_precision, figures.recall, figures.false_alarms) == (0.0, 0.0, 1.0)
    assert figures.by_class["x"].recall == 0.0
    assert figures.by_class["y"].boxes == 1
    assert evaluate([Answers("a", box, [0.9], box, ["x"], ["x"])]).average_precision == 1.0
