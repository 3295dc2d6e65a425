"""The engine against the targets: operators, plate layer, encoder, limits, scaling, memory.

python -m benchmarks.engine                    everything, minutes; tables on standard output
python -m benchmarks.engine --group memory     one group
python -m benchmarks.engine --quick --out benchmarks/results
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.engine import encoder, limits, memory, scaling, several_threads
from benchmarks.environment import environment
from benchmarks.harness import Table, arguments
from benchmarks.operators import convolution, plate, pooling

PEERS: dict[str, tuple[str, Callable[[Table, bool], None]]] = {
    "plate": ("The plate layer", plate.measure),
    "convolution": ("Convolution", convolution.measure),
    "pooling": ("Pooling and divisive normalization", pooling.measure),
    "encoder": ("A FLIM encoder, end to end", encoder.measure),
}
SERIES: dict[str, Callable[[int, bool], list[Any]]] = {
    "limits": limits.measure,
    "scaling": scaling.measure,
    "threads": several_threads.measure,
    "memory": memory.measure,
}


def main() -> int:
    parser = arguments(__doc__ or "")
    names = [*PEERS, *SERIES]
    parser.add_argument("--group", choices=names, action="append", help="only these (repeatable)")
    given = parser.parse_args()
    refused = False
    for name in given.group or names:
        if name in PEERS:
            title, measure = PEERS[name]
            seconds = given.seconds or (0.3 if given.quick else 3.0)
            table = Table(title, threads=given.threads, seconds=seconds, only=given.only)
            measure(table, given.quick)
            print(table.markdown(), end="\n\n", flush=True)
            refused |= any(row.refused for row in table.rows)
            if given.out:
                table.write(given.out, f"engine-{name}")
        else:
            series = SERIES[name](given.threads, given.quick)
            text = "\n\n".join(one.markdown() for one in series)
            print(text, end="\n\n", flush=True)
            if given.out:
                _write(given.out, name, text, series)
    return 1 if refused else 0


def _write(folder: Path, name: str, text: str, series: list[Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"engine-{name}.md").write_text(text + "\n", encoding="utf-8")
    data = {"environment": environment(), "series": [one.to_dict() for one in series]}
    (folder / f"engine-{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    from benchmarks.engine.series import plot

    plot(series, folder / f"engine-{name}.png")


if __name__ == "__main__":
    sys.exit(main())
