"""Classes and instances from the same strokes: spel beside a random forest, and beside Otsu.

    python -m benchmarks.classes forest       # mo445 and parasites, Dice, time, file size
    python -m benchmarks.classes cells        # rendered cells: instances, three kinds of them

The forest is the recipe of ilastik and of Trainable Weka as scikit-image's gallery builds it:
multiscale intensity, edges and texture (sigma 1 to 16) with scikit-learn's RandomForestClassifier
(50 trees, depth 10, 5 % of the rows per tree). Otsu's peer is the threshold on the grey image, then
a watershed on the distance map from its peaks. Losses are printed like wins.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from benchmarks.classes.scenes import SCENES
from spel.core.markers import Markers
from spel.data import CellScene, cells
from spel.decide import Delineation, segment, segment_image
from spel.flim import robot_markers
from spel.learning.segmenter import learn_segmenter
from spel.metrics.instances import evaluate_instances, instance_overlaps
from spel.metrics.intervals import bootstrap_interval, paired_difference
from spel.metrics.segmentation import dice
from spel.nn import Activation, Color, MaxPool, Network, Unlearned, chain
from spel.ops.pool import max_pool, min_pool

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Image = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["forest", "cells"])
    parser.add_argument("--images", type=int, default=1000, help="Most test images of a set.")
    parser.add_argument("--first", type=int, default=0, help="Seed of the first rendered scene.")
    options = parser.parse_args()
    if options.what == "cells":
        instances(options.first)
        kinds()
    elif DATA.is_dir():
        forests(options.images)
    else:
        print(f"skipped: {DATA} is absent")
    return 0


# -- one class, beside a random forest -------------------------------------------------------------


def forests(most: int) -> None:
    """Dice with its interval over the images; p of the paired test between the two methods."""
    print(
        "| set | method | Dice | p | s to learn | s per image | KB |\n|---|---|---|---|---|---|---|"
    )
    for name, folder, labels, suffix in (
        ("mo445/1 bears", "mo445/dataset1/imgs", "mo445/dataset1/gts", "_label"),
        ("mo445/3 jets", "mo445/dataset3/imgs", "mo445/dataset3/gts", "_label"),
        ("mo445/4 car", "mo445/dataset4/imgs", "mo445/dataset4/gts", "_label"),
        ("parasites", "parasites/images", "parasites/masks", ""),
    ):
        images = {p.stem: spel.read(p) for p in sorted((DATA / folder).glob("*.png"))}
        masks = {
            p.stem.removesuffix(suffix): spel.read(p)[..., 0] > 0
            for p in sorted((DATA / labels).glob("*.png"))
        }
        full = [n for n in images if masks[n].any()]
        marked = list(np.random.default_rng(0).permutation(full)[:3])
        drawn = {n: robot_markers(masks[n], seed=0) for n in marked}
        rest = [n for n in full if n not in drawn][:most]
        ours = of_eggs if name == "parasites" else of_spel
        found: list[list[float]] = []
        for title, learner in (("spel", ours), ("random forest", of_forest)):
            began = perf_counter()
            answer, size = learner([images[n] for n in marked], list(drawn.values()))
            learned = perf_counter() - began
            began = perf_counter()
            found.append([dice(answer(images[n]), masks[n]) for n in rest])
            each = (perf_counter() - began) / len(rest)
            one = bootstrap_interval(found[-1])
            p = f"{paired_difference(*found).p:.3f}" if len(found) > 1 else ""
            print(
                f"| {name} | {title} | {one.mean:.3f} [{one.low:.3f}, {one.high:.3f}] | {p} | "
                f"{learned:.2f} | {each:.2f} | {size} |",
                flush=True,
            )


Answer = Callable[[Image], Mask]


def of_spel(images: list[Image], markers: list[Markers], **how: Any) -> tuple[Answer, int]:
    """Any size and number, or what `how` says."""
    delineation = Delineation(inner=3, outer=6)
    given = how or {"select": "threshold", "delineation": delineation}
    learned = learn_segmenter(encoder(), images, markers, **given)
    with tempfile.TemporaryDirectory() as folder:
        learned.network.save(Path(folder) / "n.safetensors")
        size = (Path(folder) / "n.safetensors").stat().st_size // 1000
    return partial(segment, learned.network), size


def of_eggs(images: list[Image], markers: list[Markers]) -> tuple[Answer, int]:
    """At most one object per image, of the marked size."""
    return of_spel(images, markers, multiple=False)


def of_forest(images: list[Image], markers: list[Markers]) -> tuple[Answer, int]:
    from sklearn.ensemble import RandomForestClassifier
    from threadpoolctl import threadpool_limits

    def features(image: Image) -> npt.NDArray[np.float32]:
        from skimage.feature import multiscale_basic_features

        found: npt.NDArray[np.float32] = multiscale_basic_features(
            image, sigma_min=1, sigma_max=16, channel_axis=-1
        )
        return found

    rows = np.concatenate([features(i)[tuple(m.points.T)] for i, m in zip(images, markers)])
    labels = np.concatenate([m.labels for m in markers])
    forest = RandomForestClassifier(50, max_depth=10, max_samples=0.05, random_state=0, n_jobs=1)
    forest.fit(rows, labels)

    def answer(image: Image) -> Mask:
        with threadpool_limits(1):
            flat = features(image)
            found = forest.predict(flat.reshape(-1, flat.shape[-1]))
        mask: Mask = found.reshape(flat.shape[:2]) == 1
        return mask

    return answer, len(pickle.dumps(forest)) // 1000


def encoder(*, color: bool = True, ndim: int = 2) -> Network:
    box, near = spel.Adjacency.box(5, ndim=ndim), spel.Adjacency.box(3, ndim=ndim)
    network = chain(
        conv1=Unlearned(box, 16, per_stroke=1),
        relu1=Activation("relu"),
        pool1=MaxPool(near),
        conv2=Unlearned(box, 32, per_stroke=2),
        relu2=Activation("relu"),
        pool2=MaxPool(near),
    )
    return chain(chain(color=Color("labnorm2")), network) if color else network


# -- instances, beside Otsu and a watershed --------------------------------------------------------


def instances(first: int) -> None:
    print("| objects | method | AP | AP50 | F1 | PQ | AJI | count error |")
    print("|---|---|---|---|---|---|---|---|")
    for name, render in SCENES.items():
        scenes = [render(seed) for seed in range(first, first + 6)]
        images = [image for image, _ in scenes[:3]]
        markers = [robot_strokes(labels, 5) for _, labels in scenes[:3]]
        answers: dict[str, Callable[[Image], npt.NDArray[np.int32]]] = {"Otsu, watershed": otsu}
        for title, select in (
            ("spel, learned size", "components"),
            ("spel, any size", "threshold"),
        ):
            color = images[0].shape[-1] == 3
            network = encoder(color=color, ndim=images[0].ndim - 1)
            learned = learn_segmenter(network, images, markers, select=select)
            answers[title] = partial(_labels, learned.network)
        _rows(name, answers, scenes[3:])


def robot_strokes(labels: npt.NDArray[np.int32], marked: int) -> Markers:
    """A stroke across each of the first objects, and rows of the ground, twelve apart."""
    drawn = np.full(labels.shape, -1)
    for number in range(1, marked + 1):
        own = min_pool(labels == number, spel.Adjacency.ball(2, ndim=labels.ndim)) > 0
        if not own.any():
            continue
        middle = [int(np.median(axis)) for axis in np.nonzero(own)[:-1]]
        line = np.zeros_like(own)
        line[tuple(slice(m, m + 2) for m in middle)] = True
        drawn[own & line] = 1
    ground = max_pool(labels > 0, spel.Adjacency.ball(3, ndim=labels.ndim)) == 0
    ground[..., np.arange(labels.shape[-2]) % 12 != 0, :] = False
    drawn[ground] = 0
    return Markers.from_image(drawn)


def _labels(network: Network, image: Image) -> npt.NDArray[np.int32]:
    return segment_image(network, image).instances.labels


def _rows(
    name: str, answers: Mapping[str, Callable], scenes: list[tuple[Image, npt.NDArray[np.int32]]]
) -> None:
    for title, answer in answers.items():
        f = evaluate_instances([instance_overlaps(answer(i), labels) for i, labels in scenes])
        print(
            f"| {name} | {title} | {f.ap:.3f} | {f.ap50:.3f} | {f.f1:.3f} | {f.pq:.3f} | "
            f"{f.aji:.3f} | {f.count_error:.3f} |",
            flush=True,
        )


def otsu(image: Image) -> npt.NDArray[np.int32]:
    """Otsu's threshold on grey and a watershed from the peaks of the distance.

    It is given whether the objects are dark or bright, and that their radius is above 7.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.feature import peak_local_max
    from skimage.filters import threshold_otsu
    from skimage.measure import label
    from skimage.segmentation import watershed

    grey = image.mean(axis=-1)
    above = grey > threshold_otsu(grey)
    mask = above if above.mean() < 0.5 else ~above
    depth = distance_transform_edt(mask)
    peaks = peak_local_max(depth, min_distance=7, labels=label(mask))
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return np.asarray(watershed(-depth, seeds, mask=mask), dtype=np.int32)


