"""Feature vectors of many images: pooled activations of a network, in one table."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from spel.atomic import replacing
from spel.core.intensity import full_range
from spel.errors import ShapeError
from spel.jobs.network_job import NetworkJob
from spel.jobs.tables import write_table
from spel.learning.finite import check_finite
from spel.runs import ImageRecord, OutputFiles, RunFiles, SourceImage, Task
from spel.runs.resume import read_lines


@dataclass(frozen=True)
class FeaturesJob(NetworkJob):
    """A feature vector of every image, see `spel.sklearn.PooledFeatures`, and one table of all.

    Parameters
    ----------
    network : Network
    steps : tuple of str
        Nodes whose activations are pooled; the last one by default.
    statistics : tuple of {"mean", "max", "deviation", "quantiles"}
        Of every channel.
    parts : tuple of int
        (1,) pools over the whole image, (1, 2) also over its 2 x 2 parts.
    formats : tuple of {"npz", "csv"}
        The table: ``results.npz`` holds `images`, `features` (float32) and `names`. The first of
        them by default.
    """

    NAME: ClassVar[str] = "features"
    FORMATS: ClassVar[tuple[str, ...]] = ("npz", "csv")

    steps: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ("mean", "max")
    parts: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.steps:
            self.network.upto(name)  # refuses names of no node
        object.__setattr__(self, "steps", self.steps or (self.network.output,))
        object.__setattr__(self, "formats", self.formats or self.FORMATS[:1])

    def settings(self) -> dict[str, Any]:
        """The network, and what is pooled."""
        pooled = {name: list(getattr(self, name)) for name in ("steps", "statistics", "parts")}
        return {**super().settings(), **pooled}

    def process(self, image: SourceImage, files: OutputFiles) -> ImageRecord:
        """The feature vector of an image in memory."""
        if image.pixels.ndim == 4:
            raise ShapeError(
                f"features: image of shape {image.pixels.shape} is a volume, and features are of "
                "images; give one plane of it (--page)"
            )
        check_finite(image.pixels, image.name)
        pooled, batch = self._pooled(), full_range(image.pixels, image.white)[None]
        vector = pooled.fit_transform(batch)[0]
        return image.record(
            channels=int(image.pixels.shape[-1]),
            features=[float(value) for value in vector],
            model=self.model,
            **self.intensity(image.pixels, image.white),
        )

    def collect(
        self, files: RunFiles, tasks: Sequence[Task], changed: Collection[str]
    ) -> list[Path]:
        """Write the table of all images."""
        paths = [files.collected(form) for form in self.formats]
        for form, path in zip(self.formats, paths):
            if form == "csv":
                write_table(path, self._rows(files.results))
            else:
                self._write_npz(path, files.results)
        return paths

    def _pooled(self) -> Any:
        from spel.sklearn import PooledFeatures

        return PooledFeatures(self.network, self.steps, self.statistics, self.parts)

    def _names(self, channels: int) -> list[str]:
        """The name of each entry of a vector, for images with that many channels."""
        pooled = self._pooled()
        pooled.image_shape_, pooled.channels_ = (), channels
        return [str(name) for name in pooled.feature_names()]

    def _write_npz(self, path: Path, results: Path) -> None:
        count = sum(1 for _ in read_lines(results))
        images, names = [], []
        table = np.zeros((0, 0), np.float32)
        for row, (image, vector, channels) in enumerate(_vectors(results)):
            if row == 0:
                table, names = np.zeros((count, len(vector)), np.float32), self._names(channels)
            table[row] = vector
            images.append(image)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, images=np.array(images, str), names=np.array(names, str), features=table)

    def _rows(self, results: Path) -> Iterator[list[Any]]:
        for row, (image, vector, channels) in enumerate(_vectors(results)):
            if row == 0:
                yield ["image", *self._names(channels)]
            yield [image, *vector]


def _vectors(results: Path) -> Iterator[tuple[str, list[float], int]]:
    """Name, vector and channels of each image; all vectors have one length."""
    length = -1
    for line, image, _ in read_lines(results):
        values = json.loads(line)
        vector = values["features"]
        if length not in (-1, len(vector)):
            raise ShapeError(
                f"{image}: {len(vector)} features, but {length} of the images before it; leave out "
                "images of other channels"
            )
        length = len(vector)
        yield image, vector, values["channels"]
