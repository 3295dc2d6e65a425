"""Every operator on one thread and on all cores: spel, OpenCV and ONNX Runtime."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.engine import encoder
from benchmarks.engine.series import Series
from benchmarks.harness import OURS, Contender, Row, Table, Timing, measure as timed
from benchmarks.operators import convolution, others, plate, pooling

GROUPS = (plate, convolution, pooling, others, encoder)
THREADED = (OURS, "opencv", "onnxruntime")
QUIET = 0.05
"""Seconds between two libraries, in which the threads of the first fall asleep."""


@dataclass
class WallTable(Table):
    """A table of the libraries in `THREADED`, by time on the wall, one after the other.

    Not in turns: threads of some libraries spin for milliseconds after their work, and would keep
    the cores from the next library.
    """

    def row(self, name: str, **given: Any) -> Row | None:
        """See `Table.row`; other libraries are left out."""
        named = {n: value for n, value in given.items() if not callable(value) or n in THREADED}
        if "compare" in given:
            named["compare"] = given["compare"]
        return super().row(name, **named)

    def measured(self, sound: Mapping[str, Contender]) -> dict[str, Timing]:
        """All rounds of a contender, then those of the next."""
        timings = {}
        for name, run in sound.items():
            time.sleep(QUIET)
            timings |= timed({name: run}, seconds=self.seconds / len(sound), clock=self.clock)
        return timings

    @property
    def clock(self) -> Callable[[], float]:
        """Time on the wall: processor time would count each thread."""
        return time.perf_counter


def measure(threads: int, quick: bool) -> list[Series]:
    del threads  # one, and all
    count = os.cpu_count() or 1
    by_count = {n: WallTable("", threads=n, seconds=0.2 if quick else 1.0) for n in (1, count)}
    for table in by_count.values():
        for group in GROUPS:
            group.measure(table, quick)
    series = Series(
        f"{count} threads beside one",
        "operator",
        "",
        note="Milliseconds on the wall, and how many times as fast each library is on "
        f"{count} threads as on one.",
    )
    for one, all_ in zip(by_count[1].rows, by_count[count].rows, strict=True):
        ours = {"spel 1 (ms)": one.timings[OURS].best * 1e3}
        ours[f"spel {count} (ms)"] = all_.timings[OURS].best * 1e3
        gains = {
            f"{name}: times as fast": one.timings[name].best / all_.timings[name].best
            for name in THREADED
            if name in one.timings and name in all_.timings
        }
        series.rows.append((one.name, {**ours, **gains, "best peer / spel": all_.ratio}))
    return [series]
