"""Checked access to the fields of an estimator that comes from a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.errors import FormatError
from spel.nn import Network
from spel.sklearn.encoding import Raw

LARGEST = 1e30
"""Largest weight; larger ones are signs of damage, and would overflow in products."""

MAX_COUNT = 1 << 31
"""Largest whole number."""

Real = npt.NDArray[np.float64]


class Fields:
    """The parameters and the state of a raw estimator, each read as the type that is expected.

    Every method raises `FormatError`, with the estimator's kind and the field's name, if the value
    is missing or of another type or range.
    """

    def __init__(self, raw: Raw) -> None:
        self.kind = raw.kind
        self._values = {**raw.parameters, **raw.state}

    def has(self, name: str) -> bool:
        """Whether there is such a field, and it is not None."""
        return self._values.get(name) is not None

    def fail(self, name: str, expected: str) -> FormatError:
        """The error for a field of an unexpected type or range."""
        value = self._values.get(name)
        shown = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        return FormatError(f"{self.kind}: {name} is {shown:.80}; expected {expected}")

    def value(self, name: str) -> Any:
        """A field of any type."""
        if name not in self._values:
            raise FormatError(f"{self.kind}: the field {name!r} is missing; the file is damaged")
        return self._values[name]

    def whole(self, name: str, low: int = 0, high: int = MAX_COUNT) -> int:
        """A whole number from `low` to `high`."""
        value = self.value(name)
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fail(name, f"a whole number from {low} to {high}")
        return value

    def number(self, name: str, low: float = -LARGEST, high: float = LARGEST) -> float:
        """A number from `low` to `high`."""
        value = self.value(name)
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(name, "a number")
        if not low <= value <= high:
            raise self.fail(name, f"a number from {low:g} to {high:g}")
        return float(value)

    def white(self) -> float | None:
        """Full intensity of the images of the fit; files of version 0.1 do not state it."""
        return self.number("white_", low=1e-6) if self.has("white_") else None

    def flag(self, name: str) -> bool:
        """True or False."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise self.fail(name, "true or false")
        return value

    def choice(self, name: str, *values: str) -> str:
        """One of some texts."""
        value = self.value(name)
        if not isinstance(value, str) or value not in values:
            raise self.fail(name, f"one of {', '.join(values)}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Texts, in order."""
        value = self.value(name)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise self.fail(name, "texts")
        return tuple(value)

    def wholes(self, name: str, low: int = 0, high: int = MAX_COUNT) -> tuple[int, ...]:
        """Whole numbers from `low` to `high`, in order."""
        value = self.value(name)
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu":
            value = value.tolist()
        if not isinstance(value, list | tuple) or not all(
            isinstance(v, int) and not isinstance(v, bool) and low <= v <= high for v in value
        ):
            raise self.fail(name, f"whole numbers from {low} to {high}")
        return tuple(value)

    def image_shape(self, name: str) -> tuple[int, ...] | None:
        """(rows, cols[, channels]), or None."""
        if not self.has(name):
            return None
        shape = self.wholes(name, low=1)
        if len(shape) not in (2, 3) or math.prod(shape) > MAX_COUNT:
            raise self.fail(name, "the shape of an image")
        return shape

    def array(self, name: str, *shape: int | None) -> Real:
        """An array of finite numbers as float64; None in `shape` stands for any length."""
        value = self.value(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            raise self.fail(name, "an array of numbers")
        fits = len(shape) == value.ndim and all(
            wanted in (None, length) for wanted, length in zip(shape, value.shape)
        )
        if not fits or not value.size:
            text = " x ".join("n" if n is None else str(n) for n in shape)
            raise self.fail(name, f"an array of {text} numbers")
        with np.errstate(invalid="ignore", over="ignore"):
            array = value.astype(np.float64)
        if not (np.abs(array) <= LARGEST).all():
            raise FormatError(f"{self.kind}: {name} holds NaN, infinity or a number above 1e30")
        return array

    def biases(self, name: str, count: int) -> Real:
        """An array of `count` numbers; one number stands for all of them."""
        value = self.value(name)
        if isinstance(value, int | float) or getattr(value, "ndim", None) == 0:
            return np.full(count, self.number(name))
        return self.array(name, count)

    def arrays(self, name: str) -> list[Any]:
        """A list, to be checked item by item with `part`."""
        value = self.value(name)
        if not isinstance(value, list | tuple) or not value:
            raise self.fail(name, "a list of arrays")
        return list(value)

    def part(self, name: str, index: int, *shape: int | None) -> Real:
        """One array of a list."""
        raw = Raw(self.kind, {f"{name}[{index}]": self.arrays(name)[index]})
        return Fields(raw).array(f"{name}[{index}]", *shape)

    def classes(self, name: str = "classes_") -> npt.NDArray[Any]:
        """At least two different class names or numbers."""
        value = self.value(name)
        if (
            not isinstance(value, np.ndarray)
            or value.ndim != 1
            or len(value) < 2
            or value.dtype.kind not in "biufU"
            or len(np.unique(value)) != len(value)
        ):
            raise self.fail(name, "at least two different classes")
        return value

    def network(self, name: str) -> Network:
        """A network."""
        value = self.value(name)
        if not isinstance(value, Network):
            raise self.fail(name, "a network")
        return value

    def optional_network(self, name: str) -> Network | None:
        """A network, or None."""
        return self.network(name) if self.has(name) else None

    def estimator(self, name: str) -> Raw:
        """An estimator as plain values."""
        value = self.value(name)
        if not isinstance(value, Raw):
            raise self.fail(name, "an estimator")
        return value

    def marked(self, name: str) -> list[tuple[Any, Markers]] | None:
        """Pairs of an image and its markers, or None."""
        if not self.has(name):
            return None
        pairs: Sequence[Any] = self.value(name)
        if not isinstance(pairs, list | tuple) or not all(
            isinstance(pair, tuple)
            and len(pair) == 2
            and isinstance(pair[0], np.ndarray)
            and isinstance(pair[1], Markers)
            for pair in pairs
        ):
            raise self.fail(name, "pairs of an image and its markers")
        return list(pairs)
