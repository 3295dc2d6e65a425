"""From a PyTorch module to a network: the same numbers, or a refusal that names the operation.

`torch.fx` follows the module's `forward` symbolically and gives its graph. Each step of it is one
of PyTorch's own modules (`torch_import_modules`), a function that computes what such a module does
(`torch_import_functions`), or joins activations: a sum, a product, a concatenation.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from spel.backends.torch_deps import fx, nn, torch
from spel.backends.torch_import_functions import FUNCTIONS, OF_AXES
from spel.backends.torch_import_memory import Form, TracedValue, Wire, Wires, is_in_place
from spel.backends.torch_import_modules import (
    DROPOUTS,
    OF_VALUES,
    TAKEN,
    check_hooks,
    check_plain,
    layers_of,
)
from spel.backends.torch_import_windows import bias_of, numbers, refusal
from spel.backends.torch_module import SpelModule
from spel.core.bank import KernelBank
from spel.errors import ShapeError, UnsupportedLayerError
from spel.nn import (
    Add,
    Concatenate,
    Convolution,
    Flatten,
    GlobalPool,
    GroupNormalize,
    Layer,
    Multiply,
    Network,
    Node,
)


def from_torch(module: nn.Module, shape: Sequence[int] | None = None) -> Network:
    """A network from a module that `to_torch` made, or from PyTorch's own modules.

    Any module over images or volumes is supported whose `forward` consists of known operations in
    evaluation mode: convolutions (grouped, transposed, any padding), poolings, batch, group,
    instance and local response normalization, the activations, upsampling, padding, sums, products
    and concatenations of activations, and ``Flatten`` followed by ``Linear``: a linear layer over
    a map of h x w pixels is a convolution whose kernel is the whole map.

    Parameters
    ----------
    module : torch.nn.Module
        With weights of float32.
    shape : (rows, cols, channels) or (planes, rows, cols, channels), optional
        Of the images, for what follows a ``Flatten`` of maps whose size follows from the image.

    Raises
    ------
    UnsupportedLayerError
        For any other module, a subclass, a function, or an option that has no meaning here; the
        message names it.
    ShapeError
        If the size of the images matters and `shape` was not given.
    """
    if type(module) is SpelModule:
        return module.to_network()
    if _is_step(module):
        module = _Alone(module)
    steps, modules = _traced(module).nodes, dict(module.named_modules())
    graph = _Graph(shape, modules, _axes(shape, modules.values(), steps))
    for step in steps:
        graph.add(step)
    return graph.network()


def _axes(
    shape: Sequence[int] | None, modules: Iterable[nn.Module], steps: Iterable[fx.Node]
) -> int:
    """3 for volumes, which the shape, or a module or function for them, says; 2 for images."""
    if shape is not None and len(shape) == 4:
        return 3
    names = [type(module).__name__ for module in modules]
    names += [getattr(step.target, "__name__", "") for step in steps]
    return 3 if any(name.endswith("3d") for name in names) else 2


class _Alone(nn.Module):
    """A module of PyTorch's as the only step of a forward."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.training = module.training

    def forward(self, x: torch.Tensor) -> Any:
        return self.module(x)


class _Tracer(fx.Tracer):
    """Follows forwards down to PyTorch's own modules, and to subclasses of supported ones."""

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return TracedValue(node, self)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if not _is_step(m):
            check_hooks(module_qualified_name, m)
        return _is_step(m)


def _is_step(module: nn.Module) -> bool:
    """Whether a module is supported or refused as a whole, and not followed."""
    own = type(module).__module__.startswith("torch.") and not isinstance(module, nn.Sequential)
    return own or isinstance(module, tuple(TAKEN))


def _traced(module: nn.Module) -> fx.Graph:
    check_hooks("", module)
    try:
        return _Tracer().trace(module)
    except UnsupportedLayerError:
        raise
    except Exception as error:  # whatever a forward does with what is no tensor
        why = " ".join(str(error).split())[:200]
        raise refusal(
            "", type(module).__name__, f"its forward cannot be followed ({why})"
        ) from error


