"""What a detector learns from: crops of the objects, and the background's strongest answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.nn import Network
from spel.rigid.config import Floats, Group, RigidConfig
from spel.rigid.linear import Moments, Plane
from spel.rigid.nms import suppress
from spel.rigid.pyramid import Pyramid
from spel.rigid.score import Scanner
from spel.rigid.views import Candidates, Seen

Rows = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

MEMORY = 1 << 30
"""Bytes of cells that learning keeps, so that a round need not look at the photos again."""


@dataclass(eq=False)
class Samples:
    """What was gathered for one group's kernel.

    Attributes
    ----------
    positive : (n, d) array
        Crops of the objects, as cells; the first half of each object's lie where a scan would meet
        it, the second half stray farther and only teach the refining kernels.
    photos : (n,) array
        The photo of each crop.
    changes : (n, 4) array
        How the window's box must move to be the object's, see `spel.rigid.views.moved`.
    copies : int
        Crops of each object in either half.
    negative : list of (m, d) arrays
    photos_of_negative : list of int
    near, false : Moments
        Of the first halves, and of the negative rows.
    """

    positive: Rows
    photos: Ints
    changes: Floats
    copies: int
    near: Moments
    false: Moments
    negative: list[Rows] = field(default_factory=list)
    photos_of_negative: list[int] = field(default_factory=list)

    @property
    def is_near(self) -> npt.NDArray[np.bool_]:
        """Which crops lie where a scan would meet the object."""
        return np.arange(len(self.positive)) % (2 * self.copies) < self.copies

    def all_rows(self, weight: float) -> tuple[Rows, Floats, Floats, Ints]:
        """Rows, targets +1 and -1, shares, photos: what the kernel is learned from."""
        positive = self.positive[self.is_near]
        negative = np.concatenate([n for n in self.negative if n.size] or [positive[:0]])
        rows = np.concatenate([positive, negative])
        counts = [len(positive), len(negative)]
        each = [weight / max(counts[0], 1), (1 - weight) / max(counts[1], 1)]
        photos = [self.photos[self.is_near], np.array(self.photos_of_negative, int)]
        return rows, np.repeat([1.0, -1.0], counts), np.repeat(each, counts), np.concatenate(photos)


def cut_objects(
    recipe: RigidConfig,
    cells: Network,
    images: Sequence[Any],
    group: Group,
    random: np.random.Generator,
) -> Samples:
    """Crops of a group's objects at its size, as cells; the first of each as it is."""
    rows, photos, changes = [], [], []
    copies = recipe.copies_of(len(group.objects))
    for photo in sorted({photo for photo, _ in group.objects}):
        pyramid = Pyramid(cells["grey"](with_channels(images[photo])))
        for box in [box for p, box in group.objects if p == photo]:
            crops, told = _crops(recipe, pyramid, box, group, copies, random)
            rows.append(_as_cells(recipe, cells, crops))
            changes.append(told)
            photos += [photo] * len(told)
    positive = np.concatenate(rows)
    near, false = Moments(positive.shape[1]), Moments(positive.shape[1])
    samples = Samples(positive, np.array(photos), np.concatenate(changes), copies, near, false)
    near.add(positive[samples.is_near])
    return samples


