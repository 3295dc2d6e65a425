"""How much the figure of the eggs owes to the choice of its settings: nested cross-validation.

The network is learned from the 8 marked images, once for each ridge. Settings of the component
selection are chosen on four fifths of the 59 other images and judged on the fifth that was left
out, 10 times 5 folds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.science.few_marked import METRICS
from benchmarks.science.sets import Images, Masks, parasite_encoder, parasites
from benchmarks.science.table import Table, Values, row
from spel.core.markers import Markers
from spel.decide import Delineation, segmentation_of
from spel.decide.components import Component
from spel.decide.object_model import ObjectModel
from spel.learning.segmenter import learn_segmenter
from spel.metrics.intervals import nested_choice
from spel.metrics.segmentation import dice

TOLERANCE = 0.03
SEEDS = (42,)
RIDGES = (1e-3, 1e-2, 1e-1)
MARGINS = (0.8, 0.95, 1.1)
NESTED = "settings chosen on other images (nested)"

Real = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """Spreads of area and elongation, power of the outline, factor of eggs at the border."""

    area: float
    elongation: float
    power: float
    edge: float

    def scores(self, rows: Real) -> Real:
        """As `ObjectModel.score`, of all components of an image at once."""
        return np.asarray(
            -((rows[:, 0] / self.area) ** 2) / 2
            - (rows[:, 1] / self.elongation) ** 2 / 2
            + self.power * rows[:, 2]
            + rows[:, 3]
            + np.log(self.edge) * rows[:, 4]
        )


GRID = [
    Setting(*one) for one in product((0.4, 0.5, 0.6), (0.4, 0.5, 0.6), (4.0, 6.0), (0.5, 0.7, 1))
]

_MODEL = ObjectModel(area=1)
DEFAULT = Setting(
    _MODEL.area_spread, _MODEL.elongation_spread, _MODEL.round_power, _MODEL.border_factor
)
SHIPPED = (RIDGES.index(1e-2), GRID.index(DEFAULT), MARGINS.index(0.95))


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Judged on the 59 images that were not marked; a seed is one of the kernels."""
    images, masks, drawn = parasites(data)
    count = len(RIDGES) * len(GRID) * len(MARGINS)
    table = Table(
        "eggs-nested",
        f"Parasite eggs, {count} settings of the selection",
        METRICS,
        NESTED,
        notes=["The last figure of each image, where two empty masks count as 1, is what chooses."],
    )
    runs: dict[str, list[dict[str, Values]]] = {}
    for seed in seeds:
        for negatives in (True, False):
            word = "" if negatives else ", no hard negatives"
            figures = np.concatenate(
                [
                    Learned.of(images, masks, drawn, ridge, negatives, seed).figures()
                    for ridge in RIDGES
                ]
            )
            shipped = np.ravel_multi_index(SHIPPED, (len(RIDGES), len(GRID), len(MARGINS)))
            lines = {
                NESTED: nested_choice(figures, folds=5, repeats=10),
                "settings chosen on all images": figures[figures.mean(axis=1).argmax()],
                "settings as shipped": figures[shipped],
            }
            for name, line in lines.items():
                runs.setdefault(name + word, []).append(_by_image(line, masks, drawn))
    table.rows = [row(name, seeds, found) for name, found in runs.items()]
    return table


def _by_image(line: Real, masks: Masks, drawn: dict[str, Markers]) -> dict[str, Values]:
    """Figures by image from the Dice of each, where 1 less that of an empty one is its alarms."""
    every = dict(zip([n for n in masks if n not in drawn], line.tolist()))
    return {
        "Dice": {n: value for n, value in every.items() if masks[n].any()},
        "false alarms": {n: 1 - value for n, value in every.items() if not masks[n].any()},
        "Dice, all": every,
    }


@dataclass(frozen=True)
class Learned:
    """The components of all images under one decoder, with what each setting weighs."""

    ones: dict[str, list[Component]]
    rows: dict[str, Real]
    held: dict[str, npt.NDArray[np.bool_]]
    colors: dict[str, Any]
    line: Delineation
    masks: Masks
    refined: dict[tuple[str, int], float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        images: Images,
        masks: Masks,
        drawn: dict[str, Markers],
        ridge: float,
        negatives: bool,
        seed: int,
    ) -> Learned:
        """Learn from the marked images; `held` is which components hold a marked egg."""
        learned = learn_segmenter(
            parasite_encoder(),
            [images[n] for n in drawn],
            list(drawn.values()),
            names=list(drawn),
            seed=seed,
            ridge=ridge,
            hard_negatives=negatives,
            multiple=False,
        )
        how = segmentation_of(learned.network)
        assert how.objects is not None
        assert how.delineation is not None
        wide = replace(how.objects, min_score=-8.0)
        nodes = [learned.network.output, "center"]
        found = {n: learned.network.select(image, nodes) for n, image in images.items()}
        ones = {n: wide.components(one[nodes[0]]) for n, one in found.items()}
        return cls(
            ones,
            {n: _table(wide, ones[n]) for n in images},
            {
                n: np.array([c.coverage(m.points[m.is_object]) >= 0.5 for c in ones[n]], bool)
                for n, m in drawn.items()
            },
            {n: one["center"] for n, one in found.items()},
            how.delineation,
            masks,
        )

    def figures(self) -> Real:
        """Dice of each setting (rows) on each image without strokes."""
        return np.array([list(self._figures(*one)) for one in product(GRID, MARGINS)])

    def _figures(self, setting: Setting, margin: float) -> Iterator[float]:
        """Dice of each image; 1 if it is empty and so is the answer."""
        marked = [setting.scores(self.rows[n])[h].max() for n, h in self.held.items() if h.any()]
        lowest = np.median(marked) - margin
        for name in [n for n in self.rows if n not in self.held]:
            scores = setting.scores(self.rows[name])
            best = int(scores.argmax()) if len(scores) else -1
            found, full = best >= 0 and scores[best] > lowest, self.masks[name].any()
            yield self._dice(name, best) if found and full else float(not found and not full)

    def _dice(self, name: str, index: int) -> float:
        """Of one component, delineated."""
        if (name, index) not in self.refined:
            rough = self.ones[name][index].full_mask()
            mask = self.line.refine(self.colors[name], rough)
            self.refined[name, index] = dice(mask, self.masks[name])
        return self.refined[name, index]


def _table(model: ObjectModel, ones: list[Component]) -> Real:
    """What `Setting.scores` weighs, of each component."""
    rows = [
        (
            np.log(c.area / model.area),
            np.log(c.elongation / model.elongation),
            np.log(c.roundness),
            np.log(max(c.contrast, 1e-6)),
            float(c.touches_border),
        )
        for c in ones
    ]
    return np.array(rows).reshape(-1, 5)
