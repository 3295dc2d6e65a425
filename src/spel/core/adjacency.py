"""Adjacency relations: which pixels (or voxels) are the neighbours of one.

One value, many constructors. Everything that slides over an image (convolution, pooling,
normalization, patches, labelling, the halo of a tile) is derived from its displacements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, gcd, isfinite
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spel.core.html import adjacency_html
from spel.core.numbers import as_numbers, as_unmasked
from spel.core.value import Value, derived_property
from spel.errors import ParameterError, ShapeError

IntArray = npt.NDArray[np.int64]

MAX_DISPLACEMENTS = 1_000_000
MAX_OFFSET = 1 << 20


@dataclass(frozen=True, eq=False)
class Adjacency(Value):
    """Ordered set of displacement vectors: ``q in A(p)`` iff ``q - p`` is one of them.

    Parameters
    ----------
    displacements : (n, ndim) array of int
        Offsets ``(row, col)`` or ``(plane, row, col)``, unique, at least one. Their order is the
        order of the weights of a kernel over this adjacency.

    Raises
    ------
    ShapeError
        If the array is not (n, 2) or (n, 3) with n >= 1.
    ParameterError
        If a displacement repeats, is not an integer, or exceeds 2^20.

    Examples
    --------
    >>> a = Adjacency.disk(1)
    >>> a.displacements.tolist()
    [[-1, 0], [0, -1], [0, 0], [0, 1], [1, 0]]
    >>> a.reach
    ((-1, 1), (-1, 1))
    >>> a.mask().astype(int).tolist()
    [[0, 1, 0], [1, 1, 1], [0, 1, 0]]

    Notes
    -----
    Lecture, "Adjacency relation". The receptive field of the lecture, ``w x h`` with
    ``w/2 = max |dx_i|``, is what `reach` gives per axis and per side.
    """

    displacements: IntArray

    if TYPE_CHECKING:

        def __init__(self, displacements: npt.ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        array = _validated(self.displacements)
        array.setflags(write=False)
        object.__setattr__(self, "displacements", array)

    # -- constructors ------------------------------------------------------------------------

    @classmethod
    def from_displacements(cls, displacements: npt.ArrayLike) -> Adjacency:
        """Adjacency from ``(row, col)`` or ``(plane, row, col)`` offsets, in their order.

        Examples
        --------
        >>> len(Adjacency.from_displacements([(0, 0), (0, 1)]))
        2
        """
        return cls(as_unmasked(displacements, "Adjacency"))

    @classmethod
    def from_mask(cls, mask: npt.ArrayLike, origin: Sequence[int] | None = None) -> Adjacency:
        """Adjacency of the true cells of a mask, in raster order.

        Parameters
        ----------
        mask : 2-D or 3-D array of bool
            True where a neighbour is.
        origin : sequence of int, optional
            The cell of the mask that stands for the pixel itself; it may lie outside the mask.
            Default: ``size // 2`` per axis (for even sizes, right of the middle).

        Examples
        --------
        >>> Adjacency.from_mask([[1, 1], [0, 1]]).displacements.tolist()
        [[-1, -1], [-1, 0], [0, 0]]
        """
        cells = as_numbers(mask, "Adjacency.from_mask", "mask")
        if cells.ndim not in (2, 3):
            raise ShapeError(
                f"Adjacency.from_mask: a mask of shape {cells.shape} has {cells.ndim} axes; "
                "expected 2 (rows, cols) or 3 (planes, rows, cols)"
            )
        centre = tuple(s // 2 for s in cells.shape) if origin is None else tuple(origin)
        if len(centre) != cells.ndim:
            raise ShapeError(
                f"Adjacency.from_mask: origin {centre} has {len(centre)} coordinates for a mask "
                f"of {cells.ndim} axes; give one per axis"
            )
        places = np.argwhere(cells != 0)
        if not len(places):
            raise ParameterError(
                "Adjacency.from_mask: the mask has no true cell; mark at least one neighbour"
            )
        return cls(places - np.asarray(centre))

    @classmethod
    def rectangle(cls, *, width: int, height: int) -> Adjacency:
        """Rectangle of `width` columns and `height` rows (the lecture's w x h).

        Even sizes reach one pixel further to the left and up than to the right and down.

        Examples
        --------
        >>> Adjacency.rectangle(width=25, height=5)
        Adjacency.rectangle(width=25, height=5)
        """
        return cls.box((height, width))

    @classmethod
    def box(cls, size: int | Sequence[int], *, ndim: int = 2) -> Adjacency:
        """Box of `size` pixels per axis, ``(rows, cols)`` or ``(planes, rows, cols)``.

        Parameters
        ----------
        size : int or sequence of int
            Pixels per axis; one number stands for all `ndim` axes.
        ndim : {2, 3}
            Number of axes when `size` is one number.

        Examples
        --------
        >>> len(Adjacency.box(3)), len(Adjacency.box(3, ndim=3)), len(Adjacency.box((5, 25)))
        (9, 27, 125)
        """
        sizes = (size,) * ndim if isinstance(size, int | np.integer) else tuple(size)
        if len(sizes) not in (2, 3) or any(int(s) != s or s < 1 for s in sizes):
            raise ParameterError(
                f"Adjacency.box: size {size!r} for {ndim} axes; expected 2 or 3 integers >= 1"
            )
        _check_count("Adjacency.box", sizes)
        return cls.from_mask(np.ones([int(s) for s in sizes], dtype=bool))

    @classmethod
    def disk(cls, radius: float) -> Adjacency:
        """All displacements ``(row, col)`` no longer than `radius` (1: 4-, sqrt 2: 8-neighbours).

        Examples
        --------
        >>> [len(Adjacency.disk(r)) for r in (0, 1, 2**0.5, 2)]
        [1, 5, 9, 13]
        """
        return cls._within("Adjacency.disk", radius, (1.0, 1.0))

    @classmethod
    def ball(
        cls, radius: float, *, ndim: int = 3, spacing: Sequence[float] | None = None
    ) -> Adjacency:
        """All displacements no longer than `radius` in `ndim` axes (3: 6-, 18-, 26-neighbours).

        Parameters
        ----------
        radius : float
            In spels, or in the unit of `spacing`.
        ndim : {2, 3}
        spacing : sequence of float, optional
            Length of a step along each axis, as the metadata of a volume state it.

        Examples
        --------
        >>> [len(Adjacency.ball(r)) for r in (1, 2**0.5, 3**0.5)]
        [7, 19, 27]
        >>> Adjacency.ball(2, spacing=(2.0, 0.5, 0.5)).reach
        ((-1, 1), (-4, 4), (-4, 4))
        """
        _check_ndim("Adjacency.ball", ndim)
        return cls._within("Adjacency.ball", radius, spacing or (1.0,) * ndim)

    @classmethod
    def cross(cls, radius: int = 1, *, ndim: int = 2) -> Adjacency:
        """The pixel itself and its neighbours along the axes, up to `radius` away.

        Examples
        --------
        >>> Adjacency.cross(1) == Adjacency.disk(1), len(Adjacency.cross(2))
        (True, 9)
        """
        if int(radius) != radius or radius < 0:
            raise ParameterError(
                f"Adjacency.cross: radius {radius!r}; expected an integer of at least 0"
            )
        _check_ndim("Adjacency.cross", ndim)
        _check_count("Adjacency.cross", (2 * int(radius) * ndim + 1,))
        steps = [[0] * ndim]
        for axis in range(ndim):
            for step in range(1, int(radius) + 1):
                unit = [step if a == axis else 0 for a in range(ndim)]
                steps += [unit, [-c for c in unit]]
        return cls(np.asarray(sorted(steps)))

    @classmethod
    def _within(cls, name: str, radius: float, spacing: Sequence[float]) -> Adjacency:
        if not (isfinite(radius) and radius >= 0):
            raise ParameterError(f"{name}: radius {radius!r}; expected a finite number >= 0")
        if len(spacing) not in (2, 3) or not all(isfinite(s) and s > 0 for s in spacing):
            raise ParameterError(f"{name}: spacing {spacing!r}; expected 2 or 3 lengths above 0")
        reach = [int(min(radius / step, MAX_DISPLACEMENTS)) for step in spacing]
        _check_count(name, [2 * n + 1 for n in reach])
        # A pixel at the distance of the radius belongs to it: allow for the rounding of sqrt(2).
        limit = radius * radius * (1 + 1e-12) + 1e-12
        axes = [np.arange(-n - 1, n + 2) * step for n, step in zip(reach, spacing)]
        squares = sum(g * g for g in np.meshgrid(*axes, indexing="ij"))
        return cls.from_mask(squares <= limit)

    # -- derived -----------------------------------------------------------------------------

    def dilated(self, factor: int | Sequence[int]) -> Adjacency:
        """The same neighbours `factor` times as far (one number, or one per axis).

        Examples
        --------
        >>> Adjacency.cross(1).dilated(2).displacements.tolist()
        [[-2, 0], [0, -2], [0, 0], [0, 2], [2, 0]]
        """
        factors = (factor,) * self.ndim if isinstance(factor, int | np.integer) else tuple(factor)
        if len(factors) != self.ndim or any(int(f) != f or f < 1 for f in factors):
            raise ParameterError(
                f"Adjacency.dilated: factor {factor!r}; expected an integer >= 1, or {self.ndim} "
                "of them (one per axis)"
            )
        return Adjacency(self.displacements * np.asarray(factors, dtype=np.int64))

    def reflected(self) -> Adjacency:
        """The opposite displacements, in reverse order.

        Examples
        --------
        >>> Adjacency.from_displacements([(0, 0), (0, 2)]).reflected().displacements.tolist()
        [[0, -2], [0, 0]]
        """
        return Adjacency(-self.displacements[::-1])

    def without_centre(self) -> Adjacency:
        """The same adjacency without the pixel itself.

        Examples
        --------
        >>> len(Adjacency.disk(1).without_centre())
        4
        """
        return Adjacency(self.displacements[np.any(self.displacements != 0, axis=1)])

    def mask(self) -> npt.NDArray[np.bool_]:
        """The smallest box of booleans that holds the displacements; `reach` places it."""
        low = np.array([r[0] for r in self.reach])
        cells = np.zeros([high - lo + 1 for lo, high in self.reach], dtype=bool)
        cells[tuple((self.displacements - low).T)] = True
        return cells

    @property
    def ndim(self) -> int:
        """Number of axes: 2 for pixels, 3 for voxels."""
        return int(self.displacements.shape[1])

    @derived_property
    def reach(self) -> tuple[tuple[int, int], ...]:
        """Lowest and highest displacement per axis: the halo that a tile needs."""
        low, high = self.displacements.min(axis=0), self.displacements.max(axis=0)
        return tuple((int(a), int(b)) for a, b in zip(low, high, strict=True))

    @derived_property
    def displacements_3d(self) -> npt.NDArray[np.int64]:
        """Displacements as (plane, row, col), plane 0 for pixels, as the engine takes them."""
        places = np.pad(self.displacements, ((0, 0), (3 - self.ndim, 0)))
        places.flags.writeable = False
        return places

    @derived_property
    def runs(self) -> tuple[tuple[int, ...], ...]:
        """Maximal horizontal runs ``(..., row, first col, length)``, which the fast paths use.

        Examples
        --------
        >>> Adjacency.disk(1).runs
        ((-1, 0, 1), (0, -1, 3), (1, 0, 1))
        """
        runs: list[list[int]] = []
        for *line, col in sorted(map(tuple, self.displacements.tolist())):
            if runs and runs[-1][:-2] == line and runs[-1][-2] + runs[-1][-1] == col:
                runs[-1][-1] += 1
            else:
                runs.append([*line, col, 1])
        return tuple(tuple(run) for run in runs)

    @derived_property
    def is_symmetric(self) -> bool:
        """Whether ``q in A(p)`` implies ``p in A(q)``."""
        forward = set(map(tuple, self.displacements.tolist()))
        return all(tuple(-c for c in d) in forward for d in forward)

    def __len__(self) -> int:
        return int(self.displacements.shape[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Adjacency):
            return NotImplemented
        return np.array_equal(self.displacements, other.displacements)

    def __hash__(self) -> int:
        return hash((self.displacements.shape, self.displacements.tobytes()))

    def __repr__(self) -> str:
        """A constructor that can be pasted back."""
        steps = tuple(gcd(*axis) or 1 for axis in self.displacements.T.tolist())
        core = self if set(steps) == {1} else Adjacency(self.displacements // steps)
        text = core._constructor()
        if text is None:
            return f"Adjacency.from_displacements({self.displacements.tolist()})"
        if core is self:
            return text
        return f"{text}.dilated({steps[0] if len(set(steps)) == 1 else steps})"

    def _repr_html_(self) -> str:
        return adjacency_html(self)

    def _constructor(self) -> str | None:
        """The constructor of a shape that has one, or None."""
        sizes = tuple(high - low + 1 for low, high in self.reach)
        if len(self) == int(np.prod(sizes)) and self == Adjacency.box(sizes):
            if self.ndim == 2:
                return f"Adjacency.rectangle(width={sizes[1]}, height={sizes[0]})"
            return f"Adjacency.box({sizes})"
        space = "" if self.ndim == 2 else f", ndim={self.ndim}"
        reach = int(np.abs(self.displacements).max())
        as_many = len(self) == 2 * self.ndim * reach + 1
        if as_many and self == Adjacency.cross(reach, ndim=self.ndim):
            name = "disk" if self.ndim == 2 else "ball"
            return f"Adjacency.{name}(1)" if reach == 1 else f"Adjacency.cross({reach}{space})"
        # The largest distance, up to three digits: 1.415 for the root of 2.
        length = float((self.displacements.astype(np.float64) ** 2).sum(axis=1).max()) ** 0.5
        radius = int(length) if length == int(length) else ceil(length * 1000) / 1000
        fits = radius**self.ndim <= len(self) <= 7 * (radius + 1) ** self.ndim
        if not fits or self != Adjacency.ball(radius, ndim=self.ndim):
            return None
        return f"Adjacency.disk({radius})" if self.ndim == 2 else f"Adjacency.ball({radius})"


def _validated(displacements: npt.ArrayLike) -> IntArray:
    array = as_unmasked(displacements, "Adjacency")
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] not in (2, 3):
        raise ShapeError(
            f"Adjacency: displacements of shape {array.shape}; expected (n, 2) for pixels or "
            "(n, 3) for voxels, n at least 1"
        )
    if array.dtype.kind not in "iub" and not (
        array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.rint(array)).all()
    ):
        raise ParameterError(
            f"Adjacency: displacements of dtype {array.dtype}; expected whole numbers"
        )
    if np.abs(array.astype(np.float64)).max() > MAX_OFFSET:
        raise ParameterError(f"Adjacency: a displacement exceeds {MAX_OFFSET} pixels")
    if len(array) > MAX_DISPLACEMENTS:
        raise ParameterError(
            f"Adjacency: {len(array)} displacements; at most {MAX_DISPLACEMENTS} are allowed"
        )
    whole = np.array(array, dtype=np.int64, order="C")
    # One number per displacement: numbers are sorted faster than rows.
    powers = np.uint64(2 * MAX_OFFSET + 1) ** np.arange(whole.shape[1], dtype=np.uint64)
    if len(np.unique((whole + MAX_OFFSET).astype(np.uint64) @ powers)) != len(whole):
        raise ParameterError("Adjacency: a displacement repeats; give each neighbour once")
    return whole


def _check_ndim(name: str, ndim: int) -> None:
    if ndim not in (2, 3):
        raise ParameterError(f"{name}: ndim {ndim!r}; expected 2 (pixels) or 3 (voxels)")


def _check_count(name: str, sizes: Sequence[int]) -> None:
    if np.prod([float(s) for s in sizes]) > MAX_DISPLACEMENTS:
        raise ParameterError(
            f"{name}: about {np.prod([float(s) for s in sizes]):.3g} displacements; at most "
            f"{MAX_DISPLACEMENTS} are allowed"
        )
