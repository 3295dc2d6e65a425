"""A table of figures per image: Markdown, CSV and LaTeX, intervals, paired tests, expectations."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.science.expectation import EXPECTED, differences, expect
from spel.metrics.intervals import Interval, bootstrap_interval, holm, paired_difference

Values = dict[str, float]
"""One figure per image, by the image's name."""


@dataclass(frozen=True)
class Row:
    """One method: its figures per image, for each seed or draw."""

    name: str
    seeds: tuple[int, ...]
    figures: dict[str, list[Values]]

    def per_image(self, metric: str) -> Values:
        """The mean over the seeds in which an image was judged."""
        runs = self.figures.get(metric, [])
        names = sorted({name for run in runs for name in run})
        return {n: float(np.mean([run[n] for run in runs if n in run])) for n in names}

    def interval(self, metric: str) -> Interval:
        """Mean and bootstrap interval over the images."""
        return bootstrap_interval(list(self.per_image(metric).values()))

    def between_seeds(self, metric: str) -> float:
        """Standard deviation of the means of the seeds; 0 for one seed."""
        means = [np.mean(list(run.values())) for run in self.figures[metric] if run]
        return float(np.std(means, ddof=1)) if len(means) > 1 else 0.0


@dataclass
class Table:
    """Rows that are compared with the first one that is named as the reference."""

    name: str
    title: str
    metrics: tuple[str, ...]
    reference: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def p_values(self, metric: str) -> dict[str, float]:
        """Of each row against the reference, by sign flips over the images; Holm's adjustment."""
        by_name = {row.name: row for row in self.rows}
        if self.reference not in by_name:
            return {}
        base = by_name[self.reference].per_image(metric)
        raw: Values = {}
        for row in self.rows:
            mine = row.per_image(metric)
            both = sorted(set(base) & set(mine))
            if row.name != self.reference and both:
                pairs = [[values[n] for n in both] for values in (mine, base)]
                raw[row.name] = paired_difference(*pairs).p
        return dict(zip(raw, holm(list(raw.values())).tolist()))

    def lines(self) -> list[dict[str, str]]:
        """One record per row and metric."""
        found = []
        for metric in self.metrics:
            tests = self.p_values(metric)
            for row in self.rows:
                if not row.per_image(metric):
                    continue
                one = row.interval(metric)
                found.append(
                    {
                        "method": row.name,
                        "metric": metric,
                        "n": str(one.n),
                        "seeds": str(len(row.seeds)),
                        "mean": f"{one.mean:.3f}",
                        "deviation": f"{one.deviation:.3f}",
                        "low": f"{one.low:.3f}",
                        "high": f"{one.high:.3f}",
                        "between_seeds": f"{row.between_seeds(metric):.3f}",
                        "p": f"{tests[row.name]:.3f}" if row.name in tests else "",
                    }
                )
        return found

    def markdown(self) -> str:
        """A row per method; each cell is mean [interval], deviation between seeds, p-value."""
        cells = {(line["method"], line["metric"]): line for line in self.lines()}
        head = ["method", "n", "seeds", *self.metrics]
        rows = [[*_counts(row, self.metrics), *_cells(row, self.metrics, cells)]
                for row in self.rows]  # fmt: skip
        text = [f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows]]
        return "\n".join([f"**{self.title}**", "", *text, "", *self.notes, LEGEND, ""])

    def csv(self) -> str:
        """One line per row and metric."""
        out = io.StringIO()
        lines = self.lines()
        writer = csv.DictWriter(out, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue()

    def latex(self) -> str:
        """A `tabular` for `booktabs`."""
        head = " & ".join(tex(word) for word in ("method", "n", *self.metrics))
        body = []
        cells = {(line["method"], line["metric"]): line for line in self.lines()}
        for row in self.rows:
            words = [row.name, _counts(row, self.metrics)[1]]
            words = [tex(word) for word in words]
            for metric in self.metrics:
                line = cells.get((row.name, metric))
                words.append("${mean}$ $[{low}, {high}]$".format(**line) if line else "--")
            body.append(" & ".join(words) + r" \\")
        columns = "lr" + "l" * len(self.metrics)
        start = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head + r" \\", r"\midrule"]
        return "\n".join([*start, *body, r"\bottomrule", r"\end{tabular}", ""])

    def differences(self, folder: Path = EXPECTED) -> list[str]:
        """What differs from the expected figures, which lie beside the table."""
        return differences(self.name, self.means(), folder)

    def means(self) -> dict[str, dict[str, float]]:
        """Mean of every method and metric."""
        found: dict[str, dict[str, float]] = {}
        for line in self.lines():
            found.setdefault(line["method"], {})[line["metric"]] = float(line["mean"])
        return found

    def write(self, folder: Path) -> list[Path]:
        """NAME.md, NAME.csv and NAME.tex."""
        forms = {"md": self.markdown(), "csv": self.csv(), "tex": self.latex()}
        return write_forms(folder, self.name, forms)

    def expect(self, tolerance: float, folder: Path = EXPECTED) -> None:
        """Write the present means as those expected from now on."""
        expect(self.name, self.means(), tolerance, folder)


def write_forms(folder: Path, name: str, forms: Mapping[str, str]) -> list[Path]:
    """Write a table in several forms, each in the file of its suffix."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for suffix, text in forms.items():
        paths.append(folder / f"{name}.{suffix}")
        paths[-1].write_text(text, encoding="utf-8")
    return paths


LEGEND = (
    "Cells: mean over images [95 % bootstrap interval over images] ± deviation between seeds; "
    "p against the reference row, sign flips over images, Holm's adjustment."
)


def dice_and_alarms(
    answers: dict[str, npt.NDArray[np.bool_]], masks: dict[str, npt.NDArray[np.bool_]]
) -> dict[str, Values]:
    """Dice of images with an object, and 1 or 0 for a false alarm of those without."""
    from spel.metrics.segmentation import dice

    return {
        "Dice": {n: dice(a, masks[n]) for n, a in answers.items() if masks[n].any()},
        "false alarms": {n: float(a.any()) for n, a in answers.items() if not masks[n].any()},
    }


def row(name: str, seeds: Iterable[int], runs: list[dict[str, Values]]) -> Row:
    """A row from the figures of each run."""
    return Row(name, tuple(seeds), {key: [run[key] for run in runs] for key in runs[0]})


def _counts(row: Row, metrics: tuple[str, ...]) -> list[str]:
    counts = [len(row.per_image(m)) for m in metrics if any(row.figures.get(m, []))]
    return [row.name, " + ".join(map(str, dict.fromkeys(counts))), str(len(row.seeds))]


def _cells(
    row: Row, metrics: tuple[str, ...], cells: dict[tuple[str, str], dict[str, str]]
) -> list[str]:
    texts = []
    for metric in metrics:
        line = cells.get((row.name, metric))
        if line is None:
            texts.append("–")
            continue
        text = f"{line['mean']} [{line['low']}, {line['high']}]"
        text += f" ± {line['between_seeds']}" if len(row.seeds) > 1 else ""
        texts.append(text + (f" p={line['p']}" if line["p"] else ""))
    return texts


def tex(text: str) -> str:
    """Text with the signs that LaTeX takes for its own escaped."""
    for sign in ("&", "%", "_", "#"):
        text = text.replace(sign, "\\" + sign)
    return text
