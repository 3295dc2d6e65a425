"""spel: image analysis with neuronal layers over adjacency relations.

A spel is a space element: a pixel or a voxel. Values (adjacencies, kernel banks, layers, networks)
are immutable; what happens is a function from values to values. Names are loaded when first used.

>>> import spel
>>> net = spel.chain(
...     edges=spel.Convolution(spel.KernelBank.sobel("col")),
...     positive=spel.Activation("relu"),
... )
>>> net([[0, 0, 9, 9]])[..., 0].tolist()
[[0.0, 18.0, 18.0, 0.0]]
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "spel.backends": ("from_torch", "to_onnx", "to_torch"),
    "spel.core.adjacency": ("Adjacency",),
    "spel.core.bank": ("KernelBank", "Provenance"),
    "spel.core.markers": ("Markers",),
    "spel.core.detections": ("Detections", "Why"),
    "spel.core.threads": ("threads",),
    "spel.core.window": ("Window",),
    "spel.decide": ("detect",),
    "spel.errors": (
        "BackendMissingError",
        "FormatError",
        "ImageReadError",
        "NotLearnedError",
        "ParameterError",
        "ShapeError",
        "SpelError",
        "TaskError",
        "UnsupportedLayerError",
        "WriteError",
    ),
    "spel.flim": ("learn",),
    "spel.io": ("read", "write"),
    "spel.nn": (
        "Activation",
        "BatchNormalize",
        "Center",
        "Color",
        "Concatenate",
        "Convolution",
        "Decode",
        "DivisiveNormalize",
        "Flatten",
        "Layer",
        "LinearNormalize",
        "MaxPool",
        "MeanPool",
        "MinPool",
        "Network",
        "Node",
        "Residue",
        "Scale",
        "Threshold",
        "Trace",
        "Unlearned",
        "WeightedSum",
        "branch",
        "chain",
        "load",
        "residue",
    ),
}
_MODULES = ("backends", "ops", "zoo", "metrics", "plot", "testing")
_WHERE = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_WHERE, *_MODULES, "__version__"])  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"spel.{name}")
    if name in _WHERE:
        value = getattr(import_module(_WHERE[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'spel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
