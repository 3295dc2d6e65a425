"""What the stages of a restorer see and make, by the task."""

from __future__ import annotations

from dataclasses import dataclass

from spel.synthesis.degrade import Task
from spel.synthesis.groups import Groups
from spel.synthesis.layout import Layout

STEP = 3
"""Distance of patches."""

QUICK = {"reach": 10, "step": 4, "count": 16}
BEST = {"reach": 15, "step": 4, "count": 32}
"""Which patches are grouped by stages in the middle and by the last one."""


@dataclass(frozen=True)
class Plan:
    """One stage before it is learned; see `spel.synthesis.anchored.Stage`."""

    layout: Layout
    gates: tuple[float, ...] = ()
    groups: Groups | None = None


def usual(task: Task) -> tuple[int, int]:
    """The usual numbers of anchors and of stages.

    Examples
    --------
    >>> usual(Task("denoise", 25)), usual(Task("enlarge", 2))
    ((64, 3), (256, 2))
    """
    return (64, 3) if task.kind == "denoise" else (256, 2)


def plan(task: Task, side: int | None, number: int, count: int) -> Plan:
    """The stage of a number, from 0.

    Parameters
    ----------
    task : Task
    side : int or None
        Side of the patches, or the usual one.
    number : int
    count : int
        Number of stages.
    """
    last = number == count - 1
    if task.kind == "denoise":
        return _against_noise(task.amount / 255, side or (9 if last else 7), number, last)
    large = task.kind == "enlarge"
    source = side or (7 if large else 9)
    before = min(source, {1: 9, 2: 5, 3: 3, 4: 3}[task.factor]) if number else 0
    out = min(source, 3 if large else 5 if number else 7)
    compared = min(before or source, 5 if large else 7)
    return Plan(Layout(task.factor, source, before, compared, out, 1 if large else min(2, out)))


def _against_noise(sigma: float, side: int, number: int, last: bool) -> Plan:
    """First strong waves pass, then those that like patches have in common."""
    compared, step = min(side, 7), min(side, STEP)
    if not number:
        return Plan(Layout(1, side, 0, compared, side, step), (2 * sigma, 4 * sigma))
    layout = Layout(1, side, side, compared, side, step, side)
    return Plan(layout, groups=Groups(**(BEST if last else QUICK), noise=sigma))
