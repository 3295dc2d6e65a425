"""Evaluate every way to find plates: ``python -m benchmarks.plates [--data DIR] [--out DIR]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.plates.gallery import chosen, gallery
from benchmarks.plates.methods import Assignment, Learned, Lecture, Method, peers
from benchmarks.plates.photos import DATA, photos
from benchmarks.plates.table import Line, markdown, measure


def main() -> int:
    """Print the table; with ``--out`` also write it, its JSON and a gallery per method."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plates", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with annotations.json")
    parser.add_argument("--out", type=Path, help="folder for plates.md, plates.json, pictures")
    parser.add_argument("--only", default="", help="methods whose name holds this text")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of training photos")
    given = parser.parse_args()
    if not (given.data / "annotations.json").exists():
        print(f"{given.data}: there is no annotations.json; name its folder with --data")
        return 3
    found = photos(given.data)
    others, missing = peers()
    methods: list[Method] = [
        Lecture(reduced=False),
        Lecture(reduced=True),
        Assignment(by_region=False),
        Assignment(by_region=True),
        Learned(),
        *others,
    ]
    lines: list[Line] = []
    for method in methods:
        if given.only not in method.name:
            continue
        print(f"{method.name} ...", file=sys.stderr, flush=True)
        measured, answers = measure(method, found, given.seed)
        lines += measured
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            name = "".join(c if c.isalnum() else "-" for c in method.name)[:40].strip("-")
            gallery(found, chosen(answers)).save(given.out / f"{name}.jpg", quality=85)
    table = markdown(lines) + "".join(f"\nMissing: {one}.\n" for one in missing)
    print(table)
    if given.out:
        (given.out / "plates.md").write_text(table)
        data = {"seed": given.seed, "missing": missing, "lines": [line.to_dict() for line in lines]}
        (given.out / "plates.json").write_text(json.dumps(data, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
