"""How a network's output maps to its input: strides and receptive centres, composed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.core.placement import Placement
from spel.core.window import Window
from spel.errors import ShapeError
from spel.nn.network import Network
from spel.nn.node import INPUT


@dataclass(frozen=True)
class Geometry:
    """The map ``x_in = scale * x_out + offset`` per axis, for coordinates of spels' corners.

    Spel i covers [i, i + 1). An output spel represents the cell of `scale` input spels around the
    centre of the window that it reads, so that pooling over an even window shifts nothing.

    Attributes
    ----------
    scale, offset : tuple of float
        Per axis ([plane,] row, col).

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> pool = Window(Adjacency.from_mask(np.ones((2, 2)), origin=(0, 0)), stride=2)
    >>> half = Geometry.identity(2).then(pool)
    >>> half
    Geometry(scale=(2.0, 2.0), offset=(0.0, 0.0))
    >>> half.boxes([[0, 1, 3, 2]]).tolist()
    [[0.0, 2.0, 6.0, 4.0]]
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]

    @classmethod
    def identity(cls, ndim: int) -> Geometry:
        """The map of the input itself: every position is its own."""
        return cls((1.0,) * ndim, (0.0,) * ndim)

    def then(self, window: Window) -> Geometry:
        """The map of this output extended by one more layer that slides `window`."""
        zero = window.place((0,) * window.adjacency.ndim)
        scale, offset = [], []
        for s, o, stride, start, (low, high) in zip(
            self.scale, self.offset, window.strides, zero, window.adjacency.reach, strict=True
        ):
            # The centre of output spel i, at i + 1/2, maps to start + i stride + centre of reach.
            shift = start + (low + high) / 2 + 0.5 - stride / 2
            scale.append(s * stride)
            offset.append(s * shift + o)
        return Geometry(tuple(scale), tuple(offset))

    def placed(self, on: Placement) -> Geometry:
        """The map of this output extended by a layer that pads, crops or enlarges."""
        moves = zip(self.scale, self.offset, on.start, on.shift, strict=True)
        return Geometry(
            tuple(s / f for s, f in zip(self.scale, on.factor, strict=True)),
            tuple(o + s * (a + shift) for s, o, a, shift in moves),
        )

    def boxes(self, boxes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Boxes ``x0 y0 [z0] x1 y1 [z1]`` of the output as boxes of the input."""
        rows = np.asarray(boxes, dtype=np.float64).reshape(-1, 2 * len(self.scale))
        scale, offset = np.array(self.scale[::-1] * 2), np.array(self.offset[::-1] * 2)
        moved: npt.NDArray[np.float64] = rows * scale + offset
        return moved

    def spel(self, at: Sequence[int], size: Sequence[int]) -> tuple[int, ...]:
        """The input spel, inside an image of `size`, under the middle of output spel `at`."""
        return tuple(
            int(np.clip(np.floor(s * (i + 0.5) + o), 0, n - 1))
            for i, s, o, n in zip(at, self.scale, self.offset, size, strict=True)
        )


def geometry(network: Network, upto: str | None = None, *, axes: int | None = None) -> Geometry:
    """How a node's activation, by default the output, maps to the input.

    Raises
    ------
    ShapeError
        If parallel branches meet on different strides, or the network has not the `axes` that its
        image has (by default its own).
    """
    axes = axes or network.ndim or 2
    if network.ndim not in (None, axes):
        raise ShapeError(f"geometry: a network of {network.ndim} axes for an image of {axes}")
    places = {INPUT: Geometry.identity(axes)}
    for node in network.nodes:
        inputs = [places[name] for name in node.inputs]
        if len({place.scale for place in inputs}) > 1:
            raise ShapeError(
                f"geometry: node {node.name} joins branches of different strides "
                f"{[place.scale for place in inputs]}; give them one stride"
            )
        scope = node.layer.scope
        place = inputs[0]
        # A divisive normalization reads a window too, but its output belongs to the same spel.
        if isinstance(scope, Window) and node.layer.slides:
            place = place.then(scope)
        elif isinstance(scope, Placement):
            place = place.placed(scope)
        places[node.name] = place
    return places[network.output if upto is None else upto]
