"""Training samples of a detector: crops of the objects, and hard negatives of the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.linear import LinearModel, Moments
from spel.nn import Network
from spel.rigid.config import RigidConfig
from spel.rigid.groups import AspectGroup, Floats, Ints
from spel.rigid.nms import non_maximum_suppression
from spel.rigid.pyramid import Pyramid
from spel.rigid.score import Scanner
from spel.rigid.views import ScoredWindows, View

Rows = npt.NDArray[np.float32]

CACHE_BYTES = 1 << 30
"""Bytes of cells that are cached while learning, so that a round need not compute them again."""


@dataclass(eq=False)
class Samples:
    """The training samples of one group's kernel.

    Attributes
    ----------
    positive : (n, d) array
        Cells of the objects' crops. The first half of each object's crops differ as little from a
        window as a scan does; the second half differ more and train the refining kernels only.
    photos : (n,) array
        The photo of each crop.
    deltas : (n, 4) array
        How the window's box must change to be the object's, see `spel.rigid.views.apply_deltas`.
    copies : int
        Number of crops of each object in either half.
    negative : list of (m, d) arrays
    photos_of_negative : list of int
    positive_moments, negative_moments : Moments
        Of the first halves, and of the negative rows.
    """

    positive: Rows
    photos: Ints
    deltas: Floats
    copies: int
    positive_moments: Moments
    negative_moments: Moments
    negative: list[Rows] = field(default_factory=list)
    photos_of_negative: list[int] = field(default_factory=list)

    @property
    def is_close(self) -> npt.NDArray[np.bool_]:
        """Which crops belong to the first halves."""
        return np.arange(len(self.positive)) % (2 * self.copies) < self.copies

    def all_rows(self, positive_weight: float) -> tuple[Rows, Floats, Floats, Ints]:
        """Rows, targets +1 and -1, shares and photos of the samples that the kernel learns from."""
        positive = self.positive[self.is_close]
        negative = np.concatenate([n for n in self.negative if n.size] or [positive[:0]])
        counts = [len(positive), len(negative)]
        shares = [positive_weight / max(counts[0], 1), (1 - positive_weight) / max(counts[1], 1)]
        photos = [self.photos[self.is_close], np.array(self.photos_of_negative, int)]
        return (
            np.concatenate([positive, negative]),
            np.repeat([1.0, -1.0], counts),
            np.repeat(shares, counts),
            np.concatenate(photos),
        )


def crop_objects(
    config: RigidConfig,
    cells: Network,
    images: Sequence[Any],
    group: AspectGroup,
    random: np.random.Generator,
) -> Samples:
    """Crops of a group's objects, scaled to the group's size, as cells."""
    rows, photos, deltas = [], [], []
    copies = config.crops_per_object(len(group.objects))
    for photo in sorted({photo for photo, _ in group.objects}):
        pyramid = Pyramid(cells["grey"](with_channels(images[photo])))
        for box in [box for p, box in group.objects if p == photo]:
            crops, changes = _crop_object(config, pyramid, box, group, copies, random)
            rows.append(_as_cells(config, cells, crops))
            deltas.append(changes)
            photos += [photo] * len(changes)
    positive = np.concatenate(rows)
    length = positive.shape[1]
    samples = Samples(
        positive, np.array(photos), np.concatenate(deltas), copies, Moments(length), Moments(length)
    )
    samples.positive_moments.add(positive[samples.is_close])
    return samples


def _crop_object(
    config: RigidConfig,
    pyramid: Pyramid,
    box: Floats,
    group: AspectGroup,
    copies: int,
    random: np.random.Generator,
) -> tuple[Rows, Floats]:
    """Crops of one object, the first of them unchanged, and each window's deltas to its box."""
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


