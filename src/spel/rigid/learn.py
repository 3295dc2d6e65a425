"""Learn a detector of rigid objects from a few photos with boxes, without backpropagation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.threads import blas_in_one_thread
from spel.errors import ParameterError, ShapeError, plural
from spel.nn import Network, Node
from spel.rigid.classes import ClassWindows, Suppress
from spel.rigid.config import RigidConfig
from spel.rigid.groups import group_by_aspect, scale_range
from spel.rigid.mining import Resume, Run
from spel.rigid.photos import TrainingPhotos, UnitImages
from spel.rigid.ragged import Ragged
from spel.rigid.stage import Report, StageLearner
from spel.rigid.validate import MIN_PROBABILITY, Validation, validate
from spel.rigid.windows import Windows


def learn_detector(
    images: Sequence[npt.ArrayLike],
    boxes: Sequence[npt.ArrayLike],
    config: RigidConfig | None = None,
    *,
    crowd: Sequence[npt.ArrayLike] | None = None,
    classes: Sequence[Sequence[str]] | None = None,
    suppress: Suppress = "within",
    names: Sequence[str] = (),
    white: float | None = None,
    on_step: Report = str,
    run: Run | None = None,
    resume: Resume | None = None,
) -> Network:
    """Learn a detector of rigid objects (plates, coins, eggs) from photos with boxes.

    The cells of an object, with a margin, are a patch. The object's kernel is a hyperplane in patch
    space that separates objects from background. The first background samples are random; further
    ones are hard negatives, the windows of the background that the kernels score highest, mined in
    rounds. Objects of different aspects get kernels of their own. Each kernel is the closed-form
    solution of a ridge regression, and so are four more per kernel that predict how the box must
    move. The scores that each photo would get without its own samples follow in closed form too;
    they calibrate the kernels, so that scores are log-odds.

    If there are many objects, smaller kernels are learned as well, for a proposal stage.

    With `classes`, each class is learned in this way, with kernels, scales, calibration and
    threshold of its own; objects of the other classes are background to it.

    Parameters
    ----------
    images : sequence of (rows, cols[, C]) arrays
        Photos. They are accessed one by one, so that the sequence may read files on access.
    boxes : sequence of (n, 4) arrays
        ``x0 y0 x1 y1`` of all objects in each photo; a photo may have none.
    config : RigidConfig, optional
    crowd : sequence of (n,) arrays of bool, optional
        Which boxes are of crowds (COCO) or difficult objects (Pascal VOC). What lies in them is
        learned neither as an object nor as background, and is not counted as a false alarm.
    classes : sequence of sequences of str, optional
        The class of each box of each photo; without it all boxes are of one class.
    suppress : {"within", "across"}
        Whether boxes of the same class only, or of all classes, suppress one another.
    names : sequence of str, optional
        Names of the photos, for the provenance of the kernels.
    white : float, optional
        Full intensity of the photos; by default that of each one's type, such as 65535.
    on_step : callable, optional
        Called with a line of text after each step.
    run : callable, optional
        Runs tasks about the photos, perhaps in workers, and gives their results in order; the
        network is the same, bit for bit. `images` must then support slices.
    resume : callable, optional
        Gives what was mined before learning was stopped, see `spel.learning.saved_rounds`.

    Returns
    -------
    Network
        From `Color` to the kernels, with its decision in `meta`: `Windows`, or `ClassWindows` if
        there are several classes.

    Raises
    ------
    ShapeError, ParameterError
        If the numbers of images, of lists of boxes and of classes differ, or there is no object.

    Notes
    -----
    Hard negatives: Dalal & Triggs 2005; Felzenszwalb et al. 2010. Linear discriminants on such
    cells: Hariharan et al. 2012. Leaving samples out in closed form: Cook & Weisberg 1982.

    Examples
    --------
    >>> from spel.data import street
    >>> scene = street(1, size=(120, 160))
    >>> quick = RigidConfig(rounds=0, min_crops=2, crops=2, object_cells=40, size_margin_above=1.1)
    >>> network = learn_detector([scene.image], [scene.boxes], quick)
    >>> network.names[-2:], network.meta["decision"]["kind"]
    (('score_refine', 'score'), 'windows')
    """
    photos = training_photos(images, boxes, names, white, run, crowd, resume)
    config = config or RigidConfig()
    if classes is None:
        return learn_and_validate(photos, config, on_step)[0]
    return learn_classes(photos, classes, config, suppress=suppress, on_step=on_step)[0]


@blas_in_one_thread()
def learn_adjustment(
    network: Network,
    images: Sequence[npt.ArrayLike],
    boxes: Sequence[npt.ArrayLike],
    config: RigidConfig | None = None,
    *,
    white: float | None = None,
) -> Network:
    """A detector that was learned before, with kernels that adjust the boxes of its objects.

    The other kernels, the threshold and the validation stay. Detectors of several classes are
    learned anew instead, with ``RigidConfig(adjust=True)``.

    Parameters
    ----------
    network : Network
        From `learn_detector`, also of an earlier version.
    images, boxes, config, white
        As in `learn_detector`, of the photos that it was learned from.

    Raises
    ------
    ParameterError
        If the network has no windows of one class, or its window sizes are not those that these
        boxes give.

    Examples
    --------
    >>> from spel.data import street
    >>> scene = street(1, size=(120, 160))
    >>> quick = RigidConfig(rounds=0, min_crops=2, crops=2, object_cells=40)
    >>> network = learn_detector([scene.image], [scene.boxes], quick)
    >>> learn_adjustment(network, [scene.image], [scene.boxes], quick).names[-3:]
    ('score_adjust', 'score_around', 'score')
    """
    decision = network.meta.get("decision", {})
    if decision.get("kind") != "windows":
        raise ParameterError("learn_adjustment: the network is no detector of one class")
    windows = Windows.from_dict(decision)
    name = windows.score_node or network.output
    photos = training_photos(images, boxes, (), white)
    stage = StageLearner(config or RigidConfig(), photos, name)
    if np.shape(stage.sizes) != np.shape(windows.sizes) or not np.allclose(
        stage.sizes, windows.sizes
    ):
        raise ParameterError(
            f"learn_adjustment: these boxes give windows of {stage.sizes!r:.80}, and the network "
            f"has {windows.sizes!r:.80}; give the photos and boxes that it was learned from"
        )
    adjusted, decision = stage.adjusting(network, windows)
    return adjusted.with_meta(decision=decision.to_dict())


@blas_in_one_thread()
def learn_and_validate(
    photos: TrainingPhotos, config: RigidConfig, on_step: Report = str
) -> tuple[Network, Validation | None]:
    """A detector of one class, and its leave-one-photo-out validation.

    There is no validation (None) if only one photo has objects.
    """
    learned = _learn_class(photos, config, on_step)
    network = Network((*learned.cells, *learned.nodes))
    if learned.validation is not None:
        network = network.with_meta(validation=learned.validation.to_dict())
    return network.with_meta(decision=learned.windows.to_dict()), learned.validation


@blas_in_one_thread()
def learn_classes(
    photos: TrainingPhotos,
    classes: Sequence[Sequence[str]],
    config: RigidConfig,
    *,
    suppress: Suppress = "within",
    on_step: Report = str,
) -> tuple[Network, dict[str, Validation | None]]:
    """A detector of several classes, and the leave-one-photo-out validation of each."""
    by_class = _by_class(photos, classes)
    anchors = _Anchors.of(config, by_class.values())
    learned: dict[str, _Learned] = {}
    for number, (name, own) in enumerate(by_class.items()):
        on_step(f"class {number + 1} of {len(by_class)}: {name}, {plural(own.count, 'box')}")
        learned[name] = _learn_class(own, config, on_step, f"_{number}", anchors)
    first, *_ = learned.values()
    nodes = [node for one in learned.values() for node in one.nodes]
    decision = ClassWindows(
        tuple((name, one.windows) for name, one in learned.items()), suppress=suppress
    )
    figures = {name: one.validation for name, one in learned.items()}
    meta = {
        "decision": decision.to_dict(),
        "validation": {name: one and one.to_dict() for name, one in figures.items()},
    }
    return Network((*first.cells, *nodes)).with_meta(**meta), figures


def training_photos(
    images: Sequence[npt.ArrayLike],
    boxes: Sequence[npt.ArrayLike],
    names: Sequence[str],
    white: float | None = None,
    run: Run | None = None,
    crowd: Sequence[npt.ArrayLike] | None = None,
    resume: Resume | None = None,
) -> TrainingPhotos:
    """Photos with their boxes and names, checked."""
    places = boxes if isinstance(boxes, Ragged) else Ragged.of(boxes, np.float64, 4)
    if len(images) != len(places):
        raise ShapeError(
            f"learn_detector: {len(images)} images and {len(places)} lists of boxes; expected one "
            "list for each image, empty if it has no object"
        )
    if crowd is None:
        marks = Ragged(np.zeros(len(places.values), bool), places.counts)
    else:
        marks = crowd if isinstance(crowd, Ragged) else Ragged.of(crowd, bool)
    if not np.array_equal(marks.counts, places.counts):
        raise ShapeError(
            f"learn_detector: {len(marks.values)} marks of crowds in {len(marks)} photos for "
            f"{len(places.values)} boxes in {len(places)}; expected one for each box"
        )
    titles = list(names) or [str(i) for i in range(len(images))]
    photos = TrainingPhotos(UnitImages(images, white), places, marks, titles, run, resume)
    if not photos.count:
        raise ParameterError("learn_detector: no object in any photo; give at least one box")
    return photos


def _by_class(
    photos: TrainingPhotos, classes: Sequence[Sequence[str]]
) -> dict[str, TrainingPhotos]:
    """The photos with the boxes of each class, classes in the order of their names."""
    counts = photos.boxes.counts
    if [len(one) for one in classes] != counts.tolist():
        raise ShapeError(
            f"learn_detector: classes of {sum(len(one) for one in classes)} boxes in "
            f"{len(classes)} photos for {counts.sum()} boxes in {len(counts)}; expected the class "
            "of each box"
        )
    of_boxes = np.array([name for one in classes for name in one], dtype=object)
    parts = {name: photos.only(of_boxes == name) for name in sorted(set(of_boxes))}
    return {name: part for name, part in parts.items() if part.count}


@dataclass(frozen=True)
class _Anchors:
    """The largest scale of any class in each stage, to which the scales of all are aligned."""

    proposals: float | None = None
    refinement: float | None = None

    @classmethod
    def of(cls, config: RigidConfig, classes: Any) -> _Anchors:
        stages = config.for_proposals(), config
        return cls(*(max(_largest_scale(stage, one.truth) for one in classes) for stage in stages))


def _largest_scale(config: RigidConfig, truth: Ragged) -> float:
    """The largest scale that a stage needs for the objects of one class."""
    return scale_range(config, group_by_aspect(config, truth))[0]


@dataclass(frozen=True, eq=False)
class _Learned:
    """The layers of the cells and of one class's kernels, and how they are applied."""

    cells: tuple[Node, ...]
    nodes: tuple[Node, ...]
    windows: Windows
    validation: Validation | None


