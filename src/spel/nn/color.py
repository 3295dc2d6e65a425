"""Colour: the first layer of a network, which states what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.errors import ParameterError, ShapeError
from spel.nn.layer import Explanation, Image, Layer, Read, Shape
from spel.nn.registry import register
from spel.ops.arrays import as_real
from spel.ops.color import GREY_WEIGHTS

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage

Space = Literal[
    "grey", "rgb", "lab", "ycbcr", "labnorm2", "labnorm2-rgba", "labnorm2-jpeg", "labnorm2-direct"
]


@register
@dataclass(frozen=True, eq=False)
class Color(Layer):
    """Bring an image of 1 to 4 channels to a colour space and range.

    Grey images (1 channel) stand for equal red, green and blue; the alpha channel of images of 2 or
    4 channels is left out.

    Parameters
    ----------
    space : {"grey", "rgb", "lab", "ycbcr", "labnorm2", "labnorm2-rgba", ...}
        "grey" and "rgb" come out in 0..1, "lab" and "ycbcr" in the ranges of `spel.ops`;
        "labnorm2" as libift has it from an RGB PNG, and, after "-", from another file type
        (`spel.ops.labnorm2`).
    white : float
        The value of full red, green or blue in the input: 255 for 8 bits, 65535 for 16, 1 for unit
        floats. Nothing is guessed from the dtype.

    Examples
    --------
    >>> Color("grey")(np.full((1, 1, 3), 255, dtype=np.uint8)).round(4).tolist()
    [[[1.0]]]
    """

    kind: ClassVar[str] = "color.v1"

    space: Space = "grey"
    white: float = 255.0

    def __post_init__(self) -> None:
        if self.space not in get_args(Space):
            raise ParameterError(
                f"Color: space {self.space!r}; expected one of {', '.join(get_args(Space))}"
            )
        if not 1e-30 <= self.white <= 1e30:
            raise ParameterError(
                f"Color: white {self.white!r}; expected a number from 1e-30 to 1e30"
            )

    @classmethod
    def default(cls, channels: int) -> Color:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        array = as_real("Color", image)
        self.shape(array.shape)
        color = array[..., :1] if array.shape[-1] < 3 else array[..., :3]
        if self.space == "grey":
            return self._unit(ops.grey(color))
        if color.shape[-1] == 1:
            color = np.repeat(color, 3, axis=-1)
        if self.space == "rgb":
            return self._unit(color)
        if self.space.startswith("labnorm2"):
            return ops.labnorm2(color, white=self.white, file=self.space[9:] or "png")
        convert = ops.lab if self.space == "lab" else ops.ycbcr
        return convert(color, white=self.white)

    def _unit(self, color: Image) -> Image:
        return np.multiply(color, np.float32(1 / self.white), dtype=np.float32)

    def stage(self, program: Program, source: Stage) -> Stage | None:
        grey, unit = source.channels < 3, np.float32(1 / self.white).item()
        if self.space == "grey":
            terms = [(0, 1.0)] if grey else list(enumerate(GREY_WEIGHTS))
            return program.mix(source, [terms], unit)
        if self.space == "rgb":
            return program.mix(source, [[(0 if grey else c, 1.0)] for c in range(3)], unit)
        if self.space == "ycbcr":
            return None
        file = self.space[9:] or "png"
        space = "lab" if self.space == "lab" else f"labnorm2-{file}"
        colors = program.mix(source, [[(0, 1.0)]] * 3, 1.0) if grey else source
        return program.recolor(colors, space, self.white)

    def shape(self, shape: Shape) -> Shape:
        if len(shape) < 3 or not 1 <= shape[-1] <= 4:
            raise ShapeError(
                f"Color: image of shape {shape}; expected (rows, cols, channels) with 1 (grey), 2 "
                "(grey, alpha), 3 (RGB) or 4 (RGB, alpha) channels; "
                "a network for other channels begins without Color"
            )
        return (*shape[:-1], 1 if self.space == "grey" else 3)

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        terms = {
            "input": images[0][at],
            "space": self.space,
            "white": self.white,
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, 0),))
