"""Types of option values: ranges, sizes, places, lists of words, quality gates.

`click.ParamType` is generic in the newest click only, so these classes leave its argument out.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)
SEED = click.IntRange(0, 2**32 - 1)
"""Seeds that every generator of random numbers accepts."""


class Parsed(click.ParamType):  # type: ignore[type-arg]
    """Values that `parse` makes of texts; a ValueError refuses a text with what is `wanted`."""

    wanted: str

    def parse(self, text: str) -> Any:
        """The value."""
        raise NotImplementedError

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self.parse(value)
        except ValueError:
            self.fail(f"{value!r}{self.wanted}", param, ctx)


class Range(Parsed):
    """``LOW:HIGH``, of which either end may be left out."""

    name = "LOW:HIGH"
    wanted = " is not a range; give LOW:HIGH, LOW: or :HIGH"

    def parse(self, text: str) -> tuple[float, float]:
        low, colon, high = text.partition(":")
        ends = float(low) if low else -math.inf, float(high) if high else math.inf
        if not (colon and ends[0] <= ends[1]):
            raise ValueError
        return ends


class Words(Parsed):
    """Words separated by commas, each from a set; without a set, any."""

    name = "words"

    def __init__(self, choices: tuple[str, ...] | None) -> None:
        self.choices = choices
        self.wanted = f"; expected {', '.join(choices)}" if choices else "; leave it out"

    def parse(self, text: str) -> tuple[str, ...]:
        words = tuple(word.strip() for word in text.split(",") if word.strip())
        for word in words:
            if self.choices is not None and word not in self.choices:
                self.fail(f"{word!r}{self.wanted}")
        return words

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return ",".join(self.choices or ("WORD", "..."))


class Integers(Parsed):
    """Integers separated by commas, such as a size or a place."""

    def __init__(self, name: str, counts: tuple[int, ...], least: int, example: str) -> None:
        self.name, self.counts, self.least = name, counts, least
        self.wanted = f"; give {name} as in {example}"

    def parse(self, text: str) -> tuple[int, ...]:
        numbers = tuple(int(word) for word in text.replace("x", ",").split(","))
        if len(numbers) not in self.counts or min(numbers) < self.least:
            raise ValueError
        return numbers


class Gate(Parsed):
    """``NAME=VALUE``: a figure that must be reached."""

    name = "NAME=VALUE"
    wanted = "; give NAME=VALUE as in recall=0.9"

    def parse(self, text: str) -> tuple[str, float]:
        name, equals, number = text.partition("=")
        if not (name and equals) or math.isnan(float(number)):
            raise ValueError
        return name, float(number)


class ObjectScale(Parsed):
    """A factor above 0, or ``auto``, which is None."""

    name = "FACTOR"
    wanted = "; give a factor between 0.125 and 8, or auto"

    def parse(self, text: str) -> float | None:
        if text == "auto":
            return None
        if not 1 / 8 <= float(text) <= 8:
            raise ValueError
        return float(text)


class AlarmRate(Parsed):
    """A share between 0 and 1, ends excluded, or ``auto``."""

    name = "RATE"
    wanted = "; give a share between 0 and 1, ends excluded, or auto"

    def parse(self, text: str) -> float | str:
        if text == "auto":
            return text
        if not 0 < float(text) < 1:
            raise ValueError
        return float(text)


class Sides(Parsed):
    """``WIDTH,HEIGHT[,DEPTH]`` in pixels."""

    name = "WIDTH,HEIGHT[,DEPTH]"
    wanted = "; give WIDTH,HEIGHT as in 90,29, and the depth in volumes"

    def parse(self, text: str) -> tuple[float, ...]:
        sides = tuple(float(word) for word in text.split(","))
        if len(sides) not in (2, 3):
            raise ValueError
        return sides


def threshold(text: str) -> float | str:
    """A number, or the name of a rule (``otsu``, ``p95``)."""
    try:
        return float(text)
    except ValueError:
        return text