def _learn_class(
    photos: TrainingPhotos,
    config: RigidConfig,
    on_step: Report,
    suffix: str = "",
    anchors: _Anchors = _Anchors(),
) -> _Learned:
    """Learn both stages of one class; `suffix` ends the names of their nodes."""
    stages = []
    if photos.count >= config.min_objects_for_proposals:
        on_step("kernels of the proposal stage")
        own = config.for_proposals()
        stages.append(StageLearner(own, photos, "proposal" + suffix, anchors.proposals))
    stages.append(StageLearner(config, photos, "score" + suffix, anchors.refinement))
    learned = [stage.learn(on_step) for stage in stages]
    cells = stages[-1].cells.nodes
    proposals = None
    if len(learned) > 1:
        proposals = replace(learned[0][1], stride=stages[0].stride)
    decision = replace(learned[-1][1], proposals=proposals, rotations=config.rotations)
    objects = photos.truth.counts
    decision = replace(
        decision, max_detections=max(decision.max_detections, 2 * int(objects.max()))
    )
    validation = None
    if np.count_nonzero(objects) > 1:
        low = replace(decision, threshold=MIN_PROBABILITY)

        def without(photo: int) -> Network:
            parts = [node for stage in stages for node in stage.nodes_without(photo)]
            return Network((*cells, *parts))

        validation = validate(without, low, photos)
        decision = replace(decision, threshold=validation.threshold)
        on_step(validation.text())
    nodes = tuple(node for own_nodes, _ in learned for node in own_nodes)
    return _Learned(cells, nodes, decision, validation)
