"""Plans: how a network runs on images of one shape.

Nodes that read a window or the spel itself are *streamed* together: a segment is one program of the
engine, whose rows flow through ring buffers from the image to the wanted activations. A node
that reads the whole image (or that the engine does not know) is called by itself between segments.
The numbers are those of calling the layers one by one, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.memory import check_memory
from spel.core.threads import thread_count
from spel.errors import ParameterError, ShapeError
from spel.nn.layer import Image, Layer, Shape
from spel.nn.node import INPUT, Node, in_node
from spel.nn.profile import table
from spel.ops.arrays import Planar, as_planar, shape_only

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage
    from spel.nn.network import Network


@dataclass(frozen=True)
class Segment:
    """Nodes that run together: several that one program streams, or one that is called by itself.

    Attributes
    ----------
    nodes : tuple of Node
    reads, writes : tuple of str
        The activations (or "input") that it takes from memory and leaves there.
    program : Program or None
        None where the node is called by itself.
    stages : dict of str to Stage
        What each node is in the program.
    parts : dict of str to range
        The engine's nodes that make up each node.
    """

    nodes: tuple[Node, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    program: Program | None = None
    stages: dict[str, Stage] = field(default_factory=dict)
    parts: dict[str, range] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Segments in the order in which they run on images of a shape; `str` gives a table.

    Attributes
    ----------
    network : Network
    shape : tuple of int
        Of the image, with its channel axis.
    wanted : tuple of str
        The activations that are kept.
    segments : tuple of Segment
    activation_bytes, ring_bytes : int
        Memory of the activations that are written, and of the rows that each thread holds.
    """

    network: Network
    shape: Shape
    wanted: tuple[str, ...]
    segments: tuple[Segment, ...]
    activation_bytes: int = 0
    ring_bytes: int = 0

    def __str__(self) -> str:
        return table(self)

    @property
    def memory(self) -> int:
        """Largest memory in bytes, besides the image: activations, and the rings of rows."""
        return self.activation_bytes + thread_count() * self.ring_bytes

    def check_memory(self) -> None:
        """Refuse a plan that this machine cannot hold, before it begins.

        Raises
        ------
        ParameterError
            With the size that it would take, and what this process may take.
        """
        check_memory(
            f"network: an image of shape {self.shape}",
            self.memory,
            "give a smaller image, run it in tiles (--tile), or end the network earlier",
        )

    def run(self, image: Image, *, times: dict[str, float] | None = None) -> dict[str, Image]:
        """The wanted activations of an image of this shape; seconds per node go into `times`."""
        self.check_memory()

        done: dict[str, Image] = {INPUT: image}
        for position, segment in enumerate(self.segments):
            if segment.program is None:
                self._call(segment, done, times)
            else:
                self._stream(segment, done, times)
            later = {name for s in self.segments[position + 1 :] for name in s.reads}
            for name in set(done) - later - set(self.wanted):
                del done[name]
        return {name: done[name] for name in self.wanted}

    def _call(
        self, segment: Segment, done: dict[str, Image], times: dict[str, float] | None
    ) -> None:
        from time import perf_counter

        (node,) = segment.nodes
        begin = perf_counter()
        with in_node(node):
            done[node.name] = self._applied(node.layer, [done[name] for name in node.inputs])
        if times is not None:
            times[node.name] = perf_counter() - begin

    def _applied(self, layer: Layer, images: Sequence[Image]) -> Image:
        """Call a layer; one that reads the whole image gets each image of a batch by itself."""
        if layer.scope != "image":
            result: Image = layer(*images)
            return result
        axes = (self.network.ndim or 2) + 1
        if images[0].ndim == axes or not len(images[0]):
            return layer.of_image(*images)
        parts = [layer.of_image(*one) for one in zip(*images, strict=True)]
        if parts[0].ndim == 1:
            return np.stack(parts)
        planar = np.stack([np.moveaxis(part, -1, 0) for part in parts])
        return np.moveaxis(planar, 1, -1)

    def _stream(
        self, segment: Segment, done: dict[str, Image], times: dict[str, float] | None
    ) -> None:
        assert segment.program is not None
        planar = [self._planar(done[name]) for name in segment.reads]
        stages = [segment.stages[name] for name in segment.writes]
        memory = [planar[0].allocate(s.channels, s.size[3 - planar[0].ndim :]) for s in stages]
        spent = segment.program.run(
            [g.array for g in planar], memory, thread_count(), timed=times is not None
        )
        for name, array in zip(segment.writes, memory, strict=True):
            done[name] = planar[0].image(array, channelled=True)
        if times is not None:
            for name, nodes in segment.parts.items():
                times[name] = sum(spent[i] for i in nodes) * 1e-9

    def _planar(self, image: Image) -> Planar:
        return as_planar("network", image, self.network.ndim or 2)

    def rows(self, blocks: Iterable[npt.ArrayLike], *, height: int = 128) -> Iterator[Image]:
        """Stream an image that arrives in blocks of rows, and yield blocks of output rows.

        Memory holds the rows that a block of `height` output rows reads, whatever the image's
        height.

        Parameters
        ----------
        blocks : iterable of (any number of rows, cols, channels) arrays
            The image from top to bottom.
        height : int
            Output rows made at a time.

        Yields
        ------
        (rows, cols', channels') arrays, from top to bottom

        Raises
        ------
        ParameterError
            If a node reads the whole image.
        ShapeError
            If the blocks are not the image of this plan.
        """
        (segment, *more) = self.segments
        if more or segment.program is None or len(self.wanted) != 1 or len(self.shape) != 3:
            raise ParameterError(
                f"rows: {self.network.describe()} cannot run row by row: it is no single streamed "
                "segment over images; see print(net.plan(shape)) for the node that reads it whole"
            )
        window = _Rows(iter(blocks), self.shape)
        total, program = segment.program.steps, segment.program
        stage = segment.stages[self.wanted[0]]
        steps = [(first, min(total, first + height)) for first in range(0, total, height)]
        reads = [program.rows_read(*step) for step in steps]
        for position, (first, last) in enumerate(steps):
            low, high = reads[position]
            keep = min((r[0] for r in reads[position:] if r[0] < r[1]), default=low)
            planar = self._planar(window.between(low, high, keep))
            out = planar.allocate(stage.channels, (last - first, stage.size[2]))
            program.run(
                [planar.array],
                [out],
                thread_count(),
                steps=(first, last),
                first_rows=(low, first),
            )
            yield planar.image(out, channelled=True)


