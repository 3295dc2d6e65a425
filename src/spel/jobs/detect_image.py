"""Detection in one image that is in memory, timed, with its pictures: what all tasks share."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.detections import Detections
from spel.core.intensity import count_non_finite
from spel.core.threads import threads
from spel.decide import detect
from spel.io.annotation.results import Result
from spel.jobs.detect_job import DetectJob
from spel.jobs.pictures import save_pictures
from spel.nn.intensity import assumed_white, expected_white, match_white


def detect_image(
    job: DetectJob,
    image: npt.NDArray[Any],
    source: str,
    stem: str,
    *,
    pictures: Sequence[str],
    white: float | None = None,
    **fields: Any,
) -> Result:
    """Detect in an image and write its pictures.

    Parameters
    ----------
    job : DetectJob
    image : array
    source : str
        Name of the image in the results.
    stem : str
        Name of its pictures, without suffix.
    pictures : sequence of str
        Kinds of pictures to write.
    white : float, optional
        Full intensity of the image; by default told by its type.
    fields
        Other fields of the result: ``orientation``, ``frame``, ``seconds``.
    """
    began = perf_counter()
    expected = expected_white(job.network)
    with threads(job.threads):
        matched = match_white(job.network, image, white)
        found = detect(job.network, matched, decision=job.decision, white=expected)
        ms = elapsed_ms(began)
        save_pictures(job.folder, stem, pictures, job.network, matched, found)
    assumed = assumed_white(job.network, image, white)
    bad = count_non_finite(image)
    return make_result(job, source, found, ms, white=assumed, non_finite=bad, **fields)


def make_result(job: DetectJob, source: str, found: Detections, ms: float, **fields: Any) -> Result:
    """The line of an image in the results."""
    return Result(
        image=source,
        size=found.image_size,
        boxes=found.boxes,
        scores=found.scores,
        areas=np.asarray(found.areas, np.float64),
        classes=found.classes,
        ms=ms,
        model=job.model,
        **fields,
    )


def elapsed_ms(began: float) -> float:
    """Milliseconds since a time of `perf_counter`."""
    return round((perf_counter() - began) * 1e3, 3)
