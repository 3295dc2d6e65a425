"""Training samples of a detector: crops of the objects, and hard negatives of the background."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.linear import LinearModel, Moments
from spel.nn import Network
from spel.rigid.config import RigidConfig
from spel.rigid.features import cells_of_crops
from spel.rigid.groups import AspectGroup, Floats, Ints
from spel.rigid.mining import (
    Mined,
    MineTask,
    Rows,
    Truth,
    count_cells,
    halved,
    hard_negatives,
    restored,
)
from spel.rigid.photos import TrainingPhotos
from spel.rigid.pyramid import Pyramid
from spel.rigid.score import Scanner, split_color
from spel.rigid.stored_rows import Scratch, StoredRows
from spel.rigid.views import View
from spel.rigid.windows import Windows

Layout = tuple[tuple[tuple[float, float], tuple[int, ...]], ...]
"""The scale and the shape of the cells of each view of a photo."""

CACHE_BYTES = 1 << 30
"""Bytes of cells that are cached on disk, so that they are computed once for all rounds."""


@dataclass(eq=False)
class Samples:
    """The training samples of one group's kernel.

    Attributes
    ----------
    positive : StoredRows of length d
        Cells of the objects' crops. The first half of each object's crops are misplaced by as
        little as the nearest window of a scan; the second half are misplaced by more, and train
        only the refining kernels.
    deltas : StoredRows of length 4
        How the window's box must change to be the object's, see `spel.rigid.views.apply_deltas`.
    copies : int
        Number of crops of each object in either half.
    positive_moments, negative_moments : Moments
        Moments of the first halves, and of the negative rows.
    negative : list of StoredRows of length d
        Cells of windows of the background, mined in each round.
    """

    positive: StoredRows
    deltas: StoredRows
    copies: int
    positive_moments: Moments
    negative_moments: Moments
    negative: list[StoredRows] = field(default_factory=list)

    @property
    def with_objects(self) -> Ints:
        """The photos that have objects."""
        return np.flatnonzero(self.positive.counts)

    def close(self, photos: range) -> Rows:
        """The crops of the first halves, of some photos."""
        rows = self.positive.of(photos)
        return np.asarray(rows[np.arange(len(rows)) % (2 * self.copies) < self.copies])

    def rows_of(self, photos: range, positive_weight: float) -> tuple[Rows, Floats, Floats, Ints]:
        """Rows, targets (+1 or -1), shares and photos of samples that train the kernel."""
        positive = self.close(photos)
        parts = [mined.of(photos) for mined in self.negative]
        counts = [len(positive), sum(map(len, parts))]
        places = [self.positive.photos_of(photos)[::2]]
        places += [mined.photos_of(photos) for mined in self.negative]
        return (
            np.concatenate([positive, *(part for part in parts if part.size)]),
            np.repeat([1.0, -1.0], counts),
            np.repeat(self._shares(positive_weight), counts),
            np.concatenate(places),
        )

    def total(self, positive_weight: float) -> float:
        """Sum of the shares of all samples that train the kernel."""
        counts = [self.positive_moments.count, self.negative_moments.count]
        return float(np.repeat(self._shares(positive_weight), counts).sum())

    def _shares(self, positive_weight: float) -> tuple[float, float]:
        """The share of each object's crop, and of each row of the background."""
        objects, background = self.positive_moments.count, self.negative_moments.count
        return positive_weight / max(objects, 1), (1 - positive_weight) / max(background, 1)


def crop_objects(
    config: RigidConfig,
    cells: Network,
    images: Sequence[Any],
    group: AspectGroup,
    random: np.random.Generator,
    scratch: Scratch,
) -> Samples:
    """Crops of a group's objects, scaled to the group's size, as cells."""
    positive, deltas = StoredRows(scratch), StoredRows(scratch)
    copies = config.crops_per_object(len(group))
    for photo in range(len(images)):
        rows, changes = [np.zeros((0, positive.length), np.float32)], [np.zeros((0, 4))]
        if len(boxes := group.boxes_of(photo)):
            pyramid = Pyramid(cells["grey"](with_channels(images[photo])))
            made = [_crop_object(config, pyramid, box, group, copies, random) for box in boxes]
            rows = [as_cells(config, cells, crops) for crops, _ in made]
            changes = [own for _, own in made]
        positive.add(np.concatenate(rows))
        deltas.add(np.concatenate(changes))
    length = positive.length
    samples = Samples(positive, deltas, copies, Moments(length), Moments(length))
    for photos in positive.portions():
        samples.positive_moments.add(samples.close(photos))
    return samples


