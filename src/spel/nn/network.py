"""Networks: named layers in a directed acyclic graph; itself a layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from os import PathLike
from types import MappingProxyType
from typing import Any, ClassVar

import numpy.typing as npt

from spel.core.instance import check_instance
from spel.core.numbers import as_numbers
from spel.core.value import derived_property
from spel.errors import ParameterError, ShapeError
from spel.nn.footprint import Footprint
from spel.nn.html import network_html
from spel.nn.layer import Explanation, Image, Layer, Scope, Shape
from spel.nn.node import INPUT, Node, in_node
from spel.nn.plan import Plan, Plans
from spel.nn.save import save
from spel.nn.summary import summary
from spel.nn.trace import Trace, trace
from spel.ops.arrays import is_wide

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, eq=False)
class Network(Layer):
    """Nodes in topological order; the image is called "input", the last node is the output.

    Parameters
    ----------
    nodes : tuple of Node
        At least one, each after the nodes that it takes.
    meta : mapping of str to JSON values, optional
        What else belongs to the network: its decision, its card. Not part of its fingerprint.

    Raises
    ------
    ParameterError
        If a name repeats or has other characters than letters, digits and ``_ . -``, or if a node
        takes one that does not come before it.

    Examples
    --------
    >>> from spel.nn import Activation, Scale, chain
    >>> net = chain(double=Scale([2.0]), positive=Activation("relu"))
    >>> net([[-1.0, 3.0]]).ravel().tolist()
    [0.0, 6.0]
    >>> list(net.activations([[1.0]]))
    ['double', 'positive']
    """

    kind: ClassVar[str] = "network.v1"

    nodes: tuple[Node, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_instance("Network: nodes", self.nodes, Iterable)
        object.__setattr__(self, "nodes", tuple(self.nodes))
        for node in self.nodes:
            check_instance("Network: node", node, Node)
        object.__setattr__(self, "meta", MappingProxyType(dict(self.meta)))
        if not self.nodes:
            raise ParameterError("Network: no nodes; give at least one layer")
        names = {INPUT}
        for node in self.nodes:
            if node.name in names or not _NAME.fullmatch(node.name):
                raise ParameterError(
                    f"Network: node name {node.name!r}; expected letters, digits and _ . - (at "
                    "most 64), each name once, and not 'input'"
                )
            missing = [name for name in node.inputs if name not in names]
            if missing:
                raise ParameterError(
                    f"Network: node {node.name!r} takes {missing[0]!r}, which is not before it; "
                    f"expected one of {', '.join(sorted(names))}"
                )
            wanted = node.layer.inputs
            if not node.inputs or (wanted is not None and len(node.inputs) != wanted):
                raise ParameterError(
                    f"Network: node {node.name!r} takes {len(node.inputs)} images; "
                    f"{type(node.layer).__name__} expects {wanted or 'at least 1'}"
                )
            names.add(node.name)
        _check_axes(self.nodes)

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled; a task carries its network to another process.
        return Network, (self.nodes, dict(self.meta))

    # -- running -----------------------------------------------------------------------------

    def __call__(self, image: npt.ArrayLike) -> Image:
        return self._run(image, [self.output])[self.output]

    def activations(self, image: npt.ArrayLike, upto: str | None = None) -> dict[str, Image]:
        """The output of every node, in order, up to and with the node `upto`."""
        nodes = self.needed([self.output if upto is None else upto])
        return self._run(image, [node.name for node in nodes])

    def select(self, image: npt.ArrayLike, names: Sequence[str]) -> dict[str, Image]:
        """The outputs of these nodes only; the others are not kept."""
        return self._run(image, names)

    def plan(self, shape: Shape, wanted: Sequence[str] = ()) -> Plan:
        """How the network runs on images of a shape; print it for segments, buffers and times.

        `wanted` names the activations that are kept, by default the output.
        """
        return self._plans.of(self, shape, wanted)

    def _run(self, image: npt.ArrayLike, wanted: Sequence[str]) -> dict[str, Image]:
        full = self.with_channel_axis(image)
        return self._plans.of(self, full.shape, wanted, wide=is_wide(full)).run(full)

    @derived_property
    def _plans(self) -> Plans:
        return Plans()

    def needed(self, names: Sequence[str]) -> list[Node]:
        """The nodes that these activations need, in order."""
        wanted = {self.node(name).name for name in names}
        for node in reversed(self.nodes):
            if node.name in wanted:
                wanted.update(node.inputs)
        return [node for node in self.nodes if node.name in wanted]

    def with_channel_axis(self, image: npt.ArrayLike) -> Image:
        """The image with a channel axis."""
        array = as_numbers(image, "network")
        axes = self.ndim or 2
        if array.ndim < axes or array.ndim > (self.ndim or 3) + 2:
            raise ShapeError(
                f"network: image of shape {array.shape} has {array.ndim} axes; expected {axes} or "
                f"{axes + 1} (the last for channels), or one more for a batch"
            )
        return array[..., None] if array.ndim == axes else array

    # -- shapes and geometry -----------------------------------------------------------------

    def shape(self, shape: Shape) -> Shape:
        return self.shapes(shape)[self.output]

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        """Shape of every activation for an image of a shape; raises what the call would raise."""
        full = (*shape, 1) if len(shape) == (self.ndim or 2) else tuple(shape)
        done: dict[str, Shape] = {INPUT: full}
        for node in self.nodes:
            with in_node(node):
                done[node.name] = node.layer.shape(*[done[name] for name in node.inputs])
        del done[INPUT]
        return done

    @property
    def ndim(self) -> int | None:
        return next((n.layer.ndim for n in self.nodes if n.layer.ndim is not None), None)

    @derived_property
    def footprints(self) -> Mapping[str, Footprint]:
        """For each node, the input spels that one of its spels reads."""
        done = {INPUT: Footprint.of_input(self.ndim or 2)}
        for node in self.nodes:
            with in_node(node):
                inputs = Footprint.joined([done[name] for name in node.inputs])
                done[node.name] = inputs.through(node.layer.scope)
        return MappingProxyType(done)

    @property
    def halo(self) -> tuple[tuple[int, int], ...] | None:
        """Input spels to read before and after a tile, per axis; None if a node reads all."""
        return self.footprints[self.output].halo

    @property
    def scope(self) -> Scope:
        scopes = [node.layer.scope for node in self.nodes]
        if "batch" in scopes:
            return "batch"
        return self.footprints[self.output].scope

    # -- editing -----------------------------------------------------------------------------

    def replace(self, name: str, layer: Layer) -> Network:
        """The same network with another layer at a node."""
        self.node(name)
        nodes = tuple(Node(n.name, layer, n.inputs) if n.name == name else n for n in self.nodes)
        return Network(nodes, self.meta)

    def upto(self, name: str) -> Network:
        """The network that ends with the node `name`."""
        return Network(tuple(self.needed([name])))

    def with_meta(self, **meta: Any) -> Network:
        """The same network with `meta` entries added or replaced."""
        return Network(self.nodes, {**self.meta, **meta})

    def __getitem__(self, name: str) -> Any:
        """The layer of a node; for type checkers any, so that its own fields can be read."""
        return self.node(name).layer

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def output(self) -> str:
        """Name of the last node."""
        return self.nodes[-1].name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the nodes, in order."""
        return tuple(node.name for node in self.nodes)

    def node(self, name: str) -> Node:
        """The node of a name."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise ParameterError(f"no node {name!r} in this network; expected one of {self.names}")

    # -- describing --------------------------------------------------------------------------

    @property
    def parameters(self) -> int:
        return sum(node.layer.parameters for node in self.nodes)

    def multiply_adds(self, shape: Shape) -> int:
        done = {INPUT: tuple(shape), **self.shapes(shape)}
        return sum(n.layer.multiply_adds(*[done[i] for i in n.inputs]) for n in self.nodes)

    def describe(self) -> str:
        return f"Network({', '.join(self.names)})"

    def __repr__(self) -> str:
        return self.describe()

    def _repr_html_(self) -> str:
        return network_html(self)

    def summary(self, shape: Shape) -> str:
        """Table of the nodes: layer, output shape, parameters, multiply-adds, receptive field."""
        return summary(self, shape)

    def fingerprint(self, name: str | None = None) -> str:
        """Hash of a node's layer and of all that it takes; of the output by default."""
        return self._fingerprints[self.node(self.output if name is None else name).name]

    def whole_fingerprint(self) -> str:
        """Hash of all nodes: that of the output, unless there are others beside it.

        Detectors have kernels that refine and adjust their boxes, which the output does not take.
        """
        taken = {i for node in self.nodes for i in node.inputs} | {self.output}
        beside = sorted(self._fingerprints[name] for name in self.names if name not in taken)
        if not beside:
            return self.fingerprint()
        return blake2b(
            "\0".join([self.fingerprint(), *beside]).encode(), digest_size=16
        ).hexdigest()

    @derived_property
    def _fingerprints(self) -> dict[str, str]:
        prints = {INPUT: INPUT}
        for node in self.nodes:
            parts = [node.layer.fingerprint(), *[prints[i] for i in node.inputs]]
            prints[node.name] = blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
        return prints

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        return self.whole_fingerprint() == other.whole_fingerprint()

    def __hash__(self) -> int:
        return hash(self.whole_fingerprint())

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        return super().explain(images, output, at, channel)

    def trace(
        self,
        image: npt.ArrayLike,
        at: Sequence[int],
        *,
        node: str | None = None,
        channel: int | None = None,
    ) -> Trace:
        """All numbers behind one spel of a node's activation, see `spel.nn.trace.trace`."""
        return trace(self, image, at=at, node=node, channel=channel)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to one safetensors file, see `spel.nn.save.save`; `spel.load` reads."""
        save(self, path)


def _check_axes(nodes: Sequence[Node]) -> None:
    """Refuse layers over pixels beside layers over voxels.

    One of them would take the planes of a volume for a batch of images, and nobody would notice.
    """
    axes_of = [(node.name, node.layer.ndim) for node in nodes if node.layer.ndim is not None]
    for name, axes in axes_of[1:]:
        first, expected = axes_of[0]
        if axes != expected:
            raise ParameterError(
                f"Network: node {name!r} is for images of {axes} axes, and node {first!r} for "
                f"images of {expected}; give both the same number: adjacencies of as many axes, or "
                "axes=, size= or factor= of layers without one"
            )
