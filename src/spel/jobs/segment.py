"""Segmentation over many images: a mask for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spel.decide.segmentation import Segmentation, resolve_segmentation
from spel.decide.segmented import segment
from spel.io.image.writer import write
from spel.jobs.network_job import NetworkJob
from spel.nn.intensity import expected_white
from spel.runs import ImageRecord, OutputFiles, SourceImage


@dataclass(frozen=True)
class SegmentJob(NetworkJob):
    """Write a mask of every image, ``NAME.png``: 255 on objects and 0 elsewhere.

    Parameters
    ----------
    network : Network
    segmentation : Segmentation, optional
        Used instead of the segmentation that the network carries.
    save : tuple of {"saliency"}
        ``NAME.saliency.tif``: the output of the network, float32.
    """

    NAME: ClassVar[str] = "segment"
    SAVES: ClassVar[tuple[str, ...]] = ("saliency",)

    segmentation: Segmentation | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        resolve_segmentation(self.network, self.segmentation)  # refuses networks for boxes

    @property
    def writes_files(self) -> bool:
        return True

    def settings(self) -> dict[str, Any]:
        """The network and the segmentation."""
        chosen = resolve_segmentation(self.network, self.segmentation)
        return {**super().settings(), "segmentation": chosen.to_dict()}

    def process(self, image: SourceImage, files: OutputFiles) -> ImageRecord:
        """The mask of an image in memory."""
        matched, white = self.matched(image), expected_white(self.network)
        mask = segment(self.network, matched, self.segmentation, white=white)
        paths = [files.path("png")]
        write(paths[0], np.where(mask, np.uint8(255), np.uint8(0)))
        if "saliency" in self.save:
            paths.append(files.path("saliency.tif"))
            write(paths[1], self.network(matched))
        return image.record(
            size=list(mask.shape),
            area=int(np.count_nonzero(mask)),
            files=[path.name for path in paths],
            model=self.model,
            **self.intensity(image.pixels, image.white),
        )
