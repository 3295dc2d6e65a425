"""The learned detector, evaluated on photos that it was not learned from.

``python -m benchmarks.plates.learned cross`` (cross-validation, false alarms, calibration),
``nested`` (configuration chosen inside each fold), ``curve`` (learning from few photos), ``robust``
(rotated, small, dark photos ...), ``ship`` (the zoo's network and its card), ``adjust`` (only the
kernels that adjust its boxes), ``shipped`` (what the zoo's network finds at several thresholds, in
photos that it was learned from), ``small`` (the same photos reduced, and enlarged in detection),
``speed`` (the time that the zoo's network takes).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from benchmarks.plates.changes import CHANGES, fours
from benchmarks.plates.detector import LOW, Images, answer, greys, learn
from benchmarks.plates.gallery import gallery
from benchmarks.plates.intervals import precision_interval, recall_interval
from benchmarks.plates.photos import DATA, Photo, drawn, photos, regions
from benchmarks.plates.shipped import SHIPPED, adjust, ship, shipped, small
from benchmarks.plates.speed import speed
from spel.metrics.detection import Answers, evaluate, precision_recall
from spel.rigid import RigidConfig


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Detections in every photo, by the network that was learned without its fold."""

    answers: list[Answers]
    alarms: list[npt.NDArray[np.float64]]
    learning: float
    ms_per_megapixel: float


