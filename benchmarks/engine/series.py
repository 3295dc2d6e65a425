"""Series: how figures grow with one quantity; a table, a dictionary, a plot."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Series:
    """Columns of figures over one quantity.

    Attributes
    ----------
    title, quantity, unit : str
        Unit is that of the figures.
    rows : list of (value or name, {column: figure})
    note : str
        What must hold, and whether it does.
    """

    title: str
    quantity: str
    unit: str
    rows: list[tuple[Any, dict[str, float]]] = field(default_factory=list)
    note: str = ""

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order of appearance."""
        return list(dict.fromkeys(name for _, figures in self.rows for name in figures))

    def markdown(self) -> str:
        """The table for people."""
        unit = f" ({self.unit})" if self.unit else ""
        head = [self.quantity, *[f"{name}{unit}" for name in self.columns]]
        lines = [f"### {self.title}", "", f"| {' | '.join(head)} |"]
        lines.append("| --- |" + " ---: |" * len(self.columns))
        for value, figures in self.rows:
            cells = [f"{figures[n]:.3g}" if n in figures else "" for n in self.columns]
            lines.append(f"| {value} | {' | '.join(cells)} |")
        return "\n".join([*lines, "", self.note]).rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "title": self.title,
            "quantity": self.quantity,
            "unit": self.unit,
            "note": self.note,
            "rows": [{"value": value, **figures} for value, figures in self.rows],
        }


def plot(series: list[Series], path: Path) -> None:
    """One panel per series, both axes logarithmic; nothing without matplotlib."""
    with contextlib.suppress(ImportError):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5 * len(series), 4), layout="constrained")
        panels = figure.subplots(1, len(series), squeeze=False)[0]
        for one, axes in zip(series, panels, strict=True):
            numbers = all(isinstance(value, int | float) for value, _ in one.rows)
            places = [value if numbers else i for i, (value, _) in enumerate(one.rows)]
            for name in one.columns:
                points = [(p, f[name]) for p, (_, f) in zip(places, one.rows) if name in f]
                axes.plot(*zip(*points, strict=True), marker="o", label=name)
            axes.set_yscale("log")
            if numbers:
                axes.set_xscale("log")
            else:
                axes.set_xticks(places, [str(v) for v, _ in one.rows], rotation=90, fontsize=7)
            axes.set_xlabel(one.quantity)
            axes.set_ylabel(one.unit)
            axes.set_title(one.title, fontsize=9, loc="left")
            axes.legend(fontsize=7, frameon=False)
            axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, dpi=110)
