"""What a suite counted: cases that are equal, different, refused by name, or not about spel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

MOST_SHOWN = 10


@dataclass
class Count:
    """The cases of one suite.

    A case is *equal* within the suite's own tolerance, *different*, *refused* (spel raised one of
    its own errors and said why), or *other* (the suite tests something that spel does not have).
    """

    suite: str
    equal: int = 0
    refused: int = 0
    other: int = 0
    different: list[str] = field(default_factory=list)

    def compare(
        self,
        case: str,
        result: npt.ArrayLike,
        expected: npt.ArrayLike,
        *,
        rtol: float = 1e-5,
        atol: float = 1e-6,
    ) -> None:
        """Count one case by the values of two arrays; their shapes must agree."""
        result, expected = np.asarray(result), np.asarray(expected)
        if result.shape != expected.shape:
            self.different.append(f"{case}: shape {result.shape} instead of {expected.shape}")
        elif not np.allclose(result, expected, rtol=rtol, atol=atol, equal_nan=True):
            with np.errstate(invalid="ignore"):
                distance = np.nanmax(np.abs(result.astype(float) - expected.astype(float)))
            self.different.append(f"{case}: largest difference {distance:.3g}")
        else:
            self.equal += 1

    def row(self) -> str:
        """The row of the table, in Markdown."""
        cells = (self.suite, self.equal, len(self.different), self.refused, self.other)
        return "| " + " | ".join(str(cell) for cell in cells) + " |"

    def shown(self) -> str:
        """The first cases that differ, one per line."""
        lines = [f"  {self.suite}: {case}" for case in self.different[:MOST_SHOWN]]
        more = len(self.different) - MOST_SHOWN
        return "\n".join(lines + [f"  {self.suite}: and {more} more"] * (more > 0))
