"""The objects of each class, one by one: those of a learned size, or the parts of a mask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.decide.components import Mask
from spel.decide.frame import Frame, Sides, first_spels
from spel.decide.object_model import ObjectModel
from spel.decide.parts import Window, flood_parts, parts, windows_of
from spel.decide.segmentation import ObjectClass, Segmentation
from spel.ops.label import label, regions

Spacing = tuple[float, ...] | None

ONE_CLASS = ObjectClass(1)
"""The class of objects of a network that has one saliency."""

ROUNDING = 0.4
"""How far distances in a drawn mask may go up and down along an even object, in its least steps."""

LARGEST = 1 << 25
"""Spels of the largest box of a component in which necks are looked for: it lies in memory."""

UNIT = 1 << 30
"""Units of saliency in 1."""

PARTS_MARGIN = 16
"""How far the parts of a mask depend on other components: smoothed distances reach 4 spels."""


@dataclass(frozen=True)
class Kind:
    """What is looked for in one channel of a network's output.

    Attributes
    ----------
    one : ObjectClass
    channel : int
    model : ObjectModel, optional
        The size and shape of the objects; without it they are the parts of the mask.
    """

    one: ObjectClass
    channel: int
    model: ObjectModel | None

    def probability(self, score: float) -> float:
        """What the score of a piece says, in 0..1."""
        return score if self.model is None else self.model.probability(score)


@dataclass(frozen=True, eq=False)
class Piece:
    """An object, or one that may be.

    Attributes
    ----------
    score : float
        That of the object model, or the mean saliency in 0..1.
    window : tuple of slice
        The part of the image that `mask` covers.
    mask : array of bool
    level : float
        The level of saliency at which it is a component; 0 for a part of a mask.
    first : tuple of int
        The spel of the image by whose raster order pieces of one level are sorted.
    """

    score: float
    window: Window
    mask: Mask
    level: float
    first: tuple[int, ...]


def kinds_of(how: Segmentation) -> list[Kind]:
    """The classes whose objects are looked for."""
    if not how.classes:
        return [Kind(ONE_CLASS, 0, how.objects)]
    each = enumerate(how.classes)
    return [Kind(one, channel, one.objects) for channel, one in each if not one.background]


def mask_pieces(
    mask: Mask, saliency: npt.NDArray[Any], neck: float, spacing: Spacing, frame: Frame
) -> list[Piece]:
    """The parts of the components of a mask that belong to the tile of a frame, in raster order.

    A component whose box has more than `LARGEST` spels is one part.
    """
    if mask.size <= LARGEST:
        return _cut_pieces(mask, saliency, neck, spacing, frame)
    whole = label(mask, Adjacency.box(3, ndim=mask.ndim))
    measured = regions(whole)
    is_large = (measured.high - measured.low).prod(axis=1) > LARGEST
    first = first_spels(whole, len(measured))
    is_large &= frame.owns(first)
    rest = mask & ~np.concatenate([[False], is_large])[whole]
    pieces = _cut_pieces(rest, saliency, neck, spacing, frame)
    for index in np.flatnonzero(is_large):
        window = tuple(map(slice, measured.low[index], measured.high[index]))
        own = whole[window] == index + 1
        values = saliency[window][own]
        sums = (units(part).sum() for part in np.array_split(values, 1 + (len(values) >> 24)))
        score = mean_level(sum(map(int, sums)), len(values))
        place = tuple(slice(s.start + o, s.stop + o) for s, o in zip(window, frame.start))
        pieces.append(Piece(score, place, own, 0.0, frame.in_image(first[index])))
    return sorted(pieces, key=lambda piece: piece.first)


def units(saliency: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Saliency as whole numbers, whose sum is the same in any order."""
    limited = np.clip(np.nan_to_num(saliency), -64, 64)
    whole: npt.NDArray[np.int64] = np.rint(limited * float(UNIT)).astype(np.int64)
    return whole


def mean_level(total: int, count: int) -> float:
    """The mean, in 0..1, of saliencies whose `units` have this sum."""
    return min(max(total / (count * UNIT), 0.0), 1.0)


