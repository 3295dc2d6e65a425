"""Progress of long work, on standard error: a bar, lines, JSON or nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
EVERY_SECONDS = 10.0
EVERY_ITEMS = 1000


class Progress:
    """Counts finished items; a context manager.

    The mode "auto" is a bar on a terminal and lines elsewhere; "json" writes one object per second.
    """

    def __init__(self, total: int, mode: str = "auto", unit: str = "images") -> None:
        self.total, self.unit = total, unit
        self.done = self.failed = 0
        terminal = sys.stderr.isatty()
        self.mode = ("bar" if terminal else "plain") if mode == "auto" else mode
        self._bar: Any = None
        self._began = self._last = time.monotonic()
        self._shown = self._skipped = 0

    def __enter__(self) -> Progress:
        if self.mode == "bar":
            from tqdm import tqdm

            self._bar = tqdm(total=self.total, unit=f" {self.unit}", leave=False, file=sys.stderr)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self.mode == "json":
            self._json(time.monotonic())

    def skip(self, count: int) -> None:
        """Count items that were done before; they do not count for the rate."""
        self.done = self._shown = self._skipped = count
        if self._bar is not None and count:
            self._bar.update(count)
            self._bar.unpause()

    def extend(self, count: int) -> None:
        """Add items to the total."""
        self.total += count
        if self._bar is not None:
            self._bar.total = self.total
            self._bar.refresh()

    def counting(self, read: Callable[..., Item]) -> Callable[..., Item]:
        """The function, each call of which counts an item; in a worker it counts none."""
        return _Counting(self, read)

    def said_by(self, say: Callable[[str], object]) -> Callable[[str], object]:
        """A function that says what step of the work is done, and counts items anew."""

        def wrapped(text: str) -> None:
            say(text)
            self.count_anew()

        return wrapped

    def count_anew(self) -> None:
        """Begin again at none of the items, for another pass over them."""
        self.done = self._shown = 0
        self._began = self._last = time.monotonic()
        if self._bar is not None:
            self._bar.reset()

    def step(self, name: str = "", *, failed: bool = False) -> None:
        """Count one finished item."""
        self.done += 1
        self.failed += failed
        now = time.monotonic()
        if self._bar is not None:
            if self.failed:
                self._bar.set_postfix(failed=self.failed, refresh=False)
            self._bar.update()
        elif self.mode == "json" and now - self._last >= 1:
            self._json(now)
        elif self.mode == "plain" and self._due(now):
            self._last, self._shown = now, self.done
            rate = (self.done - self._skipped) / max(now - self._began, 1e-9)
            left = (self.total - self.done) / rate if rate else 0
            lost = f", {self.failed} failed" if self.failed else ""
            print(
                f"{self.done} of {self.total} {self.unit}{lost}, {rate:.1f} a second, "
                f"{left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )

    def _due(self, now: float) -> bool:
        return now - self._last >= EVERY_SECONDS or self.done - self._shown >= EVERY_ITEMS

    def _json(self, now: float) -> None:
        self._last = now
        state = {
            "done": self.done,
            "failed": self.failed,
            "total": self.total,
            "seconds": round(now - self._began, 3),
        }
        print(json.dumps(state), file=sys.stderr, flush=True)


class _Counting(Generic[Item]):
    """A function whose calls are counted; the call after the last item begins another pass."""

    def __init__(self, progress: Progress, read: Callable[..., Item]) -> None:
        self._progress, self._read = progress, read

    def __call__(self, path: Any, *args: Any, **kw: Any) -> Item:
        item = self._read(path, *args, **kw)
        if self._progress.done >= self._progress.total:
            self._progress.count_anew()
        self._progress.step(str(path))
        return item

    def __reduce__(self) -> Any:
        return _itself, (self._read,)


def _itself(read: Callable[..., Item]) -> Callable[..., Item]:
    return read
