"""What the tables of few marked images share: draws of them, and answers that learn nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.science.sets import Images, Masks
from benchmarks.science.table import Row, Values, dice_and_alarms, row
from spel.core.markers import Markers
from spel.decide import Delineation, segment
from spel.errors import ParameterError
from spel.learning.segmenter import learn_segmenter
from spel.metrics.segmentation import dice
from spel.nn import Network
from spel.ops import labnorm2, threshold

METRICS = ("Dice", "false alarms", "Dice, all")
"""The last counts two empty masks as 1."""


def judged(answers: Masks, masks: Masks) -> dict[str, Values]:
    """The figures of `METRICS`, per image."""
    every = {n: dice(answer, masks[n]) for n, answer in answers.items()}
    return {**dice_and_alarms(answers, masks), "Dice, all": every}


def from_few(
    network: Network,
    images: Images,
    masks: Masks,
    drawn: dict[str, Markers],
    counts: Sequence[int],
    seeds: Sequence[int],
    delineation: Delineation,
) -> Iterator[Row]:
    """Learn from some of the marked images, drawn once for each seed, and from all of them."""
    others = [n for n in images if n not in drawn]
    for count in [*counts, len(drawn)]:
        runs = []
        repeats = seeds[:1] if count == len(drawn) else seeds
        for seed in repeats:
            chosen = sorted(np.random.default_rng(seed).permutation(sorted(drawn))[:count])
            try:
                learned = learn_segmenter(
                    network,
                    [images[n] for n in chosen],
                    [drawn[n] for n in chosen],
                    names=chosen,
                    seed=42 + seed,
                    multiple=False,
                    delineation=delineation,
                )
            except ParameterError:  # no component holds the strokes
                continue
            runs.append(judged({n: segment(learned.network, images[n]) for n in others}, masks))
        failed = len(repeats) - len(runs)
        name = f"{count} marked image{'s' * (count > 1)}" + f", {failed} draws failed" * (
            failed > 0
        )
        if runs:
            yield row(name, range(len(runs)), runs)


def baselines(
    images: Images, masks: Masks, drawn: dict[str, Markers], *, white: float
) -> Iterator[Row]:
    """Nothing, everything, and Otsu's threshold of the channel that tells the strokes apart."""
    others = [n for n in images if n not in drawn]
    for name, value in (("always empty", False), ("always full", True)):
        yield row(name, (0,), [judged({n: np.full_like(masks[n], value) for n in others}, masks)])
    colors = {n: labnorm2(image[..., :3], white=white) for n, image in images.items()}
    channel, sign = _telling_channel(colors, drawn)
    answers = {n: threshold(sign * colors[n][..., channel], "otsu") for n in others}
    yield row(f"Otsu on channel {'Lab'[channel]}", (0,), [judged(answers, masks)])


def _telling_channel(
    colors: dict[str, npt.NDArray[np.float32]], drawn: dict[str, Markers]
) -> tuple[int, float]:
    """The channel whose means differ most between the strokes, and 1 if objects are brighter."""
    objects, rest = (
        np.concatenate(
            [colors[n][tuple(m.points[m.is_object == side].T)] for n, m in drawn.items()]
        )
        for side in (True, False)
    )
    apart = (objects.mean(0) - rest.mean(0)) / np.sqrt(objects.var(0) + rest.var(0) + 1e-9)
    channel = int(np.abs(apart).argmax())
    return channel, float(np.sign(apart[channel]))
