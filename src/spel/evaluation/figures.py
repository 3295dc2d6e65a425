"""Figures as lines and as a table, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spel.errors import plural


def figure_lines(figures: Mapping[str, float | None]) -> list[str]:
    """A line for each figure; a dash where none is defined.

    Examples
    --------
    >>> figure_lines({"images": 3.0, "dice": None})
    ['images             3', 'dice               –']
    """
    return [
        f"{name:18s} " + ("–" if value is None else f"{value:.4f}".removesuffix(".0000"))
        for name, value in figures.items()
    ]


def missing_lines(missing: Sequence[str]) -> list[str]:
    """What is said of true label images without an answer, if there are any."""
    one = f"no answer, counted as missed, for example {missing[0]}" if missing else ""
    return [f"{plural(len(missing), 'true label image')}: {one}"] if missing else []


def markdown_table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Figures of several networks as a table in Markdown, in the given order.

    Examples
    --------
    >>> print(markdown_table({"lm": {"dice": 0.71}, "linear": {"dice": 0.9}}))
    | | dice |
    |---|---|
    | lm | 0.710 |
    | linear | 0.900 |
    """
    columns = list(dict.fromkeys(name for values in figures.values() for name in values))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, values in figures.items():
        cells = [f"{values[c]:.3f}" if c in values else "–" for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
