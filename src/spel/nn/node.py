"""Nodes: a layer with a name, and the names of what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spel.errors import SpelError
from spel.nn.layer import Layer

INPUT = "input"
"""The name of the image that a network takes."""


@dataclass(frozen=True)
class Node:
    """A layer with a name, and the nodes (or "input") whose activations it takes.

    Attributes
    ----------
    name : str
    layer : Layer
    inputs : tuple of str
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...] = (INPUT,)


class in_node:
    """A context that adds a note with the node's name to every `SpelError` raised inside it."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, SpelError):
            error.add_note(f"in node {self.node.name!r}: {self.node.layer.describe()}")
