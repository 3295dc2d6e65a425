"""Public names that are loaded when they are first used, listed in one place: a stub file.

The stub ``__init__.pyi`` beside a package's ``__init__.py`` says where each public name lives, in
imports that editors and type checkers read; `attach` reads the same lines at run time. So no name
is listed twice, and ``import spel`` loads neither NumPy nor anything heavier (SPEC 1 of the
scientific Python ecosystem; `lazy_loader` does the same with more options than are needed here).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def attach(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package whose names stand in its stub.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    file : str
        Its ``__file__``; the stub has the same name with the suffix ``.pyi``.
    """
    homes = _homes(Path(file).with_suffix(".pyi"))

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        if home == package:
            return import_module(f"{package}.{name}")
        value = getattr(import_module(home), name)
        # A function may have the name of its module, which the import has put in its place.
        setattr(sys.modules[package], name, value)
        return value

    names = sorted(homes)
    return load, names.copy, names


def _homes(stub: Path) -> dict[str, str]:
    """For every name that a stub imports, the module that it comes from."""
    return {
        alias.name: node.module
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if alias.asname == alias.name
    }
