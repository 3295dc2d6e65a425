"""Types of option values: ranges, sizes, places, lists of words, quality gates.

`click.ParamType` is generic in the newest click only, so these classes leave its argument out.
"""

from __future__ import annotations

import math
from pathlib import Path

import click

PATH = click.Path(path_type=Path)
SEED = click.IntRange(0, 2**32 - 1)
"""Seeds that every generator of random numbers accepts."""


class Range(click.ParamType):  # type: ignore[type-arg]
    """``LOW:HIGH``, of which either end may be left out."""

    name = "LOW:HIGH"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        low, colon, high = str(value).partition(":")
        try:
            if not colon:
                raise ValueError
            ends = float(low) if low else -math.inf, float(high) if high else math.inf
            if not ends[0] <= ends[1]:
                raise ValueError
        except ValueError:
            self.fail(f"{value!r} is not a range; give LOW:HIGH, LOW: or :HIGH", param, ctx)
        return ends


class Words(click.ParamType):  # type: ignore[type-arg]
    """Words separated by commas, each from a set; without a set, any."""

    name = "words"

    def __init__(self, choices: tuple[str, ...] | None) -> None:
        self.choices = choices

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        words = tuple(word.strip() for word in str(value).split(",") if word.strip())
        for word in words:
            if self.choices is not None and word not in self.choices:
                expected = f"expected {', '.join(self.choices)}" if self.choices else "leave it out"
                self.fail(f"{word!r}; {expected}", param, ctx)
        return words

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return ",".join(self.choices or ("WORD", "..."))


class Integers(click.ParamType):  # type: ignore[type-arg]
    """Integers separated by commas, such as a size or a place."""

    def __init__(self, name: str, counts: tuple[int, ...], least: int, example: str) -> None:
        self.name, self.counts, self.least, self.example = name, counts, least, example

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(int(word) for word in str(value).replace("x", ",").split(","))
        except ValueError:
            numbers = ()
        if len(numbers) not in self.counts or min(numbers) < self.least:
            self.fail(f"{value!r}; give {self.name} as in {self.example}", param, ctx)
        return numbers


class Gate(click.ParamType):  # type: ignore[type-arg]
    """``NAME=VALUE``: a figure that must be reached."""

    name = "NAME=VALUE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        if isinstance(value, tuple):
            return value
        name, equals, number = str(value).partition("=")
        try:
            if not (name and equals) or math.isnan(float(number)):
                raise ValueError
            return name, float(number)
        except ValueError:
            self.fail(f"{value!r}; give NAME=VALUE as in recall=0.9", param, ctx)


class ObjectScale(click.ParamType):  # type: ignore[type-arg]
    """A factor above 0, or ``auto``, which is None."""

    name = "FACTOR"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value is None or value == "auto":
            return None
        try:
            factor = float(str(value))
        except ValueError:
            factor = 0.0
        if not 1 / 8 <= factor <= 8:
            self.fail(f"{value!r}; give a factor between 0.125 and 8, or auto", param, ctx)
        return factor


def threshold(text: str) -> float | str:
    """A number, or the name of a rule (``otsu``, ``p95``)."""
    try:
        return float(text)
    except ValueError:
        return text


def sides_of_box(text: str) -> tuple[float, ...]:
    """``WIDTH,HEIGHT[,DEPTH]`` in pixels."""
    try:
        sides = tuple(float(word) for word in text.split(","))
    except ValueError:
        sides = ()
    if len(sides) not in (2, 3):
        raise click.BadParameter(
            f"{text!r}; give WIDTH,HEIGHT as in 90,29, and the depth in volumes",
            param_hint="--size",
        )
    return sides
