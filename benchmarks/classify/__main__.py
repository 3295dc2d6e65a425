"""``python -m benchmarks.classify``: every figure and picture of docs/classify.md."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.classify import backprop, citrus, fashion, page, pictures
from benchmarks.classify.measure import Row, table
from benchmarks.environment import environment

PARTS = ("fashion", "curves", "backprop", "citrus", "batch", "rate", "pictures", "page")


def main() -> None:
    """Measure the chosen parts, and write each table as soon as it is measured."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("parts", nargs="*", default=list(PARTS), help=f"some of {', '.join(PARTS)}")
    given.add_argument("--data", type=Path, default=Path("../shared/data"))
    given.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    given.add_argument("--split", choices=["validation", "test"], default="validation",
                       help="settings are chosen on validation; test is used once")  # fmt: skip
    given.add_argument("--only", default="", help="only candidates whose name contains this")
    given.add_argument("--epochs", type=int, default=3, help="epochs of (d)")
    given.add_argument("--count", type=int, help="training images of (d); all by default")
    options = given.parse_args()
    test = options.split == "test"
    folder = options.out
    folder.mkdir(parents=True, exist_ok=True)
    if "fashion" in options.parts:
        rows, models = fashion.compare(options.data, test=test, only=options.only)
        write_rows(folder, f"classify-fashion-{options.split}", rows)
        if "pictures" in options.parts:
            pictures.fashion(options.data, rows, models, folder)
    if "curves" in options.parts:
        rows = fashion.curves(options.data, test=test, only=options.only)
        write_rows(folder, f"classify-curves-{options.split}", rows)
        known = json.loads((folder / f"classify-curves-{options.split}.json").read_text())
        pictures.curves([Row(**r) for r in known["found"]], folder)
    if "backprop" in options.parts:
        rows = backprop.compare(options.data, test=test, epochs=options.epochs, count=options.count)
        write_rows(folder, f"classify-backprop-{options.split}", rows)
    if "citrus" in options.parts:
        found = citrus.compare(options.data)
        write_json(folder / "classify-citrus.json", found)
        (folder / "classify-citrus.md").write_text(citrus.table(found) + "\n")
    if "rate" in options.parts:
        from benchmarks.classify import rate

        write_json(folder / "classify-rate.json", rate.compare(options.data))
    if "batch" in options.parts:
        from benchmarks.classify import batch

        write_json(folder / "classify-batch.json", batch.compare(options.data, folder))
    for part in options.parts:
        name = "validation" if part == "fashion" and not test else part
        if name in page.TABLES:
            print(page.TABLES[name](folder), "\n")
    if "page" in options.parts:
        page.fill(Path("docs/classify.md"), folder)


def write_rows(folder: Path, name: str, rows: list[Any]) -> None:
    """Write rows as Markdown and as JSON, together with those of earlier runs."""
    path = folder / f"{name}.json"
    known = json.loads(path.read_text())["found"] if path.exists() else []
    new = [row.to_dict() for row in rows]
    key = [(r["name"], r["train"]) for r in new]
    write_json(path, [r for r in known if (r["name"], r["train"]) not in key] + new)
    (folder / f"{name}.md").write_text(table(rows) + "\n")


def write_json(path: Path, found: Any) -> None:
    """Write results as JSON, with the machine and the time."""
    stamp = {"measured": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **environment()}
    path.write_text(json.dumps({"found": found, "environment": stamp}, indent=1) + "\n")


if __name__ == "__main__":
    main()