def main() -> int:
    """Run one part, print its table, and write it into the folder of ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plates.learned")
    names = ("cross", "nested", "curve", "robust", "ship", "adjust", "shipped", "small", "speed")
    parser.add_argument("part", choices=names)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument(
        "--workers", type=int, default=1, help="number of folds that run at the same time"
    )
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--counts", type=int, nargs="*", default=[1, 3, 5, 10, 20, 0])
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if not (options.data / "annotations.json").exists():
        print(f"{options.data}: it holds no annotations.json; name the folder with --data")
        return 3
    options.out.mkdir(parents=True, exist_ok=True)
    found = photos(options.data)
    images = greys(found)
    parts: dict[str, Callable[[argparse.Namespace, list[Photo], Images], str]] = {
        "cross": cross,
        "nested": nested,
        "curve": curve,
        "robust": robust,
        "ship": ship,
        "adjust": adjust,
        "shipped": shipped,
        "small": small,
        "speed": speed,
    }
    text = parts[options.part](options, found, images)
    print(text)
    (options.out / f"learned-{options.part}.md").write_text(text)
    return 0


# -- cross-validation ----------------------------------------------------------------------------


def cross_validate(
    found: list[Photo], images: Images, folds: int, seed: int, workers: int = 1
) -> CrossValidation:
    """Detections in each photo by a network learned without it, and in pictures without plates."""
    order = np.random.default_rng(seed).permutation(len(found)) % folds
    without = pictures_without()
    tasks = [
        (
            [photo for photo, k in zip(found, order) if k != fold],
            [photo for photo, k in zip(found, order) if k == fold],
            images,
            without[fold::folds],
        )
        for fold in range(folds)
    ]
    if workers == 1:
        parts = [_fold(task) for task in tasks]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            parts = list(pool.map(_fold, tasks))
    totals = [sum(part[k] for part in parts) for k in (2, 3, 4)]
    return CrossValidation(
        [answers for part in parts for answers in part[0]],
        [alarm for part in parts for alarm in part[1]],
        totals[0] / folds,
        1e3 * totals[1] / totals[2],
    )


def _fold(task: Any) -> tuple[list[Answers], list[npt.NDArray[np.float64]], float, float, float]:
    """Answers, false alarms, processor seconds of learning and of detection, megapixels."""
    training, test, images, without = task
    began = process_time()
    network = learn(training, images)
    learning = process_time() - began
    began = process_time()
    answers = [answer(network, photo, images[photo.name]) for photo in test]
    seconds = process_time() - began
    alarms = [
        np.array(spel.detect(network, image, threshold=LOW, max_detections=20).scores)
        for image in without
    ]
    print(
        f"a fold took {learning:.0f} + {seconds:.0f} s of processor time",
        file=sys.stderr,
        flush=True,
    )
    return answers, alarms, learning, seconds, sum(images[p.name].size for p in test) / 1e6


def cross(options: argparse.Namespace, found: list[Photo], images: Images) -> str:
    """The main table: one network for all regions, which is not told the region."""
    result = cross_validate(found, images, options.folds, options.seed, options.workers)
    lines = [
        f"{options.folds} folds, {len(found)} photos, one network for all regions, which is "
        "not told the region.\n",
        TABLE_HEAD,
    ]
    for region in [*regions(found), ""]:
        mine = [a for a in result.answers if a.name.startswith(region)]
        lines.append(_line(region or "all", mine))
    scores, precision, recall = precision_recall(result.answers)
    lines.append("")
    for wanted in (0.90, 0.95, 0.98):
        reached = np.flatnonzero(recall >= wanted)
        if not len(reached):
            lines.append(f"- recall {wanted:.2f} is not reached")
            continue
        at = float(scores[reached[0]])
        false = [int((alarm >= at).sum()) for alarm in result.alarms]
        lines.append(
            f"- recall {wanted:.2f} at probability {at:.3f}: precision "
            f"{precision[reached[0]]:.3f}; on {len(false)} pictures without a plate "
            f"{np.mean(false):.3f} false alarms per picture"
        )
    lines.append(
        f"- processor time: learning {result.learning:.0f} s per fold, detection "
        f"{result.ms_per_megapixel:.0f} ms per megapixel, without reading files"
    )
    worst = sorted(result.answers, key=lambda a: a.best_iou)[:12]
    lines += ["", "Photos with the worst best box:", ""]
    lines += [f"- {a.name}: IoU {a.best_iou:.2f}, {_best_score(a)}" for a in worst]
    _write_answers(options.out / "learned-cross.json", result)
    gallery(found, worst, columns=4).save(options.out / "learned-worst.jpg", quality=85)
    return "\n".join(lines) + "\n"


def pictures_without() -> list[npt.NDArray[Any]]:
    """Pictures without a plate: those of scikit-image, and other data sets if they are present."""
    from skimage import data

    names = ("astronaut", "coffee", "chelsea", "rocket", "coins", "page", "text", "brick", "grass")
    pictures: list[npt.NDArray[Any]] = [np.asarray(getattr(data, name)()) for name in names]
    others = DATA.parent
    for pattern, most in (
        ("mo445/dataset[1235]/imgs/*", 60),  # set 4 shows cars, with plates
        ("citrus/images/*.png", 15),
        ("parasites/images/*.png", 10),
    ):
        files = sorted(others.glob(pattern))
        step = max(1, len(files) // most)
        pictures += [spel.read(file) for file in files[::step][:most]]
    with_channels = [p if p.ndim == 3 else p[..., None] for p in pictures]
    return [np.ascontiguousarray(p[..., :3] if p.shape[2] == 4 else p) for p in with_channels]


# -- configuration chosen inside each fold --------------------------------------------------------

CHOICES = {
    "as shipped": RigidConfig(),
    "a weaker ridge": RigidConfig(ridge=0.3),
    "larger windows": RigidConfig(object_cells=120.0, proposal_object_cells=64.0),
}
"""Configurations among which `nested` chooses inside each fold."""


def nested(options: argparse.Namespace, found: list[Photo], images: Images) -> str:
    """Nested cross-validation: a third of a fold's training photos chooses its configuration."""
    order = np.random.default_rng(options.seed).permutation(len(found)) % options.folds
    answers: list[Answers] = []
    choices: list[str] = []
    for fold in range(options.folds):
        training = [photo for photo, k in zip(found, order) if k != fold]
        inner = np.random.default_rng(options.seed + 1 + fold).permutation(len(training)) % 3
        validation = [photo for photo, k in zip(training, inner) if k == 0]
        figures = {}
        for name, config in CHOICES.items():
            rest = [photo for photo, k in zip(training, inner) if k != 0]
            network = learn(rest, images, config=config)
            answered = [answer(network, photo, images[photo.name]) for photo in validation]
            figures[name] = evaluate(answered).average_precision
        best = max(figures, key=lambda name: figures[name])
        network = learn(training, images, config=CHOICES[best])
        test = [photo for photo, k in zip(found, order) if k == fold]
        answers += [answer(network, photo, images[photo.name]) for photo in test]
        choices.append(best)
        print(fold, {k: round(v, 3) for k, v in figures.items()}, file=sys.stderr, flush=True)
    lines = [
        f"{options.folds} folds; in each, the configuration with the best average precision on a "
        f"third of its training photos is used, among: {', '.join(CHOICES)}.\n",
        TABLE_HEAD,
    ]
    for region in [*regions(found), ""]:
        mine = [a for a in answers if a.name.startswith(region)]
        lines.append(_line(region or "all", mine))
    lines += ["", "Chosen: " + ", ".join(choices) + "."]
    return "\n".join(lines) + "\n"


# -- few photos, and changed photos ----------------------------------------------------------------