@dataclass
class _Graph:
    """The nodes so far, and what each step of PyTorch's graph gave."""

    shape: Sequence[int] | None
    modules: dict[str, nn.Module]
    axes: int
    nodes: list[Node] = field(default_factory=list)
    wires: Wires = field(default_factory=Wires)
    output: Wire | None = None

    def add(self, step: fx.Node) -> None:
        """Take one step of the graph; what no image comes from is taken when it is needed."""
        if step.op == "placeholder":
            if self.wires.values:
                if step.users:
                    raise refusal(step.name, "input", "a network takes one image")
                return
            self.wires.put(step, Wire("input"))
        elif step.op == "output":
            self.output = self._wire(step, step.args[0])
        elif step.op == "call_module":
            name = str(step.target)
            module = self.modules[name]
            wire = self._module(name, module, self._image(step))
            self.wires.put(step, wire, in_place=is_in_place(step, module))
        elif step.op in ("call_function", "call_method"):
            called = self._call(step)
            if called is not None:
                self.wires.put(step, called, in_place=is_in_place(step))

    def network(self) -> Network:
        """The finished network; its output is the last node."""
        end = self.output
        if end is None or not self.nodes:
            raise UnsupportedLayerError("from_torch: the module holds no layer of a network")
        if end.form == "flattened":
            self._check_order(end)
            if self.axes == 3:
                raise refusal("flatten", "Flatten", "it is for images of pixels, not for volumes")
            end = self._append("flatten", Flatten(), [end])
        if end.node == "input":
            raise UnsupportedLayerError("from_torch: the module returns its input")
        network = Network(tuple(Network(tuple(self.nodes)).needed([end.node])))
        whole = next((n for n in network.nodes if isinstance(n.layer, GroupNormalize)), None)
        if self.axes == 3 and network.ndim is None and whole is not None:
            why = "alone it takes a volume for a batch of images; put it behind a convolution"
            raise refusal(whole.name, type(whole.layer).__name__, why)
        return network

    # -- steps -------------------------------------------------------------------------------

    def _call(self, step: fx.Node) -> Wire | None:
        target: Any = step.target
        images = [a for a in step.args if isinstance(a, fx.Node)]
        if target in _JOINS:
            if len(step.args) != 2 or len(images) != 2 or step.kwargs:
                raise refusal(step.name, _words(step), "only activations are joined")
            return self._joined(step, _JOINS[target](), images)
        if target in _CONCATENATIONS:
            return self._concatenated(step)
        if target in ("view", "reshape"):
            return self._reshaped(step)
        if target in FUNCTIONS:
            return self._function(step, FUNCTIONS[target])
        if target in OF_AXES:
            return self._function(step, partial(OF_AXES[target], self.axes))
        if not _only_for_shapes(step):
            raise refusal(step.name, _words(step), "no layer means the same")
        return None

    def _function(self, step: fx.Node, meaning: Callable[..., Any]) -> Wire:
        image = self._image(step)
        kwargs = {k: v for k, v in step.kwargs.items() if k != "input"}
        try:
            meant = meaning(*step.args[1 if step.args else 0 :], **kwargs)
        except TypeError as error:
            raise refusal(
                step.name, _words(step), f"its options are not supported ({error})"
            ) from None
        if not isinstance(meant, nn.Module):
            return self._chained(step.name, list(meant), image)
        parts = list(meant) if isinstance(meant, nn.Sequential) else [meant]
        for part in parts:
            image = self._module(step.name, part.eval(), image)
        return image

    def _module(self, name: str, module: nn.Module, image: Wire) -> Wire:
        check_plain(name, module)
        kind = type(module)
        if kind in DROPOUTS or kind is nn.Identity:
            return image
        if kind is nn.Flatten:
            return self._flattened(name, module, image)
        if kind is nn.Linear:
            return self._append(name, self._linear(name, module, image), [image], "vector")
        if image.form != "map" and kind not in OF_VALUES:
            raise refusal(name, module, "it follows a Flatten or a Linear, which leave no image")
        if image.form == "flattened" and kind in (nn.PReLU, nn.Softmax):
            raise refusal(name, module, "it looks at the channels of flattened images")
        return self._chained(name, layers_of(name, module, self.axes), image)

    def _chained(self, name: str, layers: Sequence[Layer], image: Wire) -> Wire:
        for layer in layers:
            image = self._append(name, layer, [image], image.form)
        return image

    def _joined(self, step: fx.Node, layer: Layer, values: Sequence[fx.Node]) -> Wire:
        images = [self._wire(step, value) for value in values]
        forms = {image.form for image in images}
        if len(forms) > 1 or ("flattened" in forms and isinstance(layer, Concatenate)):
            raise refusal(step.name, _words(step), "it joins images and vectors")
        return self._append(step.name, layer, images, images[0].form)

    def _concatenated(self, step: fx.Node) -> Wire:
        values = step.args[0] if step.args else step.kwargs.get("tensors")
        dim = step.args[1] if len(step.args) > 1 else step.kwargs.get("dim", 0)
        if dim not in (1, -1 - self.axes) or not isinstance(values, tuple | list):
            raise refusal(step.name, _words(step), "only channels (dim=1) are concatenated")
        return self._joined(step, Concatenate(), list(values))  # type: ignore[arg-type]

    def _reshaped(self, step: fx.Node) -> Wire:
        """``x.view(x.size(0), -1)``: what people write for a Flatten."""
        image = self._image(step)
        sizes: Any = step.args[1:]
        sizes = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes
        if len(sizes) != 2 or sizes[1] != -1 or not _is_batch(sizes[0]):
            raise refusal(step.name, _words(step), "only (x.size(0), -1) has a meaning here")
        return self._flattened(step.name, nn.Flatten(), image)

    def _flattened(self, name: str, module: Any, image: Wire) -> Wire:
        if (module.start_dim, module.end_dim) not in ((1, -1), (1, 1 + self.axes)):
            raise refusal(name, module, "it does not flatten whole images")
        return image if image.form == "vector" else Wire(image.node, "flattened")

    def _linear(self, name: str, module: Any, image: Wire) -> Convolution:
        if image.form == "map":
            raise refusal(name, module, "on an image it acts on each row; put a Flatten before it")
        weights = numbers(module.weight)
        size = (1,) * self.axes if image.form == "vector" else self._size(name, image)
        if weights.shape[1] % math.prod(size):
            words = " x ".join(map(str, size))
            why = f"{weights.shape[1]} inputs for maps of {words} pixels"
            raise refusal(name, module, why)
        maps = np.moveaxis(weights.reshape(len(weights), -1, *size), 1, -1)
        return Convolution(KernelBank.from_array(maps, bias_of(module)), border="valid")

    # -- nodes -------------------------------------------------------------------------------

    def _append(self, name: str, layer: Layer, images: Sequence[Wire], form: Form = "map") -> Wire:
        stem = name.replace(".", "_")[-56:] or "module"
        stem = f"m{stem}" if stem[0].isdigit() or stem == "input" else stem
        taken = {node.name for node in self.nodes}
        own = next(n for n in _numbered(stem) if n not in taken)
        self.nodes.append(Node(own, layer, tuple(image.node for image in images)))
        return Wire(own, form)

    def _image(self, step: fx.Node) -> Wire:
        """The image that a step takes first."""
        return self._wire(step, step.args[0] if step.args else step.kwargs.get("input"))

    def _wire(self, step: fx.Node, value: Any) -> Wire:
        wire = self.wires.values.get(value) if isinstance(value, fx.Node) else None
        if wire is None:
            raise refusal(step.name, _words(step), f"{value} is no activation")
        return wire

    def _check_order(self, image: Wire) -> None:
        # PyTorch flattens channel by channel, and spel pixel by pixel. The orders agree only for
        # one channel or one pixel.
        if math.prod(self._size("flatten", image)) != 1 and self._shapes()[image.node][-1] != 1:
            raise refusal("", "Flatten", "it orders the values of a vector channel by channel")

    def _size(self, name: str, image: Wire) -> tuple[int, ...]:
        """The size of a map: it follows from the image's, unless a pooling fixed it."""
        node = next((n for n in self.nodes if n.name == image.node), None)
        while node is not None and node.layer.scope == "spel" and len(node.inputs) == 1:
            node = next((n for n in self.nodes if n.name == node.inputs[0]), None)
        if node is not None and isinstance(node.layer, GlobalPool):
            return node.layer.sizes
        if self.shape is None:
            raise ShapeError(
                f"from_torch: module {name!r}: what follows a Flatten fixes the size of images; "
                "give shape=(rows, cols, channels)"
            )
        return tuple(self._shapes()[image.node][:-1])

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        size = tuple(self.shape or (1,) * (self.axes + 1))
        size = size if len(size) == self.axes + 1 else (*size, 1)
        own = Network(tuple(self.nodes)).shapes(size) if self.nodes else {}
        return {"input": size, **own}


