"""The tables of docs/classify.md, from the JSON files of the measurements."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.classify import citrus
from benchmarks.classify.measure import Row, table


def fill(page: Path, folder: Path) -> None:
    """Put each table between its marks; a table without measurements says so."""
    text = page.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        shown = make(folder)
        pattern = rf"(<!-- {name} -->\n).*?(\n<!-- end -->)"
        text = re.sub(pattern, lambda m, s=shown: m[1] + s + m[2], text, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")


def _rows(*names: str) -> Any:
    def make(folder: Path) -> str:
        rows: list[Row] = []
        for name in names:
            path = folder / f"classify-{name}.json"
            if path.exists():
                rows += [Row(**r) for r in json.loads(path.read_text())["found"]]
        rows.sort(key=lambda r: (r.name[:3], r.train, r.accuracy))
        return table(rows) if rows else "Not measured yet."

    return make


def _curves(folder: Path) -> str:
    path = folder / "classify-curves-validation.json"
    if not path.exists():
        return "Not measured yet."
    rows = [Row(**r) for r in json.loads(path.read_text())["found"]]
    sizes = sorted({r.train for r in rows})
    lines = ["| images of each class | " + " | ".join(f"{n // 10}" for n in sizes) + " |"]
    lines.append("|---|" + "---:|" * len(sizes))
    for name in dict.fromkeys(r.name for r in rows):
        found = {r.train: r.accuracy for r in rows if r.name == name}
        cells = [f"{found[n]:.3f}" if n in found else "" for n in sizes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _found(name: str) -> Any:
    def make(folder: Path) -> str:
        path = folder / f"classify-{name}.json"
        if not path.exists():
            return "Not measured yet."
        found = json.loads(path.read_text())["found"]
        return {"citrus": citrus.table, "batch": _batch, "rate": _rate}[name](found)

    return make


def _batch(found: dict[str, Any]) -> str:
    lines = ["| | with a bias | without |", "|---|---:|---:|"]
    names = dict.fromkeys(k.rsplit(",", 1)[0] for k in found if "," in k)
    for name in names:
        pair = [found[f"{name}, {word} a bias"] for word in ("with", "without")]
        lines.append(f"| {name} | {pair[0]:.3f} | {pair[1]:.3f} |")
    return "\n".join(lines)


def _rate(found: dict[str, Any]) -> str:
    lines = ["| 60,000 images of 28 x 28, 100 kernels | s | CPU s | more memory, MB |"]
    lines.append("|---|---:|---:|---:|")
    for name, row in found.items():
        if isinstance(row, dict):
            lines.append(
                f"| {name} | {row['seconds']:.0f} | {row['cpu seconds']:.0f} | "
                f"{row['more memory MB']} |"
            )
    lines.append(f"| a table of all features | | | {found['all features would take MB']} |")
    return "\n".join(lines)


TABLES = {
    "fashion": _rows("fashion-test"),
    "validation": _rows("fashion-validation"),
    "curves": _curves,
    "backprop": _rows("backprop-validation", "backprop-test"),
    "citrus": _found("citrus"),
    "batch": _found("batch"),
    "rate": _found("rate"),
}
