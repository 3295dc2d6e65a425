"""Detection over many images: boxes in each of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from spel.core.detections import Detections
from spel.decide import decision_of, detect
from spel.decide.detection import AnyDecision
from spel.errors import FormatError, ParameterError
from spel.io.annotation.formats import FORMATS, check_volume
from spel.io.annotation.labels import write_as
from spel.io.annotation.results import Result, read_results
from spel.io.large import LargeImage
from spel.io.parts import fits
from spel.jobs.detect_pictures import KINDS, VIDEO, save_pictures
from spel.jobs.network_job import NetworkJob
from spel.jobs.video_overlay import write_video_overlay
from spel.large import tiles
from spel.large.tiling import Mapping
from spel.nn.intensity import expected_white, match_white
from spel.nn.volumes import refuse_volume
from spel.rigid import ClassWindows, Windows
from spel.runs import OutputFiles, RunFiles, SourceImage, Task
from spel.runs.video import VideoTask


@dataclass(frozen=True)
class DetectJob(NetworkJob):
    """Detect objects in every image, see `spel.detect`.

    Parameters
    ----------
    network : Network
    decision : Decision or Windows, optional
        Used instead of the decision that the network carries.
    save : tuple of {"overlay", "mask", "saliency"}
        Pictures to write for every image, see `spel.jobs.detect_pictures`.
    formats : tuple of {"csv", "coco", "yolo", "voc", "geojson", "label-studio"}
        The results in other formats.
    level : int, optional
        By default, a decision by windows reads each of its scales from the coarsest level of a
        pyramid that has it, and boxes are those of the full size.
    place, tile, reduce, page, max_pixels, isolate, every, threads
        See `spel.jobs.NetworkJob` and `spel.runs.ImageJob`.

    Examples
    --------
    >>> from spel import zoo
    >>> DetectJob(zoo.get("plate-lecture"), every="2.0s").every
    '2s'
    """

    NAME: ClassVar[str] = "detect"
    SAVES: ClassVar[tuple[str, ...]] = tuple(KINDS)
    FORMATS: ClassVar[tuple[str, ...]] = tuple(name for name in FORMATS if name != "jsonl")
    TILES: ClassVar[bool] = True
    counted: ClassVar[str] = "boxes"

    decision: AnyDecision | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tile is not None and self.save:
            raise ParameterError(
                "detect: pictures cannot be saved of images that are read tile by tile; leave "
                "out save or tile"
            )

    def settings(self) -> dict[str, Any]:
        """The network and the decision."""
        return {**super().settings(), "decision": self._decision.to_dict()}

    def comparable(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings; a decision that spel 0.1 has written becomes one of this version."""
        decision = settings.get("decision")
        if isinstance(decision, dict) and decision.get("kind") == "windows":
            with suppress(FormatError):  # then it differs from every decision
                decision = Windows.from_dict(decision).to_dict()
        return {**settings, "decision": decision}

    @property
    def reads_levels(self) -> bool:
        return isinstance(self._decision, Windows | ClassWindows)

    @property
    def _decision(self) -> AnyDecision:
        return self.decision or decision_of(self.network)

    def process(self, image: SourceImage, files: OutputFiles) -> Result:
        """The boxes of an image in memory, and its pictures."""
        self._check_volume(image.name, image.pixels.shape)
        matched = self.matched(image)
        detections = detect(
            self.network,
            matched,
            decision=self._decision,
            white=expected_white(self.network),
        )
        in_video = image.frame is not None  # whose overlay is one video
        kinds = [kind for kind in self.save if not (in_video and kind == "overlay")]
        save_pictures(files, kinds, self.network, matched, detections)
        if image.size is not None:
            detections = detections.enlarged(image.size, image.scale)
        return self._result(
            image.name,
            detections,
            orientation=image.orientation,
            frame=image.frame,
            seconds=image.seconds,
            pages=image.pages,
            reduce=image.reduce,
            **self.intensity(image.pixels, image.white),
        )

    def process_tiles(
        self, image: LargeImage, name: str, files: OutputFiles, each: Mapping
    ) -> Result:
        """The boxes of an image that is read by windows."""
        if self.save and not fits(image):
            raise ParameterError(
                "pictures cannot be saved of images that are read tile by tile; leave out --save"
            )
        self._check_volume(name, image.shape)
        tiling, intensity = self.tiled(image, each)
        with ExitStack() as stack:
            levels = image.smaller() if self.reads_levels and self.level is None else []
            smaller = [stack.enter_context(level) for level in levels]
            detections = tiles.detect_tiled(self.network, tiling, self._decision, smaller)
        if self.save:
            matched = match_white(self.network, image[:], image.white)
            save_pictures(files, self.save, self.network, matched, detections)
        detections = detections.enlarged(image.full_size, image.scale)
        return self._result(name, detections, **intensity)

    def collect(
        self, files: RunFiles, tasks: Sequence[Task], changed: Collection[str]
    ) -> list[Path]:
        """Write the videos with boxes, and the results in other formats."""
        if "overlay" in self.save:
            self._write_overlays(files, tasks, changed)
        written = [files.collected(FORMATS[form].ending.lstrip(".")) for form in self.formats]
        for form, path in zip(self.formats, written, strict=True):
            write_as(form, path, read_results(files.results), fresh=True)
        return written

    def _write_overlays(
        self, files: RunFiles, tasks: Sequence[Task], changed: Collection[str]
    ) -> None:
        """Videos with boxes, for those that this call has read or that have none yet."""
        for task in tasks:
            if isinstance(task, VideoTask):
                path = files.folder / files.shard.name(task.files.path(VIDEO).name)
                if task.image in changed or not path.exists():
                    write_video_overlay(
                        task.image, files.results, path, every=self.every, max_pixels=self.limit
                    )

    def _check_volume(self, name: str, shape: tuple[int, ...]) -> None:
        """Refuse a volume, or what cannot be written of it, before it is searched."""
        if len(shape) != 4:
            return
        refuse_volume(self.network, shape, "detect")
        for form in self.formats:
            check_volume(form, name)
        flat = [kind for kind in self.save if kind != "saliency"]
        if flat:
            raise ParameterError(
                f"detect: {name} is a volume, of which {', '.join(flat)} cannot be saved; save "
                "the saliency, or let segment write masks"
            )

    def _result(self, name: str, detections: Detections, **fields: Any) -> Result:
        return Result(
            image=name,
            size=detections.image_size,
            boxes=detections.boxes,
            scores=detections.scores,
            areas=np.asarray(detections.areas, np.float64),
            classes=detections.classes,
            left_out=detections.left_out,
            model=self.model,
            **fields,
        )
