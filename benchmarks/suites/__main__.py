"""python -m benchmarks.suites: spel against test suites that others wrote, in one table.

The suites come from the installed packages (onnx, scipy, torch, scikit-learn, pycocotools); one
that is not installed is named and left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks.suites import coco_figures, estimators, onnx_nodes, scipy_calls, torch_modules
from benchmarks.suites.count import Count

SUITES: dict[str, Callable[[], Count]] = {
    "onnx": onnx_nodes.count,
    "scipy": scipy_calls.count,
    "torch": torch_modules.count,
    "estimators": estimators.count,
    "pycocotools": coco_figures.count,
}


def main() -> int:
    """Print the table; exit with 1 if any case differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SUITES, action="append", help="one suite; repeatable")
    chosen = parser.parse_args().only or list(SUITES)
    print("| suite | equal | different | refused by name | not about spel |")
    print("|---|---|---|---|---|")
    differing = []
    for name in chosen:
        try:
            count = SUITES[name]()
        except ImportError as error:
            print(f"{name}: left out, since it is not installed: {error}", file=sys.stderr)
            continue
        print(count.row(), flush=True)
        differing += [count.shown()] if count.different else []
    print("\n".join(differing), file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
