"""Contenders side by side: checked for equal results, timed in turns, shown with their losses.

See METHOD.md for the rules that this file carries out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environment import environment, has, load_average, now, version_of

Contender = Callable[[], Any]
OURS = "spel"
PACKAGE_OF = {"opencv": "opencv-python", "skimage": "scikit-image"}
STEADY = 1.25
"""Median over minimum beyond which a cell is marked: the machine was busy."""
HOPELESS = 15
"""How many times as long as the fastest a contender may take and still run in every round."""
WARMING = 2
"""Runs of a contender in its turn before the one that counts."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one contender over the rounds of one row."""

    best: float
    median: float
    p95: float
    rounds: int

    @property
    def spread(self) -> float:
        """Median over minimum: 1 on a quiet machine."""
        return self.median / self.best if self.best else float("nan")


@dataclass(frozen=True)
class Row:
    """One line of a table: what each contender took and how far its result was from ours."""

    name: str
    timings: Mapping[str, Timing]
    differences: Mapping[str, float]
    tolerance: float
    note: str = ""
    work: float = 0.0
    """Multiply-adds, for a rate; 0 if none is meaningful."""

    @property
    def refused(self) -> tuple[str, ...]:
        """Contenders whose results differ from ours; they are not timed."""
        return tuple(n for n, d in self.differences.items() if not d <= self.tolerance)

    @property
    def best_peer(self) -> str | None:
        """The fastest of the others."""
        others = {n: t.best for n, t in self.timings.items() if n != OURS}
        return min(others, key=lambda name: others[name]) if others else None

    @property
    def ratio(self) -> float:
        """Best peer's time over ours: above 1, spel is faster."""
        peer = self.best_peer
        if peer is None or OURS not in self.timings:
            return float("nan")
        return self.timings[peer].best / self.timings[OURS].best


