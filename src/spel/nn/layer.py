"""The contract of a layer: a frozen value that turns images into an image.

A layer is a final frozen dataclass. Its array, adjacency and bank fields are weights, the rest is
configuration; comparing, hashing, saving and editing are written once from that (here, in
`spel.nn.save`, `spel.nn.load` and `spel.nn.fields`). `spel.nn.registry` lists the kinds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from functools import wraps
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.numbers import as_numbers, as_unmasked
from spel.core.placement import Placement
from spel.core.value import Value, derived_property
from spel.core.window import Window
from spel.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage

Image: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Scope: TypeAlias = Window | Placement | Literal["spel", "image", "batch"]


MAX_NUMBER = float(np.finfo(np.float32).max)
"""Largest number of a layer."""

SETTING = MappingProxyType({"form": False})
"""Metadata of a field that forms do not offer: ``field(default=2, metadata=SETTING)``."""


@dataclass(frozen=True)
class Read:
    """A value from which an output spel was made: its input image, spel and channel.

    Attributes
    ----------
    image : int
        Number of the input image, from 0.
    at : tuple of int
    channel : int
    """

    image: int
    at: tuple[int, ...]
    channel: int


@dataclass(frozen=True)
class Explanation:
    """How one output value came about.

    Attributes
    ----------
    terms : mapping
        Named numbers and arrays, in the order of the arithmetic.
    reads : tuple of Read
        Where to walk back: the value of each input image that matters most.
    """

    terms: Mapping[str, Any]
    reads: tuple[Read, ...] = ()


@dataclass(frozen=True, eq=False)
class Layer(Value, ABC):
    """One transformation of images: abstract here, final in every other class.

    Laws: ``layer(x).shape == layer.shape(x.shape)``; ``load(save(layer)) == layer``; the same input
    gives the same bits.

    A layer of one image declares ``__call__(self, image)``, ``shape(self, shape)`` and, if the
    engine can stream it, ``stage(self, program, source)``; a layer of more images declares one
    argument for each, or ``*images``. (The base has ``**options`` only because type checkers then
    accept each of these signatures; no layer has options at the call.)
    """

    kind: ClassVar[str]
    inputs: ClassVar[int | None] = 1
    """Number of images it takes; None for one or more."""
    slides: ClassVar[bool] = False
    """Whether an output spel lies at the middle of the window that it reads, not at one spel."""

    subtracts: ClassVar[bool] = False
    """Whether it subtracts from single values, so that an image must not be rounded before."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Wrap the two methods that take images, so that a wrong number of them is a ShapeError.

        Python's own TypeError would name the method and not the layer, and it would come too late
        where a layer takes ``*images``.
        """
        super().__init_subclass__(**options)
        for name in ("__call__", "shape"):
            if name in cls.__dict__:
                setattr(cls, name, _checking_number(cls.__dict__[name]))

    @abstractmethod
    def __call__(self, *images: Any, **options: Any) -> Image:
        """Apply the layer, by operators of `spel.ops` only."""

    @abstractmethod
    def shape(self, *shapes: Any, **options: Any) -> Shape:
        """Shape of the result without data; raises what the call would raise."""

    def of_image(self, *images: Image) -> Image:
        """The result for one image of any number of axes, as a network calls a layer.

        A layer that looks at a whole image and does not know how many axes one has takes an array
        of four axes for a batch when it is called alone; a network knows its axes, and calls this.
        """
        result: Image = self(*images)
        return result

    def stage(self, program: Program, *sources: Any, **options: Any) -> Stage | None:
        """Add the layer to a streaming program; None if it can only be called by itself."""
        return None

    @property
    def scope(self) -> Scope:
        """What one output spel reads: a window, the spel itself, the whole image or the batch.

        A `Placement` where the result stands on another grid than a window would leave.
        """
        return "spel"

    @property
    def ndim(self) -> int | None:
        """Number of spatial axes that the layer needs; None if it takes any."""
        scope = self.scope
        if isinstance(scope, Window):
            return scope.adjacency.ndim
        return scope.ndim if isinstance(scope, Placement) else None

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        """How the output's value at a spel and channel came about (images have channel axes)."""
        terms = {"input": images[0][(*at, channel)], "value": output[(*at, channel)]}
        return Explanation(terms, (Read(0, at, channel),))

    @classmethod
    def default(cls, channels: int) -> Layer | None:
        """A layer to start from, for an image of `channels`; None if there is no natural one."""
        return None

    def multiply_adds(self, *shapes: Any, **options: Any) -> int:
        """Multiply-adds for images of these shapes, by definition (not by the fast path)."""
        return 0

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(_count(getattr(self, f.name)) for f in fields(self))

    def describe(self) -> str:
        """One line of text: the kind and its configuration."""
        values = [(f, getattr(self, f.name)) for f in fields(self)]
        words = [f"{f.name}={_words(v)}" for f, v in values if not _is_default(f, v)]
        return f"{type(self).__name__}({', '.join(words)})"

    def fingerprint(self) -> str:
        """Hash of the kind and all fields, weights included."""
        digest = blake2b(self.kind.encode(), digest_size=16)
        for f in fields(self):
            digest.update(f"\0{f.name}\0".encode())
            _feed(digest, getattr(self, f.name))
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.fingerprint() == other.fingerprint()

    def __hash__(self) -> int:
        return self._hash

    @derived_property
    def _hash(self) -> int:
        return hash(self.fingerprint())


