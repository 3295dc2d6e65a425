"""FLIM on the small public sets: markers in, a table of scores out.

    python benchmarks/flim/experiments.py parasites
    python benchmarks/flim/experiments.py schistosoma
    python benchmarks/flim/experiments.py mo445
    python benchmarks/flim/experiments.py decoders
    python benchmarks/flim/experiments.py ablation

parasites and schistosoma use the markers that come with the data; with ``--images 1 3 5`` they are
drawn from them, ``--seeds`` times. mo445 uses the robot user on 3 images a set, drawn ``--seeds``
times; one setting serves all five sets. Scores are of images that were not marked; a set's spread
is over the draws. Two empty masks have a Dice of 1, which is why the empty answer stands first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from common import DATA, Scores, read_masks, score
from parasite_eggs import encoder

import spel
from spel.core.markers import Markers
from spel.decide import Delineation, Segmentation, learn_object_model, segment
from spel.flim import robot_markers
from spel.io.annotation.marker_folder import find_markers
from spel.learning.encoded import block_ends
from spel.learning.segmenter import learn_segmenter
from spel.nn import Color, Decode, Network, Node, chain
from spel.ops import labnorm2, threshold

Images = dict[str, npt.NDArray[np.generic]]
Masks = dict[str, npt.NDArray[np.bool_]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(WHAT))
    parser.add_argument("--images", type=int, nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--average-border", action="store_true", help="parasites, schistosoma")
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: {DATA} is absent")
        return 0
    WHAT[options.what](options)
    return 0


# -- the sets ----------------------------------------------------------------------------------


def parasites(options: argparse.Namespace) -> None:
    images, masks, drawn = load_parasites()
    print(HEAD)
    baselines("parasites", images, masks, drawn)
    draws("parasites", encoder(), images, masks, drawn, options)


def schistosoma(options: argparse.Namespace) -> None:
    home = DATA / "schistosoma"
    images = {p.stem: spel.read(p) for p in sorted((home / "orig").glob("*.png"))}
    masks = read_masks(home / "label")
    drawn = find_markers(home / "markers")
    print(HEAD)
    baselines("schistosoma", images, masks, drawn, white=65535.0)
    draws("schistosoma", encoder(), images, masks, drawn, options)


def mo445(options: argparse.Namespace) -> None:
    """One setting for all five sets: the parasites' two blocks on LABNorm2, threshold, watershed.

    A photograph's median colour says nothing, so it is not subtracted; objects vary in scale and
    number, so no size is learned.
    """
    print(HEAD)
    for number in range(1, 6):
        home = DATA / "mo445" / f"dataset{number}"
        images = {p.stem: spel.read(p) for p in sorted((home / "imgs").glob("*.png"))}
        masks = read_masks(home / "gts", "_label")
        marked = min(3, len(images) - 1)
        found: list[Scores] = []
        began = perf_counter()
        for seed in range(options.seeds):
            chosen = np.random.default_rng(seed).permutation(sorted(images))[:marked]
            drawn = {n: robot_markers(masks[n], seed=seed) for n in chosen}
            if seed == 0:
                baselines(f"mo445/{number}", images, masks, drawn)
            learned = learn_segmenter(
                photograph_encoder(),
                [images[n] for n in drawn],
                list(drawn.values()),
                names=list(drawn),
                seed=seed,
                select="threshold",
                delineation=Delineation(inner=3, outer=6),
            )
            answers = {n: segment(learned.network, images[n]) for n in images if n not in drawn}
            found.append(score(answers, masks))
        row(f"mo445/{number}", f"spel, {marked} images", found, perf_counter() - began)


def decoders(options: argparse.Namespace) -> None:
    """The published decoders on the parasites, the same encoder and the same two decisions."""
    images, masks, drawn = load_parasites()
    marked, names = list(drawn.values()), list(drawn)
    net = spel.learn(encoder(), [images[n] for n in names], marked, names=names)
    print(HEAD)
    for block in block_ends(net):
        ahead = net.upto(block)
        bank = ahead[block.replace("pool", "conv")].bank
        for method in ("lm", "lm-balanced", "ts", "ts*", "lt", "at", "pb", "mb"):
            nodes = (*ahead.nodes, Node("saliency", Decode.for_bank(method, bank), (block,)))
            decoded = Network(nodes)
            saliency = {n: decoded(image)[..., 0] for n, image in images.items()}
            other = [n for n in images if n not in drawn]
            area = {n: large(threshold(saliency[n], "otsu")) for n in other}
            row("parasites", f"{block} {method}, Otsu + area", [score(area, masks)], 0)
            try:
                model, _ = learn_object_model([saliency[n] for n in names], marked)
            except spel.ParameterError:
                print(f"| parasites | {block} {method}, selection | collapsed |")
                continue
            how = Segmentation(model, delineation=Delineation(convex=True, scale=(8, 25, 10)))
            center = net.upto("center")
            picked = {n: how.mask(saliency[n], center(images[n])) for n in other}
            row("parasites", f"{block} {method}, selection", [score(picked, masks)], 0)
    learned = learn_segmenter(net, [images[n] for n in names], marked, names=names, multiple=False)
    answers = {n: segment(learned.network, images[n]) for n in other}
    row("parasites", "linear on marker spels, selection", [score(answers, masks)], 0)


def ablation(options: argparse.Namespace) -> None:
    """The parasites network of the default options with one thing changed at a time."""
    images, masks, drawn = load_parasites()
    other = [n for n in images if n not in drawn]
    eggs = encoder()
    seven = eggs
    for name in ("conv1", "conv2"):
        layer = replace(eggs[name], adjacency=spel.Adjacency.box(7))
        seven = seven.replace(name, layer)
    strided = eggs
    for name in ("pool1", "pool2"):
        strided = strided.replace(name, replace(eggs[name], stride=2))
    changes: dict[str, tuple[Network, dict[str, Any]]] = {
        "default options": (eggs, {}),
        "no hard negatives": (eggs, {"hard_negatives": False}),
        "ridge 0.001": (eggs, {"ridge": 1e-3}),
        "ridge 0.1": (eggs, {"ridge": 1e-1}),
        "no delineation": (eggs, {"delineation": Delineation("none")}),
        "Dynamic Trees": (eggs, {"delineation": Delineation("trees", convex=True)}),
        "GrowCut": (eggs, {"delineation": Delineation("growcut", convex=True)}),
        "no median": (photograph_encoder(), {}),
        "last block alone": (eggs, {"blocks": ["pool2"]}),
        "7 x 7 kernels": (seven, {}),
        "strides of 2 (as dilations)": (strided, {}),
        "FLIM-BoFP": (eggs, {"method": "points"}),
        "threshold for selection": (eggs, {"select": "threshold"}),
        "any number of eggs": (eggs, {"multiple": True}),
    }
    print(HEAD)
    for name, (net, given) in changes.items():
        began = perf_counter()
        given = {"multiple": False, **given}
        learned = learn_segmenter(
            net, [images[n] for n in drawn], list(drawn.values()), names=list(drawn), **given
        )
        answers = {n: segment(learned.network, images[n]) for n in other}
        row("parasites", name, [score(answers, masks)], perf_counter() - began)


# -- what they share ---------------------------------------------------------------------------

HEAD = (
    "| set | method | Dice, object images | spread | false alarms | Dice, all | s |\n"
    "|---|---|---|---|---|---|---|"
)


def photograph_encoder() -> Network:
    eggs = encoder()
    nodes = [n for n in eggs.nodes if n.name not in ("color", "center")]
    return chain(color=Color("labnorm2"), **{n.name: n.layer for n in nodes})


def load_parasites() -> tuple[Images, Masks, dict[str, Markers]]:
    home = DATA / "parasites"
    images = {p.stem: spel.read(p) for p in sorted((home / "images").glob("*.png"))}
    return images, read_masks(home / "masks"), find_markers(home / "libift" / "markers")


def draws(
    name: str,
    net: Network,
    images: Images,
    masks: Masks,
    drawn: dict[str, Markers],
    options: argparse.Namespace,
) -> None:
    """Learn from some of the marked images, several times; judge on those never marked."""
    unmarked = [n for n in images if n not in drawn]
    for count in [*options.images, len(drawn)]:
        repeats = 1 if count == len(drawn) else options.seeds
        found, began, collapsed = [], perf_counter(), 0
        for seed in range(repeats):
            chosen = sorted(np.random.default_rng(seed).permutation(sorted(drawn))[:count])
            try:
                learned = learn_segmenter(
                    net,
                    [images[n] for n in chosen],
                    [drawn[n] for n in chosen],
                    names=chosen,
                    seed=42 + seed,
                    multiple=False,
                    delineation=Delineation(convex=True, average=options.average_border),
                )
            except spel.ParameterError:
                collapsed += 1
                continue
            found.append(score({n: segment(learned.network, images[n]) for n in unmarked}, masks))
        word = f", {collapsed} collapsed" if collapsed else ""
        row(name, f"spel, {count} images{word}", found, perf_counter() - began)


def baselines(
    name: str, images: Images, masks: Masks, drawn: dict[str, Markers], white: float = 255.0
) -> None:
    """Nothing, everything, and Otsu on the channel that tells the strokes apart best."""
    other = [n for n in images if n not in drawn]
    row(name, "empty", [score({n: np.zeros_like(masks[n]) for n in other}, masks)], 0)
    row(name, "all", [score({n: np.ones_like(masks[n]) for n in other}, masks)], 0)
    spaces = {n: labnorm2(images[n][..., :3], white=white) for n in images}
    objects, rest = (
        np.concatenate(
            [spaces[n][tuple(m.points[m.is_object == side].T)] for n, m in drawn.items()]
        )
        for side in (True, False)
    )
    apart = (objects.mean(0) - rest.mean(0)) / np.sqrt(objects.var(0) + rest.var(0) + 1e-9)
    channel = int(np.abs(apart).argmax())
    sign = np.sign(apart[channel])
    answers = {n: threshold(sign * spaces[n][..., channel], "otsu") for n in other}
    row(name, f"Otsu on channel {'Lab'[channel]}", [score(answers, masks)], 0)


def large(mask: npt.NDArray[np.bool_], low: int = 400, high: int = 4000) -> npt.NDArray[np.bool_]:
    """Components of an egg's size."""
    labels = spel.ops.label(mask)
    known = spel.ops.regions(labels)
    kept = known.labels[(known.areas >= low) & (known.areas <= high)]
    return np.isin(labels, kept)


def row(name: str, method: str, found: Sequence[Scores], seconds: float) -> None:
    if not found:
        print(f"| {name} | {method} | – | – | – | – | {seconds:.0f} |", flush=True)
        return
    pick: Callable[[str], list[float]] = lambda key: [getattr(f, key) for f in found]  # noqa: E731
    alarms = np.mean(pick("false_alarms"))
    print(
        f"| {name} | {method} | {np.mean(pick('dice')):.3f} | {np.std(pick('dice')):.3f} | "
        f"{'–' if np.isnan(alarms) else f'{alarms:.3f}'} | {np.mean(pick('everything')):.3f} | "
        f"{seconds:.0f} |",
        flush=True,
    )


WHAT = {
    "parasites": parasites,
    "schistosoma": schistosoma,
    "mo445": mo445,
    "decoders": decoders,
    "ablation": ablation,
}

if __name__ == "__main__":
    sys.exit(main())
