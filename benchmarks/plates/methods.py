"""The methods that are compared: each may learn from photos, and detects plates in an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import spel
from benchmarks.plates.photos import Photo
from spel import zoo
from spel.rigid import learn_detector

BoxesAndScores = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

PICTURE = 352
"""Columns of the picture in the lecture."""


class Method(Protocol):
    """One row of the table."""

    name: str
    learns: int
    """Number of training photos; 0 if it learns nothing here."""
    by_region: bool
    """Whether it learns separately for each region."""
    folds: int
    """Folds of the cross-validation; 0 for none."""
    corrected: bool
    """Whether its boxes are moved and stretched, once per region, to fit the photos best."""

    def learn(self, photos: Sequence[Photo]) -> None: ...

    def __call__(self, image: npt.NDArray[Any]) -> BoxesAndScores: ...


class Lecture:
    """The lecture's chain; if `reduced`, each photo is first reduced to about 352 columns."""

    learns, by_region, folds, corrected = 0, False, 0, False

    def __init__(self, *, reduced: bool) -> None:
        self.reduced = reduced
        self.name = "lecture's chain" + (
            ", pictures reduced to about 352 columns" if reduced else ""
        )
        self.networks: dict[int, spel.Network] = {}

    def learn(self, photos: Sequence[Photo]) -> None: ...

    def __call__(self, image: npt.NDArray[Any]) -> BoxesAndScores:
        factor = max(1, round(image.shape[1] / PICTURE)) if self.reduced else 1
        if factor not in self.networks:
            self.networks[factor] = zoo.plate_lecture(factor)
        detections = spel.detect(self.networks[factor], image)
        return detections.boxes, detections.scores


class Assignment:
    """The course's assignment, with weights and threshold learned from five photos."""

    learns, folds, corrected = 5, 0, False

    def __init__(self, *, by_region: bool) -> None:
        self.by_region = by_region
        where = "of the region" if by_region else "of all regions"
        self.name = f"course's assignment, learned from 5 photos {where}"

    def learn(self, photos: Sequence[Photo]) -> None:
        self.network = zoo.plate_assignment(
            [photo.image for photo in photos], [photo.boxes for photo in photos]
        )

    def __call__(self, image: npt.NDArray[Any]) -> BoxesAndScores:
        detections = spel.detect(self.network, image)
        return detections.boxes, detections.scores


class Learned:
    """The learner of the zoo's `plates`, cross-validated."""

    learns, by_region, folds, corrected = 0, False, 5, False
    name = "spel, learned from boxes, 5 folds"

    def learn(self, photos: Sequence[Photo]) -> None:
        self.network = learn_detector([p.image for p in photos], [p.boxes for p in photos])

    def __call__(self, image: npt.NDArray[Any]) -> BoxesAndScores:
        detections = spel.detect(self.network, image, threshold=0.002, max_detections=20)
        return detections.boxes, detections.scores


class ContourRecipe:
    """What OpenCV tutorials do: black-hat, vertical edges, closing, Otsu, contours, aspect.

    All photos are resized to 640 columns and share one setting. Contours of a plausible aspect are
    detections; the score is the mean of the edge map inside times the root of the area.
    """

    learns, by_region, folds, corrected = 0, False, 0, True
    name = "OpenCV contour recipe, boxes corrected"

    def learn(self, photos: Sequence[Photo]) -> None: ...

    def __call__(self, image: npt.NDArray[Any]) -> BoxesAndScores:
        import cv2

        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] >= 3 else image[..., 0]
        factor = 640 / grey.shape[1]
        small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        wide = cv2.getStructuringElement(cv2.MORPH_RECT, (17, 5))
        dark = cv2.morphologyEx(small, cv2.MORPH_BLACKHAT, wide)
        edges = np.abs(cv2.Sobel(dark, cv2.CV_32F, 1, 0, ksize=3))
        edges = cv2.GaussianBlur(edges, (5, 5), 0)
        edges = cv2.morphologyEx(edges, cv2.MORPH_CLOSE, wide)
        level = (255 * edges / max(float(edges.max()), 1e-9)).astype(np.uint8)
        _, mask = cv2.threshold(level, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        square = cv2.getStructuringElement(cv2.MORPH_RECT, (5, 5))
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, square)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        boxes, scores = [], []
        for contour in contours:
            x, y, w, h = cv2.boundingRect(contour)
            if 1.5 <= w / h <= 7 and w >= 20:
                boxes.append([x, y, x + w, y + h])
                scores.append(float(level[y : y + h, x : x + w].mean()) * (w * h) ** 0.5)
        return np.array(boxes, dtype=float).reshape(-1, 4) / factor, np.array(scores)


class Cascade:
    """A cascade that ships with OpenCV, already trained."""

    learns, by_region, folds, corrected = 0, False, 0, True

    def __init__(self, file: str) -> None:
        import cv2

        self.name = f"OpenCV cascade {file.removesuffix('.xml')}, boxes corrected"
        self.cascade = cv2.CascadeClassifier(cv2.data.haarcascades + file)

    def learn(self, photos: Sequence[Photo]) -> None: ...

    def __call__(self, image: npt.NDArray[Any]) -> BoxesAndScores:
        import cv2

        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] >= 3 else image[..., 0]
        rectangles, _, weights = self.cascade.detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=2, outputRejectLevels=True
        )
        boxes = np.array(rectangles, dtype=float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return boxes, np.array(weights, dtype=float).reshape(-1)


def peers() -> tuple[list[Method], list[str]]:
    """The methods of OpenCV that are available here, and messages about those that are missing."""
    try:
        import cv2
    except ImportError:
        return [], ["OpenCV is not installed: no contour recipe, no cascades"]
    cv2.setNumThreads(1)
    methods: list[Method] = [ContourRecipe()]
    if not hasattr(cv2, "CascadeClassifier"):
        return methods, [
            f"OpenCV {cv2.__version__} has no CascadeClassifier: no cascades "
            '(pip install "opencv-python-headless<5")'
        ]
    files = ("haarcascade_russian_plate_number.xml", "haarcascade_license_plate_rus_16stages.xml")
    return [*methods, *(Cascade(file) for file in files)], []