class _Rows:
    """The rows of an image that arrives in blocks, held as long as they are needed."""

    def __init__(self, blocks: Iterator[npt.ArrayLike], shape: Shape) -> None:
        self.blocks, self.shape = blocks, shape
        self.first = self.last = 0
        self.held: list[Image] = []

    def between(self, low: int, high: int, keep: int) -> Image:
        """Rows [low, high); those before `keep` are not needed any more."""
        if high <= low:
            return np.empty((0, *self.shape[1:]), dtype=np.float32)
        while self.last < high:
            block = np.asarray(next(self.blocks, np.empty(0)))
            if block.shape[1:] != self.shape[1:] or not len(block):
                raise ShapeError(
                    f"rows: a block of shape {block.shape} at row {self.last}; expected "
                    f"{self.shape[0]} rows of {self.shape[1:]} in all"
                )
            self.held.append(block)
            self.last += len(block)
        whole = self.held[0] if len(self.held) == 1 else np.concatenate(self.held)
        whole = whole[max(keep - self.first, 0) :]
        self.first = self.last - len(whole)
        self.held = [whole]
        return whole[low - self.first : high - self.first]


MAX_PLANS = 64
"""Number of plans that a network keeps: enough for all sizes of two scale spaces."""


class Plans(dict[Any, Plan]):
    """The plans of one network."""

    def of(
        self, network: Network, shape: Shape, wanted: Sequence[str], *, wide: bool = False
    ) -> Plan:
        """The plan for images of a shape, from the few that are kept."""
        key = (tuple(shape[-4:]), len(shape), tuple(wanted), wide)
        cached = self.get(key)
        if cached is None:
            for old in list(self)[: len(self) - MAX_PLANS + 1]:
                self.pop(old, None)
            cached = self[key] = plan(network, shape, wanted, wide=wide)
        return cached


