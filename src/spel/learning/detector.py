"""Learning a detector from photos with boxes: the network with its card, and its figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from spel import __version__
from spel.core.intensity import to_white
from spel.decide import detect
from spel.errors import ParameterError
from spel.io.annotation.annotations import Annotations
from spel.io.annotation.labels import Report
from spel.io.image.reader import ReadWithWhite, read_with_white
from spel.learning.saved_rounds import SavedRounds, key_of_boxes
from spel.learning.training_boxes import boxes_to_learn, warn_of_boxes
from spel.metrics.detection import Answers, evaluate
from spel.nn import Network
from spel.rigid import RigidConfig, learn_detector
from spel.rigid.classes import Suppress
from spel.rigid.learn import learn_and_validate, learn_classes, training_photos
from spel.rigid.mining import Resume, Run
from spel.rigid.ragged import Ragged
from spel.rigid.validate import Validation

OnStep = Callable[[str], object]

WHITE = 255.0
"""Full intensity that detectors of rigid objects expect."""

MIN_PROBABILITY = 0.01
"""Detections with a lower probability do not count in the figures."""


class ImageFiles(Sequence[Any]):
    """Image files of a folder as a sequence of arrays; each is read when it is accessed."""

    def __init__(
        self, folder: Path, names: Sequence[str], read: ReadWithWhite = read_with_white
    ) -> None:
        self.folder, self.names, self.read = folder, names, read

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> ImageFiles: ...
    def __getitem__(self, index: int | slice) -> npt.NDArray[Any] | ImageFiles:
        if isinstance(index, slice):
            return ImageFiles(self.folder, self.names[index], self.read)
        image, white = self.read(self.folder / self.names[index])
        return image if white is None else to_white(image, white, WHITE)


@dataclass(frozen=True)
class Photos:
    """Annotated photos: their names, files and boxes, and the class of each box.

    They take little memory beside their names, which is why what learns takes them, and not
    `spel.io.Annotations`, with all that a file says of an image.

    Attributes
    ----------
    folder : path
    names : tuple of str
        Of the files in it.
    boxes : Ragged of (n, 4) arrays
        ``x0 y0 x1 y1`` in each photo.
    classes : tuple of tuple of str
        The class of each box.
    crowd : Ragged of (n,) arrays of bool
        Which boxes are of crowds.
    read : callable
        Reads one path as an image.
    """

    folder: Path
    names: tuple[str, ...]
    boxes: Ragged
    classes: tuple[tuple[str, ...], ...]
    crowd: Ragged
    read: ReadWithWhite = read_with_white

    @property
    def images(self) -> ImageFiles:
        """The photos, each read when it is accessed."""
        return ImageFiles(self.folder, self.names, self.read)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def count(self) -> int:
        """Number of boxes of objects."""
        return int((~self.crowd.values).sum())

    @property
    def several_classes(self) -> bool:
        """Whether boxes of more than one class are to be learned."""
        own = (np.array(names)[~crowd] for names, crowd in zip(self.classes, self.crowd))
        return len({name for names in own for name in names}) > 1

    def select(self, indices: Sequence[int]) -> Photos:
        """The photos with these indices."""
        return replace(
            self,
            names=tuple(self.names[i] for i in indices),
            boxes=self.boxes[indices],
            classes=tuple(self.classes[i] for i in indices),
            crowd=self.crowd[indices],
        )


def learn_from_boxes(
    truth: Annotations,
    folder: str | os.PathLike[str],
    config: RigidConfig | None = None,
    *,
    read: ReadWithWhite = read_with_white,
    **options: Any,
) -> tuple[Network, list[Answers]]:
    """As `learn_from_photos`, from annotations that stay in memory.

    Parameters
    ----------
    truth, folder, read
        As for `find_photos`.
    config, **options
        As for `learn_from_photos`.
    """
    return learn_from_photos(find_photos(truth, folder, read), config, **options)


def learn_from_photos(
    photos: Photos,
    config: RigidConfig | None = None,
    *,
    folds: int = 0,
    suppress: Suppress = "within",
    command: str = "",
    on_step: OnStep = str,
    run: Run | None = None,
    rounds: Path | None = None,
) -> tuple[Network, list[Answers]]:
    """Learn a detector from annotated photos, and evaluate it by cross-validation.

    Parameters
    ----------
    photos : Photos
        From `find_photos`. If the boxes are of several classes, each class gets kernels of its own.
    config : RigidConfig, optional
    folds : int
        Number of parts for cross-validation; 0 or 1 for none. The returned network is learned from
        all photos.
    suppress : {"within", "across"}
        Whether boxes of the same class only, or of all classes, suppress one another.
    command : str
        The command line, which the card of the network states.
    on_step : callable, optional
        Called with a message after each step.
    run : callable, optional
        Runs tasks about the photos, perhaps in workers, and gives their results in order; the
        network is the same, bit for bit.
    rounds : path, optional
        File of what is mined (`SavedRounds`), from which learning goes on after it was stopped or
        killed; it is removed at the end.

    Returns
    -------
    Network
        With its card in ``meta``.
    list of Answers
        Detections in the photos by detectors that were learned from other photos.

    Raises
    ------
    ParameterError
        If there is no box.
    """
    config = config or RigidConfig()
    if folds > len(photos):
        raise ParameterError(
            f"learn_from_boxes: {folds} folds for {len(photos)} photos; expected at most as many "
            "folds as photos"
        )
    with ExitStack() as stack:
        saved = None
        if rounds is not None:
            saved = stack.enter_context(SavedRounds(rounds, _key(photos, config, folds)))
        answers = []
        if folds > 1:
            answers = cross_validate(photos, config, folds, on_step, suppress, run, saved)
        network, validations = _learn(photos, config, suppress, on_step, run, saved)
        if saved is not None:
            saved.remove()
    card: dict[str, Any] = {
        "photos": len(photos),
        "boxes": photos.count,
        "config": config.to_dict(),
        "spel": __version__,
        "command": command,
    }
    card |= _figures_of_classes(validations, on_step)
    if answers:
        figures = evaluate(answers).to_dict()
        figures.pop("rows")
        card["figures"] = {f"{folds} folds": figures}
    return network.with_meta(card=card), answers


def _key(photos: Photos, config: RigidConfig, folds: int) -> str:
    """What the hard negatives of photos depend on, as a hash."""
    settings = {**config.to_dict(), "folds": folds, "spel": __version__}
    classes = photos.classes if photos.several_classes else ((),) * len(photos)
    paths = [photos.folder / name for name in photos.names]
    return key_of_boxes(settings, paths, photos.boxes, classes, photos.crowd)


def _learn(
    photos: Photos, config: RigidConfig, suppress: Suppress, on_step: OnStep, run: Run | None,
    resume: Resume | None,
) -> tuple[Network, dict[str, Validation | None]]:  # fmt: skip
    """The detector, and the leave-one-photo-out figures of each class ("" for a single one)."""
    training = training_photos(
        photos.images, photos.boxes, photos.names, run=run, crowd=photos.crowd, resume=resume
    )
    if photos.several_classes:
        return learn_classes(training, photos.classes, config, suppress=suppress, on_step=on_step)
    network, validation = learn_and_validate(training, config, on_step)
    return network, {"": validation}


def _figures_of_classes(
    validations: Mapping[str, Validation | None], on_step: OnStep
) -> dict[str, Any]:
    """The leave-one-photo-out figures for the card; classes without figures are reported."""
    for name, validation in validations.items():
        if validation is None:
            of_class = f" of class {name}" if name else ""
            on_step(
                f"only one photo has boxes{of_class}: there are no figures, and the threshold is "
                "0.5"
            )
    texts = {name: one.text() for name, one in validations.items() if one is not None}
    if "" in validations:
        return {"threshold": texts[""]} if texts else {}
    return {"threshold": texts}


def cross_validate(
    photos: Photos,
    config: RigidConfig,
    folds: int,
    on_step: OnStep,
    suppress: Suppress = "within",
    run: Run | None = None,
    resume: Resume | None = None,
) -> list[Answers]:
    """Detections in every photo by a detector that was learned from the other folds."""
    fold = np.random.default_rng(config.seed).permutation(len(photos)) % folds
    answers = []
    for k in range(folds):
        training = photos.select(np.flatnonzero(fold != k).tolist())
        if not training.count:
            raise ParameterError(
                f"learn_from_boxes: {len(photos)} photos cannot be split into {folds} folds, "
                "because one of them holds all boxes; use fewer folds"
            )
        on_step(f"fold {k + 1} of {folds}")
        network = learn_detector(
            training.images,
            training.boxes,
            config,
            crowd=training.crowd,
            classes=training.classes if photos.several_classes else None,
            suppress=suppress,
            run=run,
            resume=resume,
        )
        for i in np.flatnonzero(fold == k):
            photo = photos.images[int(i)]
            detections = detect(network, photo, threshold=MIN_PROBABILITY, white=WHITE)
            several = photos.several_classes
            classes = (detections.classes, photos.classes[i]) if several else ((), ())
            one = Answers(
                photos.names[i], detections.boxes, detections.scores, photos.boxes[i], *classes,
                photos.crowd[i],
            )  # fmt: skip
            answers.append(one)
    return answers


def find_photos(
    truth: Annotations,
    folder: str | os.PathLike[str],
    read: ReadWithWhite = read_with_white,
    *,
    report: Report = warn_of_boxes,
) -> Photos:
    """The annotated photos in a folder.

    Parameters
    ----------
    truth : Annotations
    folder : path
        Folder that the file names in `truth` are relative to.
    read : callable
        Reads a photo and its full intensity; learning calls it more than once for each photo.
    report : callable, optional
        Takes what is to be said of boxes that stand twice or reach beyond their photo; by default
        it warns.

    Raises
    ------
    ParameterError
        If a photo is missing.
    """
    place, truth = Path(folder), boxes_to_learn(truth, report)
    missing = [str(path) for one in truth if not (path := place / one.image).is_file()]
    if missing:
        raise ParameterError(
            f"{len(missing)} of {len(truth)} annotated photos are not in {folder}, for example "
            f"{missing[0]}; name the folder to which the file names are relative"
        )
    named: dict[tuple[str, ...], tuple[str, ...]] = {}  # photos share the names of their classes
    return Photos(
        place,
        tuple(one.image for one in truth),
        Ragged.of((one.boxes for one in truth), np.float64, 4),
        tuple(named.setdefault(one.classes, one.classes) for one in truth),
        Ragged.of((one.crowd for one in truth), bool),
        read,
    )
