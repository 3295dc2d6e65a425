"""``python -m benchmarks.science NAME``: one table, and what differs from its expected figures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.science.printed import PRINTED, PrintedTable, measure as run_printed
from benchmarks.science.table import Table
from spel.errors import SpelError

NAMES = ("parasites", "eggs", "eggs-ablation", "eggs-decoders", "eggs-nested", "presence", "draws",
         "outlines", "hands", "schistosoma", "plates", "regions", "citrus", "mo445", "mo445-sets",
         "labels", "interaction", "scales")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the tables that are named; 6 if a figure is not as expected."""
    given = argparse.ArgumentParser(prog="python -m benchmarks.science", description=__doc__)
    given.add_argument("names", nargs="+", choices=[*NAMES, *PRINTED], metavar="NAME",
                       help=", ".join([*NAMES, *PRINTED]))  # fmt: skip
    given.add_argument("--data", type=Path, default=Path("../shared/data"))
    given.add_argument("--out", type=Path, default=Path("results"))
    given.add_argument("--seeds", type=int, nargs="+", help="instead of those of the table")
    given.add_argument("--expect", action="store_true", help="write the figures as expected ones")
    options = given.parse_args(arguments)
    if not options.data.is_dir():
        print(f"{options.data}: no such folder; name the folder of the data with --data")
        return 3
    different = False
    for name in options.names:
        try:
            table = _measured(name, options)
        except SpelError as error:
            print(error, file=sys.stderr)
            return 3
        print(table.markdown())
        for path in table.write(options.out):
            print(path, file=sys.stderr)
        for line in table.differences():
            different = True
            print(f"differs: {line}", file=sys.stderr)
    return 6 if different else 0


def _measured(name: str, options: argparse.Namespace) -> Table | PrintedTable:
    """A table of this folder, or one that another benchmark prints; perhaps as expected now."""
    if name in PRINTED:
        if options.seeds:
            raise SpelError(f"reproduce: {name} draws its own seeds; leave --seed out")
        printed = run_printed(name, options.data, options.out)
        if options.expect:
            printed.expect()
        return printed
    module = import_module(f"benchmarks.science.{name.replace('-', '_')}")
    seeds = {"seeds": tuple(options.seeds)} if options.seeds else {}
    table: Table = module.measure(options.data, **seeds)
    if options.expect:
        table.expect(module.TOLERANCE)
    return table


if __name__ == "__main__":
    sys.exit(main())
