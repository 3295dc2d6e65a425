"""A kernel that tells objects from background by what lies around their adjusted boxes.

Letters, lamps and grilles look like plates, but what is around them is not the rear of a car. Boxes
of all aspects are stretched to one size, as where they are adjusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.linear import (
    LinearModel,
    fit_platt,
    fit_ridge_in_portions,
    leave_group_out,
    models_without_groups,
    root_of_covariance,
)
from spel.nn import Convolution, Network, Node
from spel.rigid.config import RigidConfig
from spel.rigid.groups import Floats, Ints, group_of_all
from spel.rigid.left_out import WithoutPhoto
from spel.rigid.mining import FindTask, Rows, Truth
from spel.rigid.misplaced import DRAWN, misplace_objects
from spel.rigid.photos import TrainingPhotos
from spel.rigid.score import Scanner
from spel.rigid.stored_rows import Scratch, StoredRows, portions_of
from spel.rigid.windows import Windows

CELLS = 40.0
"""Number of cells that each object covers; a plate is three to four cells high."""

MARGIN = 11
"""Number of cells around the object on each side."""

STEP = 2
"""Every second cell of a row and of a column is read, so that the kernel has few weights."""

RIDGE = 1.0
"""Ridge penalty, larger than that of boxes: surroundings vary more than objects."""

MOST = 25
"""Number of boxes of a photo, those of the highest scores, among which background is looked for."""

SHORTEST = 2.0
"""Shortest side, in spels, of a box of the background; slimmer ones are cut off by the image."""


class Surroundings:
    """The kernel that scores what is around boxes, calibrated to log-odds; also without a photo.

    What the detector finds beside objects is the background. Where it finds nothing there, the
    kernel is zero.

    Parameters
    ----------
    config : RigidConfig
    photos : TrainingPhotos
    network : Network
        The detector so far, which adjusts boxes.
    windows : Windows
        How it is applied, with all scales and no proposals.
    cells : Network
        From an image to its cells.
    """

    def __init__(
        self,
        config: RigidConfig,
        photos: TrainingPhotos,
        network: Network,
        windows: Windows,
        cells: Network,
    ) -> None:
        wide, scratch = replace(config, margin=MARGIN, adjust_object_cells=CELLS), Scratch()
        group = group_of_all(wide, photos.truth)
        self.size = (group.size[0] * config.cell, group.size[1] * config.cell)
        rows, cols = (side | 1 for side in group.window)  # a cell is in the middle
        mask = np.zeros((rows, cols), bool)
        mask[::STEP, ::STEP] = True
        self._adjacency, self._input = Adjacency.from_mask(mask), cells.output
        random, group = np.random.default_rng(config.seed), replace(group, window=(rows, cols))
        shown, _ = misplace_objects(
            config, cells, photos.images, group, DRAWN, random, scratch, crops=1
        )
        self._objects, self._background = StoredRows(scratch), StoredRows(scratch)
        for photo in range(len(photos.images)):
            around = shown.of(range(photo, photo + 1))
            whole = around.reshape(len(around), rows * cols, config.orientations)
            length = len(self._adjacency) * config.orientations
            self._objects.add(whole[:, mask.ravel()].reshape(len(around), length))
        self._add_background(photos, network, windows)
        self._learn()

    def _add_background(self, photos: TrainingPhotos, network: Network, windows: Windows) -> None:
        """The cells around boxes that the detector finds beside the objects."""
        scanner, length = Scanner(network, windows), self._objects.length
        layer = Convolution(KernelBank(self._adjacency, np.zeros((1, len(self._adjacency), 1))))
        tasks = (
            FindTask(photos.images[n : n + 1], name, network, windows)
            for n, name in enumerate(photos.names)
        )
        answers = (task() for task in tasks) if photos.run is None else photos.run(tasks)
        for image, objects, crowds, (boxes, _) in zip(
            photos.images, photos.truth, photos.crowds, answers
        ):
            long = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) > SHORTEST
            boxes = boxes[long & Truth(objects, crowds).is_background(boxes)]
            rows = np.zeros((0, length), np.float32)
            if len(boxes):
                rows = scanner.stretched_cells(scanner.pyramid(image), boxes, layer, self.size)
            self._background.add(rows)

    def _learn(self) -> None:
        """The model of all photos and its calibration by scores without their own photo."""
        counts = np.add(self._objects.counts, self._background.counts)
        length = self._objects.length
        if not len(self._background):
            nothing = np.zeros(length)
            model = LinearModel(nothing, 0.0, np.eye(length), nothing)
            self.without = WithoutPhoto(model, counts, length, lambda _: {})
            self._calibration = 1.0, 0.0
            return
        model = fit_ridge_in_portions(self._portions, RIDGE)
        self.without = WithoutPhoto(model, counts, length, self._models_of)
        root = root_of_covariance(model)
        several = np.count_nonzero(self._objects.counts) > 1
        scores, targets = [], []
        for part in self.without.portions:
            rows, own, shares, owners = self._rows_of(part)
            without = None if several else ()
            scores.append(leave_group_out(model, rows, own, shares, owners, without, 1.0, root))
            targets.append(own)
        self._calibration = fit_platt(np.concatenate(scores), np.concatenate(targets) > 0)

    def node(self, name: str, photo: int | None = None) -> Node:
        """The convolution of the calibrated kernel, learned from all photos or without one."""
        model = self.without.model if photo is None else self.without(photo)
        slope, offset = self._calibration
        weights = (model.weights * slope).reshape(1, len(self._adjacency), -1)
        bias = np.array([model.bias * slope + offset])
        return Node(name, Convolution(KernelBank(self._adjacency, weights, bias)), (self._input,))

    def _portions(self) -> Iterator[tuple[Rows, Floats, Floats]]:
        """Rows, targets and shares, portion by portion."""
        counts = np.add(self._objects.counts, self._background.counts)
        for part in portions_of(counts, self._objects.length):
            rows, targets, shares, _ = self._rows_of(part)
            if len(rows):
                yield rows, targets, shares

    def _rows_of(self, part: range) -> tuple[Rows, Floats, Floats, Ints]:
        """Rows of some photos, targets, shares and photos; objects and background share equally."""
        both = self._objects, self._background
        counts = [sum(own.counts[part.start : part.stop]) for own in both]
        return (
            np.concatenate([own.of(part) for own in both]),
            np.repeat([1.0, -1.0], counts),
            np.repeat([0.5 / len(own) for own in both], counts),
            np.concatenate([own.photos_of(part) for own in both]),
        )

    def _models_of(self, part: range) -> dict[int, LinearModel]:
        rows, targets, shares, owners = self._rows_of(part)
        return models_without_groups(self.without.model, rows, targets, shares, owners, total=1.0)