def _crops(
    recipe: RigidConfig,
    pyramid: Pyramid,
    box: Floats,
    group: Group,
    copies: int,
    random: np.random.Generator,
) -> tuple[Rows, Floats]:
    """Crops of one object, and how the window's box must move to be its own."""
    r = recipe
    context = 2 * (r.around // 2)
    size = ((group.box[0] + context) * r.cell, (group.box[1] + context) * r.cell)
    wide, high = box[2] - box[0], box[3] - box[1]
    centre = np.array([box[1] + box[3], box[0] + box[2]]) / 2
    base = np.sqrt(group.size[0] * group.size[1] * r.cell**2 / (wide * high))
    crops, changes = [], []
    for copy in range(2 * copies):
        far = 1.0 if copy < copies else 2.0
        shift = random.uniform(-0.5, 0.5, 2) * far * r.cell / base if copy else np.zeros(2)
        octaves = random.uniform(-0.5, 0.5) * far / r.steps if copy else 0.0
        aspect = random.uniform(-0.1, 0.1) if copy >= copies else 0.0
        degrees = random.uniform(-r.turn, r.turn) if copy else 0.0
        mirrored = bool(r.mirror and copy % 2)
        scale = base * 2**octaves * np.exp([aspect, -aspect])
        at, by = (centre[0] + shift[0], centre[1] + shift[1]), (scale[0], scale[1])
        crops.append(pyramid.crop(at, by, size, degrees=degrees, mirrored=mirrored))
        # Where the true box lies, seen from the window's own, in its widths and heights.
        shown = np.array([high, wide]) * scale
        own = np.array([group.size[1], group.size[0]]) * r.cell
        off = -shift * scale / own
        changes.append([-off[1] if mirrored else off[1], off[0], *np.log(shown / own)[::-1]])
    return np.stack(crops), np.array(changes)


def _as_cells(recipe: RigidConfig, cells: Network, crops: Rows) -> Rows:
    edge = recipe.around // 2
    batch = crops[..., None] * 1.0
    for node in cells.nodes[1:]:
        batch = node.layer(batch)
    inner = batch[:, edge:-edge, edge:-edge] if edge else batch
    return np.ascontiguousarray(inner, dtype=np.float32).reshape(len(crops), -1)


class Background:
    """The photos at all sizes, where kernels answer wrongly."""

    def __init__(self, recipe: RigidConfig, images: Sequence[Any], truth: Sequence[Floats]) -> None:
        self.recipe, self.images, self.truth = recipe, images, truth
        self.kept: dict[int, list[Seen]] = {}
        self.memory = MEMORY

    def gather(self, scanner: Scanner, groups: Sequence[Group], samples: Sequence[Samples]) -> int:
        """Add each photo's strongest answers that lie on no object; how many there were."""
        most = self.recipe.hard_of(len(self.images))
        fresh: list[list[Rows]] = [[] for _ in groups]
        for photo in range(len(self.images)):
            seen = self._seen(scanner, photo)
            found = scanner.candidates(seen, odds=-np.inf, most=max(2000, 5 * most * len(groups)))
            away = most_overlap(found.boxes, self.truth[photo]) < 0.3
            for k, (group, own) in enumerate(zip(groups, samples)):
                mine = found[np.flatnonzero(away & (found.kernels == k))]
                mine = mine[suppress(mine.boxes, mine.odds, most=most)]
                own.negative.append(self._rows(scanner.score.bank.adjacency, mine, group))
                own.photos_of_negative += [photo] * len(mine)
                fresh[k].append(own.negative[-1])
        for own, rows in zip(samples, fresh):
            own.false.add(np.concatenate(rows))
        return sum(len(rows) for part in fresh for rows in part)

    def _seen(self, scanner: Scanner, photo: int) -> list[Seen]:
        """The photo's cells at all scales, kept in half precision while memory allows."""
        if photo in self.kept:
            return [Seen(s.scale, s.cells.astype(np.float32)) for s in self.kept[photo]]
        seen = scanner.look(scanner.pyramid(self.images[photo]))
        self.memory -= sum(s.cells.size for s in seen) * 2
        if self.memory >= 0:
            half = [Seen(s.scale, np.ascontiguousarray(s.cells, dtype=np.float16)) for s in seen]
            self.kept[photo] = half
        return seen

    def _rows(self, adjacency: Adjacency, found: Candidates, group: Group) -> Rows:
        """The part of the frame that belongs to the group's window, as rows."""
        frame = tuple(high - low + 1 for low, high in adjacency.reach)
        rows = found.patches(adjacency).reshape(len(found), *frame, self.recipe.orientations)
        down, across = ((f - n) // 2 for n, f in zip(group.box, frame))
        part = rows[:, down : down + group.box[0], across : across + group.box[1]]
        return part.reshape(len(found), group.box[0] * group.box[1] * self.recipe.orientations)


def most_overlap(boxes: Floats, truth: Floats) -> Floats:
    """Largest intersection over union of each box with any true one."""
    most = np.zeros(len(boxes))
    for true in truth:
        low, high = np.maximum(boxes[:, :2], true[:2]), np.minimum(boxes[:, 2:], true[2:])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        union = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(true[2:] - true[:2]) - common
        most = np.maximum(most, common / union)
    return most


def random_plane(samples: Samples, random: np.random.Generator) -> Plane:
    """A plane of random direction: its strongest answers are anywhere."""
    w = random.normal(size=samples.positive.shape[1])
    none = np.zeros((0, 0))
    return Plane(w / np.linalg.norm(w), 0.0, none, none)


def with_channels(image: npt.ArrayLike) -> npt.NDArray[Any]:
    """The image, with an axis for its one channel if it has none."""
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array
