"""The options of every command that runs a job over many images."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import click

from spel.cli.image_options import (
    Reading,
    isolate_option,
    max_pixels_option,
    page_option,
    reading_of,
)
from spel.cli.options import Option, gathered
from spel.cli.types import PATH, Words
from spel.cli.worker_options import Place, place_options


@dataclass(frozen=True)
class RunOptions:
    """The values of the options; None stands for the default."""

    out: Path | None
    place: Place
    shard: str | None
    fresh: bool
    retry: bool
    on_error: Literal["skip", "stop"]
    every: str
    level: int | None
    reduce: int | None
    page: int | None
    isolate: bool | None
    max_pixels: int | None
    max_seconds: float | None
    max_memory: int | None
    formats: tuple[str, ...] = ()
    saves: tuple[str, ...] = ()
    tile: int | None = None

    @property
    def reading(self) -> Reading:
        """How images are read that the command itself looks at."""
        return reading_of(self.isolate, self.max_pixels, self.page)

    @property
    def max_bytes(self) -> int | None:
        """The limit of memory, which is stated in megabytes."""
        return None if self.max_memory is None else self.max_memory << 20


def words_option(
    flag: Literal["--format", "--save"], words: tuple[str, ...] | None, text: str,
    metavar: str | None = None,
) -> Option:  # fmt: skip
    """Files that are made of all results, or those that are written for every image.

    An option that is given several times names each of its words once; without words, any.
    """
    return click.option(
        flag,
        f"{flag[2:]}s",
        type=Words(words),
        multiple=True,
        callback=lambda _, __, lists: tuple(dict.fromkeys(chain.from_iterable(lists))),
        metavar=metavar,
        help=text,
    )


tile_option = click.option(
    "--tile", type=click.IntRange(1), help="Side of tiles in pixels. [default: read whole]"
)


BEFORE = click.option("--out", type=PATH, help="Folder of the run.")
AFTER = (
    place_options,
    click.option(
        "--shard", metavar="I/N", help="Process every N-th image and frame only, from the I-th."
    ),
    click.option("--fresh", is_flag=True, help="Discard an earlier run in --out."),
    click.option("--retry", is_flag=True, help="When resuming, process failed images again."),
    click.option(
        "--on-error",
        type=click.Choice(["skip", "stop"]),
        default="skip",
        help="Whether a failed image ends the run.",
    ),
    click.option("--every", default="1", metavar="N|SECONDSs", help="Frames of videos: 5, or 2s."),
    click.option(
        "--level",
        type=click.IntRange(0),
        help="Level of a pyramid (TIFF, OME-Zarr); 0 is full size.",
    ),
    click.option(
        "--reduce",
        type=click.Choice(["2", "4", "8"]),
        callback=lambda _, __, word: word and int(word),
        help="Decode JPEG files at a half, a quarter or an eighth of their rows and columns.",
    ),
    page_option,
    isolate_option,
    max_pixels_option,
    click.option(
        "--max-seconds",
        type=click.FloatRange(0, 1e6, min_open=True),
        help="Longest time for one image, or for one tile of an image that is read in tiles.",
    ),
    click.option(
        "--max-memory",
        type=click.IntRange(1, 1 << 23),
        metavar="MB",
        help="Largest memory for one image, or for one tile of an image that is read in tiles.",
    ),
)


def run_options(*special: Option) -> Option:
    """Add the options of a run to a command, which receives `RunOptions`, as `run`.

    Special are those that not every run has: `words_option`, `tile_option`.
    """
    return gathered(RunOptions, "run", BEFORE, *special, *AFTER)
