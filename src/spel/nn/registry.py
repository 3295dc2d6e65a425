"""The one list of layers: every kind that a network may be made of, and that a file may name.

A layer enters the list by the decorator `register`, in its own file; layers that others write enter
it in the same way. A file that names a kind from outside of spel is read only if the reader allows
that kind by name: loading a network never runs code without permission.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TypeVar

from spel.errors import FormatError, ParameterError
from spel.nn.fields import field_types
from spel.nn.layer import Layer

L = TypeVar("L", bound=type[Layer])

_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.v[1-9][0-9]*")
_LAYERS: dict[str, type[Layer]] = {}

KINDS: Mapping[str, type[Layer]] = MappingProxyType(_LAYERS)
"""Every kind of layer, with its version ("convolution.v1"), and the class that it stands for."""


def register(layer: L) -> L:
    """Class decorator: add a layer to the list of kinds.

    The kind ends with a version. A layer whose meaning changes gets a new version, so that files
    keep theirs. Layers outside of spel have the name of their package in front:
    ``"mylab.local_contrast.v1"``.

    Parameters
    ----------
    layer : type of Layer

    Raises
    ------
    ParameterError
        If the kind is malformed, or taken by another class.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> @register
    ... @dataclass(frozen=True, eq=False)
    ... class Negate(Layer):
    ...     __module__ = "doctest"
    ...     kind = "doctest.negate.v1"
    ...
    ...     def __call__(self, image):
    ...         return -np.asarray(image, dtype=np.float32)
    ...
    ...     def shape(self, shape):
    ...         return shape
    >>> KINDS["doctest.negate.v1"].__name__
    'Negate'
    """
    kind = getattr(layer, "kind", None)
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise ParameterError(
            f"{layer.__name__}: kind {kind!r}; expected a name and a version, for example "
            "'mylab.local_contrast.v1'"
        )
    other = _LAYERS.get(kind)
    if other is not None and (other.__module__, other.__qualname__) != (
        layer.__module__,
        layer.__qualname__,
    ):
        raise ParameterError(
            f"{layer.__name__}: kind {kind!r} is taken by {other.__module__}.{other.__qualname__}; "
            "put the name of your package in front, or raise the version"
        )
    _check_fields(layer)
    _LAYERS[kind] = layer
    return layer


def _check_fields(layer: type[Layer]) -> None:
    """Refuse a layer whose fields nobody could read from a file or show in a form."""
    try:
        field_types(layer)
    except (NameError, TypeError) as error:
        raise ParameterError(
            f"{layer.__name__}: the types of its fields are unknown ({error}); make it a "
            "frozen dataclass, and import what its annotations name at the head of its file"
        ) from error


def is_own(kind: str) -> bool:
    """Whether a kind is one of spel's: it is allowed in every file."""
    return kind in _LAYERS and _LAYERS[kind].__module__.split(".")[0] == "spel"


def layer_of_kind(kind: object, allow: Collection[str]) -> type[Layer]:
    """The class of a kind that a file names.

    Raises
    ------
    FormatError
        If no layer of that kind is registered, or it is neither spel's nor among `allow`.
    """
    if not isinstance(kind, str) or (kind not in _LAYERS and kind not in allow):
        raise FormatError(_unknown(kind))
    if kind not in _LAYERS:
        raise FormatError(
            f"kind of layer {kind!r} is allowed but not registered; import its package first"
        )
    if not is_own(kind) and kind not in allow:
        layer = _LAYERS[kind]
        raise FormatError(
            f"kind of layer {kind!r} belongs to {layer.__module__}, not to spel; if you trust the "
            f"file with it, allow it by name: spel.nn.load(path, allow=[{kind!r}])"
        )
    return _LAYERS[kind]


def _unknown(kind: object) -> str:
    """What is said of a kind that no layer has: of another package, or of nobody."""
    if isinstance(kind, str) and _KIND.fullmatch(kind) and kind.count(".") > 1:
        package = kind.partition(".")[0]
        return (
            f"kind of layer {kind!r} belongs to the package {package}, not to spel; if you trust "
            f"both, read the file in Python: import {package}, then "
            f"spel.nn.load(path, allow=[{kind!r}])"
        )
    own = ", ".join(sorted(filter(is_own, _LAYERS)))
    return (
        f"unknown kind of layer {kind!r}; expected one of {own}. A newer spel may have written "
        "it: update spel"
    )
