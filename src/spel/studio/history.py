"""Undo and redo: documents one after the other, and the one that is present."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

DEPTH = 1000
"""Steps that can be undone."""

T = TypeVar("T")


@dataclass
class History(Generic[T]):
    """The present document, the earlier ones, and those that were undone.

    Attributes
    ----------
    past, future : list of (label, document)
        The label of a step, and the document before it (past) or after it (future); the nearest
        to the present is last.

    Examples
    --------
    >>> history = History("empty")
    >>> history.do("draw", "one stroke")
    >>> history.undo(), history.present, history.redo(), history.present
    (True, 'empty', True, 'one stroke')
    """

    present: T
    past: list[tuple[str, T]] = field(default_factory=list)
    future: list[tuple[str, T]] = field(default_factory=list)

    def do(self, label: str, document: T) -> None:
        """Make a document the present one, as a new step."""
        self.past.append((label, self.present))
        del self.past[:-DEPTH]
        self.replace(document)

    def replace(self, document: T) -> None:
        """Make a document the present one, as part of the last step."""
        self.present = document
        self.future.clear()

    def undo(self) -> bool:
        """Go back one step; returns whether there was one."""
        return self._move(self.past, self.future)

    def redo(self) -> bool:
        """Go forward one step; returns whether there was one."""
        return self._move(self.future, self.past)

    def _move(self, source: list[tuple[str, T]], target: list[tuple[str, T]]) -> bool:
        if not source:
            return False
        label, document = source.pop()
        target.append((label, self.present))
        self.present = document
        return True
