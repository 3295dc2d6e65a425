"""A classifier file described as plain values and as text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from spel.errors import plural
from spel.nn import Network
from spel.sklearn.encoding import Raw
from spel.sklearn.store import load, read_file

SHOWN = 20
"""Classes that the text lists."""


def classifier_info(path: str | os.PathLike[str]) -> tuple[dict[str, Any], str]:
    """Classes, images, steps and notes of a classifier, as plain values and as text.

    Raises
    ------
    FormatError
        If the file is no classifier, or is damaged.
    """
    model, file = load(path), read_file(path)
    classes = [str(name) for name in model.classes_]
    steps = list(_steps(file.estimator))
    shape = next((list(s["image_shape_"]) for _, s in steps if s.get("image_shape_")), None)
    values = {
        "kind": "classifier",
        "file": os.fspath(path),
        "classes": classes,
        "image": shape,
        "white": next((s["white_"] for _, s in steps if s.get("white_") is not None), None),
        "steps": [{"estimator": raw.kind, "settings": _settings(raw)} for raw, _ in steps],
        "numbers": sum(array.size for array in file.tensors.values()),
        "card": file.card,
    }
    return values, "\n".join(_lines(values))


def _lines(values: dict[str, Any]) -> Iterator[str]:
    names = values["classes"]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    yield f"{values['file']}: classifier of {plural(len(names), 'class')}: " + (
        ", ".join(names[:SHOWN]) + more
    )
    if values["image"] is not None:
        white = "" if values["white"] is None else f", full intensity {values['white']:g}"
        size = " x ".join(map(str, values["image"]))
        yield f"  learned from images of {size} (rows x cols x channels){white}"
    for step in values["steps"]:
        settings = ", ".join(f"{name}={value}" for name, value in step["settings"].items())
        yield f"  {step['estimator']}({settings})"
    yield f"  {values['numbers']:,} numbers"
    yield from (f"  {name}: {value}" for name, value in values["card"].items() if value)


def _steps(raw: Raw) -> Iterator[tuple[Raw, dict[str, Any]]]:
    """The estimators inside of an estimator, in order, each with its learned state."""
    inner = [step for _, step in raw.parameters["steps"]] if raw.kind == "Pipeline" else []
    yield raw, dict(raw.state)
    for part in (*raw.state.values(), *inner):
        if isinstance(part, Raw):
            yield from _steps(part)


def _settings(raw: Raw) -> dict[str, Any]:
    """The settings that fit into a line; arrays by their shapes, networks by their fingerprints."""
    settings = {}
    for name, value in raw.parameters.items():
        if isinstance(value, np.ndarray):
            settings[name] = f"array of {' x '.join(map(str, value.shape))}"
        elif isinstance(value, Network):
            settings[name] = f"network {value.fingerprint()}"
        elif value is not None and raw.kind != "Pipeline":
            settings[name] = value if len(repr(value)) <= 60 else f"{type(value).__name__}"
    return settings