def _cut_pieces(
    mask: Mask, saliency: npt.NDArray[Any], neck: float, spacing: Spacing, frame: Frame
) -> list[Piece]:
    """The parts of components that are cut at their necks."""
    rounding = ROUNDING * min(spacing or (1.0,))
    labels = parts(mask, spacing=spacing, rounding=rounding).cut(neck)
    count = int(labels.max(initial=0))
    if not count:
        return []
    first = first_spels(labels, count)
    whole = label(mask, Adjacency.box(3, ndim=mask.ndim))
    own = frame.owns(first_spels(whole, int(whole.max())))[whole[tuple(first.T)] - 1]
    labels = flood_parts(mask, labels, spacing=spacing)
    pieces = []
    for number, window in enumerate(windows_of(labels, count)):
        if own[number]:
            piece = labels[window] == number + 1
            score = float(np.clip(saliency[window][piece].mean(dtype=np.float64), 0, 1))
            place = tuple(slice(s.start + o, s.stop + o) for s, o in zip(window, frame.start))
            pieces.append(Piece(score, place, piece, 0.0, frame.in_image(first[number])))
    return pieces


Masks = Mapping[int, Mask]
"""The masks whose parts are objects, by the number of their kind."""


def masks_drawn(labels: npt.NDArray[np.int32], how: Segmentation) -> Masks:
    """The masks of a label image of the classes."""
    kinds = enumerate(kinds_of(how))
    return {n: labels == kind.one.label for n, kind in kinds if kind.model is None}


def tile_pieces(
    output: npt.NDArray[Any], how: Segmentation, masks: Masks, frame: Frame, spacing: Spacing
) -> Iterator[tuple[int, Piece]]:
    """The parts of masks that belong to the tile of a frame, with the numbers of their kinds.

    Parameters
    ----------
    output : (rows, cols, k) array
        The output of the network in the window of the frame.
    how : Segmentation
    masks : mapping of int to array of bool
    frame : Frame
    spacing : tuple of float, optional
    """
    kinds = kinds_of(how)
    for number, mask in masks.items():
        saliency = output[..., kinds[number].channel]
        own = mask_pieces(mask, saliency, how.neck, spacing, frame)
        yield from ((number, piece) for piece in own)


def sized_pieces(
    output: npt.NDArray[Any], how: Segmentation, frame: Frame
) -> Iterator[tuple[int, Piece]]:
    """What may be an object of a learned size in the tile of a frame, as `tile_pieces`.

    Of a model of one object per image, the best alone; of others, all that score enough.
    """
    for number, kind in enumerate(kinds_of(how)):
        if kind.model is not None:
            own = _scored(kind.model, output[..., kind.channel], frame)
            yield from ((number, piece) for piece in own)


def open_sides(masks: Masks, frame: Frame) -> Sides:
    """The sides of a window that must move out before `tile_pieces` sees all it needs."""
    sides = np.zeros((2, len(frame.size)), dtype=bool)
    for mask in masks.values():
        sides |= frame.open_sides(mask, Adjacency.box(3, ndim=mask.ndim), PARTS_MARGIN)
    return sides


def sized_open_sides(output: npt.NDArray[Any], how: Segmentation, frame: Frame) -> Sides:
    """The sides of a window that must move out before `sized_pieces` sees all it needs."""
    sides = np.zeros((2, len(frame.size)), dtype=bool)
    for kind in kinds_of(how):
        if kind.model is not None:
            sides |= kind.model.open_sides(output[..., kind.channel], frame)
    return sides


def first_margin(how: Segmentation, ndim: int) -> int:
    """How far the window of a tile should reach beyond it, so that it seldom has to grow."""
    models = [kind.model for kind in kinds_of(how) if kind.model is not None]
    sizes = [one.ring + 2 * (one.area * one.area_range[1]) ** (1 / ndim) for one in models]
    return int(max([2.0 * PARTS_MARGIN, *sizes]))


def _scored(model: ObjectModel, saliency: npt.NDArray[Any], frame: Frame) -> list[Piece]:
    scored = [(model.score(one), one) for one in model.components(saliency, frame)]
    if not model.multiple:
        scored = sorted(scored, key=lambda pair: -pair[0])[:1]
    return [
        Piece(score, one.window, one.mask, one.level, one.first)
        for score, one in scored
        if score > model.min_score
    ]
