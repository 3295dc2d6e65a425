"""The document: everything that a user makes, as one immutable value.

A command turns a document into another one; undo is keeping the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spel.decide import Decision, own_decision, with_decision
from spel.errors import FormatError, ParameterError
from spel.nn.network import Network
from spel.nn.node import INPUT, Node

Point = tuple[float, float]
Box = tuple[float, float, float, float]

TOOLS = ("brush", "line", "fill", "spels", "erase")
MAX_POINTS = 20_000
MAX_STROKES = 10_000
MAX_RADIUS = 128.0


@dataclass(frozen=True)
class Class:
    """A label that strokes carry, its name and its color (``#rrggbb``)."""

    label: int
    name: str
    color: str


CLASSES = (
    Class(0, "background", "#2f6fd0"),
    Class(1, "object", "#e8710a"),
)


@dataclass(frozen=True)
class Stroke:
    """One gesture over an image.

    Attributes
    ----------
    id : str
        Chosen by the page, so that sending it twice draws it once.
    tool : {"brush", "line", "fill", "spels", "erase"}
        "spels" marks exactly the given ones (imported markers); "erase" takes spels away.
    points : tuple of (row, col)
        In spels; the middle of the first one is (0.5, 0.5).
    """

    id: str
    label: int
    tool: str
    radius: float
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if self.tool not in TOOLS:
            raise ParameterError(f"stroke: tool {self.tool!r}; expected one of {', '.join(TOOLS)}")
        if not 0 <= self.label <= 255 or not 0 <= self.radius <= MAX_RADIUS:
            raise ParameterError(
                f"stroke: label {self.label}, radius {self.radius}; expected a label from 0 to 255 "
                f"and a radius from 0 to {MAX_RADIUS:g}"
            )
        most = MAX_POINTS if self.tool != "spels" else 1_000_000
        if not 1 <= len(self.points) <= most:
            raise ParameterError(
                f"stroke: {len(self.points)} points; expected 1 to {most:,}. Lift the brush, or "
                "import fewer spels at once"
            )

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "tool": self.tool,
            "radius": self.radius,
            "points": [list(p) for p in self.points],
        }

    @classmethod
    def from_dict(cls, value: Any) -> Stroke:
        try:
            points = tuple((float(r), float(c)) for r, c in value["points"])
            if any(not abs(x) < 1e6 for p in points for x in p):
                raise ValueError("a point is not finite")
            return cls(
                str(value["id"])[:64],
                int(value["label"]),
                str(value["tool"]),
                float(value["radius"]),
                points,
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, ParameterError):
                raise
            raise FormatError(
                f"stroke: {error}; expected id, label, tool, radius, points"
            ) from None


@dataclass(frozen=True)
class Entry:
    """A network of the document, and the nodes that are switched off."""

    network: Network
    bypassed: frozenset[str] = frozenset()

    @property
    def effective(self) -> Network | None:
        """The network without the nodes that are switched off; None if nothing is left."""
        if not self.bypassed:
            return self.network
        stands_for = {INPUT: INPUT}
        nodes: list[Node] = []
        for node in self.network.nodes:
            inputs = tuple(stands_for[name] for name in node.inputs)
            if node.name in self.bypassed:
                stands_for[node.name] = inputs[0]
            else:
                stands_for[node.name] = node.name
                nodes.append(Node(node.name, node.layer, inputs))
        last = stands_for[self.network.output]
        while nodes and nodes[-1].name != last:  # nothing takes what a bypassed end left behind
            nodes.pop()
        return Network(tuple(nodes), self.network.meta) if nodes else None

    @property
    def decision(self) -> Decision:
        return own_decision(self.network)

    def decided(self, decision: Decision) -> Entry:
        return replace(self, network=with_decision(self.network, decision))


@dataclass(frozen=True)
class Document:
    """Networks, strokes, classes, truth and pinned images, by name or by image."""

    networks: Mapping[str, Entry] = field(default_factory=dict)
    strokes: Mapping[str, tuple[Stroke, ...]] = field(default_factory=dict)
    classes: tuple[Class, ...] = CLASSES
    truth: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    pins: tuple[str, ...] = ()

    def entry(self, name: str) -> Entry:
        if name not in self.networks:
            raise ParameterError(
                f"no network {name!r}; expected one of {', '.join(self.networks) or 'none yet'}"
            )
        return self.networks[name]

    def with_entry(self, name: str, entry: Entry) -> Document:
        return replace(self, networks={**self.networks, name: entry})

    def with_strokes(self, image: str, strokes: tuple[Stroke, ...]) -> Document:
        if len(strokes) > MAX_STROKES:
            raise ParameterError(
                f"{len(strokes):,} strokes on one image; at most {MAX_STROKES:,} are kept. Erase "
                "or clear some first"
            )
        kept = {**self.strokes, image: strokes}
        return replace(self, strokes={k: v for k, v in kept.items() if v})
