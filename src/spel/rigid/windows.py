"""How a sliding-window detector is applied: window sizes, scales, proposals, rotations, threshold.

A layer of the network scores, at each cell, one window per kernel. This decision states the size of
the object in each window, the scales of the image at which the kernels slide, what the proposal
stage hands to the refinement stage, and which windows become detections. `spel.rigid.detect`
applies it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.stored import check_table, stored_value
from spel.errors import FormatError, ParameterError
from spel.rigid.pyramid import scale_series

VERSION = 2
"""Version of the stored form; spel 0.1 wrote no version."""

MAX_SIDE = 1_000_000
"""Largest side of a window, in spels; its inverse is the smallest scale."""

MAX_SCALE = 64
"""Largest factor by which an image is enlarged."""

MAX_STRIDE = 64
"""Largest number of cells from one window to the next."""

MAX_SCALES_PER_OCTAVE = 64
"""Largest number of scales per factor of 2."""

KEYS_OF_VERSION_1 = {
    "largest": "max_scale",
    "smallest": "min_scale",
    "steps": "scales_per_octave",
    "most": "max_detections",
    "refine": "refine_node",
    "score": "score_node",
    "first": "proposals",
    "places": "max_proposals",
    "turns": "rotations",
}
"""Names of the stored fields in spel 0.1, and their present names."""


def check_margin(margin: Sequence[float]) -> tuple[float, float]:
    """What is added to each side of a box, as shares of its width and height.

    Raises
    ------
    ParameterError
    """
    shares = tuple(float(share) for share in margin)
    if len(shares) != 2 or any(not -0.5 < share <= 5 for share in shares):
        raise ParameterError(
            f"Windows: margin {margin!r:.60}; expected a share of the width and one of "
            "the height, each above -0.5 and at most 5"
        )
    return shares[0], shares[1]


@dataclass(frozen=True)
class Windows:
    """How the scores of sliding windows become boxes.

    Parameters
    ----------
    sizes : tuple of (width, height)
        Size of the object in each kernel's window, in spels of the scaled image.
    max_scale, min_scale : float
        Largest and smallest scale of the image at which the kernels slide.
    scales_per_octave : int
        Number of scales per factor of 2.
    threshold : float
        Probability above which a window is a detection, in 0..1.
    overlap : float
        Largest share of the smaller box that two detections may have in common.
    max_detections : int
        Largest number of detections.
    refine_node : str, optional
        Node whose kernels, four per window, predict the shift of the box's middle (in widths and
        heights) and the logarithms of its change in size.
    adjust_node : str, optional
        Node whose eight kernels adjust the boxes of detected objects in the same way: the first
        four those that are far from the object, the others those that are near.
    adjust_size : (width, height), optional
        Size to which boxes are stretched where they are adjusted, in spels; without `adjust_node`
        it is left out.
    around_node : str, optional
        Node whose one kernel gives the log-odds of an object by what lies around its adjusted box;
        without `adjust_node` it is left out.
    around_size : (width, height), optional
        Size to which boxes are stretched for this kernel, in spels; without `around_node` it is
        left out.
    score_node : str, optional
        Node whose kernels score the windows; by default the network's output.
    proposals : Windows, optional
        The proposal stage: smaller kernels at fewer scales, which propose places. The kernels of
        `score_node` then score windows at these places only.
    max_proposals : int
        Number of proposals that are refined at least; more are if the scores call for it, see
        `spel.rigid.detect.best_windows`.
    rotations : tuple of float
        Degrees by which the views of the best proposals are rotated and scored again.
    margin : (x, y)
        What is added to each side of a detected box, as a share of its width and of its height;
        values below 0 make boxes tighter. Boxes are learned as they were drawn, while other data
        may draw the same object with or without its frame.
    enlarge : float
        Factor by which objects may be smaller than those that `max_scale` is made for: images are
        scanned at scales up to ``max_scale * enlarge``, in both stages. The time grows with its
        square. Values below 1 leave the smallest objects out, and take less time.
    stride : (rows, cols)
        Number of cells from one window to the next, of kernels that slide over the scales. Near
        proposals, all windows are scored.

    Raises
    ------
    ParameterError
        If a field lies outside its range.

    Examples
    --------
    >>> Windows.from_dict(Windows(sizes=((48, 16),)).to_dict()).sizes
    ((48.0, 16.0),)
    """

    sizes: tuple[tuple[float, float], ...]
    max_scale: float = 1.0
    min_scale: float = 0.125
    scales_per_octave: int = 4
    threshold: float = 0.5
    overlap: float = 0.5
    max_detections: int = 100
    refine_node: str | None = None
    score_node: str | None = None
    proposals: Windows | None = None
    max_proposals: int = 16
    rotations: tuple[float, ...] = ()
    margin: tuple[float, float] = (0.0, 0.0)
    enlarge: float = 1.0
    adjust_node: str | None = None
    adjust_size: tuple[float, float] | None = None
    stride: tuple[int, int] = (1, 1)
    around_node: str | None = None
    around_size: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        self._check_sizes()
        self._check_numbers()
        self._check_scales()
        self._check_rotations()
        self._check_stride()
        object.__setattr__(self, "margin", check_margin(self.margin))
        for name in ("refine_node", "adjust_node", "around_node", "score_node"):
            node = getattr(self, name)
            if node is not None and not isinstance(node, str):
                raise ParameterError(f"Windows: {name} {node!r:.60}; expected the name of a node")
        if isinstance(self.proposals, Mapping):
            object.__setattr__(self, "proposals", Windows.from_dict(self.proposals))
        if self.proposals is not None and not isinstance(self.proposals, Windows):
            raise ParameterError(f"Windows: proposals {self.proposals!r:.60}; expected Windows")

    def _check_sizes(self) -> None:
        sizes = tuple((float(w), float(h)) for w, h in self.sizes)
        object.__setattr__(self, "sizes", sizes)
        if self.adjust_node is None:
            object.__setattr__(self, "around_node", None)
        for name in ("adjust", "around"):
            node, size = getattr(self, f"{name}_node"), getattr(self, f"{name}_size")
            if node is not None and size is None:
                raise ParameterError(
                    f"Windows: {name}_node {node!r:.60} without {name}_size; expected the size to "
                    "which boxes are stretched (learn the detector again)"
                )
            own: Any = None if node is None else tuple(float(side) for side in size)
            object.__setattr__(self, f"{name}_size", own)
            sizes = sizes if own is None else (*sizes, own)
        if not sizes or any(not (0 < side < MAX_SIDE) for size in sizes for side in size):
            raise ParameterError(
                f"Windows: sizes {self.sizes!r:.80}; expected (width, height) above 0 and below "
                f"{MAX_SIDE:,}"
            )

    def _check_numbers(self) -> None:
        for name in ("max_detections", "max_proposals", "scales_per_octave"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ParameterError(
                    f"Windows: {name} {value!r:.60}; expected an integer of at least 1"
                )
        for name in ("threshold", "overlap"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ParameterError(
                    f"Windows: {name} {value!r:.60}; expected a number from 0 to 1"
                )

    def _check_scales(self) -> None:
        if not 0 < self.max_scale <= MAX_SCALE or not self.min_scale >= 1 / MAX_SIDE:
            raise ParameterError(
                f"Windows: scales from {self.max_scale!r} to {self.min_scale!r}; expected at most "
                f"{MAX_SCALE} and at least 1 / {MAX_SIDE:,}"
            )
        if self.scales_per_octave > MAX_SCALES_PER_OCTAVE:
            raise ParameterError(
                f"Windows: scales_per_octave {self.scales_per_octave}; expected at most "
                f"{MAX_SCALES_PER_OCTAVE}"
            )
        enlarge = self.enlarge
        if isinstance(enlarge, bool) or not isinstance(enlarge, int | float) or not enlarge > 0:
            raise ParameterError(f"Windows: enlarge {enlarge!r:.60}; expected a number above 0")
        if not self.min_scale <= self.largest_scale <= MAX_SCALE:
            raise ParameterError(
                f"Windows: enlarge {enlarge!r} makes the largest scale {self.largest_scale:.3g}; "
                f"expected one from {self.min_scale:.3g} to {MAX_SCALE}"
            )
        scale_series(self.largest_scale, self.min_scale, self.scales_per_octave)

    def _check_rotations(self) -> None:
        rotations = tuple(float(degrees) for degrees in self.rotations)
        object.__setattr__(self, "rotations", rotations)
        if any(not -90 < degrees < 90 for degrees in rotations):
            raise ParameterError(
                f"Windows: rotations {rotations!r}; expected degrees between -90 and 90"
            )

    def _check_stride(self) -> None:
        stride = tuple(self.stride) if isinstance(self.stride, Sequence) else ()
        if len(stride) != 2 or any(
            isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MAX_STRIDE
            for n in stride
        ):
            raise ParameterError(
                f"Windows: stride {self.stride!r:.60}; expected two integers from 1 to {MAX_STRIDE}"
            )
        object.__setattr__(self, "stride", stride)

    def with_margin(self, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Boxes ``x0 y0 x1 y1`` with the margin on each side.

        Examples
        --------
        >>> wide = Windows(sizes=((48, 16),), margin=(0.5, 0.25))
        >>> wide.with_margin(np.array([[10.0, 10.0, 20.0, 14.0]])).tolist()
        [[5.0, 9.0, 25.0, 15.0]]
        """
        step = (boxes[:, 2:] - boxes[:, :2]) * self.margin
        return np.concatenate([boxes[:, :2] - step, boxes[:, 2:] + step], axis=1)

    @property
    def largest_scale(self) -> float:
        """The largest scale at which the kernels slide."""
        return self.max_scale * self.enlarge

    @property
    def scales(self) -> tuple[float, ...]:
        """The scales at which the kernels slide, largest first."""
        return scale_series(self.largest_scale, self.min_scale, self.scales_per_octave)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON."""
        values = {
            "kind": "windows",
            "version": VERSION,
            **asdict(self),
            "sizes": [list(size) for size in self.sizes],
            "proposals": None if self.proposals is None else self.proposals.to_dict(),
            "rotations": list(self.rotations),
            "margin": list(self.margin),
            "stride": list(self.stride),
        }
        if not any(self.margin):
            del values["margin"]
        if self.enlarge == 1:
            del values["enlarge"]
        if self.adjust_size is None:
            del values["adjust_node"], values["adjust_size"]
        else:
            values["adjust_size"] = list(self.adjust_size)
        if self.around_size is None:
            del values["around_node"], values["around_size"]
        else:
            values["around_size"] = list(self.around_size)
        if self.stride == (1, 1):
            del values["stride"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Windows:
        """The decision that `to_dict` wrote, in this version or in 0.1.

        Raises
        ------
        FormatError
            For an unknown key or a value that does not fit.
        """
        version = values.get("version", 1)
        if version not in (1, VERSION):
            raise FormatError(f"Windows: version {version!r}; this spel reads 1 to {VERSION}")
        names = KEYS_OF_VERSION_1 if version == 1 else {}
        options = {
            names.get(key, key): value
            for key, value in values.items()
            if key not in ("kind", "version")
        }
        check_table(cls, options)
        with stored_value(cls):
            return cls(**options)