@dataclass
class Table:
    """Rows of one title, measured one after the other.

    Parameters
    ----------
    title : str
    threads : int
        For all contenders that can be told.
    seconds : float
        Time budget of a row's rounds, over all contenders.
    only : str
        Rows whose name does not contain it are skipped.
    """

    title: str
    threads: int = 1
    seconds: float = 2.0
    only: str = ""
    rows: list[Row] = field(default_factory=list)
    started: str = field(default_factory=lambda: now())
    load: tuple[float, float] = (float("nan"), float("nan"))
    out: Any = None
    """Where each row is announced as it is measured; None for standard error."""

    def row(
        self,
        name: str,
        *,
        tolerance: float = 1e-4,
        compare: Callable[[Any], Any] = np.asarray,
        note: str = "",
        work: float = 0.0,
        **contenders: Contender | None,
    ) -> Row | None:
        """Check and time the contenders of a row; those that are None are absent peers.

        Parameters
        ----------
        tolerance : float
            Largest difference over the largest value of ours.
        compare : callable
            What of a result is compared: a crop, another layout.
        """
        if self.only and self.only not in name:
            return None
        if not self.rows:
            self.load = (load_average(), self.load[1])
        present = {n: c for n, c in contenders.items() if c is not None}
        with threads(self.threads):
            differences = check(present, compare)
            sound = {n: c for n, c in present.items() if differences.get(n, 0.0) <= tolerance}
            timings = self.measured(sound)
        row = Row(name, timings, differences, tolerance, note, work)
        self.rows.append(row)
        self.load = (self.load[0], load_average())
        print(f"  {name}: {_brief(row)}", file=self.out or sys.stderr, flush=True)
        return row

    def measured(self, sound: Mapping[str, Contender]) -> dict[str, Timing]:
        """The seconds of the contenders whose results are equal."""
        return measure(sound, seconds=self.seconds, clock=self.clock)

    @property
    def clock(self) -> Callable[[], float]:
        """Processor time for one thread, which neighbours on the machine cannot lengthen by
        taking the processor away; time on the wall for several.
        """
        return time.process_time if self.threads == 1 else time.perf_counter

    @property
    def contenders(self) -> list[str]:
        """Every name that occurs, ours first, then by the order of appearance."""
        names = dict.fromkeys(n for r in self.rows for n in (*r.timings, *r.differences))
        return [n for n in names if n == OURS] + [n for n in names if n != OURS]

    @property
    def geometric_mean(self) -> float:
        """Geometric mean of the ratios."""
        ratios = [r.ratio for r in self.rows if np.isfinite(r.ratio)]
        return float(np.exp(np.mean(np.log(ratios)))) if ratios else float("nan")

    def markdown(self) -> str:
        """The table for people: milliseconds, best peer over spel, losing rows marked."""
        names = self.contenders
        head = ["", *[_named(n) for n in names], "best peer / spel", "largest difference"]
        lines = [f"### {self.title}", "", _line(head), _line(["---"] + ["---:"] * (len(head) - 1))]
        for row in self.rows:
            worst = max(
                (d for n, d in row.differences.items() if n not in row.refused), default=np.nan
            )
            cells = [row.name + (f" ({row.note})" if row.note else "")]
            cells += [_cell(row, n) for n in names]
            cells += [_ratio(row.ratio), "" if np.isnan(worst) else f"{worst:.0e}"]
            lines.append(_line(cells))
        if np.isfinite(self.geometric_mean):
            lines += ["", f"Geometric mean of the ratios: {self.geometric_mean:.2f}."]
        return "\n".join([*lines, "", _stamp(environment(), self)])

    def to_dict(self) -> dict[str, Any]:
        """Everything that was measured, ready for JSON."""
        return {
            "title": self.title,
            "threads": self.threads,
            "started": self.started,
            "load": [None if np.isnan(x) else x for x in self.load],
            "environment": environment(),
            "geometric_mean": mean if np.isfinite(mean := self.geometric_mean) else None,
            "rows": [
                {
                    "name": r.name,
                    "note": r.note,
                    "work": r.work,
                    "tolerance": r.tolerance,
                    "ratio": r.ratio if np.isfinite(r.ratio) else None,
                    "refused": list(r.refused),
                    "contenders": {
                        n: {
                            "ms": t.best * 1e3,
                            "median": t.median * 1e3,
                            "p95": t.p95 * 1e3,
                            "spread": t.spread,
                            "rounds": t.rounds,
                            "difference": r.differences.get(n, 0.0),
                        }
                        for n, t in r.timings.items()
                    },
                }
                for r in self.rows
            ],
        }

    def write(self, folder: str | os.PathLike[str], name: str) -> list[Path]:
        """Write Markdown, JSON and, where matplotlib is installed, a plot; the paths written."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        written = [place / f"{name}.md", place / f"{name}.json"]
        written[0].write_text(self.markdown() + "\n", encoding="utf-8")
        written[1].write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")
        with contextlib.suppress(ImportError):
            plot([self], place / f"{name}.png")
            written.append(place / f"{name}.png")
        return written


# -- checking and timing -------------------------------------------------------------------------


def check(
    contenders: Mapping[str, Contender], compare: Callable[[Any], Any] = np.asarray
) -> dict[str, float]:
    """Largest difference of each peer's result from ours, over our largest value.

    A result of another shape counts as infinitely different.
    """
    if OURS not in contenders:
        return {}
    ours = np.asarray(compare(contenders[OURS]()), dtype=np.float64)
    scale = float(np.abs(ours).max(initial=0.0)) or 1.0
    found = {}
    for name, run in contenders.items():
        if name == OURS:
            continue
        theirs = np.asarray(compare(run()), dtype=np.float64)
        if theirs.shape != ours.shape:
            found[name] = float("inf")
            continue
        difference = float(np.abs(theirs - ours).max(initial=0.0)) / scale
        found[name] = difference if np.isfinite(difference) else float("inf")
    return found


def measure(
    contenders: Mapping[str, Contender],
    *,
    seconds: float = 2.0,
    least: int = 5,
    most: int = 60,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """Seconds of each contender, in turns: at least `least` rounds, until the budget is used.

    In its turn a contender runs `WARMING` times uncounted, which brings its code, its input and the
    memory of its result back into the caches, and then once on the clock. Contenders that take over
    `HOPELESS` times as long as the fastest run once in each of two rounds, then sit out.
    """

    def seconds_of(run: Contender) -> float:
        start = clock()
        run()
        return clock() - start

    first = {name: seconds_of(run) for name, run in contenders.items()}
    slow = {name for name, once in first.items() if once > HOPELESS * min(first.values())}
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    begin = time.perf_counter()
    for done in range(most):
        if done >= least and time.perf_counter() - begin > seconds:
            break
        for name, run in contenders.items():
            for _ in range(0 if name in slow else WARMING):
                run()
            if done < 2 or name not in slow:
                taken[name].append(seconds_of(run))
    return {
        name: Timing(min(t), float(np.median(t)), float(np.percentile(t, 95)), len(t))
        for name, t in taken.items()
    }


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Give every library in this process `count` threads."""
    import spel

    with contextlib.ExitStack() as stack:
        stack.enter_context(spel.threads(count))
        if "threadpoolctl" in sys.modules or has("threadpoolctl"):
            from threadpoolctl import threadpool_limits

            stack.enter_context(threadpool_limits(count))
        if "cv2" in sys.modules:
            before = sys.modules["cv2"].getNumThreads()
            sys.modules["cv2"].setNumThreads(count)
            stack.callback(sys.modules["cv2"].setNumThreads, before)
        if "torch" in sys.modules:
            before = sys.modules["torch"].get_num_threads()
            sys.modules["torch"].set_num_threads(count)
            stack.callback(sys.modules["torch"].set_num_threads, before)
        yield