def _checking_number(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method of a layer, refusing another number of images than the layer takes."""

    @wraps(method)
    def checking(self: Layer, *images: Any) -> Any:
        wanted = self.inputs
        if len(images) != wanted and (wanted is not None or not images):
            expected = "at least 1" if wanted is None else str(wanted)
            raise ShapeError(
                f"{type(self).__name__}: {len(images)} images given; expected {expected}, each as "
                "an argument of its own"
            )
        return method(self, *images)

    return checking


def each_image(decide: Callable[[Image], Image], image: npt.ArrayLike) -> Image:
    """Apply a rule to one image, or to each of a batch (4 axes: images; 5: volumes)."""
    array = as_unmasked(image)
    if array.ndim < 4 or not len(array):
        return decide(array)
    return np.stack([decide(one) for one in array])


def per_channel(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """A read-only float32 copy of a weight field; finite or refused."""
    numbers = as_numbers(values, name, "weights")
    with np.errstate(over="ignore"):
        array = np.array(numbers, dtype=np.float32, order="C")
    if not np.isfinite(array).all():
        raise ShapeError(f"{name} holds NaN or infinity; give finite numbers")
    array.setflags(write=False)
    return array


def number(name: str, value: float) -> float:
    """A number of a layer as a float; one that float32 holds, or refused."""
    if not abs(value) <= MAX_NUMBER:
        raise ParameterError(f"{name} {value!r:.80}; expected a finite number that float32 holds")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, KernelBank):
        return int(value.weights.size + value.bias.size)
    if isinstance(value, np.ndarray):
        return int(value.size)
    return value.parameters if isinstance(value, Layer) else 0


def _is_default(f: Field[Any], value: Any) -> bool:
    default = f.default
    return type(value) is type(default) and not isinstance(value, np.ndarray) and value == default


def _words(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    if isinstance(value, Adjacency) and len(repr(value)) > 60:
        sizes = " x ".join(str(high - low + 1) for low, high in value.reach)
        return f"{len(value)} spels in {sizes}"
    return value.describe() if isinstance(value, Layer) else repr(value)


def _feed(digest: blake2b, value: Any) -> None:
    if isinstance(value, Adjacency):
        _feed(digest, value.displacements)
    elif isinstance(value, KernelBank):
        for part in (value.adjacency, value.weights, value.bias, repr(value.provenance)):
            _feed(digest, part)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Layer):
        digest.update(value.fingerprint().encode())
    else:
        digest.update(repr(value).encode())
