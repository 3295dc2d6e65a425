"""``python -m benchmarks.classify``: every figure and picture of docs/classify.md."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.classify import backprop, citrus, fashion, page, pictures
from benchmarks.classify.measure import Row, table
from benchmarks.harness import environment

PARTS = ("fashion", "curves", "backprop", "citrus", "batch", "rate", "pictures", "page")


def main() -> None:
    """Measure what was asked for, and write tables as they come."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("parts", nargs="*", default=list(PARTS), help=f"some of {', '.join(PARTS)}")
    given.add_argument("--data", type=Path, default=Path("../shared/data"))
    given.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    given.add_argument("--split", choices=["validation", "test"], default="validation",
                       help="settings come from validation; test is looked at once")  # fmt: skip
    given.add_argument("--only", default="", help="contenders whose name holds it")
    given.add_argument("--epochs", type=int, default=3, help="of (d)")
    given.add_argument("--count", type=int, help="training images of (d); all by default")
    options = given.parse_args()
    test = options.split == "test"
    folder = options.out
    folder.mkdir(parents=True, exist_ok=True)
    if "fashion" in options.parts:
        rows, models = fashion.compare(options.data, test=test, only=options.only)
        written(folder, f"classify-fashion-{options.split}", rows)
        if "pictures" in options.parts:
            pictures.fashion(options.data, rows, models, folder)
    if "curves" in options.parts:
        rows = fashion.curves(options.data, test=test, only=options.only)
        written(folder, f"classify-curves-{options.split}", rows)
        known = json.loads((folder / f"classify-curves-{options.split}.json").read_text())
        pictures.curves([Row(**r) for r in known["found"]], folder)
    if "backprop" in options.parts:
        rows = backprop.compare(options.data, test=test, epochs=options.epochs, count=options.count)
        written(folder, f"classify-backprop-{options.split}", rows)
    if "citrus" in options.parts:
        found = citrus.compare(options.data)
        stamped(folder / "classify-citrus.json", found)
        (folder / "classify-citrus.md").write_text(citrus.table(found) + "\n")
    if "rate" in options.parts:
        from benchmarks.classify import rate

        stamped(folder / "classify-rate.json", rate.compare(options.data))
    if "batch" in options.parts:
        from benchmarks.classify import batch

        stamped(folder / "classify-batch.json", batch.compare(options.data, folder))

    if "page" in options.parts:
        page.fill(Path("docs/classify.md"), folder)


def written(folder: Path, name: str, rows: list[Any]) -> None:
    """Markdown for people, JSON for programs; rows of an earlier run are kept beside new ones."""
    path = folder / f"{name}.json"
    known = json.loads(path.read_text())["found"] if path.exists() else []
    new = [row.to_dict() for row in rows]
    key = [(r["name"], r["train"]) for r in new]
    stamped(path, [r for r in known if (r["name"], r["train"]) not in key] + new)
    (folder / f"{name}.md").write_text(table(rows) + "\n")


def stamped(path: Path, found: Any) -> None:
    """JSON with where and when it was measured."""
    stamp = {"measured": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **environment()}
    path.write_text(json.dumps({"found": found, "environment": stamp}, indent=1) + "\n")


if __name__ == "__main__":
    main()
