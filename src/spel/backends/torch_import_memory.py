"""Which values of PyTorch's graph share memory, and so change together when one is overwritten.

``y = relu_(x)`` leaves the same numbers in ``x``, so that ``x + y`` after it is twice ``y``.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any, Literal

from spel.backends.torch_deps import fx, nn
from spel.backends.torch_import_functions import FUNCTIONS

IN_PLACE = tuple(
    getattr(operator, name)
    for name in (
        *("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "imatmul"),
        *("iand", "ior", "ixor", "ilshift", "irshift", "setitem"),
    )
)
"""Python's operators that write into their first operand."""


class TracedValue(fx.Proxy):
    """A value while a forward is followed, which also sees what is written into it.

    By itself, `torch.fx` takes ``x += y`` for ``x = x + y``, which leaves other names of x as they
    were.
    """


def _writing(function: Any) -> Any:
    def write(self: fx.Proxy, *operands: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", function, (self, *operands), {})

    return write


for _function in IN_PLACE:
    setattr(TracedValue, f"__{_function.__name__}__", _writing(_function))

Form = Literal["map", "flattened", "vector"]


@dataclass(frozen=True)
class Wire:
    """A value of the graph: the node that makes it; a map, its flattened values, or a vector."""

    node: str
    form: Form = "map"


@dataclass
class Wires:
    """The value of each step so far."""

    values: dict[fx.Node, Wire] = field(default_factory=dict)
    owners: dict[fx.Node, fx.Node] = field(default_factory=dict)
    """For each step the first one whose value lies in the same memory."""

    def put(self, step: fx.Node, wire: Wire, *, in_place: bool = False) -> None:
        """State the value of a step; in place, it is that of its image from now on as well."""
        image = next((a for a in _arguments(step) if a in self.values), None)
        shares = image is not None and self.values[image].node == wire.node
        self.values[step], self.owners[step] = wire, step
        if image is None or not (in_place or shares) or step.target == "clone":
            return
        owner = self.owners[step] = self.owners[image]
        if in_place:
            for other, whose in self.owners.items():
                if whose is owner:
                    self.values[other] = replace(self.values[other], node=wire.node)


def is_in_place(step: fx.Node, module: nn.Module | None = None) -> bool:
    """Whether a step writes its result where its image was."""
    target: Any = step.target
    if module is not None:
        return bool(getattr(module, "inplace", False))
    if isinstance(target, str):
        return target.endswith("_")
    if target in IN_PLACE:
        return True
    if target not in FUNCTIONS or "inplace" not in signature(FUNCTIONS[target]).parameters:
        return False
    options = {key: value for key, value in step.kwargs.items() if key != "input"}
    stated = signature(FUNCTIONS[target]).bind(*step.args[1:], **options)
    return bool(stated.arguments.get("inplace", False))


def _arguments(step: fx.Node) -> list[fx.Node]:
    several = (*step.args, *step.kwargs.values())
    return [value for value in several if isinstance(value, fx.Node)]
