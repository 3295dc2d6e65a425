"""Arithmetic on the tensors of a graph, written as with NumPy; loops and branches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from spel.backends.onnx_graph import END, Body, Ending, Graph


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph: operators between it and others, or numbers, add nodes.

    Attributes
    ----------
    graph : Graph
    name : str
    dtype : str
        "float32", "float64", "int64" or "bool".
    """

    graph: Graph
    name: str
    dtype: str

    def op(self, kind: str, *others: Operand, dtype: str = "", **attributes: Any) -> Tensor:
        """An operator whose first input is this tensor; numbers take its type."""
        names = [self.like(other).name for other in others]
        name = self.graph.op(kind, self.name, *names, **attributes)
        return Tensor(self.graph, name, dtype or self.dtype)

    def like(self, number: Operand) -> Tensor:
        """A number as a constant of this tensor's type."""
        return number if isinstance(number, Tensor) else constant(self.graph, number, self.dtype)

    def to(self, dtype: str) -> Tensor:
        """The same numbers in another type."""
        return self if dtype == self.dtype else self.op("Cast", dtype=dtype, to=dtype)

    # -- numbers ---------------------------------------------------------------------------------

    def __add__(self, other: Operand) -> Tensor:
        return self.op("Add", other)

    def __sub__(self, other: Operand) -> Tensor:
        return self.op("Sub", other)

    def __mul__(self, other: Operand) -> Tensor:
        return self.op("Mul", other)

    def __truediv__(self, other: Operand) -> Tensor:
        return self.op("Div", other)

    def __floordiv__(self, other: Operand) -> Tensor:
        assert self.dtype == "int64"  # of numbers that are not negative
        return self.op("Div", other)

    def __mod__(self, other: Operand) -> Tensor:
        return self.op("Mod", other)

    def __matmul__(self, other: Tensor) -> Tensor:
        return self.op("MatMul", other)

    def __gt__(self, other: Operand) -> Tensor:
        return self.op("Greater", other, dtype="bool")

    def __ge__(self, other: Operand) -> Tensor:
        return self.op("GreaterOrEqual", other, dtype="bool")

    def __lt__(self, other: Operand) -> Tensor:
        return self.op("Less", other, dtype="bool")

    def __le__(self, other: Operand) -> Tensor:
        return self.op("LessOrEqual", other, dtype="bool")

    def equals(self, other: Operand) -> Tensor:
        """Where the numbers are equal."""
        return self.op("Equal", other, dtype="bool")

    def __and__(self, other: Tensor) -> Tensor:
        return self.op("And", other)

    def __or__(self, other: Tensor) -> Tensor:
        return self.op("Or", other)

    def maximum(self, other: Operand) -> Tensor:
        """The larger one of two numbers."""
        return self.op("Max", other)

    def minimum(self, other: Operand) -> Tensor:
        """The smaller one of two numbers."""
        return self.op("Min", other)

    def clip(self, low: Operand, high: Operand) -> Tensor:
        """The numbers, brought to the nearest one between two."""
        return self.maximum(low).minimum(high)

    # -- axes ------------------------------------------------------------------------------------

    def ints(self, *values: int) -> Tensor:
        """A list of whole numbers."""
        return constant(self.graph, list(values), "int64")

    def sum(self, axis: int, *, keep: bool = False) -> Tensor:
        """Sums over an axis."""
        return self.op("ReduceSum", self.ints(axis), keepdims=int(keep))

    def highest(self, axis: int) -> Tensor:
        """The largest number of an axis."""
        return self.op("ReduceMax", self.ints(axis), keepdims=0)

    def size(self, axis: int) -> Tensor:
        """The length of an axis, of shape ()."""
        return Tensor(self.graph, self.graph.size(self.name, axis), "int64")

    def reshape(self, *sizes: int | Tensor) -> Tensor:
        """The same numbers in another shape; one size may be -1."""
        if all(isinstance(size, int) for size in sizes):
            return self.op("Reshape", constant(self.graph, sizes, "int64"))
        parts = [constant(self.graph, s, "int64") if isinstance(s, int) else s for s in sizes]
        return self.op("Reshape", stack([part.reshape() for part in parts]))

    def expand(self, *axes: int) -> Tensor:
        """With further axes of length 1."""
        return self.op("Unsqueeze", self.ints(*axes))

    def at(self, places: Operand, axis: int = 0) -> Tensor:
        """The entries at some places of an axis, or at one place."""
        where = constant(self.graph, places, "int64") if not isinstance(places, Tensor) else places
        return self.op("Gather", where, axis=axis)

    def part(self, start: int | Tensor, end: int | Tensor = END, axis: int = 0) -> Tensor:
        """The entries of an axis from `start` to before `end`."""
        ends = [self.ints(one) if isinstance(one, int) else one.reshape(1) for one in (start, end)]
        return self.op("Slice", *ends, self.ints(axis))

    def where(self, chosen: Tensor) -> Tensor:
        """The entries of the first axis that are chosen."""
        return self.op("Compress", chosen, axis=0)

    def order(self, most: Operand = END) -> Tensor:
        """Places of a list's numbers, largest first, equal ones in order; at most so many."""
        count = self.size(0).minimum(most).reshape(1)
        _, places = self.graph.op("TopK", self.name, count.name, outputs=2, axis=0)
        return Tensor(self.graph, places, "int64")