_JOINS: dict[Any, type[Layer]] = {
    operator.add: Add,
    operator.iadd: Add,
    torch.add: Add,
    "add": Add,
    "add_": Add,
    operator.mul: Multiply,
    operator.imul: Multiply,
    torch.mul: Multiply,
    "mul": Multiply,
    "mul_": Multiply,
}

_CONCATENATIONS = frozenset({torch.cat, torch.concat, torch.concatenate})


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}_{number}"
        number += 1


def _words(step: fx.Node) -> str:
    """An operation as a person would write it."""
    name = step.target if isinstance(step.target, str) else getattr(step.target, "__name__", "?")
    return f"{name}({', '.join(map(str, step.args))})"


def _is_batch(value: Any) -> bool:
    """Whether a size is that of the batch: ``x.size(0)`` or ``x.shape[0]``."""
    if not isinstance(value, fx.Node):
        return False
    if value.target == "size":
        return tuple(value.args[1:]) == (0,)
    of = value.args[0] if value.args else None
    shape = isinstance(of, fx.Node) and (
        of.target == "size" or (of.target is getattr and of.args[1] == "shape")
    )
    return bool(value.target is operator.getitem and shape and value.args[1] == 0)


def _only_for_shapes(step: fx.Node) -> bool:
    """Whether a step gives a size, of which a view is made."""
    if step.target == "size" or step.target is getattr:
        return True
    of = step.args[0] if step.args else None
    sizes = isinstance(of, fx.Node) and (of.target == "size" or of.target is getattr)
    return step.target is operator.getitem and sizes
