"""A network over many images: one, several or all of its steps as files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from spel.jobs.network_job import NetworkJob
from spel.jobs.steps import MAX_BYTES, save_steps
from spel.runs import ImageRecord, OutputFiles, SourceImage

FORMATS = ("png", "npy", "tiff")


@dataclass(frozen=True)
class ApplyJob(NetworkJob):
    """Write steps of a network for every image.

    Parameters
    ----------
    network : Network
    save : tuple of str
        Nodes of the network, or ("all",); the last one by default.
    formats : tuple of {"png", "npy", "tiff"}
        Pictures with their scale, or the float32 values; pictures by default.
    max_bytes : int
        Largest memory of an image and of its steps.
    """

    NAME: ClassVar[str] = "apply"
    FORMATS: ClassVar[tuple[str, ...]] = FORMATS

    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        super().__post_init__()
        names = self.network.names
        chosen = names if "all" in self.save and "all" not in names else self.save
        object.__setattr__(self, "save", tuple(dict.fromkeys(chosen)) or (self.network.output,))
        object.__setattr__(self, "formats", self.formats or ("png",))

    @property
    def writes_files(self) -> bool:
        return True

    @property
    def saves(self) -> tuple[str, ...]:
        return (*self.network.names, "all")

    def settings(self) -> dict[str, Any]:
        """The network, and the formats of its steps."""
        return {**super().settings(), "formats": list(self.formats)}

    def process(self, image: SourceImage, files: OutputFiles) -> ImageRecord:
        """The steps of an image in memory."""
        matched = self.matched(image)
        paths = [
            path
            for form in self.formats
            for path in save_steps(
                self.network, matched, self.save, files, form, max_bytes=self.max_bytes
            )
        ]
        return image.record(
            files=[path.name for path in paths],
            model=self.model,
            **self.intensity(image.pixels, image.white),
        )
