"""Tables of names and values that a file holds, and the values that are made from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields
from typing import Any

from spel.errors import FormatError

__all__ = ["check_table", "stored_value"]


def check_table(kind: type, values: Any) -> None:
    """Refuse what is not a table of the fields of a dataclass.

    Raises
    ------
    FormatError
        If `values` is no table, or a name is unknown or missing.

    Examples
    --------
    >>> from dataclasses import make_dataclass
    >>> Pair = make_dataclass("Pair", ["low", "high"])
    >>> check_table(Pair, {"low": 1, "height": 2})
    Traceback (most recent call last):
    spel.errors.FormatError: Pair: unknown field height; expected high, low
    """
    owner = kind.__name__
    if not isinstance(values, Mapping):
        raise FormatError(f"{owner}: {values!r:.80}; expected a table of names and values")
    names = {field.name for field in fields(kind)}
    needed = {
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    }
    for problem, wrong in (("unknown", set(values) - names), ("missing", needed - set(values))):
        if wrong:
            raise FormatError(
                f"{owner}: {problem} field {', '.join(sorted(map(str, wrong))):.80}; expected "
                f"{', '.join(sorted(names))}"
            )


@contextmanager
def stored_value(kind: type) -> Iterator[None]:
    """Whatever is wrong with a stored value is a `FormatError` that names its class.

    Examples
    --------
    >>> with stored_value(complex):
    ...     complex("three")
    Traceback (most recent call last):
    spel.errors.FormatError: complex: complex() arg is a malformed string
    """
    try:
        yield
    except FormatError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        owner, message = f"{kind.__name__}: ", str(error)
        raise FormatError(message if message.startswith(owner) else owner + message) from error