def _as_cells(config: RigidConfig, cells: Network, crops: Rows) -> Rows:
    edge = config.block // 2
    batch = crops[..., None] * 1.0
    for node in cells.nodes[1:]:
        batch = node.layer(batch)
    inner = batch[:, edge:-edge, edge:-edge] if edge else batch
    return np.ascontiguousarray(inner, dtype=np.float32).reshape(len(crops), -1)


class Background:
    """The background of the photos, at all scales, from which hard negatives are mined."""

    def __init__(self, config: RigidConfig, images: Sequence[Any], truth: Sequence[Floats]) -> None:
        self.config, self.images, self.truth = config, images, truth
        self._cached: dict[int, list[View]] = {}
        self._bytes_left = CACHE_BYTES

    def mine_hard_negatives(
        self, scanner: Scanner, groups: Sequence[AspectGroup], samples: Sequence[Samples]
    ) -> int:
        """Add the best-scored windows of each photo that lie on no object; returns their number."""
        most = self.config.hard_negatives_per_photo(len(self.images))
        fresh: list[list[Rows]] = [[] for _ in groups]
        limit = max(2000, 5 * most * len(groups))
        for photo in range(len(self.images)):
            views = self._views(scanner, photo)
            scored = scanner.score_views(views, min_log_odds=-np.inf, max_windows=limit)
            away = max_iou(scored.boxes, self.truth[photo]) < 0.3
            for k, (group, own) in enumerate(zip(groups, samples)):
                mine = scored[np.flatnonzero(away & (scored.kernels == k))]
                mine = mine[non_maximum_suppression(mine.boxes, mine.log_odds, max_boxes=most)]
                own.negative.append(self._rows(scanner.score.bank.adjacency, mine, group))
                own.photos_of_negative += [photo] * len(mine)
                fresh[k].append(own.negative[-1])
        for own, rows in zip(samples, fresh):
            own.negative_moments.add(np.concatenate(rows))
        return sum(len(rows) for part in fresh for rows in part)

    def _views(self, scanner: Scanner, photo: int) -> list[View]:
        """The cells of the photo at all scales, cached in half precision while memory allows."""
        if photo in self._cached:
            return [View(s.scale, s.cells.astype(np.float32)) for s in self._cached[photo]]
        views = scanner.views(scanner.pyramid(self.images[photo]))
        self._bytes_left -= sum(view.cells.size for view in views) * 2
        if self._bytes_left >= 0:
            self._cached[photo] = [
                View(view.scale, np.ascontiguousarray(view.cells, dtype=np.float16))
                for view in views
            ]
        return views

    def _rows(self, adjacency: Adjacency, scored: ScoredWindows, group: AspectGroup) -> Rows:
        """The part of the frame that belongs to the group's window, as rows."""
        frame = tuple(high - low + 1 for low, high in adjacency.reach)
        channels = self.config.orientations
        patches = scored.patches(adjacency).reshape(len(scored), *frame, channels)
        down, across = ((f - n) // 2 for n, f in zip(group.window, frame))
        rows, cols = group.window
        part = patches[:, down : down + rows, across : across + cols]
        return part.reshape(len(scored), rows * cols * channels)


def max_iou(boxes: Floats, truth: Floats) -> Floats:
    """Largest intersection over union of each box with any true box."""
    most = np.zeros(len(boxes))
    for true in truth:
        low, high = np.maximum(boxes[:, :2], true[:2]), np.minimum(boxes[:, 2:], true[2:])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        union = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(true[2:] - true[:2]) - common
        most = np.maximum(most, common / union)
    return most


def random_model(samples: Samples, random: np.random.Generator) -> LinearModel:
    """A model of random direction, whose best-scored windows are a random sample."""
    w = random.normal(size=samples.positive.shape[1])
    none = np.zeros((0, 0))
    return LinearModel(np.asarray(w / np.linalg.norm(w)), 0.0, none, none)


def with_channels(image: npt.ArrayLike) -> npt.NDArray[Any]:
    """The image with a channel axis."""
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array
