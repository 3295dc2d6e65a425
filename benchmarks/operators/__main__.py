"""Operators and the plate layer against OpenCV, SciPy, scikit-image, ONNX Runtime and PyTorch."""

from __future__ import annotations

import sys

from benchmarks.harness import Table, arguments
from benchmarks.operators import convolution, others, plate, pooling
from benchmarks.operators.peers import ABSENT

GROUPS = {
    "plate": ("The plate layer", plate.measure),
    "convolution": ("Convolution", convolution.measure),
    "pooling": ("Pooling and divisive normalization", pooling.measure),
    "others": ("Other operators", others.measure),
}


def main() -> int:
    parser = arguments(__doc__ or "")
    parser.add_argument("--group", choices=GROUPS, action="append", help="only these (repeatable)")
    given = parser.parse_args()
    if ABSENT:
        print(f"not installed, left out: {', '.join(ABSENT)}", file=sys.stderr)
    tables = []
    for name in given.group or GROUPS:
        title, measure = GROUPS[name]
        seconds = given.seconds or (0.3 if given.quick else 2.0)
        table = Table(title, threads=given.threads, seconds=seconds, only=given.only)
        print(title, file=sys.stderr)
        measure(table, given.quick)
        if not table.rows:
            continue
        tables.append(table)
        print(table.markdown(), end="\n\n", flush=True)
        if given.out:
            table.write(given.out, f"operators-{name}")
    return 1 if any(row.refused for table in tables for row in table.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