# -- showing -------------------------------------------------------------------------------------


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _named(contender: str) -> str:
    """The contender with its version, where a package of its name is installed."""
    packages = (PACKAGE_OF.get(contender, contender), f"{PACKAGE_OF.get(contender)}-headless")
    version = next((v for v in map(version_of, packages) if v), "")
    return f"{contender} {version} (ms)" if version and contender != OURS else f"{contender} (ms)"


def _cell(row: Row, name: str) -> str:
    if name in row.refused:
        return "differs"
    if name not in row.timings:
        return ""
    timing = row.timings[name]
    best, *later = [f"{s * 1e3:.3g}" for s in (timing.best, timing.median, timing.p95)]
    if name == min(row.timings, key=lambda n: row.timings[n].best):
        best = f"**{best}**"
    unsteady = " !" if timing.spread > STEADY else ""
    return f"{best} <sub>{' '.join(later)}{unsteady}</sub>"


def _ratio(value: float) -> str:
    if not np.isfinite(value):
        return ""
    return f"{value:.2f}" if value >= 1 else f"{value:.2f} (loses)"


def _brief(row: Row) -> str:
    words = [f"{name} {t.best * 1e3:.3g} ms" for name, t in row.timings.items()]
    words += [f"{name} differs by {row.differences[name]:.1e}" for name in row.refused]
    return ", ".join(words) + (f"; {_ratio(row.ratio)}" if np.isfinite(row.ratio) else "")


def _stamp(env: Mapping[str, Any], table: Table) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in env["packages"].items())
    engine = f"{env['engine']['isa']}, {env['engine']['compiler']}"
    limits = "".join(f"{name}={value}; " for name, value in env["limits"].items())
    return (
        f"<sub>{table.started}; {env['processor']}, {env['cores']} cores, {table.threads} "
        f"thread{'s' * (table.threads != 1)}; load {table.load[0]:.1f} to {table.load[1]:.1f}; "
        f"{limits}Python {env['python']}; spel {env['spel']} ({engine}); {packages}. "
        f"Minimum of interleaved rounds with median and 95th percentile beside it (! where the "
        f"median is over {STEADY} times the minimum), "
        f"{'processor' if table.threads == 1 else 'wall'} time; see "
        "benchmarks/METHOD.md.</sub>"
    )


def plot(tables: list[Table], path: str | os.PathLike[str]) -> None:
    """Bars of best peer over spel, one per row, the line at 1 marked; needs matplotlib."""
    from matplotlib.figure import Figure

    rows = [(t, r) for t in tables for r in t.rows if np.isfinite(r.ratio)]
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    values = [r.ratio for _, r in rows]
    colors = ["#2a6f97" if v >= 1 else "#c8553d" for v in values]
    axes.barh(range(len(rows)), values, color=colors)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [f"{r.name}  [{r.best_peer}]" for _, r in rows], fontsize=8)
    axes.invert_yaxis()
    for y, value in enumerate(values):
        axes.annotate(
            f"{value:.1f}", (value, y), (4, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_xlabel("best peer's time over spel's (above 1: spel is faster); best peer in brackets")
    axes.set_title(" / ".join(dict.fromkeys(t.title for t in tables)), loc="left")
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that every benchmark command has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="smaller images and budgets")
    parser.add_argument("--threads", type=int, default=1, help="for all contenders (default 1)")
    parser.add_argument("--seconds", type=float, help="time budget of a row (default 2)")
    parser.add_argument("--only", default="", help="only rows whose name contains this")
    parser.add_argument("--out", type=Path, help="folder for Markdown, JSON and a plot")
    return parser
