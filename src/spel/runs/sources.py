"""The inputs of a run: which one a line of its results belongs to, and the order of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

FRAME_MARK = "#frame="
AFTER_FRAMES = 1 << 62
"""Number of a source itself: its line stands after those of its parts."""
_MAX_DIGITS = 18


def frame_name(path: str, index: int) -> str:
    """Name of a frame in the results.

    Examples
    --------
    >>> frame_name("gate.mp4", 30)
    'gate.mp4#frame=30'
    """
    return f"{path}{FRAME_MARK}{index}"


class Sources:
    """The inputs of a run, in order; those that are split, such as videos, have numbered parts.

    Examples
    --------
    >>> sources = Sources(["a.png", "b.mp4"], split=["b.mp4"])
    >>> "b.mp4#frame=7" in sources, "a.png#frame=7" in sources
    (True, False)
    >>> sources.rank("b.mp4#frame=7") < sources.rank("b.mp4#frame=10") < sources.rank("b.mp4")
    True
    """

    def __init__(self, paths: Sequence[str], split: Collection[str] = ()) -> None:
        self._positions = {path: i for i, path in enumerate(paths)}
        self._split = frozenset(split)

    def split(self, name: str) -> tuple[str, int]:
        """The source and the number of the frame; `AFTER_FRAMES` for a source itself."""
        if name not in self._positions:
            source, _, number = name.rpartition(FRAME_MARK)
            if source in self._split and number.isdecimal() and len(number) <= _MAX_DIGITS:
                return source, int(number)
        return name, AFTER_FRAMES

    def rank(self, name: str) -> tuple[int, int]:
        """Sort key of a line; lines of other sources come last."""
        source, frame = self.split(name)
        return self._positions.get(source, len(self._positions)), frame

    def incomplete(self, entries: Collection[str], lines: Collection[str]) -> set[str]:
        """Split sources with a part in the manifest that has no line: they are not done."""
        missing = (self.split(name)[0] for name in entries if name not in lines)
        return {source for source in missing if source in self._split}

    def expected_images(self, done: Collection[str]) -> int:
        """Number of images of the run, if a split source that is not done holds one."""
        frames = Counter(source for source, frame in map(self.split, done) if frame != AFTER_FRAMES)
        return sum(
            frames[path] if path in self._split and path in done else 1 for path in self._positions
        )

    def __contains__(self, name: str) -> bool:
        return self.split(name)[0] in self._positions
