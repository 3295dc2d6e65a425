"""Learning a detector from photos with boxes: the network, its card, and a picture of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import __version__, draw
from spel.core.detections import Detections
from spel.decide import detect
from spel.errors import ParameterError
from spel.io.annotation.annotations import Annotations, ImageBoxes
from spel.io.annotation.markers import Convention, marked_images
from spel.io.image.reader import read
from spel.metrics.detection import Answers, evaluate
from spel.nn import Convolution, Network
from spel.rigid import RigidConfig, learn_detector

Tell = Callable[[str], None]

LOW = 0.01
"""Probability from which answers count in the figures."""


class Photos(Sequence[Any]):
    """Image files as a sequence of arrays, each read when asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Photos(self.paths[index])
        return read(self.paths[index])


@dataclass(frozen=True, eq=False)
class LearnBoxesJob:
    """What is to be learned.

    Parameters
    ----------
    config : RigidConfig
    folds : int
        Parts into which the photos are split to measure the detector on photos that it was not
        learned from; 0 or 1 for no measurement. The network itself is learned from all photos.
    command : str
        For the card.
    """

    config: RigidConfig = field(default_factory=RigidConfig)
    folds: int = 0
    command: str = ""

    def __call__(
        self, truth: Annotations, folder: str | os.PathLike[str], *, tell: Tell | None = None
    ) -> tuple[Network, list[Answers]]:
        """The network with its card in ``meta``, and the answers for photos kept aside.

        Raises
        ------
        ParameterError
            If there is no box, or a photo is missing.
        """
        names, paths, boxes = known(truth, Path(folder))
        answers = self._measured(names, paths, boxes, tell) if self.folds > 1 else []
        network = learn_detector(
            Photos(paths), boxes, self.config, names=names, on_step=tell or str
        )
        card: dict[str, Any] = {
            "photos": len(names),
            "boxes": sum(len(b) for b in boxes),
            "config": self.config.to_dict(),
            "spel": __version__,
            "command": self.command,
        }
        if answers:
            figures = evaluate(answers).to_dict()
            figures.pop("rows")
            card["figures"] = {f"{self.folds} folds": figures}
        return network.with_meta(card=card), answers

    def _measured(
        self, names: list[str], paths: list[Path], boxes: list[Any], tell: Tell | None
    ) -> list[Answers]:
        fold = np.random.default_rng(self.config.seed).permutation(len(names)) % self.folds
        answers = []
        for k in range(self.folds):
            kept = np.flatnonzero(fold != k)
            if not sum(len(boxes[i]) for i in kept):
                raise ParameterError(
                    f"learn: {len(names)} photos cannot be split {self.folds} ways"
                )
            if tell is not None:
                tell(f"fold {k + 1} of {self.folds}")
            network = learn_detector(
                Photos([paths[i] for i in kept]), [boxes[i] for i in kept], self.config
            )
            for i in np.flatnonzero(fold == k):
                found = detect(network, read(paths[i]), threshold=LOW)
                answers.append(Answers(names[i], found.boxes, found.scores, boxes[i]))
        return answers


def strokes_as_boxes(
    images: str | os.PathLike[str],
    markers: str | os.PathLike[str],
    convention: Convention = "auto",
) -> Annotations:
    """Annotations from strokes: the box of each object stroke is an object's.

    A stroke from corner to corner of the object, or round it, is enough. Background strokes say
    nothing here: all that no box covers is background.
    """
    drawn, paths = marked_images(images, markers, convention)
    found = [
        ImageBoxes(paths[name].name, (m.size[0], m.size[1]), m.boxes()) for name, m in drawn.items()
    ]
    return Annotations(tuple(found), ("object",))


def known(truth: Annotations, folder: Path) -> tuple[list[str], list[Path], list[Any]]:
    """Names, files and boxes of the annotated photos; crowds are left out."""
    images: list[ImageBoxes] = list(truth)
    paths = [folder / image.image for image in images]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise ParameterError(
            f"{len(missing)} of {len(paths)} annotated photos are not in {folder}, for example "
            f"{missing[0]}; name the folder that the file names are relative to"
        )
    boxes = [image.boxes[~np.asarray(image.crowd, dtype=bool)] for image in images]
    return [image.image for image in images], paths, boxes


def boxes_sheet(
    network: Network, answers: Sequence[Answers], folder: str | os.PathLike[str], worst: int = 6
) -> npt.NDArray[np.uint8]:
    """A picture: what each kernel looks for, and the hardest photos kept aside."""
    layer = network[network.output]
    assert isinstance(layer, Convolution)
    dense = layer.bank.dense()
    tiles = []
    for number, kernel in enumerate(dense):
        source = layer.bank.provenance[number] if layer.bank.provenance else None
        caption = "positive (orange) and negative (blue) weights, summed over orientations"
        if source is not None:
            caption += f"; most similar training object: {source.image}"
        shaded = draw.shade(kernel.sum(axis=-1), "signed")
        tiles.append(draw.Tile(shaded, f"kernel {number}", caption))
    for answer in sorted(answers, key=lambda a: a.best_iou)[:worst]:
        image = read(Path(folder) / answer.name)
        size = (image.shape[0], image.shape[1])
        best = Detections(
            answer.boxes[:3], answer.scores[:3], np.zeros(len(answer.boxes[:3])), size
        )
        tiles.append(
            draw.Tile(
                draw.overlay(image, best, truth=answer.truth),
                f"IoU {answer.best_iou:.2f}",
                answer.name,
            )
        )
    card = network.meta.get("card", {})
    title = f"A detector learned from {card.get('boxes', '?')} boxes"
    return draw.sheet(tiles, title=title, subtitle=str(card.get("command", "")))
