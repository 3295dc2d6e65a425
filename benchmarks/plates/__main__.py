"""Evaluate every method on the photos: ``python -m benchmarks.plates [--data DIR] [--out DIR]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.plates.gallery import gallery, select
from benchmarks.plates.methods import Assignment, Learned, Lecture, Method, peers
from benchmarks.plates.photos import DATA, photos
from benchmarks.plates.table import Line, markdown, measure


def main() -> int:
    """Print the table; with ``--out`` also write it, its JSON and a gallery per method."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plates", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=DATA, help="folder that holds annotations.json"
    )
    parser.add_argument("--out", type=Path, help="folder for plates.md, plates.json, pictures")
    parser.add_argument("--only", default="", help="run only methods whose name contains this text")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw of training photos")
    options = parser.parse_args()
    if not (options.data / "annotations.json").exists():
        print(f"{options.data}: it holds no annotations.json; name the folder with --data")
        return 3
    annotated = photos(options.data)
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
        if options.only not in method.name:
            continue
        print(f"{method.name} ...", file=sys.stderr, flush=True)
        measured, answers = measure(method, annotated, options.seed)
        lines += measured
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            name = "".join(c if c.isalnum() else "-" for c in method.name)[:40].strip("-")
            gallery(annotated, select(answers)).save(options.out / f"{name}.jpg", quality=85)
    table = markdown(lines) + "".join(f"\nMissing: {one}.\n" for one in missing)
    print(table)
    if options.out:
        (options.out / "plates.md").write_text(table)
        data = {
            "seed": options.seed,
            "missing": missing,
            "lines": [line.to_dict() for line in lines],
        }
        (options.out / "plates.json").write_text(json.dumps(data, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
