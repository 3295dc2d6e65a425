"""COCO's figures of random sets, with classes, crowds and areas, beside pycocotools."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np

from benchmarks.suites.count import Count
from spel.metrics.detection import Answers, evaluate

SETS = 200
CLASSES = ("a", "b", "c")


def count() -> Count:
    """The twelve figures of random sets: equal within 1e-12, or different."""
    import pycocotools.coco
    import pycocotools.cocoeval

    result = Count("pycocotools: figures of random sets")
    for seed in range(SETS):
        rng = np.random.default_rng(seed)
        images = [random_image(rng, str(i)) for i in range(int(rng.integers(1, 9)))]
        boxes = any(len(one.boxes) for one in images)
        if not boxes or not any((~one.crowd).any() for one in images):
            result.other += 1  # pycocotools loads no empty results
            continue
        ours = evaluate(images)
        theirs = by_pycocotools(images, pycocotools.coco, pycocotools.cocoeval)
        figures = np.nan_to_num(list(ours.coco.to_dict().values()), nan=-1)
        result.compare(f"seed {seed}", figures, theirs, rtol=0, atol=1e-12)
    return result


def random_image(rng: np.random.Generator, name: str) -> Answers:
    """True boxes, some around crowds; answers near them and elsewhere."""

    def boxes(number: int) -> np.ndarray[Any, Any]:
        corner = rng.integers(0, 60, (number, 2))
        size = rng.integers(1, 40, (number, 2)) * rng.choice([1, 2, 4], (number, 1))
        return np.concatenate([corner, corner + size], axis=1).astype(float)

    truth = boxes(int(rng.integers(0, 7)))
    moved = truth + rng.integers(-4, 5, truth.shape)
    moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
    crowded = int(rng.choice([0, 1, 2, 3] * 5 + [110]))
    answers = np.concatenate([boxes(crowded), moved])
    return Answers(
        name,
        answers,
        rng.permutation(1000)[: len(answers)] / 1000,
        truth,
        [CLASSES[i] for i in rng.integers(0, 3, len(answers))],
        [CLASSES[i] for i in rng.integers(0, 3, len(truth))],
        rng.random(len(truth)) < 0.25,
        np.prod(truth[:, 2:] - truth[:, :2], axis=1) * rng.uniform(0.5, 1, len(truth)),
    )


def by_pycocotools(images: list[Answers], coco: Any, cocoeval: Any) -> Any:
    """The twelve figures that pycocotools prints; -1 without true boxes."""
    entries: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for number, one in enumerate(images, 1):
        true = zip(one.truth.tolist(), one.truth_classes, one.crowd.tolist(), one.truth_areas)
        for box, name, crowd, area in true:
            entry = _entry(number, box, name)
            entries.append(
                {**entry, "id": len(entries) + 1, "iscrowd": int(crowd), "area": float(area)}
            )
        for box, name, score in zip(one.boxes.tolist(), one.classes, one.scores.tolist()):
            answers.append({**_entry(number, box, name), "score": score})
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
    return run.stats


def _entry(image: int, box: list[float], name: str) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    category = CLASSES.index(name) + 1
    return {"image_id": image, "category_id": category, "bbox": [x0, y0, x1 - x0, y1 - y0]}
