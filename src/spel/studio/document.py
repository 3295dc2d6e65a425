"""The document: everything that a user makes, as one immutable value.

A command turns a document into another one; undo is keeping the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from spel.decide import decision_of, with_decision
from spel.decide.detection import AnyDecision
from spel.errors import FormatError, ParameterError, SpelError
from spel.nn.network import Network
from spel.nn.node import INPUT, Node
from spel.studio.mask_colors import color_step, following
from spel.studio.refusals import Refusal

Point = tuple[float, float]


class Box(NamedTuple):
    """A true box ``x0 y0 x1 y1`` in pixels of the image, half-open, and the label of its class."""

    x0: float
    y0: float
    x1: float
    y1: float
    label: int = 1


TOOLS = ("brush", "line", "fill", "spels", "erase")
MAX_POINTS = 20_000
MAX_IMPORTED_POINTS = 1_000_000
MAX_STROKES = 10_000
MAX_NETWORKS = 64
MAX_RADIUS = 128.0
CLASS_COLORS = (
    "#2f6fd0",
    "#e8710a",
    "#1a9e77",
    "#a846c2",
    "#c9a400",
    "#d6336c",
    "#0f9fb5",
    "#7a5c3e",
    "#5b8c00",
    "#6f6f6f",
)
"""Colors of new classes, by label."""
MAX_NAME = 60
MAX_ID = 64


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
        Chosen by the page, so that a stroke that is sent twice is drawn once.
    label : int
        Its class, 0 to 255.
    tool : {"brush", "line", "fill", "spels", "erase"}
        "spels" marks the pixels at the points only (imported markers); "erase" removes marks.
    radius : float
        Of the brush, in pixels.
    points : tuple of (row, col)
        In pixels; the centre of the first pixel is (0.5, 0.5).
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
        if len(self.id) > MAX_ID:
            raise ParameterError(f"stroke: an id of {len(self.id)} characters; at most {MAX_ID}")
        limit = MAX_IMPORTED_POINTS if self.tool == "spels" else MAX_POINTS
        if not 1 <= len(self.points) <= limit:
            raise ParameterError(
                f"stroke: {len(self.points):,} points; expected 1 to {limit:,}. Draw shorter "
                "strokes, or import fewer markers at once"
            )

    def to_dict(self) -> dict[str, Any]:
        """The stroke as JSON."""
        return {
            "id": self.id,
            "label": self.label,
            "tool": self.tool,
            "radius": self.radius,
            "points": [list(p) for p in self.points],
        }

    @classmethod
    def from_dict(cls, value: Any) -> Stroke:
        """The stroke that `to_dict` described.

        Raises
        ------
        FormatError, ParameterError
            If a field is missing, or its value is not allowed.
        """
        try:
            points = tuple((float(r), float(c)) for r, c in value["points"])
            if any(not abs(x) < 1e6 for p in points for x in p):
                raise FormatError("stroke: a point is not finite, or far outside of the image")
            return cls(
                str(value["id"]),
                int(value["label"]),
                str(value["tool"]),
                float(value["radius"]),
                points,
            )
        except SpelError:
            raise
        except KeyError as error:
            raise FormatError(f"stroke: the field {error.args[0]!r} is missing") from None
        except (TypeError, ValueError, OverflowError):
            raise FormatError(
                "stroke: a field is of another kind; expected id, label, tool, radius and points"
            ) from None


@dataclass(frozen=True)
class Entry:
    """A network of the document, and the names of its bypassed nodes."""

    network: Network
    bypassed: frozenset[str] = frozenset()

    @property
    def effective(self) -> Network | None:
        """The network without its bypassed nodes; None if no node is left."""
        if not self.bypassed:
            return self.network
        substitutes = {INPUT: INPUT}
        nodes: list[Node] = []
        for node in self.network.nodes:
            inputs = tuple(substitutes[name] for name in node.inputs)
            if node.name in self.bypassed:
                substitutes[node.name] = inputs[0]
            else:
                substitutes[node.name] = node.name
                nodes.append(Node(node.name, node.layer, inputs))
        output = substitutes[self.network.output]
        while nodes and nodes[-1].name != output:  # branches that only a bypassed end took
            nodes.pop()
        if not nodes:
            return None
        made, colors = Network(tuple(nodes), self.network.meta), color_step(self.network)
        return following(made, substitutes[colors]) if colors in self.bypassed else made

    @property
    def decision(self) -> AnyDecision:
        """How the network's output becomes boxes; the default if the network states nothing."""
        return decision_of(self.network)

    def with_decision(self, decision: AnyDecision) -> Entry:
        """The entry with another decision."""
        return replace(self, network=with_decision(self.network, decision))


@dataclass(frozen=True)
class Document:
    """Networks, strokes, classes, truth, pinned and removed images, by name or by image.

    `masks` are the names of the label images that hold the truth of each pixel.
    """

    networks: Mapping[str, Entry] = field(default_factory=dict)
    strokes: Mapping[str, tuple[Stroke, ...]] = field(default_factory=dict)
    classes: tuple[Class, ...] = CLASSES
    truth: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    pins: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    masks: Mapping[str, str] = field(default_factory=dict)

    def entry(self, name: str) -> Entry:
        """The network of this name.

        Raises
        ------
        ParameterError
            If there is none.
        """
        if name not in self.networks:
            raise Refusal("no_network", "there is no network {name}", name=str(name)[:40])
        return self.networks[name]

    def with_entry(self, name: str, entry: Entry) -> Document:
        """The document with this network, new or in place of the one of the same name."""
        self.check_room(name)
        return replace(self, networks={**self.networks, name: entry})

    def check_room(self, name: str) -> None:
        """Refuse a network of a new name where there are as many as allowed.

        Raises
        ------
        ParameterError
            If there is no room for it.
        """
        if name not in self.networks and len(self.networks) >= MAX_NETWORKS:
            raise Refusal(
                "many_networks",
                "there are {n} networks, the largest number allowed; remove some first",
                n=len(self.networks),
            )

    def with_strokes(self, image: str, strokes: tuple[Stroke, ...]) -> Document:
        """The document with these strokes on an image, in place of the former ones."""
        if len(strokes) > MAX_STROKES:
            raise Refusal(
                "many_strokes",
                "{n} strokes on one image; at most {most} are allowed. Remove or clear some first",
                n=len(strokes),
                most=MAX_STROKES,
            )
        changed = {**self.strokes, image: strokes}
        return replace(self, strokes={i: s for i, s in changed.items() if s})


def display_name(text: Any) -> str:
    """A name for networks and classes, without unprintable characters.

    Raises
    ------
    ParameterError
        If it is empty or too long.
    """
    name = "".join(c for c in str(text) if c.isprintable()).strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise Refusal(
            "name_length",
            "name {name}; expected 1 to {most} characters",
            name=repr(str(text)[:MAX_NAME]),
            most=MAX_NAME,
        )
    return name
