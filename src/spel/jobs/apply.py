"""A network over many images: one, several or all of its steps as files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.io.large import LargeImage
from spel.io.large.forms import ENDINGS, OME_TIFF, WRITERS, require_form
from spel.jobs.bytes import Rounding
from spel.jobs.network_job import NetworkJob, write_bands
from spel.jobs.steps import MAX_BYTES, save_steps, step_ending, voxel_of
from spel.large.bands import output_bands
from spel.large.tiling import Mapping
from spel.nn.volumes import refuse_volume
from spel.runs import ImageRecord, OutputFiles, SourceImage


@dataclass(frozen=True)
class ApplyJob(NetworkJob):
    """Write steps of a network for every image.

    Parameters
    ----------
    network : Network
    save : tuple of str
        Nodes of the network, or ("all",); the last one by default.
    formats : tuple of {"png", "npy", "tiff", "ome-tiff", "ome-zarr"}
        Pictures with their scale, or the float32 values; pictures by default. Images that are read
        tile by tile give pyramids, ome-tiff or ome-zarr.
    uint8 : float, optional
        Write the values times this factor as whole numbers 0..255 instead of float32, see
        `spel.jobs.bytes.Rounding`; files are TIFF by default.
    max_bytes : int
        Largest memory of an image and of its steps.
    """

    NAME: ClassVar[str] = "apply"
    FORMATS: ClassVar[tuple[str, ...]] = ("png", "npy", "tiff", *WRITERS)
    TILES: ClassVar[bool] = True
    writes_files: ClassVar[bool] = True

    max_bytes: int = MAX_BYTES
    uint8: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        names = self.network.names
        chosen = names if "all" in self.save and "all" not in names else self.save
        object.__setattr__(self, "save", tuple(dict.fromkeys(chosen)) or (self.network.output,))
        default = ("png" if self.uint8 is None else "tiff") if self.tile is None else OME_TIFF
        object.__setattr__(self, "formats", self.formats or (default,))
        if self.tile is not None and set(self.formats) - set(WRITERS):
            raise ParameterError(
                f"apply: format {', '.join(self.formats)} cannot be written tile by tile; give "
                f"{' or '.join(WRITERS)}, or leave out tile"
            )
        if self.uint8 is not None:
            self._check_uint8(self.uint8)
        for form in self.formats:
            require_form(form)

    def _check_uint8(self, factor: float) -> None:
        if not (math.isfinite(factor) and factor > 0):
            raise ParameterError(f"apply: uint8 {factor!r}; expected a positive factor, such as 1")
        if "png" in self.formats:
            raise ParameterError(
                "apply: png draws a picture with its scale, not the values that uint8 rounds; give "
                "format tiff, npy, ome-tiff or ome-zarr"
            )

    @property
    def saves(self) -> tuple[str, ...]:
        return (*self.network.names, "all")

    @property
    def _dtype(self) -> npt.DTypeLike:
        return np.float32 if self.uint8 is None else np.uint8

    def settings(self) -> dict[str, Any]:
        """The network, and the formats of its steps."""
        rounds = {} if self.uint8 is None else {"uint8": self.uint8}
        return {**super().settings(), "formats": list(self.formats), **rounds}

    def process(self, image: SourceImage, files: OutputFiles) -> ImageRecord:
        """The steps of an image in memory."""
        matched = self.matched(image)
        refuse_volume(self.network, matched.shape, "apply")
        paths = [
            path
            for form in self.formats
            for path in save_steps(
                self.network,
                matched,
                self.save,
                files,
                form,
                max_bytes=self.max_bytes,
                spacing=image.spacing,
                unit=image.unit,
                uint8=self.uint8,
            )
        ]
        return image.record(
            files=[path.name for path in paths],
            model=self.model,
            **self.intensity(image.pixels, image.white),
        )

    def process_tiles(
        self, image: LargeImage, name: str, files: OutputFiles, each: Mapping
    ) -> ImageRecord:
        """The steps of an image that is read by windows, as pyramids."""
        paths = []
        tiling, intensity = self.tiled(image, each)
        forms = [form for form in self.formats if form in WRITERS] or [OME_TIFF]
        for step, form in product(self.save, forms):
            part = self.network.upto(step)
            paths.append(files.path(step_ending(self.network, step, ENDINGS[form])))
            shape = part.shape(image.shape)
            bands = output_bands(part, tiling, files.folder)
            if self.uint8 is not None:
                bands = Rounding(step, self.uint8).bands(bands, shape[0], files.folder)
            voxel = voxel_of(self.network, step, image.spacing, image.unit)
            write_bands(form, files, paths[-1], bands, shape, self._dtype, **voxel)
        files_of = [path.name for path in paths]
        return ImageRecord(name, {"files": files_of, "model": self.model, **intensity})
