"""The ways to find plates that are compared: each learns from photos, then answers for an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import spel
from benchmarks.plates.photos import Photo
from spel import zoo
from spel.rigid import learn_detector

Found = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

PICTURE = 352
"""Columns of the lecture's picture."""


class Method(Protocol):
    """One row of the table."""

    name: str
    learns: int
    """Training photos that it asks for; 0 if it learns nothing here."""
    by_region: bool
    """Whether it learns for each region anew."""
    folds: int
    """Parts of the photos, each answered by what was learned from the others; 0 for none."""
    corrected: bool
    """Whether its boxes are moved and stretched once per region to fit these photos best."""

    def learn(self, photos: Sequence[Photo]) -> None: ...

    def __call__(self, image: npt.NDArray[Any]) -> Found: ...


class Lecture:
    """The lecture's chain; optionally every picture is first reduced to about its 352 columns."""

    learns, by_region, folds, corrected = 0, False, 0, False

    def __init__(self, *, reduced: bool) -> None:
        self.reduced = reduced
        self.name = "lecture's chain" + (
            ", pictures reduced to about 352 columns" if reduced else ""
        )
        self.networks: dict[int, spel.Network] = {}

    def learn(self, photos: Sequence[Photo]) -> None: ...

    def __call__(self, image: npt.NDArray[Any]) -> Found:
        times = max(1, round(image.shape[1] / PICTURE)) if self.reduced else 1
        if times not in self.networks:
            self.networks[times] = zoo.plate_lecture(times)
        found = spel.detect(self.networks[times], image)
        return found.boxes, found.scores


class Assignment:
    """The course's assignment, its weights and threshold found from five photos."""

    learns, folds, corrected = 5, 0, False

    def __init__(self, *, by_region: bool) -> None:
        self.by_region = by_region
        where = "of the region" if by_region else "of all regions"
        self.name = f"course's assignment, learned from 5 photos {where}"

    def learn(self, photos: Sequence[Photo]) -> None:
        self.network = zoo.plate_assignment(
            [photo.image for photo in photos], [photo.boxes for photo in photos]
        )

    def __call__(self, image: npt.NDArray[Any]) -> Found:
        found = spel.detect(self.network, image)
        return found.boxes, found.scores


class Learned:
    """The learner behind the zoo's `plates`, cross-validated: no photo is answered by its own."""

    learns, by_region, folds, corrected = 0, False, 5, False
    name = "spel, learned from boxes, 5 folds"

    def learn(self, photos: Sequence[Photo]) -> None:
        self.network = learn_detector([p.image for p in photos], [p.boxes for p in photos])

    def __call__(self, image: npt.NDArray[Any]) -> Found:
        found = spel.detect(self.network, image, threshold=0.002, max_detections=20)
        return found.boxes, found.scores


class ContourRecipe:
    """What OpenCV tutorials do: black-hat, vertical edges, closing, Otsu, contours, aspect.

    One setting for all photos, which are first brought to 640 columns; among the contours of a
    plausible aspect, the score is the mean of the edge map inside times the root of the area.
    """

    learns, by_region, folds, corrected = 0, False, 0, True
    name = "OpenCV contour recipe, boxes corrected"

    def learn(self, photos: Sequence[Photo]) -> None: ...

    def __call__(self, image: npt.NDArray[Any]) -> Found:
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
    """A trained cascade that comes with OpenCV."""

    learns, by_region, folds, corrected = 0, False, 0, True

    def __init__(self, file: str) -> None:
        import cv2

        self.name = f"OpenCV cascade {file.removesuffix('.xml')}, boxes corrected"
        self.cascade = cv2.CascadeClassifier(cv2.data.haarcascades + file)

    def learn(self, photos: Sequence[Photo]) -> None: ...

    def __call__(self, image: npt.NDArray[Any]) -> Found:
        import cv2

        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] >= 3 else image[..., 0]
        rectangles, _, weights = self.cascade.detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=2, outputRejectLevels=True
        )
        boxes = np.array(rectangles, dtype=float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return boxes, np.array(weights, dtype=float).reshape(-1)


def peers() -> tuple[list[Method], list[str]]:
    """The methods of OpenCV that this environment has, and what is missing."""
    try:
        import cv2
    except ImportError:
        return [], ["OpenCV is not installed: no contour recipe, no cascades"]
    cv2.setNumThreads(1)
    found: list[Method] = [ContourRecipe()]
    if not hasattr(cv2, "CascadeClassifier"):
        return found, [
            f"OpenCV {cv2.__version__} has no CascadeClassifier: no cascades "
            '(pip install "opencv-python-headless<5")'
        ]
    files = ("haarcascade_russian_plate_number.xml", "haarcascade_license_plate_rus_16stages.xml")
    return [*found, *(Cascade(file) for file in files)], []
