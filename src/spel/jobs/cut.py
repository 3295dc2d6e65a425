"""Objects cut out of many images, each along strokes on the image itself."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.errors import FormatError, ParameterError, TaskError
from spel.flim import label_from_strokes
from spel.io.annotation.annotations import AnnotationWarning
from spel.io.annotation.marker_folder import find_markers, images_by_name
from spel.io.image.label_image import write_label_image
from spel.jobs.network_job import NetworkJob
from spel.nn import Color, Network, chain
from spel.runs import ImageRecord, OutputFiles, SourceImage, Task


@dataclass(frozen=True)
class CutJob(NetworkJob):
    """Write a label for every pixel of every image, from strokes on the image.

    Strokes of one object and of background give masks, 255 on the object and 0 elsewhere. If the
    strokes of the folder have several labels beside the background's, all images get their labels,
    also those with one of them. Images become ``NAME.png``, volumes
    ``NAME.tif``. See `spel.flim.label_from_strokes`.

    Parameters
    ----------
    network : Network, optional
        Gives the colours or features that are compared; by default LABNorm2.
    markers : str
        Folder of marker files, named after the images; every worker reads it.
    convention : str
        As for `spel.io.annotation.markers.read_markers`.

    Attributes
    ----------
    drawn : str
        Digest of the strokes: a run resumes only with the strokes that it was begun with.
    """

    NAME: ClassVar[str] = "cut"
    writes_files: ClassVar[bool] = True

    network: Network = field(default_factory=lambda: chain(color=Color("labnorm2")))
    markers: str = field(kw_only=True)
    convention: str = field(default="auto", kw_only=True)

    drawn: str = field(default="", init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        strokes = find_markers(self.markers, convention=self.convention)
        object.__setattr__(self, "drawn", digest_of(strokes))

    @property
    def strokes(self) -> Mapping[str, Markers]:
        """The strokes by image name."""
        return strokes_in(self.markers, self.convention, self.drawn)

    def settings(self) -> dict[str, Any]:
        """The network and the strokes."""
        return {**super().settings(), "markers": self.drawn}

    def tasks(self, sources: Sequence[str], folder: str = "") -> list[Task]:
        """A task for each image file.

        Raises
        ------
        FormatError
            If the strokes of one name fit two images.
        """
        images_by_name([Path(source) for source in sources], self.strokes, self.markers)
        return super().tasks(sources, folder)

    def process(self, image: SourceImage, files: OutputFiles) -> ImageRecord:
        """The labels of an image."""
        name = Path(image.name).stem
        drawn = self.strokes.get(name)
        if drawn is None:
            raise FormatError(f"cut: {self.markers} holds no strokes for {name!r}; draw some")
        drawn.check_fits(image.pixels.shape[:-1], f"image {name!r}")
        labels = label_from_strokes(self.network(self.matched(image)), drawn)
        path = files.path("png" if labels.ndim == 2 else "tif")
        write_label_image(path, cut_picture(labels, drawn, several=has_several(self.strokes)))
        return image.record(
            size=list(labels.shape),
            area=int(np.count_nonzero(labels != drawn.background)),
            files=[path.name],
            model=self.model,
            **self.intensity(image.pixels, image.white),
        )


@lru_cache(maxsize=2)
def strokes_in(folder: str, convention: str, digest: str) -> Mapping[str, Markers]:
    """The strokes of a folder by image name, which a process reads once; others are a TaskError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnnotationWarning)  # the job said it when it was made
        strokes = find_markers(folder, convention=convention)
    if digest_of(strokes) != digest:
        raise TaskError(f"{folder}: the strokes have changed since; start the run again")
    return strokes


def digest_of(strokes: Mapping[str, Markers]) -> str:
    """A short text that differs where the strokes of any image differ."""
    digest = hashlib.blake2b(digest_size=8)
    for name, one in strokes.items():
        digest.update(f"{name} {one.size} {one.background} ".encode())
        digest.update(one.points.tobytes() + one.labels.tobytes())
    return digest.hexdigest()


def has_several(strokes: Mapping[str, Markers]) -> bool:
    """Whether the strokes of all images have more than one label beside the background's."""
    objects = [set(one.classes) - {one.background} for one in strokes.values()]
    return len(set[int]().union(*objects)) > 1


def cut_picture(
    labels: npt.NDArray[np.int32], drawn: Markers, *, several: bool = False
) -> npt.NDArray[np.unsignedinteger[Any]]:
    """0 and 255 for one object and its background; the labels if there are `several`.

    >>> drawn = Markers([(0, 0), (0, 1)], [1, 2], (1, 2), background=1)
    >>> cut_picture(np.array([[1, 2]], np.int32), drawn).tolist()
    [[0, 255]]
    """
    if not several and len(drawn.classes) == 2 and drawn.background in drawn.classes:
        return np.where(labels == drawn.background, 0, 255).astype(np.uint8)
    if (largest := max(drawn.classes)) > 65535:
        raise ParameterError(f"cut: label {largest} does not fit into a file of 16 bits")
    return labels.astype(np.uint8 if largest <= 255 else np.uint16)
