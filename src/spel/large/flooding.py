"""Regions that grow over images larger than memory, the same bits as those of the whole.

Each tile leads on the paths that arrive at its sides. At first these are none, and all paths begin
at the seeds of the tile. A tile is looked at again when a neighbour has found better paths to its
sides, until none has: then every path is the best one of the whole image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.decide.delineate import Delineation, Labels, Spacing
from spel.io.large.stored_band import StoredBand
from spel.large.places import Place, inside, lengths, packed, unpacked
from spel.large.seams import faces_of
from spel.large.tiling import Array, Folder, Lazy, Tiling
from spel.nn.blocks import Source
from spel.nn.tiles import sides
from spel.ops.flood import PATH, Paths, growcut_reach, lead_on, seeds_at
from spel.ops.streamed import extremes

Region = tuple[Place, Place, bytes, bytes]
"""A tile, a window around it, and the labels of the window and the paths around the tile."""


@dataclass(frozen=True, eq=False)
class Growth:
    """How regions grow from their seeds in one tile, within bounds; it is picklable.

    With a number it is one object that grows, otherwise the regions of the whole label image.
    `reach` is what `spel.ops.flood.growcut_reach` gives for the bounds.
    """

    features: Source
    line: Delineation
    spacing: Spacing
    bounds: Place
    number: int | None = None
    reach: float = 1.0

    @property
    def size(self) -> tuple[int, ...]:
        """Of the image, without channels."""
        return tuple(map(int, self.features.shape[:-1]))

    @property
    def margin(self) -> npt.NDArray[np.int64]:
        """How far beyond a spel its seed depends on labels."""
        farthest = max(self.line.inner, self.line.outer)
        return replace(self.line, outer=farthest).margin(len(self.size), self.spacing)

    def around(self, place: Place) -> Place:
        """The window whose labels the seeds of a place depend on."""
        return _wider(place, self.margin + 1, _whole(self.size))

    def values(self, window: Place) -> npt.NDArray[np.float32]:
        """What the delineation looks at, its channels made comparable."""
        return self.line.scaled(np.asarray(self.features[window]).astype(np.float32, copy=False))

    def __call__(self, region: Region) -> tuple[Labels, Array, Array, Paths]:
        """The labels of a tile from 1, whether paths may come in at its sides, and more.

        The ends are the least and greatest label of its seeds, or -1; the last value are the paths
        in `faces_of` the tile, all 0 where seeds are.
        """
        place, wide, rough, around = region
        window = _wider(place, 1, self.bounds)
        seeds = self._seeds(unpacked(rough, np.int32, lengths(wide)).copy())[inside(window, wide)]
        paths = _joined(_faces(window), unpacked(around, PATH, [-1]), window)
        inner = inside(place, window)
        paths[inner] = 0
        if (seeds < 0).any():
            self._lead_on(paths, seeds, window)
        own = seeds[inner]
        labels = np.where(own < 0, paths["label"][inner], own + 1)
        faces = [inside(face, place) for face in _faces(place)]
        is_open = any((own[face] < 0).any() for face in faces)
        ends = [own.min(where=own >= 0, initial=np.iinfo(np.int32).max), own.max(initial=-1)]
        at_sides = np.concatenate([paths[inner][face].ravel() for face in faces])
        return labels, np.array(is_open), np.array(ends), at_sides

    def _seeds(self, labels: Labels) -> Labels:
        if self.number is None:
            return self.line.region_seeds(labels, self.spacing)
        return self.line.object_seeds(labels == self.number, self.spacing)

    def _lead_on(self, paths: Paths, seeds: Labels, window: Place) -> None:
        """Lead paths on in the part of a window that is no seed; those of seeds stay 0."""
        is_open = seeds < 0
        ends = [(int(axis.min()) - 1, int(axis.max()) + 2) for axis in np.nonzero(is_open)]
        part = tuple(slice(max(a, 0), min(b, n)) for (a, b), n in zip(ends, seeds.shape))
        place = tuple(slice(w.start + p.start, w.start + p.stop) for w, p in zip(window, part))
        wide = _wider(place, 1, _whole(self.size))
        terrain = self.line.terrain(self.values(wide))[inside(place, wide)]
        growcut, axes = self.line.method == "growcut", len(self.size)
        near = Adjacency.box(3, ndim=axes) if growcut else Adjacency.cross(1, ndim=axes)
        spels = np.ix_(*(np.arange(span.start, span.stop) for span in place))
        roots = np.broadcast_to(np.ravel_multi_index(spels, self.size), is_open[part].shape)
        own = np.where(is_open[part], paths[part], seeds_at(seeds[part], roots, -1.0 * growcut))
        lead_on(own, terrain, "growcut" if growcut else "watershed", near, self.reach)
        paths[part] = np.where(is_open[part], own, paths[part])


class _Front:
    """The paths at the sides of tiles, before a round and after it, on the disk of a folder."""

    def __init__(self, growth: Growth, rough: Any, folder: Folder) -> None:
        self.growth, self.rough = growth, rough
        self.before, self.after = (StoredBand((*growth.size, 1), PATH, folder) for _ in range(2))
        self.moved: list[Place] = []
        self.rounds = 0

    def region(self, place: Place) -> Region:
        """What a tile gets in a round."""
        wide, window = self.growth.around(place), _wider(place, 1, self.growth.bounds)
        faces = [self._paths(face).ravel() for face in _faces(window)]
        return place, wide, packed(self.rough[wide]), packed(np.concatenate(faces))

    def take(self, place: Place, paths: Paths) -> bool:
        """Keep what a tile has found at its sides; whether it is new."""
        new = False
        for face, part in _parts(_faces(place), paths):
            if (part != self._paths(face)).any():
                self.after[face] = part[..., None]
                self.moved.append(face)
                new = True
        return new

    def _paths(self, face: Place) -> Paths:
        if not self.rounds:
            return np.zeros(lengths(face), PATH)
        return self.before[face][..., 0]

    def turn(self) -> None:
        """End a round: what it has found is what the next one begins with."""
        for face in self.moved:
            self.before[face] = self.after[face]
        self.moved.clear()
        self.rounds += 1


def grown_regions(
    growth: Growth, tiling: Tiling, rough: Any, places: Sequence[Place], folder: Folder = None
) -> tuple[StoredBand, tuple[int, int]]:
    """The regions that grow from the seeds of a label image, tile by tile.

    The places are tiles, parts of a grid within the bounds of the growth; what none covers is
    background.

    Returns
    -------
    labels : StoredBand
        Counted from 1; 0 where no path arrives.
    ends : (int, int)
        The least and the greatest label of seeds, counted from 0.
    """
    labels, front = StoredBand((*growth.size, 1), np.int32, folder), _Front(growth, rough, folder)
    sizes = sides(tiling.size, len(growth.size))
    cells = [tuple(s.start // n for s, n in zip(place, sizes)) for place in places]
    closed: set[int] = set()
    first, last = np.iinfo(np.int32).max, -1
    active = list(range(len(places)))
    while active:
        moved = set()
        items = Lazy(partial(_region_of, front, [places[i] for i in active]), len(active))
        for index, (own, is_open, ends, paths) in zip(active, tiling.each(growth, items)):
            labels[places[index]] = own[..., None]
            first, last = min(first, int(ends[0])), max(last, int(ends[1]))
            if not is_open:
                closed.add(index)
            if front.take(places[index], paths):
                moved.add(cells[index])
        front.turn()
        near = {
            tuple(a + b for a, b in zip(cell, step))
            for cell in moved
            for step in product((-1, 0, 1), repeat=len(cell))
            if any(step)
        }
        active = [i for i, cell in enumerate(cells) if cell in near and i not in closed]
    return labels, (first, last)


def with_reach(growth: Growth, tiling: Tiling, places: Sequence[Place]) -> Growth:
    """The growth with what GrowCut must know of all tiles."""
    if growth.line.method != "growcut":
        return growth
    parts = lambda take: tiling.each(partial(_of_values, growth, take), places)  # noqa: E731
    return replace(growth, reach=growcut_reach(*extremes(parts, len(growth.size))))


def _of_values(growth: Growth, take: Any, place: Place) -> Any:
    return take(growth.values(place))


def _region_of(front: _Front, places: Sequence[Place], index: int) -> Region:
    return front.region(places[index])


def _faces(place: Place) -> list[Place]:
    return list(faces_of(place, (1,) * len(place)))


def _whole(size: Sequence[int]) -> Place:
    return tuple(slice(0, n) for n in size)


def _wider(place: Place, margin: Any, bounds: Place) -> Place:
    """A window that reaches beyond a place, within bounds."""
    each = np.broadcast_to(margin, len(place)).tolist()
    return tuple(
        slice(max(s.start - m, b.start), min(s.stop + m, b.stop))
        for s, m, b in zip(place, each, bounds)
    )


def _parts(faces: Sequence[Place], values: Array) -> Iterator[tuple[Place, Array]]:
    """The values of each face, of those of all, one after the other."""
    sizes = [lengths(face) for face in faces]
    ends = np.cumsum([prod(size) for size in sizes])
    for face, size, part in zip(faces, sizes, np.split(values, ends[:-1])):
        yield face, part.reshape(size)


def _joined(faces: Sequence[Place], values: Array, window: Place) -> Array:
    """A window with the values of some faces, and 0 elsewhere."""
    joined = np.zeros(lengths(window), values.dtype)
    for face, part in _parts(faces, values):
        joined[inside(face, window)] = part
    return joined
