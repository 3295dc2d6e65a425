"""Every public name says what its parameters are: the sections of numpydoc, complete."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from typing import Any

import pytest

import spel

ROOMS = (
    *("backends", "data", "decide", "draw", "evaluation", "flim", "io", "jobs", "linear"),
    *("metrics", "nn", "ops", "plot", "rigid", "runs", "sklearn", "testing", "zoo"),
)
PACKAGES = {"plot": "matplotlib", "sklearn": "sklearn", "testing": "hypothesis"}  # extras


def public_names(room: str) -> dict[str, Any]:
    """Functions and classes that users call: of ``__all__``, or else of a room's modules."""
    module = spel if room == "spel" else importlib.import_module(f"spel.{room}")
    if hasattr(module, "__all__"):
        values = {name: getattr(module, name) for name in module.__all__}
    else:
        parts = [part.name for part in pkgutil.iter_modules(module.__path__)]
        files = [importlib.import_module(f"spel.{room}.{part}") for part in parts]
        values = {
            name: value
            for file in files
            for name, value in vars(file).items()
            if not name.startswith("_") and getattr(value, "__module__", "") == file.__name__
        }
    return {
        name: value
        for name, value in values.items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__.startswith("spel")
        and not (inspect.isclass(value) and issubclass(value, Exception))
    }


def documented(value: Any) -> set[str]:
    """The names that a docstring, or that of a base class, describes one by one."""
    owners = value.__mro__ if inspect.isclass(value) else [value]
    names: set[str] = set()
    for owner in owners:
        text = inspect.cleandoc(owner.__doc__ or "").split("Examples\n---")[0]
        for line in re.findall(r"^(\*{0,2}\w[\w, *]*?)(?: : .*)?$", text, re.M):
            names |= {name.strip("* ") for name in line.split(",")}
    return names


@pytest.mark.parametrize("room", ["spel", *ROOMS])
def test_public_names_describe_their_parameters(room: str) -> None:
    if room in PACKAGES:
        pytest.importorskip(PACKAGES[room])
    missing = []
    for name, value in public_names(room).items():
        if inspect.isclass(value) and inspect.isabstract(value):
            continue  # nobody calls it
        parameters = inspect.signature(value).parameters.values()
        wanted = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.name != "args"}
        missing += [f"{name}: {one}" for one in sorted(wanted - documented(value))]
    assert not missing, "\n".join(missing)
