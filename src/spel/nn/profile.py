"""Plans and times as tables: the cost of each node beside the limit of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.threads import thread_count, threads
from spel.nn.layer import Shape

if TYPE_CHECKING:
    from spel.nn.network import Network
    from spel.nn.plan import Plan, Segment


@dataclass(frozen=True)
class Machine:
    """Measured speed of one core.

    Attributes
    ----------
    multiply_adds : float
        Per second, from registers.
    bytes : float
        Per second, read and written by a copy of memory.
    """

    multiply_adds: float
    bytes: float

    def limit(self, multiply_adds: float, moved: float) -> float:
        """Seconds that no program on one core can beat: arithmetic, or one read and one write."""
        return max(multiply_adds / self.multiply_adds, moved / self.bytes)


@lru_cache(maxsize=1)
def machine() -> Machine:
    """Measure this machine once (about 50 ms)."""
    count = 4_000_000
    rate = max(
        kernels.multiply_adds(count) / _seconds(lambda: kernels.multiply_adds(count)) for _ in "abc"
    )
    source = np.ones(8 << 20, dtype=np.float32)
    target = np.zeros_like(source)
    copy = min(_seconds(lambda: np.copyto(target, source)) for _ in range(4))
    return Machine(rate, 2 * source.nbytes / copy)


@dataclass(frozen=True)
class Timing:
    """One node of a profile: its time in seconds, and the least time for its arithmetic."""

    name: str
    seconds: float
    multiply_adds: int
    limit: float


def profile(network: Network, image: npt.ArrayLike, *, repeats: int = 3) -> list[Timing]:
    """Time of each node of a network on an image, with one thread: the best of a few runs.

    An activation behind a convolution is part of it and shows no time of its own.

    Parameters
    ----------
    network : Network
    image : (rows, cols, channels) array
    repeats : int

    Returns
    -------
    list of Timing
        In the order of the nodes.
    """
    full = network.with_channel_axis(image)
    plan = network.plan(full.shape)
    best: dict[str, float] = {}
    with threads(1):
        for _ in range(repeats):
            times: dict[str, float] = {}
            plan.run(full, times=times)
            best = {name: min(t, best.get(name, t)) for name, t in times.items()}
    work = _multiply_adds(plan)
    return [Timing(n, best[n], work[n], machine().limit(work[n], 0)) for n in work]


def report(timings: list[Timing]) -> str:
    """The profile as a table of text."""
    total = sum(t.seconds for t in timings)
    rows = [("node", "ms", "share", "multiply-adds", "G/s", "limit ms")]
    for t in timings:
        rate = t.multiply_adds / t.seconds / 1e9 if t.seconds else 0.0
        rows.append(
            (
                t.name,
                f"{t.seconds * 1e3:.3f}",
                f"{t.seconds / total:.0%}" if total else "",
                f"{t.multiply_adds:,}",
                f"{rate:.1f}" if t.multiply_adds and rate else "",
                f"{t.limit * 1e3:.3f}" if t.multiply_adds else "",
            )
        )
    rows.append(("all", f"{total * 1e3:.3f}", "", "", "", ""))
    return columns(rows)


def table(plan: Plan) -> str:
    """A plan as a table: segments, stages, kept rows, work, and the limit of the machine."""
    lines = [f"plan for an image of {plan.shape}, {thread_count()} threads"]
    work = _multiply_adds(plan)
    shapes = plan.network.shapes(plan.shape)
    for number, segment in enumerate(plan.segments, 1):
        reads, writes = ", ".join(segment.reads), ", ".join(segment.writes)
        if segment.program is None:
            node = segment.nodes[0]
            lines += [f"segment {number}: {node.name} called by itself, {reads} -> {writes}", ""]
            continue
        lines.append(f"segment {number}: streamed, {reads} -> {writes}")
        rows = [("node", "shape", "as", "rows kept", "bytes", "multiply-adds")]
        buffers = segment.program.buffers
        parts = {name: segment.parts[name] for name in (n.name for n in segment.nodes)}
        used = {i for nodes in parts.values() for i in nodes}
        for name in segment.reads:
            index = segment.stages[name].index
            used.add(index)
            b = buffers[index]
            rows.append((name, "", b.kind, str(b.rows), f"{b.bytes:,}", ""))
        for name, nodes in parts.items():
            kinds = [buffers[i].kind for i in nodes if buffers[i].kind]
            rows.append(
                (
                    name,
                    " x ".join(map(str, shapes[name])),
                    " + ".join(_counted(kinds)) or "with the node before",
                    str(sum(buffers[i].rows for i in nodes)),
                    f"{sum(buffers[i].bytes for i in nodes):,}",
                    f"{work[name]:,}" if work[name] else "",
                )
            )
        lines.append(columns(rows))
        buffered = sum(b.bytes for b in buffers)
        moved = _moved(segment, {**shapes, "input": plan.shape})
        total = sum(work[name] for name in parts)
        limit = machine().limit(total, moved)
        lines.append(
            f"buffers {buffered / 1024:,.0f} KiB per thread, {moved / 1e6:,.1f} MB to and from "
            f"memory, {total:,} multiply-adds: at best {limit * 1e3:.3f} ms on one core here"
        )
        lines.append("")
    return "\n".join(lines).rstrip()


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of text in columns: the first ones left, numbers right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    numbers = [all(_numeric(row[i]) for row in rows[1:]) for i in range(len(widths))]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if right else cell.ljust(w)
            for cell, w, right in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in rows
    )


def _numeric(cell: str) -> bool:
    return not cell.strip("0123456789.,%")


def _counted(kinds: list[str]) -> list[str]:
    return [f"{kinds.count(k)} {k}" if kinds.count(k) > 1 else k for k in dict.fromkeys(kinds)]


def _multiply_adds(plan: Plan) -> dict[str, int]:
    shapes = {"input": plan.shape, **plan.network.shapes(plan.shape)}
    return {
        node.name: node.layer.multiply_adds(*[shapes[name] for name in node.inputs])
        for segment in plan.segments
        for node in segment.nodes
    }


def _moved(segment: Segment, shapes: dict[str, Shape]) -> int:
    return sum(
        4 * int(np.prod(shapes[n], dtype=np.int64)) for n in (*segment.reads, *segment.writes)
    )


def _seconds(call: object) -> float:
    begin = perf_counter()
    call()  # type: ignore[operator]
    return perf_counter() - begin