@dataclass
class _Draft:
    """A segment under construction."""

    program: Program
    nodes: list[Node] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    stages: dict[str, Stage] = field(default_factory=dict)
    parts: dict[str, range] = field(default_factory=dict)

    def stage_of(self, name: str, shape: Shape, ndim: int) -> Stage:
        """The stage of a node of this segment, or a new source for an activation in memory."""
        if name not in self.stages:
            planar = as_planar("network", shape_only(shape), ndim)
            self.stages[name] = self.program.source(planar.channels, planar.array.shape[2:])
            self.reads.append(name)
        return self.stages[name]


def plan(network: Network, shape: Shape, wanted: Sequence[str] = (), *, wide: bool = False) -> Plan:
    """How a network runs on images of a shape, keeping the activations `wanted`.

    The engine streams float32; a `wide` image has more digits, so a layer that subtracts from it
    is called by itself. Raises what the call would raise for this shape.
    """

    wanted = tuple(wanted) or (network.output,)
    ndim = network.ndim or 2
    shapes = network.shapes(shape)
    shapes[INPUT] = (*shape, 1) if len(shape) == ndim else tuple(shape)
    nodes = network.needed(wanted)
    # Activations are numbered by the first segment that can take them from memory ...
    ready = {INPUT: 0}
    # ... and streamed ones by the segment that they belong to.
    streamed: dict[str, int] = {}
    drafts: dict[int, _Draft] = {}
    calls: dict[int, list[Node]] = {}
    for node in nodes:
        at = max(streamed.get(name, ready.get(name, 0)) for name in node.inputs)
        exact = wide and node.layer.subtracts and INPUT in node.inputs
        if not exact and _fits([shapes[name] for name in (*node.inputs, node.name)], ndim):
            draft = drafts.setdefault(at, _Draft(kernels.new_program()))
            sources = [draft.stage_of(name, shapes[name], ndim) for name in node.inputs]
            before = draft.program.size
            stage = node.layer.stage(draft.program, *sources)
            if stage is not None:
                draft.stages[node.name] = stage
                draft.parts[node.name] = range(before, draft.program.size)
                draft.nodes.append(node)
                streamed[node.name] = at
                continue
        at = max(streamed[n] + 1 if n in streamed else ready[n] for n in node.inputs)
        calls.setdefault(at, []).append(node)
        ready[node.name] = at
    segments: list[Segment] = []
    for at in sorted({*drafts, *calls}):
        segments += [Segment((n,), n.inputs, (n.name,)) for n in calls.get(at, [])]
        if at in drafts and drafts[at].nodes:
            segments.append(_streamed(drafts[at], nodes, wanted))
    written = sum(4 * prod(shapes[name]) for segment in segments for name in segment.writes)
    programs = [segment.program for segment in segments if segment.program is not None]
    rings = sum(buffer.bytes for program in programs for buffer in program.buffers)
    return Plan(network, shapes[INPUT], wanted, tuple(segments), written, rings)


def _streamed(draft: _Draft, nodes: Sequence[Node], wanted: Sequence[str]) -> Segment:
    """The segment of a draft, which writes the activations that are needed outside of it."""
    own = {node.name for node in draft.nodes}
    outside = {name for n in nodes if n.name not in own for name in n.inputs}
    writes = tuple(n.name for n in draft.nodes if n.name in outside or n.name in wanted)
    draft.program.finish(*[draft.stages[name] for name in writes])
    return Segment(
        tuple(draft.nodes), tuple(draft.reads), writes, draft.program, draft.stages, draft.parts
    )


def _fits(shapes: Sequence[Shape], ndim: int) -> bool:
    """Whether activations of these shapes can be streamed: not empty, images or batches."""
    native = kernels.choice == "native"
    return native and all(len(s) - ndim in (1, 2) and 0 not in s for s in shapes)