def _crop_object(
    config: RigidConfig,
    pyramid: Pyramid,
    box: Floats,
    group: AspectGroup,
    copies: int,
    random: np.random.Generator,
) -> tuple[Rows, Floats]:
    """Crops of one object, of which the first is unchanged, and each window's deltas to its box."""
    context = 2 * (config.block // 2)
    rows, cols = ((side + context) * config.cell for side in group.window)
    width, height = box[2:] - box[:2]
    centre = np.array([box[1] + box[3], box[0] + box[2]]) / 2
    base = np.sqrt(group.size[0] * group.size[1] * config.cell**2 / (width * height))
    crops, deltas = [], []
    for copy in range(2 * copies):
        spread = 1.0 if copy < copies else 2.0
        shift = random.uniform(-0.5, 0.5, 2) * spread * config.cell / base if copy else np.zeros(2)
        octaves = random.uniform(-0.5, 0.5) * spread / config.scales_per_octave if copy else 0.0
        aspect = random.uniform(-0.1, 0.1) if copy >= copies else 0.0
        degrees = random.uniform(-config.max_rotation, config.max_rotation) if copy else 0.0
        mirrored = bool(config.mirror and copy % 2)
        scale = base * 2**octaves * np.exp([aspect, -aspect])
        point, factors = (centre[0] + shift[0], centre[1] + shift[1]), (scale[0], scale[1])
        crops.append(pyramid.crop(point, factors, (rows, cols), degrees=degrees, mirrored=mirrored))
        # The true box relative to the window's, in the window's widths and heights.
        shown = np.array([height, width]) * scale
        own = np.array([group.size[1], group.size[0]]) * config.cell
        offset = -shift * scale / own
        sideways = -offset[1] if mirrored else offset[1]
        deltas.append([sideways, offset[0], *np.log(shown / own)[::-1]])
    return np.stack(crops), np.array(deltas)


def as_cells(config: RigidConfig, cells: Network, crops: Rows) -> Rows:
    """The cells of grey crops as rows, without the context that their normalization read."""
    _, plain = split_color(cells, cells.output)
    edge = config.block // 2
    rows, cols = (side // config.cell - 2 * edge for side in crops.shape[1:])
    cell = config.cell, config.cell
    made = cells_of_crops(plain, crops, cell, (edge, edge), (rows, cols))
    return made.reshape(len(crops), -1)


class Background:
    """The background of the photos, at all scales, from which hard negatives are mined.

    Parameters
    ----------
    config : RigidConfig
    photos : TrainingPhotos
        If they have no `run`, the photos are scanned here, and the cells of the first ones are
        cached in half precision; the bits are the same.

    Attributes
    ----------
    scratch : Scratch
        Where the cells and the rows of all samples are stored.
    """

    def __init__(self, config: RigidConfig, photos: TrainingPhotos) -> None:
        self.config, self.images, self.run = config, photos.images, photos.run
        self.names, self.truth, self.crowds = photos.names, photos.truth, photos.crowds
        self.resume = photos.resume
        self.scratch = Scratch()
        self._cached = np.full(len(self.names), -1)  # places in the scratch file
        self._layouts: list[Layout] = [()] * len(self.names)
        self._shared: dict[Layout, Layout] = {}  # photos of one size share theirs
        self._halved = 0  # so many photos, from the first one on, have a place in the cache
        self._bytes_left = CACHE_BYTES

    def mine_hard_negatives(
        self, network: Network, windows: Windows, groups: Sequence[AspectGroup],
        samples: Sequence[Samples],
    ) -> int:  # fmt: skip
        """Add the best-scored windows of each photo that lie on no object; returns their number."""
        for own in samples:
            own.negative.append(StoredRows(self.scratch))
        before = self._halved
        for photo, (rows_of_groups, cells) in enumerate(self._mined(network, windows, groups)):
            for own, rows in zip(samples, rows_of_groups):
                own.negative[-1].add(rows)
            if photo >= before and self._has_room(cells):
                self._halved += 1
        for own in samples:
            for photos in own.negative[-1].portions():
                own.negative_moments.add(own.negative[-1].of(photos))
        return sum(len(own.negative[-1]) for own in samples)

    def _mined(
        self, network: Network, windows: Windows, groups: Sequence[AspectGroup]
    ) -> Iterator[Mined]:
        """What is mined of each photo; that of the first ones may have been mined before."""
        mine = self._mine_here if self.run is None else self._mine_in_workers
        most = self.config.hard_negatives_per_photo(len(self.images))

        def from_photo(first: int) -> Iterator[Mined]:
            return mine(network, windows, groups, most, first)

        return from_photo(0) if self.resume is None else self.resume(len(self.names), from_photo)

    def _mine_here(
        self, network: Network, windows: Windows, groups: Sequence[AspectGroup], most: int,
        first: int,
    ) -> Iterator[Mined]:  # fmt: skip
        """The hard negatives of the photos from the first one on, one photo after the other."""
        scanner = Scanner(network, windows)
        before = self._halved
        for photo in range(first, len(self.names)):
            views = self._views(scanner, photo, photo < before)
            yield (
                hard_negatives(scanner, views, self._truth_of(photo), groups, most),
                count_cells(views),
            )
            if photo < self._halved and self._cached[photo] < 0:
                self._store(photo, halved(views))

    def _truth_of(self, photo: int) -> Truth:
        """What is known of a photo."""
        return Truth(self.truth[photo], self.crowds[photo])

    def _store(self, photo: int, views: Sequence[View]) -> None:
        """Store the cells of views one after the other."""
        layout = tuple((view.scale, view.cells.shape) for view in views)
        self._layouts[photo] = self._shared.setdefault(layout, layout)
        self._cached[photo], *_ = [self.scratch.append(view.cells) for view in views] or [0]

    def _mine_in_workers(
        self, network: Network, windows: Windows, groups: Sequence[AspectGroup], most: int,
        first: int,
    ) -> Iterator[Mined]:  # fmt: skip
        """The hard negatives of the photos from the first one on, mined by tasks."""
        assert self.run is not None
        before = self._halved
        tasks = (
            MineTask(
                self.images[photo : photo + 1], self.names[photo], self._truth_of(photo), network,
                windows, groups, most, photo < before,
            )
            for photo in range(first, len(self.names))
        )  # fmt: skip
        return self.run(tasks)

    def _views(self, scanner: Scanner, photo: int, rounded: bool) -> list[View]:
        """The cells of a photo at all scales; after its first round in half precision."""
        place = int(self._cached[photo])
        if place >= 0:
            views = []
            for scale, shape in self._layouts[photo]:
                views.append(View(scale, self.scratch.read(place, shape, np.float16)))
                place += views[-1].cells.nbytes
            return restored(views)
        views = scanner.views(scanner.pyramid(self.images[photo]))
        return restored(halved(views)) if rounded else views

    def _has_room(self, cells: int) -> bool:
        """Whether the cache has room for a number of cells; if so, the room is reserved."""
        self._bytes_left -= 2 * cells
        return self._bytes_left >= 0


def random_model(samples: Samples, random: np.random.Generator) -> LinearModel:
    """A model of random direction; the windows that it scores best are a random sample."""
    w = random.normal(size=samples.positive.length)
    none = np.zeros((0, 0))
    return LinearModel(np.asarray(w / np.linalg.norm(w)), 0.0, none, none)


def with_channels(image: npt.ArrayLike) -> npt.NDArray[Any]:
    """The image with a channel axis."""
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array
