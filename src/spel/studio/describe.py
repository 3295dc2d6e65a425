"""Layers as the page sees and edits them: fields, choices, adjacencies in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields, replace
from math import gcd
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.window import BORDER_WORDS, Border
from spel.errors import ParameterError
from spel.nn import Layer
from spel.nn.fields import field_types, origin_of
from spel.studio.refusals import Refusal

MAX_SIDE = 129

MAX_COUNT = 512
MAX_STRIDE = 64
MAX_NUMBER = 1e30
"""Products of larger numbers overflow the engine's floats."""

Field = dict[str, Any]


def form_of(layer: type[Layer]) -> list[Field]:
    """The form of a kind of layer: what can be edited in place, from the types of its fields.

    Examples
    --------
    >>> from spel.nn import Residue
    >>> form_of(Residue)
    [{'name': 'scale', 'type': 'choice', 'values': [None, 'max']}]
    """
    offered = {f.name for f in dataclass_fields(layer) if f.metadata.get("form", True)}
    forms = [_form_field(n, hint) for n, hint in field_types(layer).items() if n in offered]
    return [form for form in forms if form is not None]


def _form_field(name: str, hint: Any) -> Field | None:
    """The field of a form for a type; None for what has a page of its own (kernels, layers)."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    empty = type(None) in options
    words = [w for option in options if get_origin(option) is Literal for w in get_args(option)]
    if hint == Border:
        return {"name": name, "type": "border", "values": list(BORDER_WORDS)}
    if words:
        return {"name": name, "type": "choice", "values": [None, *words] if empty else words}
    if any(origin_of(option) is np.ndarray for option in options):
        return {"name": name, "type": "vector"} if not empty else None
    if float in options and str in options:
        return {"name": name, "type": "rule"}
    if float in options:
        return {"name": name, "type": "number", "low": None, "empty": empty}
    if int in options:
        high = MAX_STRIDE if name == "stride" else MAX_COUNT
        low = 0 if name in ("before", "after") else 1
        return {"name": name, "type": "int", "low": low, "high": high}
    kinds = {Adjacency: "adjacency", bool: "bool"}
    return {"name": name, "type": kinds[hint]} if hint in kinds else None


def fields_of(layer: Layer) -> dict[str, Any]:
    """The editable fields of a layer, as JSON; numbers for each pixel are not edited."""
    named = {f["name"]: getattr(layer, f["name"]) for f in form_of(type(layer))}
    values = {n: _plain(v) for n, v in named.items() if not isinstance(v, np.ndarray) or v.ndim < 2}
    vectors = {f["name"] for f in form_of(type(layer)) if f["type"] == "vector"}
    # One number may stand for all channels.
    return {n: [v] if n in vectors and isinstance(v, float) else v for n, v in values.items()}


def with_fields(layer: Layer, values: Mapping[str, Any]) -> Layer:
    """The layer with edited fields.

    Raises
    ------
    ParameterError
        If a field is unknown, or a value of another type than the field takes.
    """
    fields = {f["name"]: f for f in form_of(type(layer))}
    changed = {}
    for name, value in values.items():
        if name not in fields:
            raise ParameterError(
                f"{type(layer).__name__}: no editable field {name!r}; expected one of "
                f"{', '.join(fields) or 'none'}"
            )
        changed[name] = _typed(fields[name], value)
    return replace(layer, **changed)


def _typed(field: Field, value: Any) -> Any:
    kind = field["type"]
    try:
        if kind == "adjacency":
            return adjacency_from(value)
        if kind == "int":
            low, high = field["low"], field["high"]
            whole = int(value)
            if whole != float(value) or not low <= whole <= high:
                raise ValueError(f"expected a whole number from {low} to {high}")
            return whole
        if kind == "number":
            return None if value is None and field["empty"] else _finite(value)
        if kind == "bool" and isinstance(value, bool):
            return value
        if kind == "choice" and value in field["values"]:
            return value
        if kind == "vector":
            return np.array([_finite(v) for v in value], dtype=np.float32)
        if kind in ("border", "rule"):
            return value if isinstance(value, str) else _finite(value)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ParameterError):
            raise
        raise _unfit(field, value) from None
    raise _unfit(field, value)


def _unfit(field: Field, value: Any) -> Refusal:
    """The refusal of a value, in the words of its field and not of Python."""
    named = {"field": field["name"], "value": "-" if value is None else str(value)[:80]}
    if field["type"] == "int":
        return Refusal(
            "whole_number",
            "{field} {value}; expected a whole number from {low} to {high}",
            **named,
            low=field["low"],
            high=field["high"],
        )
    if field["type"] in ("number", "vector", "border", "rule"):
        return Refusal("finite_number", "{field} {value}; expected a number", **named)
    expected = ", ".join(map(str, field.get("values", [field["type"]])))
    return Refusal("choice", "{field} {value}; expected {expected}", **named, expected=expected)


def _finite(value: Any) -> float:
    number = float(value)
    if not abs(number) <= MAX_NUMBER:
        raise ValueError(f"expected a number up to {MAX_NUMBER:g}")
    return number


def _plain(value: Any) -> Any:
    if isinstance(value, Adjacency):
        return adjacency_words(value)
    if isinstance(value, np.ndarray):
        # The shortest digits that give the same float32 back.
        return [float(str(np.float32(v))) for v in value.ravel()]
    return list(value) if isinstance(value, tuple) else value


# -- adjacencies ---------------------------------------------------------------------------------


def adjacency_words(adjacency: Adjacency) -> dict[str, Any]:
    """An adjacency as shape and sizes, or as its displacements if it is no known shape.

    Examples
    --------
    >>> adjacency_words(Adjacency.disk(2).dilated(3))
    {'shape': 'disk', 'radius': 2.0, 'dilation': 3}
    """
    steps = adjacency.displacements
    dilation = max(1, gcd(*(int(abs(c)) for c in steps.ravel())))
    core = Adjacency(steps // dilation)
    rows, cols = (high - low + 1 for low, high in core.reach)
    if len(core) == rows * cols and core == Adjacency.box((rows, cols)):
        return {"shape": "rectangle", "width": cols, "height": rows, "dilation": dilation}
    radius = float(np.sqrt((core.displacements**2).sum(axis=1).max()))
    if radius <= MAX_SIDE and core == Adjacency.disk(radius):
        return {"shape": "disk", "radius": round(radius, 3), "dilation": dilation}
    reach = int(np.abs(core.displacements).max())
    if core == Adjacency.cross(reach):
        return {"shape": "cross", "radius": reach, "dilation": dilation}
    return {"shape": "custom", "displacements": steps.tolist(), "dilation": 1}


def adjacency_from(words: Any) -> Adjacency:
    """The adjacency that `adjacency_words` says."""
    try:
        shape = words["shape"]
        dilation = _whole(words.get("dilation", 1), 1, 64)
        if shape == "rectangle":
            width, height = (_whole(words[side], 1, MAX_SIDE) for side in ("width", "height"))
            adjacency = Adjacency.rectangle(width=width, height=height)
        elif shape == "disk":
            radius = _finite(words["radius"])
            if not 0 <= radius <= MAX_SIDE // 2:
                raise ValueError(f"radius {radius}; expected 0 to {MAX_SIDE // 2}")
            # Radii are shown with three digits: sqrt(2) is written 1.414.
            adjacency = Adjacency.disk(radius + 5e-4)
        elif shape == "cross":
            adjacency = Adjacency.cross(_whole(words["radius"], 0, MAX_SIDE // 2))
        elif shape == "custom":
            steps = words["displacements"]
            if not isinstance(steps, list) or not 1 <= len(steps) <= MAX_SIDE**2:
                raise ValueError("expected a list of displacements")
            adjacency = Adjacency.from_displacements(steps)
            if adjacency.ndim != 2:
                raise ValueError("expected displacements (row, col)")
        else:
            raise ValueError("expected rectangle, disk, cross or custom")
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Refusal(
            "window_size",
            "this window does not fit; expected sides from 1 to {side}, a radius from 0 to "
            "{radius} and a dilation from 1 to 64",
            side=MAX_SIDE,
            radius=MAX_SIDE // 2,
        ) from None
    return adjacency.dilated(dilation) if dilation > 1 else adjacency


def _whole(value: Any, low: int, high: int) -> int:
    number = float(value)
    if number != int(number) or not low <= number <= high:
        raise ValueError(f"{value}; expected a whole number from {low} to {high}")
    return int(number)
