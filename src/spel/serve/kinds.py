"""What a model answers: kinds of answers, their media types, and the function behind each."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.detections import Detections
from spel.core.intensity import full_range
from spel.decide import detect
from spel.decide.decision import DECISION
from spel.decide.mask_picture import mask_picture
from spel.decide.segmentation import KEY as SEGMENTATION
from spel.decide.segmented import segment_image
from spel.errors import ParameterError, ShapeError
from spel.io.annotation.labels import write_as
from spel.io.annotation.results import Result
from spel.io.image.writer import write
from spel.jobs.classify import classify_image
from spel.nn import Network
from spel.nn.intensity import match_white

JSON = "application/json"
PNG = "image/png"
TIFF = "image/tiff"
NPY = "application/x-npy"
SUFFIXES = {PNG: ".png", TIFF: ".tif", NPY: ".npy"}

Image = npt.NDArray[Any]


@dataclass(frozen=True)
class Received:
    """An image that was sent, with its full intensity and its name.

    Attributes
    ----------
    notes : list of str
        What the client must know beside the answer; work adds to it.
    factor : float
        The number that the query states, see `Kind`.
    """

    image: Image
    white: float | None
    name: str
    notes: list[str] = field(default_factory=list)
    factor: float = 1.0


Work = Callable[[Any, Received, str], bytes]
"""From a model, an image and a media type to the body of the answer."""


@dataclass(frozen=True)
class Kind:
    """One kind of answer.

    Attributes
    ----------
    factor : str
        What the query may state as a number: how the objects of this image differ in length from
        those that were learned. Empty if nothing.
    """

    name: str
    media_types: tuple[str, ...]
    work: Work
    factor: str = ""


def _detect(network: Network, received: Received, media_type: str) -> bytes:
    options: dict[str, Any] = {"enlarge": received.factor} if received.factor != 1 else {}
    detections = detect(network, received.image, white=received.white, **options)
    if detections.left_out:
        received.notes.append(f"{detections.left_out} more boxes are above the threshold")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        write_as("coco", path, [_result(received.name, detections)])
        return path.read_bytes()


def _result(name: str, detections: Detections) -> Result:
    areas = np.asarray(detections.areas, np.float64)
    return Result(
        name, detections.image_size, detections.boxes, detections.scores, areas, detections.classes
    )


def _segment(network: Network, received: Received, media_type: str) -> bytes:
    segmented = segment_image(network, received.image, white=received.white, scale=received.factor)
    mask = mask_picture(segmented.labels, segmented.segmentation)
    if mask.ndim > 2 and media_type == PNG:
        raise ShapeError(f"the mask of a volume is no PNG; send the header Accept: {TIFF}")
    return _written(mask[..., None], media_type)


def _features(network: Network, received: Received, media_type: str) -> bytes:
    output = np.asarray(network(match_white(network, received.image, received.white)))
    if media_type == JSON:
        if output.ndim > 1:
            raise ShapeError(
                f"the features are an array of shape {output.shape}, no vector; send the header "
                f"Accept: {NPY} or {TIFF}"
            )
        return json.dumps({"image": received.name, "features": output.tolist()}).encode()
    if media_type == TIFF and output.ndim < 3:
        raise ShapeError(f"a vector is no TIFF image; send the header Accept: {NPY} or {JSON}")
    return _written(output, media_type)


def _classify(model: Any, received: Received, media_type: str) -> bytes:
    image = full_range(received.image, received.white)
    predicted, scores = classify_image(model, image, received.name)
    return json.dumps({"image": received.name, "class": predicted, "scores": scores}).encode()


def _written(array: Image, media_type: str) -> bytes:
    """The bytes of an image file, or of a NumPy file of an array of any rank."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"answer{SUFFIXES[media_type]}"
        if media_type == NPY:
            np.save(path, array, allow_pickle=False)
        else:
            write(path, array)
        return path.read_bytes()


DETECT = Kind("detect", (JSON,), _detect, "enlarge")
SEGMENT = Kind("segment", (PNG, TIFF), _segment, "scale")
FEATURES = Kind("features", (NPY, JSON, TIFF), _features)
CLASSIFY = Kind("classify", (JSON,), _classify)
KINDS = {kind.name: kind for kind in (DETECT, SEGMENT, FEATURES, CLASSIFY)}


def kinds_of(model: Any) -> tuple[Kind, ...]:
    """The kinds of answers that a model gives, its own first.

    Boxes if it carries a decision, masks if it carries a segmentation, and the output of any
    network as features; of a classifier, the class.

    Examples
    --------
    >>> from spel import zoo
    >>> [kind.name for kind in kinds_of(zoo.get("plates"))]
    ['detect', 'features']
    """
    if not isinstance(model, Network):
        if not hasattr(model, "predict"):
            raise ParameterError(
                f"serve: {type(model).__name__}; expected a network or a classifier"
            )
        return (CLASSIFY,)
    boxes = (DETECT,) if DECISION in model.meta else ()
    masks = (SEGMENT,) if SEGMENTATION in model.meta else ()
    return (*boxes, *masks, FEATURES)
