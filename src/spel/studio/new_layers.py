"""New layers by name, with values to start from."""

from __future__ import annotations

from spel.errors import ParameterError
from spel.nn import KINDS, Add, Concatenate, Layer, Multiply

COMPOSED = ("residue", "batch_normalize")
"""A residue brings several nodes, a batch normalization reads images: `add_step` makes these."""
JOINS: dict[str, type[Layer]] = {"add": Add, "multiply": Multiply, "concatenate": Concatenate}
"""Steps that take several images."""


def addable() -> tuple[str, ...]:
    """The kinds of steps that can be added, by name: those with a layer to start from."""
    names = [name_of(kind) for kind, layer in KINDS.items() if layer.default(1) is not None]
    return (*names, *COMPOSED, *JOINS)


def name_of(kind: str) -> str:
    """A kind without its version.

    Examples
    --------
    >>> name_of("max_pool.v1")
    'max_pool'
    """
    return kind.rpartition(".")[0]


def new_layer(name: str, channels: int) -> Layer:
    """A layer with sensible starting values for an image of this number of channels."""
    for kind, layer in KINDS.items():
        if name_of(kind) == name and (made := layer.default(channels)) is not None:
            return made
    raise ParameterError(f"kind of step {name!r:.40}; expected one of {', '.join(addable())}")
