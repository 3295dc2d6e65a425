"""Where the program begins; nothing is imported first, so that Ctrl-C of imports is one line."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the program and leave with its exit code."""
    try:
        from spel.cli.main import main as run

        run()
    except KeyboardInterrupt as error:
        sys.stderr.write("spel: interrupted; nothing was started\n")
        sys.exit(128 + getattr(error, "signal", 2))
