"""Shards: every n-th input, so that n runs on n machines process each input once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spel.errors import ParameterError


@dataclass(frozen=True)
class Shard:
    """Part ``index`` of ``count`` parts; the first one is 1.

    Parameters
    ----------
    index, count : int
        From 1.

    Examples
    --------
    >>> Shard.parse("2/3").select(["a", "b", "c", "d", "e"])
    ['b', 'e']
    """

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ParameterError(
                f"shard {self.index}/{self.count}: expected i/n with i from 1 to n"
            )

    @classmethod
    def parse(cls, text: str) -> Shard:
        """A shard from a text ``i/n``."""
        index, slash, count = text.partition("/")
        if not (slash and index.isdecimal() and count.isdecimal()):
            raise ParameterError(f"shard {text!r}: expected i/n, as in 1/4")
        return cls(int(index), int(count))

    def select(self, items: Sequence[Any]) -> list[Any]:
        """The items of this part, in order."""
        return list(items[self.index - 1 :: self.count])

    def name(self, file: str) -> str:
        """A file name for this part: ``results.jsonl`` or ``results.2-of-3.jsonl``.

        Examples
        --------
        >>> Shard().name("results.jsonl"), Shard(2, 3).name("results.jsonl")
        ('results.jsonl', 'results.2-of-3.jsonl')
        """
        if self.count == 1:
            return file
        stem, dot, suffix = file.rpartition(".")
        return f"{stem}.{self.index}-of-{self.count}{dot}{suffix}"
