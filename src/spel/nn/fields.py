"""The fields of layers by their types: what a file or a form may put into them."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from spel.nn.layer import Layer


@cache
def field_types(layer: type[Layer]) -> dict[str, Any]:
    """The type of every field of a kind of layer, in order.

    Examples
    --------
    >>> from spel.nn import Scale
    >>> list(field_types(Scale))
    ['factor', 'shift']
    """
    hints = get_type_hints(layer)
    return {f.name: hints[f.name] for f in fields(layer)}


def origin_of(hint: Any) -> Any:
    """The unsubscripted type; `numpy.typing.NDArray` is an alias of its own from NumPy 2.5 on."""
    origin = get_origin(hint)
    return np.ndarray if origin is npt.NDArray else origin


def fits(value: object, hint: Any) -> bool:
    """Whether a value has a type; whole numbers are floats too, booleans are no numbers.

    Examples
    --------
    >>> fits(3, float), fits(True, float), fits("max", Literal["max"] | None), fits((1, 2), int)
    (True, False, True, False)
    """
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    origin, arguments = origin_of(hint), get_args(hint)
    if origin is Literal:
        return any(type(value) is type(word) and value == word for word in arguments)
    if origin in (Union, types.UnionType):
        return any(fits(value, option) for option in arguments)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
    if origin in (tuple, Sequence):
        return isinstance(value, tuple | list) and all(fits(v, arguments[0]) for v in value)
    if hint in (int, float):
        kinds = (int, np.integer) if hint is int else (int, float, np.integer, np.floating)
        return isinstance(value, kinds) and not isinstance(value, bool)
    return isinstance(value, hint)


def words(hint: Any) -> str:
    """A type in words, for messages.

    Examples
    --------
    >>> words(Literal["max"] | None), words(int | Sequence[int])
    ("'max' or nothing", 'a whole number or a list (a whole number ...)')
    """
    if hint is None or hint is type(None):
        return "nothing"
    origin, arguments = origin_of(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if origin in (Union, types.UnionType):
        return " or ".join(map(words, arguments))
    if origin is np.ndarray:
        return "an array"
    if origin in (tuple, Sequence):
        return f"a list ({words(arguments[0])} ...)"
    by_type = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return by_type.get(hint, f"a {getattr(hint, '__name__', hint)}")