def kinds() -> None:
    print("\n| three kinds | Dice of paper, 1, 2, 3 | F1 with classes | PQ |\n|---|---|---|---|")
    scenes = [cells(seed, kinds=3, count=40) for seed in range(5)]
    images, markers = [s.image for s in scenes[:2]], [strokes(s, 12) for s in scenes[:2]]
    for title, how in (
        ("softmax, learned sizes", {}),
        ("softmax, any size", {"select": "threshold"}),
    ):
        learned = learn_segmenter(encoder(), images, markers, **how).network
        found = [segment_image(learned, scene.image) for scene in scenes[2:]]
        each = [
            np.mean([dice(f.labels == k, s.classes == k) for f, s in zip(found, scenes[2:])])
            for k in range(4)
        ]
        figures = evaluate_instances(
            [
                instance_overlaps(
                    f.instances.labels, s.labels, scores=f.instances.scores,
                    classes=f.instances.classes, true_classes=s.kinds,
                )
                for f, s in zip(found, scenes[2:])
            ]
        )  # fmt: skip
        row = ", ".join(f"{value:.3f}" for value in each)
        print(f"| {title} | {row} | {figures.f1:.3f} | {figures.pq:.3f} |", flush=True)


def strokes(scene: CellScene, marked: int) -> Markers:
    """A stroke across each of the first cells, and every twelfth row of the paper."""
    drawn = np.full(scene.labels.shape, -1)
    disk = spel.Adjacency.disk(3)
    core = min_pool(scene.labels > 0, disk) > 0
    for number in range(1, marked + 1):
        own = core & (scene.labels == number)
        rows, _ = np.nonzero(own)
        if len(rows):
            own[: int(np.median(rows))] = own[int(np.median(rows)) + 2 :] = False
            drawn[own] = scene.kinds[number - 1]
    paper = max_pool(scene.labels > 0, disk) == 0
    paper[np.arange(len(paper)) % 12 != 0] = False
    drawn[paper] = 0
    return Markers.from_image(drawn)


if __name__ == "__main__":
    sys.exit(main())
