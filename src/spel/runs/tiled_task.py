"""The task of an image that is read tile by tile, which all workers of a run share."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from spel import __version__
from spel.errors import ParameterError, SpelError, WriteError
from spel.io.large import LargeImage
from spel.runs.image_process import ImageProcess
from spel.runs.names import OutputFiles
from spel.runs.shard import Shard
from spel.runs.source_image import Record
from spel.runs.spread import ENDING, PartFolder, RunParts, Workers
from spel.runs.task import Identity, WorkersLost


@dataclass(frozen=True, eq=False)
class TiledTask:
    """An image whose tiles are computed by all workers of the run, and by other shards.

    Another shard, whose files are not written, stores tiles and gives no record.
    """

    job: ImageProcess
    image: str
    files: OutputFiles
    source: LargeImage
    shard: Shard = field(default_factory=Shard)

    def spread(self, run: RunParts, identity: Identity | None) -> Record | None:
        """The record; the parts of a run that is stopped or killed stay for the next one."""
        folder = self._folder(identity)
        if not self.files.written:
            with suppress(SpelError):  # the folder vanishes when the shard of the image is done
                self._compute(run, identity, folder)
            return None
        try:
            record = self._compute(run, identity, folder)
        except (WriteError, WorkersLost, KeyboardInterrupt):
            raise
        except BaseException:
            _remove(folder)
            raise
        _remove(folder)
        return record

    def _compute(
        self, run: RunParts, identity: Identity | None, folder: PartFolder | None
    ) -> Record:
        if folder is not None:
            folder.open()
        with self.source as image:
            workers = Workers(self.image, identity, run, folder, self.job.threads, self.shard)
            try:
                return self.job.process_tiles(image, self.image, self.files, workers)
            except (ParameterError, ValueError) as error:
                if self.job.tile is None:
                    rows, cols = image.shape[-3:-1]
                    error.add_note(f"{rows} x {cols} pixels are too many to be read whole")
                    if len(image.levels) > image.level + 1:
                        error.add_note("--level reads a smaller level of its pyramid")
                raise

    def _folder(self, identity: Identity | None) -> PartFolder | None:
        """The folder of the parts; none without an output folder, or a file that can be told."""
        if not self.files.folder or identity is None:
            return None
        settings = {**self.job.to_dict(), "tile": self.job.tile, "spel": __version__}
        settings |= {"bytes": identity.bytes, "digest": identity.digest}
        key = hashlib.blake2b(json.dumps(settings).encode(), digest_size=16).hexdigest()
        return PartFolder(Path(self.files.path(ENDING)), key)


def _remove(folder: PartFolder | None) -> None:
    if folder is not None:
        folder.remove()
