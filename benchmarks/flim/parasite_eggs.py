"""Learn the zoo's ``parasite-eggs`` from the 8 marked parasite images, and measure it.

    python benchmarks/flim/parasite_eggs.py            # measure
    python benchmarks/flim/parasite_eggs.py --write    # and write the zoo's file

No mask is read for learning. Images whose markers were used are left out of the figures.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from common import DATA, Scores, dice, read_masks, score

import spel
from spel.decide import Delineation, segment, segmentation_of, with_segmentation
from spel.io.annotation.marker_folder import find_markers
from spel.learning.segmenter import LearnedSegmenter, learn_segmenter
from spel.nn import Activation, Center, Color, MaxPool, Network, Unlearned, chain

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "src" / "spel" / "zoo" / "parasite_eggs.safetensors"
STEP = 0.95
"""How far the lowest score lies below the marked eggs' median, as in `learn_segmenter`."""


def encoder() -> Network:
    """Two blocks of 5 x 5 kernels on LABNorm2 less its median, without strides."""
    box, near = spel.Adjacency.box(5), spel.Adjacency.box(3)
    return chain(
        color=Color("labnorm2"),
        center=Center(),
        conv1=Unlearned(box, kernels=16, per_stroke=1),
        relu1=Activation("relu"),
        pool1=MaxPool(near),
        conv2=Unlearned(box, kernels=32, per_stroke=2),
        relu2=Activation("relu"),
        pool2=MaxPool(near),
    )


OPTIONS: dict[str, Any] = {
    "truncated": True,
    "false_alarm_rate": 0.05,
    "delineation": Delineation(convex=True, average=True),
}
"""Eggs that the border cuts count, and outlines lie between edges and saliency."""


def at_fixed_step(learned: LearnedSegmenter) -> Network:
    """The network with presence learned, and the lowest score that needs no stated rate.

    `spel segment parasite-eggs IMAGES --false-alarm-rate 0.05` states one.
    """
    how = segmentation_of(learned.network)
    assert how.objects is not None
    assert learned.evidence is not None
    step = float(np.median(learned.evidence.objects)) - STEP
    return with_segmentation(
        learned.network, replace(how, objects=replace(how.objects, min_score=step))
    )


def card_of(network: spel.Network, scores: Scores) -> dict[str, Any]:
    """What the network is, for `spel see` and its model card."""
    return {
        "name": "parasite-eggs",
        "description": "Segments eggs of Schistosoma mansoni in microscope fields of 240 x 240 "
        "pixels, RGB.",
        "learned from": "Strokes on 8 images, without masks or backpropagation. The images come "
        "with libift (teuber-marcel/ift); their licence is not stated, and none is shipped.",
        "method": "spel.learning.segmenter.learn_segmenter",
        "command": "python benchmarks/flim/parasite_eggs.py --write",
        "figures": {
            "images with an egg": scores.objects,
            "mean Dice of these": round(scores.dice, 4),
            "worst Dice of these": round(scores.worst, 4),
            "images without an egg": scores.empty,
            "false alarms, share of these": round(scores.false_alarms, 4),
            "mean Dice of all images; two empty masks have 1": round(scores.everything, 4),
        },
        "measured on": "The 59 images that have no strokes.",
        "measured by": "python benchmarks/flim/parasite_eggs.py",
        "limits": "One size of eggs (about 1100 pixels), whole or cut by the border of the image, "
        "and one stain; at most one egg in an image. The settings were chosen on the 59 images on "
        "which the figures were measured. It is no medical device.",
        "license": "BSD-3-Clause",
        "fingerprint": network.fingerprint(),
        "spel": spel.__version__,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    folder = DATA / "parasites"
    if not folder.is_dir():
        print(f"skipped: {folder} is absent")
        return 0
    drawn = find_markers(folder / "libift" / "markers")
    images = {p.stem: spel.read(p) for p in sorted((folder / "images").glob("*.png"))}
    masks = read_masks(folder / "masks")
    print("| seed | Dice, images with an egg | worst | false alarms | Dice, all | s to learn |")
    print("|---|---|---|---|---|---|")
    for seed in range(42, 42 + options.seeds):
        began = perf_counter()
        found = learn_segmenter(
            encoder(),
            [images[n] for n in drawn],
            list(drawn.values()),
            names=list(drawn),
            seed=seed,
            multiple=False,
            **OPTIONS,
        )
        network = at_fixed_step(found)
        took = perf_counter() - began
        with spel.threads(1):
            began = process_time()
            answers = {name: segment(network, image) for name, image in images.items()}
            each = (process_time() - began) / len(images)
            began = process_time()
            spel.learn(encoder(), [images[n] for n in drawn], list(drawn.values()))
            alone = process_time() - began
        unmarked = [name for name in images if name not in drawn]
        scores: Scores = score({n: answers[n] for n in unmarked}, masks)
        print(
            f"| {seed} | {scores.dice:.3f} | {scores.worst:.2f} | {scores.false_alarms:.3f} | "
            f"{scores.everything:.3f} | {took:.2f} |"
        )
        print(
            f"of one core {alone:.2f} s for the encoder, {1e3 * each:.1f} ms an image",
            file=sys.stderr,
        )
        if seed == 42 and options.write:
            card = card_of(network, scores)
            network.with_meta(card=card).save(TARGET)
            print(TARGET.relative_to(ROOT), TARGET.stat().st_size, "bytes")
    worst = sorted((dice(answers[n], masks[n]), n) for n in unmarked if masks[n].any())[:5]
    print("worst:", ", ".join(f"{n} {value:.2f}" for value, n in worst))
    false = [n for n in unmarked if not masks[n].any() and answers[n].any()]
    print("false alarms:", ", ".join(false) or "none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
