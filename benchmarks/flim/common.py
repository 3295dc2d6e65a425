"""What the FLIM experiments share: where data is, and how masks are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import spel
from spel.metrics.segmentation import dice

__all__ = ["DATA", "Scores", "dice", "read_masks", "score"]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """Dice where there is an object; false alarms where there is none; Dice over all images.

    Of two empty masks the Dice is 1: `everything` flatters whoever answers nothing.
    """

    objects: int
    dice: float
    worst: float
    empty: int
    false_alarms: float
    everything: float

    def __str__(self) -> str:
        return (
            f"Dice {self.dice:.3f} on {self.objects} images with objects, worst {self.worst:.2f}; "
            f"{self.false_alarms:.3f} false alarms on {self.empty} without; {self.everything:.3f} "
            "over all"
        )

    def to_dict(self) -> dict[str, float]:
        return {k: round(v, 4) for k, v in asdict(self).items()}


def read_masks(folder: Path, suffix: str = "") -> dict[str, Mask]:
    """Masks by image name."""
    return {
        p.stem.removesuffix(suffix): spel.read(p)[..., 0] > 0
        for p in sorted(folder.glob(f"*{suffix}.png"))
    }


def score(answers: Mapping[str, Mask], masks: Mapping[str, Mask]) -> Scores:
    """Judge answers by image name."""
    full = [dice(answers[n], masks[n]) for n in answers if masks[n].any()]
    none = [bool(answers[n].any()) for n in answers if not masks[n].any()]
    both = [*full, *[1.0 - alarm for alarm in none]]
    return Scores(
        len(full),
        float(np.mean(full)) if full else float("nan"),
        float(np.min(full)) if full else float("nan"),
        len(none),
        float(np.mean(none)) if none else float("nan"),
        float(np.mean(both)),
    )
