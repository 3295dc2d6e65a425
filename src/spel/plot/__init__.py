"""Figures (matplotlib, extra ``plot``): activations, kernels, patch clouds, adjacencies.

Every function returns a new `matplotlib.figure.Figure`, which belongs to no window and no global
state: save it with ``figure.savefig("name.png")``, or leave it as the last line of a notebook cell.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "activations": "activations",
    "adjacency": "adjacency",
    "bank": "bank",
    "batch_normalization": "cloud",
    "patch_cloud": "cloud",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        # A function may bear the name of its module, which the import would put in its place.
        function = getattr(import_module(f"spel.plot.{_HOMES[name]}_"), name)
        globals()[name] = function
        return function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
