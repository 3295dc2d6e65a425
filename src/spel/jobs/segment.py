"""Segmentation over many images: a mask, classes and instances for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from spel.decide.mask_picture import mask_picture
from spel.decide.segmentation import Segmentation, resolve_segmentation
from spel.decide.segmented import segment_image
from spel.errors import ParameterError
from spel.io.image.label_image import write_label_image
from spel.io.large import LargeImage
from spel.io.large.forms import ENDINGS, OME_TIFF, WRITERS, require_form
from spel.jobs.network_job import NetworkJob
from spel.jobs.segment_tiles import TiledSegmentation
from spel.jobs.segmented_files import PARTS, save_part
from spel.large.bands import check_tiled
from spel.large.tiling import Mapping
from spel.nn.intensity import expected_white
from spel.runs import ImageRecord, OutputFiles, SourceImage


@dataclass(frozen=True)
class SegmentJob(NetworkJob):
    """Write a mask of every image: 255 on objects and 0 elsewhere.

    A network of several classes gives a label image instead: the labels of the strokes, and the
    largest number of the file's type (255 or 65535) where no class is probable enough.

    What is read tile by tile gives a pyramid, ``NAME.ome.tif`` or ``NAME.ome.zarr``, other volumes
    ``NAME.tif``, and other images ``NAME.png``.

    Parameters
    ----------
    network : Network
    segmentation : Segmentation, optional
        Used instead of the segmentation that the network carries.
    save : tuple of {"saliency", "instances", "csv", "coco", "geojson"}
        - ``NAME.saliency.tif``, or ``NAME.saliency.ome.tif``: the output of the network, float32;
          a channel per class.
        - ``NAME.instances.tif``: the number of the object on each spel, 0 elsewhere.
        - ``NAME.objects.csv``, ``.json`` (COCO with run lengths), ``.geojson``: the objects, with
          area, box, score, centroid and class.
    formats : tuple of {"png", "ome-tiff", "ome-zarr"}
        Pyramids for images that are read whole, too; one form at most.
    scale : float
        Length of the objects in these images over that of the marked ones, as for
        `spel.decide.segment_image`.
    """

    NAME: ClassVar[str] = "segment"
    SAVES: ClassVar[tuple[str, ...]] = tuple(PARTS)
    FORMATS: ClassVar[tuple[str, ...]] = ("png", *WRITERS)
    TILES: ClassVar[bool] = True
    writes_files: ClassVar[bool] = True

    segmentation: Segmentation | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        chosen = resolve_segmentation(self.network, self.segmentation)
        if self.tile is not None:
            check_tiled(self.network, chosen)
        if len(self.formats) > 1 or (self.tile is not None and "png" in self.formats):
            raise ParameterError(
                f"segment: format {', '.join(self.formats)}; one form can be written, and tile by "
                f"tile it is {' or '.join(WRITERS)}"
            )
        for form in self.formats:
            require_form(form)

    @property
    def lists_objects(self) -> bool:
        """Whether the objects are saved one by one."""
        return bool(set(self.save) - {"saliency"})

    def settings(self) -> dict[str, Any]:
        """The network, the segmentation, and the form of masks."""
        chosen = resolve_segmentation(self.network, self.segmentation)
        form = {"formats": list(self.formats)} if self.formats else {}
        scale = {"scale": self.scale} if self.scale != 1 else {}
        return {**super().settings(), "segmentation": chosen.to_dict(), **form, **scale}

    def process(self, image: SourceImage, files: OutputFiles) -> ImageRecord:
        """The mask of an image in memory."""
        matched, white = self.matched(image), expected_white(self.network)
        segmented = segment_image(
            self.network, matched, self.segmentation, white=white, scale=self.scale,
            spacing=image.spacing or None,
        )  # fmt: skip
        levels = mask_picture(segmented.labels, segmented.segmentation)
        form = next(iter(self.formats), "png")
        if form in WRITERS:
            paths, shape = [files.path(ENDINGS[form])], (*levels.shape, 1)
            voxel: dict[str, Any] = {"spacing": image.spacing, "unit": image.unit}
            WRITERS[form](paths[0], [levels[..., None]], shape, levels.dtype, **voxel)
        else:
            paths = [files.path("png" if levels.ndim == 2 else "tif")]
            write_label_image(paths[0], levels)
        for name in self.save:
            paths.append(files.path(PARTS[name]))
            save_part(name, paths[-1], segmented, image.name)
        area = int(np.count_nonzero(segmented.mask))
        count = len(segmented.instances) if self.lists_objects else None
        values = self._values(levels.shape, area, count, paths, image.spacing)
        return image.record(**values, **self.intensity(image.pixels, image.white))

    def process_tiles(
        self, image: LargeImage, name: str, files: OutputFiles, each: Mapping
    ) -> ImageRecord:
        """The mask of an image that is read by windows."""
        chosen = resolve_segmentation(self.network, self.segmentation)
        check_tiled(self.network, chosen)
        tiling, intensity = self.tiled(image, each)
        form = self.formats[0] if set(self.formats) & set(WRITERS) else OME_TIFF
        tiled = TiledSegmentation(self.network, chosen, image, tiling, files, form, self.scale)
        mask, area = tiled.write_mask()
        paths = [mask, *(tiled.save(part, name) for part in self.save)]
        count = len(tiled.objects.scores) if self.lists_objects else None
        values = self._values(tiled.view.size, area, count, paths, image.spacing)
        return ImageRecord(name, {**values, **intensity})

    def _values(
        self, size: Sequence[int], area: int, objects: int | None, paths: Sequence[Path],
        spacing: Sequence[float],
    ) -> dict[str, Any]:  # fmt: skip
        """What the record of an image says of its mask."""
        return {
            "size": list(size),
            "area": area,
            **({} if objects is None else {"objects": objects}),
            "files": [path.name for path in paths],
            "model": self.model,
            **({"spacing": list(spacing)} if spacing else {}),
        }
