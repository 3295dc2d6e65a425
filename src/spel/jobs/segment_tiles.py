"""Segmentation of an image that is read by windows: the files of the whole, as pyramids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np

from spel.decide.mask_picture import mask_picture, objects_in_picture, picture_type
from spel.decide.segmentation import Segmentation
from spel.io.annotation.instance_files import write_instances
from spel.io.large import LargeImage
from spel.io.large.forms import ENDINGS
from spel.io.large.pyramid import windows_of_band
from spel.io.large.stored_band import PictureOf, StoredBand
from spel.jobs.network_job import write_bands
from spel.jobs.segmented_files import PARTS
from spel.large.bands import label_bands, output_bands
from spel.large.delineated import delineated_labels
from spel.large.objects import large_objects
from spel.large.painting import PaintedObjects
from spel.large.tiling import Tiling
from spel.large.view import View
from spel.nn import Network
from spel.runs import OutputFiles


@dataclass(frozen=True)
class TiledSegmentation:
    """What is written of one image, whose tiling is in the units of the network, band by band."""

    network: Network
    how: Segmentation
    image: LargeImage
    units: Tiling
    files: OutputFiles
    form: str
    scale: float = 1.0

    @cached_property
    def view(self) -> View:
        """The output at the size of the image, and what it means."""
        return View.of(
            self.network, self.units, self.how, scale=self.scale, spacing=self.image.spacing,
            folder=self.files.folder,
        )  # fmt: skip

    @cached_property
    def objects(self) -> PaintedObjects:
        """The objects one by one."""
        return large_objects(self.view, self.drawn)

    @cached_property
    def drawn(self) -> StoredBand | None:
        """The label image of delineated classes, or of a delineated threshold."""
        return delineated_labels(self.view)

    def write_mask(self) -> tuple[Path, int]:
        """Write the mask or label image; its path, and the spels of objects."""
        area = 0

        def counted(bands: Iterable[StoredBand | PictureOf]) -> Iterator[StoredBand | PictureOf]:
            nonlocal area
            for band in bands:
                for part in windows_of_band(band):
                    area += int(np.count_nonzero(objects_in_picture(part, self.how)))
                yield band

        kind = picture_type(self.how)
        path = self._write("", counted(self._pictures()), (*self.view.size, 1), kind)
        return path, area

    def _pictures(self) -> Iterator[StoredBand | PictureOf]:
        picture = partial(mask_picture, segmentation=self.how)
        if self.how.objects is not None and not self.how.classes:
            yield PictureOf(self.objects.labels, picture)
        elif self.drawn is not None:
            yield PictureOf(self.drawn, picture)
        else:
            yield from label_bands(self.view, picture)

    def save(self, part: str, name: str) -> Path:
        """Write one of `PARTS`, and give its path."""
        if part == "saliency":
            network, tiling = self.view.network, self.view.bands
            output = output_bands(network, tiling, self.files.folder)
            shape = network.shape(tiling.shape)
            return self._write("saliency.", output, shape, np.dtype(np.float32))
        if part == "instances":
            kind = np.min_scalar_type(len(self.objects.scores))
            bands = [PictureOf(self.objects.labels, methodcaller("astype", kind))]
            return self._write("instances.", bands, (*self.view.size, 1), kind)
        path = self.files.path(PARTS[part])
        if self.files.written:
            write_instances(path, {Path(name).name: self.objects})
        return path

    def _write(
        self, kind: str, bands: Iterable[Any], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Path:
        path = self.files.path(kind + ENDINGS[self.form])
        voxel: dict[str, Any] = {"spacing": self.image.spacing, "unit": self.image.unit}
        write_bands(self.form, self.files, path, bands, shape, dtype, **voxel)
        return path
