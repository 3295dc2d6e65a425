"""Learning one stage of a detector: kernels for the objects of each aspect, and calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.provenance import Provenance
from spel.errors import plural
from spel.linear import LinearModel, fit_platt, separate_classes
from spel.nn import Convolution, Network, Node
from spel.rigid.config import RigidConfig
from spel.rigid.features import cell_network
from spel.rigid.groups import (
    AspectGroup,
    Floats,
    Ints,
    frame_of,
    group_by_aspect,
    group_of_all,
    scale_range,
)
from spel.rigid.left_out import DeltasLeftOut, LeftOut
from spel.rigid.limits import check_boxes, check_enlargement, check_kernels, check_photo, size_of
from spel.rigid.misplaced import FAR, NEAR, misplace_objects
from spel.rigid.photos import TrainingPhotos
from spel.rigid.sampling import Background, Samples, crop_objects, random_model
from spel.rigid.stored_rows import Scratch
from spel.rigid.surroundings import MOST, Surroundings
from spel.rigid.windows import MAX_STRIDE, Windows

Report = Callable[[str], object]


class StageLearner:
    """Learns the kernels of one stage, one for each group of objects.

    Parameters
    ----------
    config : RigidConfig
    photos : TrainingPhotos
    name : str
        Name of the scoring node.
    anchor : float, optional
        A scale to which the stage's scales are aligned, so that several stages share them.
    """

    def __init__(
        self, config: RigidConfig, photos: TrainingPhotos, name: str, anchor: float | None = None
    ) -> None:
        self.config, self.photos, self.name = config, photos, name
        self.cells = cell_network(
            orientations=config.orientations,
            cell=config.cell,
            edge_stride=config.edge_stride,
            block=config.block,
            floor=config.floor,
        )
        self.groups = group_by_aspect(config, photos.truth)
        self.all = group_of_all(config, photos.truth)
        check_kernels(config, [*self.groups, self.all] if config.adjust else self.groups)
        self.frame = frame_of(self.groups)
        self.adjacency = Adjacency.from_mask(np.ones(self.frame))
        self.scales = scale_range(config, self.groups, anchor)
        self.random = np.random.default_rng(config.seed)

    def learn(self, on_step: Report) -> tuple[list[Node], Windows]:
        """The nodes of the stage, and the decision that applies them."""
        images, config = self.photos.images, self.config
        self._check_photos()
        on_step(
            f"{plural(len(self.groups), 'kernel')} of {self.frame[0]} x {self.frame[1]} cells; the "
            f"photos are scanned {config.rounds + 1} times at "
            f"{plural(len(self._windows().scales), 'scale')}"
        )
        background = Background(config, self.photos)
        samples = [
            crop_objects(config, self.cells, images, group, self.random, background.scratch)
            for group in self.groups
        ]
        models = [random_model(own, self.random) for own in samples]
        on_step(f"{plural(sum(len(own.positive) for own in samples), 'crop')} of objects")
        # Neighbouring windows of the background differ little, so those of proposals suffice.
        windows = replace(self._windows(), stride=self.stride)
        for number in range(config.rounds + 1):
            network = Network((*self.cells.nodes, self._node(self.name, models)))
            added = background.mine_hard_negatives(network, windows, self.groups, samples)
            models = [
                separate_classes(
                    own.positive_moments,
                    own.negative_moments,
                    config.positive_weight,
                    config.ridge_for(len(group)),
                )
                for group, own in zip(self.groups, samples)
            ]
            on_step(f"round {number}: {added} hard negatives added")
        return self._finish(models, samples)

    def _check_photos(self) -> None:
        """Refuse boxes and photos from which nothing can be learned, before the work begins."""
        photos = self.photos
        sizes = [size_of(name, image) for name, image in zip(photos.names, photos.images)]
        for name, size, boxes in zip(photos.names, sizes, photos.truth):
            check_boxes(name, size, boxes)
        check_enlargement(self.config, max(self.scales))
        scales = self._windows().scales
        for name, size in zip(photos.names, sizes):
            check_photo(self.config, name, size, scales, len(self.groups))

    def _finish(
        self, models: Sequence[LinearModel], samples: Sequence[Samples]
    ) -> tuple[list[Node], Windows]:
        """The nodes of calibrated kernels, with their provenance, and of refining kernels."""
        provenance, scores, positive = [], [], []
        weight, ridge = self.config.positive_weight, self.config.refine_ridge
        self._left_out = [LeftOut(model, own, weight) for model, own in zip(models, samples)]
        self._refining = [DeltasLeftOut(own.positive, own.deltas, ridge) for own in samples]
        for group, own, left_out in zip(self.groups, samples, self._left_out):
            without, is_positive, photos = left_out.scores()
            of_objects = np.isin(photos, own.with_objects)
            best = _best_of_photo(without[of_objects], is_positive[of_objects], photos[of_objects])
            scores.append(best[0])
            positive.append(best[1])
            provenance.append(self._provenance(group, own, without[is_positive]))
        # All kernels share one calibration: few objects give too few scores for one of their own.
        slope, offset = fit_platt(np.concatenate(scores), np.concatenate(positive))
        calibrated = [
            replace(model, weights=model.weights * slope, bias=model.bias * slope + offset)
            for model in models
        ]
        self._calibration = slope, offset
        windows = replace(self._windows(), refine_node=f"{self.name}_refine", score_node=self.name)
        nodes = [self._node(f"{self.name}_refine", [one.model for one in self._refining])]
        if self.config.adjust:
            self._adjusting = self._learn_to_adjust()
            nodes.append(self._adjusting_node([one.model for one in self._adjusting]))
            windows = self.with_adjustment(windows)
        score = self._node(self.name, calibrated, provenance)
        if self.config.adjust:
            network = Network((*self.cells.nodes, *nodes, score))
            self._around = self._learn_surroundings(network, windows)
            nodes.append(self._around.node(f"{self.name}_around"))
            windows = self._with_surroundings(windows, self._around)
        return [*nodes, score], windows

    def nodes_without(self, photo: int) -> list[Node]:
        """The stage's nodes, learned without one photo."""
        slope, offset = self._calibration
        models = [left_out.without(photo) for left_out in self._left_out]
        calibrated = [
            replace(model, weights=model.weights * slope, bias=model.bias * slope + offset)
            for model in models
        ]
        refining = [one.without(photo) for one in self._refining]
        nodes = [self._node(f"{self.name}_refine", refining)]
        if self.config.adjust:
            nodes.append(self._adjusting_node([one.without(photo) for one in self._adjusting]))
            nodes.append(self._around.node(f"{self.name}_around", photo))
        return [*nodes, self._node(self.name, calibrated)]

    def _provenance(self, group: AspectGroup, own: Samples, scores: Floats) -> Provenance:
        """The training object that has the highest score."""
        best = int(scores[:: own.copies].argmax())
        photo, box = group.photos[best], group.boxes[best]
        middle = ((box[1] + box[3]) // 2, (box[0] + box[2]) // 2)
        return Provenance(1, best, self.photos.names[photo], tuple(int(m) for m in middle))

    def _node(
        self, name: str, models: Sequence[LinearModel], provenance: Sequence[Provenance] = ()
    ) -> Node:
        """A convolution whose kernels are the models, over the common frame of cells."""
        channels = self.config.orientations
        kernels = []
        for group, model in zip(self.groups, models):
            weights = np.atleast_2d(model.weights.T)
            full = np.zeros((len(weights), *self.frame, channels))
            down, across = ((f - n) // 2 for n, f in zip(group.window, self.frame))
            own = weights.reshape(len(weights), *group.window, channels)
            full[:, down : down + group.window[0], across : across + group.window[1]] = own
            kernels.append(full.reshape(len(weights), -1, channels))
        bias = np.concatenate([np.atleast_1d(model.bias) for model in models])
        bank = KernelBank(self.adjacency, np.concatenate(kernels), bias)
        bank = replace(bank, provenance=tuple(provenance))
        return Node(name, Convolution(bank), (self.cells.output,))

    @property
    def sizes(self) -> tuple[tuple[float, float], ...]:
        """Width and height of the object in each kernel's window, in spels."""
        cell = self.config.cell
        return tuple((g.size[0] * cell, g.size[1] * cell) for g in self.groups)

    @property
    def stride(self) -> tuple[int, int]:
        """Rows and columns of cells by which windows may be apart, for the smallest objects."""
        width, height = np.min([group.size for group in self.groups], axis=0)
        steps = (max(1, int(self.config.proposal_step * side)) for side in (height, width))
        down, along = (min(step, MAX_STRIDE) for step in steps)
        return down, along

    def adjusting(self, network: Network, windows: Windows) -> tuple[Network, Windows]:
        """A detector that was learned before with kernels that adjust boxes, and its decision."""
        names = f"{self.name}_adjust", f"{self.name}_around"
        rest = [node for node in network.nodes if node.name not in names]
        at = [node.name for node in rest].index(self.name)
        adjust = self._adjusting_node([one.model for one in self._learn_to_adjust()])
        adjusted = self.with_adjustment(replace(windows, adjust_node=None))
        network = Network((*rest[:at], adjust, *rest[at:]), network.meta)
        around = self._learn_surroundings(network, adjusted)
        network = Network((*rest[:at], adjust, around.node(names[1]), *rest[at:]), network.meta)
        return network, self._with_surroundings(adjusted, around)

    def _learn_surroundings(self, network: Network, windows: Windows) -> Surroundings:
        """The kernel of what is around boxes, by boxes that the detector finds so far."""
        scanned = replace(windows, proposals=None, rotations=(), enlarge=1.0, margin=(0.0, 0.0))
        scanned = replace(scanned, threshold=0.0, max_detections=MOST, score_node=self.name)
        return Surroundings(self.config, self.photos, network, scanned, self.cells)

    def _with_surroundings(self, windows: Windows, around: Surroundings) -> Windows:
        """The decision of a detector that scores what is around boxes."""
        return replace(windows, around_node=f"{self.name}_around", around_size=around.size)

    def with_adjustment(self, windows: Windows) -> Windows:
        """The decision of a detector that has the node that adjusts boxes."""
        width, height = (side * self.config.cell for side in self.all.size)
        return replace(windows, adjust_node=f"{self.name}_adjust", adjust_size=(width, height))

    def _adjusting_node(self, models: Sequence[LinearModel]) -> Node:
        """A convolution of the four kernels of each model."""
        adjacency = Adjacency.from_mask(np.ones(self.all.window))
        kernels = [model.weights.T.reshape(4, len(adjacency), -1) for model in models]
        bias = np.concatenate([np.atleast_1d(model.bias) for model in models])
        bank = KernelBank(adjacency, np.concatenate(kernels), bias)
        return Node(f"{self.name}_adjust", Convolution(bank), (self.cells.output,))

    def _learn_to_adjust(self) -> list[DeltasLeftOut]:
        """The models that adjust boxes, far and near ones; always from the same crops."""
        config, random, scratch = self.config, np.random.default_rng(self.config.seed), Scratch()
        shown = (
            misplace_objects(config, self.cells, self.photos.images, self.all, how, random, scratch)
            for how in (FAR, NEAR)
        )
        return [DeltasLeftOut(rows, deltas, config.adjust_ridge) for rows, deltas in shown]

    def _windows(self) -> Windows:
        """Window sizes and scales of the stage."""
        return Windows(self.sizes, *self.scales, self.config.scales_per_octave)


def _best_of_photo(
    scores: Floats, is_positive: npt.NDArray[np.bool_], photos: Ints
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The best score of each photo's object crops, as in a scan, and all background scores."""
    # The samples of objects are in the order of their photos.
    firsts = np.unique(photos[is_positive], return_index=True)[1]
    best = np.maximum.reduceat(scores[is_positive], firsts)
    return (
        np.concatenate([best, scores[~is_positive]]),
        np.arange(len(best) + int((~is_positive).sum())) < len(best),
    )
