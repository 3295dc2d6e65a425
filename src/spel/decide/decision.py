"""How a saliency becomes boxes: a frozen value that a network can carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from spel.core.adjacency import Adjacency
from spel.core.stored import check_table, stored_value
from spel.errors import ParameterError
from spel.ops.threshold import checked_rule

Range = tuple[float, float]
Select = Literal["all", "widest", "largest", "closest"]

SELECTIONS: tuple[str, ...] = get_args(Select)
DECISION = "decision"
"""Entry of a network's `meta` that holds its own decision."""

MAX_REACH = 1000
"""Largest step, in spels, of a stored adjacency."""

RANGES = ("area", "width", "height", "depth", "aspect")


@dataclass(frozen=True)
class Decision:
    """Threshold, adjacency, filters and selection.

    Parameters
    ----------
    threshold : float or str
        Spels with a saliency above it belong to an object: a value, "otsu", or a percentile "p0"
        to "p100".
    adjacency : Adjacency, optional
        Which spels are connected; by default the 8 neighbours, in volumes all 26.
    area : (low, high), optional
        Range of the number of *input* spels that a component covers, ends included; components
        outside it are dropped.
    width, height, aspect : (low, high), optional
        The same for the sides of the box, in input spels, and for width / height.
    depth : (low, high), optional
        The same for the number of planes of a box in a volume.
    select : {"all", "widest", "largest", "closest"}
        Keep all components, or the one that is widest, has the largest area, or whose box is
        closest to `size`.
    size : (width, height), optional
        The size that "closest" compares with, by ``|log(w / width)| + |log(h / height)|``; for
        volumes (width, height, depth), with the same term for the depth.

    Raises
    ------
    ParameterError
        If a rule or a selection is unknown, a range is empty, or "closest" comes without `size`.

    Examples
    --------
    >>> Decision(threshold="p95", select="widest", aspect=(2, 6)).to_dict()
    {'threshold': 'p95', 'aspect': [2.0, 6.0], 'select': 'widest'}
    """

    threshold: float | str = "otsu"
    adjacency: Adjacency | None = field(default=None)
    area: Range | None = None
    width: Range | None = None
    height: Range | None = None
    aspect: Range | None = None
    select: Select = "all"
    size: tuple[float, ...] | None = None
    depth: Range | None = None

    def __post_init__(self) -> None:
        checked_rule(self.threshold)
        if self.adjacency is not None and not isinstance(self.adjacency, Adjacency):
            raise ParameterError(
                f"Decision: adjacency {self.adjacency!r}; expected an Adjacency, for example "
                "Adjacency.disk(1)"
            )
        if self.select not in SELECTIONS:
            raise ParameterError(
                f"Decision: select {self.select!r}; expected one of {', '.join(SELECTIONS)}"
            )
        for name in RANGES:
            object.__setattr__(self, name, _range(name, getattr(self, name)))
        object.__setattr__(self, "size", _size(self.size))
        if self.select == "closest" and self.size is None:
            raise ParameterError(
                "Decision: select 'closest' needs size=(width, height), the size that boxes are "
                "compared with"
            )

    def to_dict(self) -> dict[str, Any]:
        """The fields that differ from their defaults, ready for JSON."""
        values: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if value == f.default:
                continue
            if isinstance(value, Adjacency):
                value = value.displacements.tolist()
            values[f.name] = list(value) if isinstance(value, tuple) else value
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decision:
        """The decision that `to_dict` wrote.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        check_table(cls, values)
        options = dict(values)
        with stored_value(cls):
            if options.get("adjacency") is not None:
                options["adjacency"] = _stored_adjacency(options["adjacency"])
            return cls(**options)


def _stored_adjacency(values: Any) -> Adjacency:
    """The adjacency of stored displacements, refused if it reaches too far."""
    adjacency = Adjacency.from_displacements(values)
    if abs(adjacency.displacements).max(initial=0) > MAX_REACH:
        raise ParameterError(
            f"Decision: an adjacency with steps of more than {MAX_REACH} spels; expected shorter "
            "displacements"
        )
    return adjacency


def _range(name: str, value: Any) -> Range | None:
    """The range as two numbers, checked; None if there is none."""
    if value is None:
        return None
    try:
        low, high = (float(end) for end in value)
    except (TypeError, ValueError):
        raise ParameterError(f"Decision: {name} {value!r}; expected (low, high)") from None
    if not low <= high:
        raise ParameterError(f"Decision: {name} {value!r}; expected low <= high")
    return low, high


def _size(value: Any) -> tuple[float, ...] | None:
    """The size as two or three positive numbers, checked; None if there is none."""
    if value is None:
        return None
    try:
        sides = tuple(float(side) for side in value)
    except (TypeError, ValueError):
        sides = ()
    if len(sides) not in (2, 3):
        raise ParameterError(
            f"Decision: size {value!r}; expected (width, height), and the depth in a volume"
        )
    if not min(sides) > 0:
        raise ParameterError(f"Decision: size {value!r}; expected numbers above 0")
    return sides