Operand: TypeAlias = "Tensor | int | float | Sequence[Any] | np.ndarray[Any, Any]"


def constant(graph: Graph, value: Any, dtype: str) -> Tensor:
    """Numbers that are part of the file."""
    return Tensor(graph, graph.const(value, np.dtype(dtype)), dtype)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis."""
    return join([tensor.expand(axis) for tensor in tensors], axis)


def join(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Tensors one after the other along an axis."""
    first, *more = tensors
    return first.op("Concat", *more, axis=axis)


def choose(condition: Tensor, yes: Tensor, no: Operand) -> Tensor:
    """One number or the other, entry by entry."""
    other = yes.like(no)
    return Tensor(yes.graph, yes.graph.op("Where", condition.name, yes.name, other.name), yes.dtype)


def count_up(end: Tensor) -> Tensor:
    """The whole numbers from 0 to before `end`."""
    zero, one = (constant(end.graph, number, "int64") for number in (0, 1))
    return zero.op("Range", end.reshape(), one)


Tensors = Sequence[Tensor]


def loop(
    trips: Tensor,
    states: Tensors,
    body: Callable[[Tensor, Tensors], tuple[Tensor | None, Tensors]],
    *,
    begin: Tensor | None = None,
) -> list[Tensor]:
    """The states after so many trips, or earlier if there is a condition that no longer holds.

    Parameters
    ----------
    trips : Tensor
        Of shape ().
    states : sequence of Tensor
        Their shapes may change.
    body : callable
        Takes the number of the trip and the states; gives the condition for the next trip, and the
        states after this one.
    begin : Tensor, optional
        The condition for the first trip.
    """
    graph = trips.graph
    number, go = (Tensor(graph, graph.fresh(name), kind) for name, kind in LOOP_INPUTS)
    before = [Tensor(graph, graph.fresh("state"), state.dtype) for state in states]
    with graph.inner() as nodes:
        condition, after = body(number, before)
        results = [(condition or go).op("Identity"), *[state.op("Identity") for state in after]]
    inputs = (*_endings([number, go], ()), *_endings(before))
    outputs = (*_endings(results[:1], ()), *_endings(results[1:]))
    names = [trips.name, "" if begin is None else begin.name, *[state.name for state in states]]
    kind = graph.op("Loop", *names, outputs=len(states), body=Body(nodes, inputs, outputs))
    ends = [kind] if len(states) == 1 else kind
    return [Tensor(graph, name, state.dtype) for name, state in zip(ends, states)]


LOOP_INPUTS = (("trip", "int64"), ("go", "bool"))


def branch(
    condition: Tensor, yes: Callable[[], Tensors], no: Callable[[], Tensors]
) -> list[Tensor]:
    """The tensors of one function or of the other."""
    graph, bodies = condition.graph, []
    for function in (yes, no):
        with graph.inner() as nodes:
            results = [tensor.op("Identity") for tensor in function()]
        bodies.append(Body(nodes, (), _endings(results)))
    names = graph.op(
        "If", condition.name, outputs=len(results), then_branch=bodies[0], else_branch=bodies[1]
    )
    return [
        Tensor(graph, name, one.dtype)
        for name, one in zip([names] if len(results) == 1 else names, results)
    ]


def _endings(tensors: Tensors, shape: tuple[int, ...] | None = None) -> tuple[Ending, ...]:
    """How the inputs or outputs of a body are described."""
    return tuple((tensor.name, tensor.dtype, shape) for tensor in tensors)
