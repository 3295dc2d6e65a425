"""How much the parasites figure owes to the choice of its settings: nested cross-validation.

    python benchmarks/flim/cross_validation.py
    python benchmarks/flim/cross_validation.py --no-hard-negatives

The network is learned from the 8 marked images, once per ridge. Settings of the component selection
(spreads, outline, edge, cutoff) are then chosen on four fifths of the 59 unmarked images and judged
on the fifth that was left out, 10 times 5 folds. The difference to the figure with the settings
chosen on all 59 is what the choice flatters.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from common import DATA, dice
from experiments import load_parasites
from parasite_eggs import encoder

from spel.decide import segmentation_of
from spel.decide.object_model import ObjectModel
from spel.learning.segmenter import learn_segmenter

GRID = list(itertools.product((0.4, 0.5, 0.6), (0.4, 0.5, 0.6), (4.0, 6.0), (0.5, 0.7, 1)))
MARGINS = (0.8, 0.95, 1.1)
RIDGES = (1e-3, 1e-2, 1e-1)
Real = npt.NDArray[np.float64]


def scores(rows: Real, setting: tuple[float, ...]) -> Real:
    """As `ObjectModel.score`, of all components of an image at once."""
    spread, elongation, power, edge = setting
    return (
        -((rows[:, 0] / spread) ** 2) / 2
        - (rows[:, 1] / elongation) ** 2 / 2
        + power * rows[:, 2]
        + rows[:, 3]
        + np.log(edge) * rows[:, 4]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-hard-negatives", action="store_true")
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: {DATA} is absent")
        return 0
    images, masks, drawn = load_parasites()
    other = [n for n in images if n not in drawn]
    full = np.array([masks[n].any() for n in other])
    answers = []  # Dice and alarm of every setting on every image
    settings = []
    for ridge in RIDGES:
        found = learn_segmenter(
            encoder(),
            [images[n] for n in drawn],
            list(drawn.values()),
            names=list(drawn),
            ridge=ridge,
            hard_negatives=not options.no_hard_negatives,
            multiple=False,
        )
        how = segmentation_of(found.network)
        assert how.objects is not None
        assert how.delineation is not None
        wide = replace(how.objects, min_score=-8.0)
        center = found.network.upto("center")
        ones = {n: wide.components(found.network(images[n])) for n in images}
        rows = {n: table(wide, ones[n]) for n in images}
        held = {
            n: np.array([c.coverage(m.points[m.is_object]) >= 0.5 for c in ones[n]], dtype=bool)
            for n, m in drawn.items()
        }
        refined: dict[tuple[str, int], float] = {}
        for setting in GRID:
            marked = [scores(rows[n], setting)[held[n]].max() for n in drawn if held[n].any()]
            best = {
                n: scores(rows[n], setting) if len(rows[n]) else np.array([-99.0]) for n in other
            }
            for margin in MARGINS:
                cutoff = np.median(marked) - margin
                line = []
                for n in other:
                    index = int(best[n].argmax())
                    if best[n][index] <= cutoff:
                        line.append(0.0 if masks[n].any() else 1.0)
                    elif not masks[n].any():
                        line.append(0.0)
                    else:
                        if (n, index) not in refined:
                            rough = ones[n][index].full_mask()
                            mask = how.delineation.refine(center(images[n]), rough)
                            refined[n, index] = dice(mask, masks[n])
                        line.append(refined[n, index])
                answers.append(line)
                settings.append((ridge, *setting, margin))
    table_of = np.array(answers)
    best_all = int(table_of.mean(axis=1).argmax())
    print(f"{len(settings)} settings on {len(other)} images\n")
    print("| chosen | Dice, images with an egg | false alarms | Dice, all |\n|---|---|---|---|")
    for name, index in (("on all images", best_all), ("as shipped", settings.index(shipped()))):
        tell(name, table_of[index], full)
        print(f"{name}: {settings[index]}", file=sys.stderr)
    nested = np.zeros((10, len(other)))
    for repeat in range(10):
        order = np.random.default_rng(repeat).permutation(len(other))
        for fold in np.array_split(order, 5):
            rest = np.setdiff1d(order, fold)
            nested[repeat, fold] = table_of[table_of[:, rest].mean(axis=1).argmax(), fold]
    tell("nested, 10 times 5 folds", nested.mean(axis=0), full)
    return 0


def table(model: ObjectModel, ones: list) -> Real:
    return np.array(
        [
            [
                np.log(c.area / model.area),
                np.log(c.elongation / model.elongation),
                np.log(c.roundness),
                np.log(max(c.contrast, 1e-6)),
                float(c.touches_border),
            ]
            for c in ones
        ]
    ).reshape(-1, 5)


def shipped() -> tuple[float, ...]:
    base = ObjectModel(area=1)
    spreads = (base.area_spread, base.elongation_spread)
    return (1e-2, *spreads, base.round_power, base.border_factor, 0.95)


def tell(name: str, line: Real, full: npt.NDArray) -> None:
    """A row of the table, from what each image scores."""
    print(
        f"| {name} | {line[full].mean():.3f} | {1 - line[~full].mean():.3f} | {line.mean():.3f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
