"""How wide kernels find rigid objects: sizes, scales, places and turns that are tried.

A layer of the network scores, at each cell, one window per kernel. The decision says how large the
object in each window is, which sizes of the image are tried, where kernels look once more, larger,
smaller or turned, and what is done with the answers. `spel.rigid.detect` carries it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spel.errors import FormatError, ParameterError
from spel.rigid.pyramid import scale_steps


@dataclass(frozen=True)
class Windows:
    """How scores of windows become boxes.

    Parameters
    ----------
    sizes : tuple of (width, height)
        Of the object in each kernel's window, in spels of the level that it is seen in.
    largest, smallest : float
        Extreme scales of the image that are tried.
    steps : int
        Scales to an octave.
    threshold : float
        Probability from which a window is a detection, in 0..1.
    overlap : float
        Share of the smaller box that two detections may have in common.
    most : int
        At most so many detections.
    refine : str, optional
        Node whose kernels, four to a window, give the shift of the box's middle (in widths and
        heights) and the logarithms of its stretching.
    score : str, optional
        Node whose kernels score the windows; by default the network's output.
    first : Windows, optional
        A first look by smaller kernels at fewer sizes. These then look at its places only.
    places : int
        So many places of the first look are looked at again, and all others that it is sure of.
    turns : tuple of float
        Degrees by which the best places are turned and looked at once more.

    Examples
    --------
    >>> Windows.from_dict(Windows(sizes=((48, 16),)).to_dict()).sizes
    ((48.0, 16.0),)
    """

    sizes: tuple[tuple[float, float], ...]
    largest: float = 1.0
    smallest: float = 0.125
    steps: int = 4
    threshold: float = 0.5
    overlap: float = 0.5
    most: int = 100
    refine: str | None = None
    score: str | None = None
    first: Windows | None = None
    places: int = 16
    turns: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        sizes = tuple((float(w), float(h)) for w, h in self.sizes)
        object.__setattr__(self, "sizes", sizes)
        if not sizes or any(not (w > 0 and h > 0) for w, h in sizes):
            raise ParameterError(f"Windows: sizes {self.sizes!r}; expected (width, height) above 0")
        scale_steps(self.largest, self.smallest, self.steps)
        for name in ("threshold", "overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"Windows: {name} {getattr(self, name)!r}; expected 0 to 1")
        for name in ("most", "places"):
            if getattr(self, name) < 1:
                raise ParameterError(f"Windows: {name} {getattr(self, name)!r}; expected 1 or more")
        turns = tuple(float(degrees) for degrees in self.turns)
        object.__setattr__(self, "turns", turns)
        if any(not -90 < degrees < 90 for degrees in turns):
            raise ParameterError(f"Windows: turns {turns!r}; expected degrees between -90 and 90")
        if isinstance(self.first, Mapping):
            object.__setattr__(self, "first", Windows.from_dict(self.first))

    @property
    def scales(self) -> tuple[float, ...]:
        """The scales that are tried, largest first."""
        return scale_steps(self.largest, self.smallest, self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON."""
        first = None if self.first is None else self.first.to_dict()
        sizes = [list(size) for size in self.sizes]
        plain = {**asdict(self), "sizes": sizes, "first": first, "turns": list(self.turns)}
        return {"kind": "windows", **plain}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Windows:
        """The decision that `to_dict` wrote.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        try:
            return cls(**{key: value for key, value in values.items() if key != "kind"})
        except (TypeError, ValueError) as error:
            raise FormatError(f"Windows: {error}") from error