def curve(options: argparse.Namespace, found: list[Photo], images: Images) -> str:
    """Recall with a number of photos per region (0: all), over draws; tested on a fixed third."""
    names = regions(found)
    lines = [
        f"One network from n photos of each region: mean (minimum) of {options.draws} draws, "
        "tested on photos that no draw may use.\n",
        "| n per region | r50 " + " | r50 ".join(names) + " | mean IoU | AP50 |",
        "|---" * (len(names) + 3) + "|",
    ]
    split = np.random.default_rng(options.seed).permutation(len(found))
    test = [found[i] for i in split[: len(found) // 3]]
    rest = [photo for photo in found if photo not in test]
    for count in options.counts:
        runs = []
        for draw in range(options.draws if count else 1):
            pools = [[p for p in rest if p.region == region] for region in names]
            pool = [drawn(p, min(count or len(p), len(p)), 100 * draw + count) for p in pools]
            network = learn([photo for part in pool for photo in part], images)
            runs.append([answer(network, photo, images[photo.name]) for photo in test])
            print(count, draw, file=sys.stderr, flush=True)
        lines.append(f"| {count or 'all'} | " + " | ".join(_cells(runs, names)) + " |")
    return "\n".join(lines) + "\n"


def _cells(runs: list[list[Answers]], names: Sequence[str]) -> list[str]:
    """Recall in each region, mean IoU and average precision: mean and minimum, and interval."""
    cells = []
    for name in names:
        mine = [[a for a in run if a.name.startswith(name)] for run in runs]
        recalls = [evaluate(answers).best_recall[0.5] for answers in mine]
        cells.append(f"{_mean_and_least(recalls)} {recall_interval(mine)}")
    figures = [evaluate(run) for run in runs]
    cells.append(_mean_and_least([one.mean_iou for one in figures]))
    least = _mean_and_least([one.average_precision for one in figures])
    return [*cells, f"{least} {precision_interval(runs)}"]


def _mean_and_least(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} ({np.min(values):.3f})"


def robust(options: argparse.Namespace, found: list[Photo], images: Images) -> str:
    """Recall on changed photos of the last fold, by the network learned from the other folds."""
    order = np.random.default_rng(options.seed).permutation(len(found)) % options.folds
    fold = options.folds - 1
    network = learn([p for p, k in zip(found, order) if k != fold], images)
    test = [p for p, k in zip(found, order) if k == fold]
    lines = [
        f"{len(test)} photos that the network was not learned from.\n",
        "| change | r50 | mean IoU | AP50 |",
        "|---|---|---|---|",
    ]
    for name, change in CHANGES.items():
        answers = []
        for photo in test:
            image, boxes = change(images[photo.name], photo.boxes)
            answers.append(answer(network, replace(photo, boxes=boxes), image))
        figures = evaluate(answers)
        lines.append(
            f"| {name} | {figures.best_recall[0.5]:.2f} {recall_interval([answers], 2)} | "
            f"{figures.mean_iou:.2f} | {figures.average_precision:.2f} "
            f"{precision_interval([answers], 2)} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    several = [
        Answers(name, *_detect(network, image), boxes)
        for name, image, boxes in fours([(p.name, images[p.name], p.boxes) for p in test])
    ]
    figures = evaluate(several)
    lines.append(
        f"\n{len(several)} pictures of four photos side by side, with four plates each, at "
        f"probability {SHIPPED}: recall {figures.recall:.2f}, precision "
        f"{figures.precision:.2f}, AP50 {figures.average_precision:.2f}."
    )
    return "\n".join(lines) + "\n"


def _detect(network: spel.Network, image: npt.NDArray[np.uint8]) -> Any:
    detections = spel.detect(network, image, threshold=SHIPPED)
    return detections.boxes, detections.scores


TABLE_HEAD = (
    "| region | photos | r50 | r30 | mean IoU | AP50 | recall of all boxes |\n" + "|---" * 7 + "|"
)


def _line(name: str, answers: list[Answers]) -> str:
    figures = evaluate(answers)
    return (
        f"| {name} | {figures.images} | {figures.best_recall[0.5]:.3f} "
        f"{recall_interval([answers])} | {figures.best_recall[0.3]:.3f} | "
        f"{figures.mean_iou:.3f} | {figures.average_precision:.3f} "
        f"{precision_interval([answers])} | {figures.recall:.3f} |"
    )


def _best_score(answers: Answers) -> str:
    return f"probability {answers.scores[0]:.3f}" if len(answers.scores) else "no answer"


def _write_answers(path: Path, result: CrossValidation) -> None:
    data = {
        "answers": [
            {
                "image": a.name,
                "boxes": a.boxes.round(1).tolist(),
                "scores": a.scores.round(4).tolist(),
                "truth": a.truth.tolist(),
            }
            for a in result.answers
        ],
        "alarms": [alarm.round(4).tolist() for alarm in result.alarms],
    }
    path.write_text(json.dumps(data) + "\n")


if __name__ == "__main__":
    sys.exit(main())
