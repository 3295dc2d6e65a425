"""``spel reproduce``: the tables of the documents, from a copy of the repository."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click

from spel.cli.options import Settings, shared
from spel.cli.types import PATH


@click.command("reproduce")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--data",
    type=PATH,
    default=Path("../shared/data"),
    show_default=True,
    help="Folder of the public image sets, which spel does not ship.",
)
@click.option(
    "--out",
    type=PATH,
    default=Path("results"),
    show_default=True,
    help="Folder of the tables.",
)
@click.option(
    "--seed",
    "seeds",
    type=int,
    multiple=True,
    help="Seed instead of those of the table; may be repeated.",
)
@shared
def command(
    names: tuple[str, ...], data: Path, out: Path, seeds: tuple[int, ...], settings: Settings
) -> None:
    """Measure tables of the documents again, and compare them with their expected figures.

    Each table goes to NAME.md, NAME.csv and NAME.tex in the folder. Most hold means, bootstrap
    intervals over images, deviations between seeds, and paired tests; those that another benchmark
    prints hold what it prints. `python -m benchmarks.science --help` names all. The code of the
    tables is part of the repository, not of the package; run this command in a copy of it. Exit
    code 6 if a figure is not as expected.
    """
    from spel.errors import FormatError

    if not Path("benchmarks/science/__main__.py").is_file():
        raise FormatError(
            "reproduce: no benchmarks/science in this folder; run it in a copy of the repository, "
            "where the code of the tables is"
        )
    settings.say(f"{', '.join(names)}: data from {data}, results to {out}")
    words = [*names, "--data", str(data), "--out", str(out)]
    words += ["--seeds", *map(str, seeds)] if seeds else []
    sys.path.insert(0, str(Path.cwd()))
    try:
        raise SystemExit(import_module("benchmarks.science.__main__").main(words))
    finally:
        sys.path.remove(str(Path.cwd()))
