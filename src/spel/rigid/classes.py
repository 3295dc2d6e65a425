"""Windows of several classes: one decision per class, and which boxes suppress one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from spel.core.stored import check_table, stored_value
from spel.errors import FormatError, ParameterError
from spel.rigid.windows import Windows

Suppress = Literal["within", "across"]

SUPPRESSIONS: tuple[str, ...] = get_args(Suppress)

KIND = "class-windows"
"""The name of this kind in a stored decision."""

VERSION = 1
"""Version of the stored form."""

OPTIONS = (
    "threshold",
    "overlap",
    "max_detections",
    "margin",
    "enlarge",
    "max_proposals",
    "scales_per_octave",
    "proposals",
    "rotations",
)
"""Fields of `Windows` that can be changed for all classes alike."""


@dataclass(frozen=True)
class ClassWindows:
    """How the scores of sliding windows become boxes of several classes.

    Every class has kernels, sizes, scales and a threshold of its own. Boxes of one class suppress
    one another; boxes of different classes do so only with ``suppress="across"``.

    Parameters
    ----------
    classes : tuple of (str, Windows)
        Name and windows of each class; each names its `score_node`.
    suppress : {"within", "across"}
        Whether a box is dropped only for a better one of its own class, or for one of any class.
        Choose "across" if every object has one class, and "within" if objects of different classes
        may cover each other.
    overlap : float
        With "across": largest share of the smaller box that two detections of different classes
        may have in common.

    Raises
    ------
    ParameterError
        If there is no class, a name occurs twice, or an option lies outside its range.

    Examples
    --------
    >>> both = ClassWindows((("coin", Windows(((36, 36),), score_node="score_0")),
    ...                      ("plate", Windows(((48, 16),), score_node="score_1"))))
    >>> both.names, ClassWindows.from_dict(both.to_dict()) == both
    (('coin', 'plate'), True)
    """

    classes: tuple[tuple[str, Windows], ...]
    suppress: Suppress = "within"
    overlap: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple((name, one) for name, one in self.classes))
        if not self.classes:
            raise ParameterError("ClassWindows: no classes; expected at least one")
        for name, windows in self.classes:
            if not isinstance(name, str) or not name or not isinstance(windows, Windows):
                raise ParameterError(
                    f"ClassWindows: class {name!r:.60} with {type(windows).__name__}; expected a "
                    "name and Windows"
                )
            if windows.score_node is None:
                raise ParameterError(
                    f"ClassWindows: class {name!r:.60} has no score_node; name the node of its "
                    "kernels"
                )
        if len(set(self.names)) < len(self.names):
            raise ParameterError(
                f"ClassWindows: classes {self.names!r:.200}; expected each name once"
            )
        if self.suppress not in SUPPRESSIONS:
            raise ParameterError(
                f"ClassWindows: suppress {self.suppress!r:.60}; expected one of "
                f"{', '.join(SUPPRESSIONS)}"
            )
        if isinstance(self.overlap, bool) or not 0 <= self.overlap <= 1:
            raise ParameterError(f"ClassWindows: overlap {self.overlap!r}; expected 0 to 1")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        return tuple(name for name, _ in self.classes)

    @property
    def max_scale(self) -> float:
        """Largest scale of the image at which kernels of any class slide."""
        return max(windows.largest_scale for _, windows in self.classes)

    def with_options(self, **options: Any) -> ClassWindows:
        """A copy with changed fields: `suppress`, `overlap`, or those of every class's windows.

        Examples
        --------
        >>> one = ClassWindows((("coin", Windows(((36, 36),), score_node="score_0")),))
        >>> one.with_options(threshold=0.2, suppress="across").classes[0][1].threshold
        0.2
        """
        shared = {name: options[name] for name in OPTIONS if name in options}
        own = {f.name: options[f.name] for f in fields(self) if f.name in options}
        classes = tuple((name, replace(one, **shared)) for name, one in self.classes)
        return replace(self, **{"classes": classes, **own})

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON."""
        return {
            "kind": KIND,
            "version": VERSION,
            "suppress": self.suppress,
            "overlap": self.overlap,
            "classes": [{"name": name, "windows": one.to_dict()} for name, one in self.classes],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClassWindows:
        """The decision that `to_dict` wrote.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        if values.get("version") != VERSION:
            raise FormatError(
                f"ClassWindows: version {values.get('version')!r:.60}; this spel reads {VERSION}"
            )
        options = {key: value for key, value in values.items() if key not in ("kind", "version")}
        check_table(cls, options)
        with stored_value(cls):
            classes = tuple(_stored_class(entry) for entry in options.pop("classes"))
            return cls(classes, **options)


def _stored_class(entry: Any) -> tuple[str, Windows]:
    """Name and windows of one stored class."""
    if not isinstance(entry, Mapping) or set(entry) != {"name", "windows"}:
        raise FormatError(f"ClassWindows: {entry!r:.80}; expected the name and windows of a class")
    if not isinstance(entry["windows"], Mapping):
        raise FormatError(
            f"ClassWindows: windows {entry['windows']!r:.80}; expected a table of names and values"
        )
    return entry["name"], Windows.from_dict(entry["windows"])
