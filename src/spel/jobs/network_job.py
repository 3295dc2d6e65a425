"""Jobs with a network, which tasks name by path and fingerprint; each worker reads it once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.intensity import count_non_finite, dark_largest, largest_number, white_of_largest
from spel.errors import TaskError
from spel.io.large import LargeImage
from spel.io.large.forms import WRITERS
from spel.io.large.stored_band import StoredBand
from spel.large.tiling import Mapping, Tiling
from spel.nn import Network, load
from spel.nn.intensity import assumed_white, match_white, takes_colors
from spel.nn.tiles import default_size
from spel.runs import ImageJob, OutputFiles, SourceImage


@dataclass(frozen=True)
class NetworkJob(ImageJob):
    """A job that applies a network to every image.

    Parameters
    ----------
    network : Network
    place : str
        File of the network that every worker can read: then tasks carry this path and the
        fingerprint of the network, and each worker reads it once. Without it every task carries
        the network.
    """

    network: Network
    place: str = field(default="", kw_only=True)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if self.place:
            state["network"] = self.model
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state["network"], str):
            state = {**state, "network": cached_network(state["place"], state["network"])}
        self.__dict__.update(state)

    @cached_property
    def model(self) -> str:
        """Fingerprint of the whole network, which results state."""
        return self.network.whole_fingerprint()

    @property
    def colors(self) -> bool:
        return takes_colors(self.network)

    def settings(self) -> dict[str, Any]:
        """The network."""
        return {"model": self.model, "nodes": list(self.network.names)}

    def matched(self, image: SourceImage) -> npt.NDArray[Any]:
        """The image in the units that the network expects."""
        return match_white(self.network, image.pixels, image.white)

    def intensity(self, pixels: npt.NDArray[Any], white: float | None) -> dict[str, Any]:
        """What is assumed of the numbers of an image: its white, and how many are not finite."""
        assumed = assumed_white(self.network, pixels, white)
        return _intensity(assumed, count_non_finite(pixels), largest_number(pixels))

    def tiled(self, image: LargeImage, each: Mapping = map) -> tuple[Tiling, dict[str, Any]]:
        """The tiles of an image in the units of the network, and what `intensity` says of it."""
        tiling = Tiling(image, self.tile or default_size(image.shape), each)
        white, non_finite, most = image.white, 0, 0.0
        if white is None:
            for count, largest in tiling.windows(_range_of):
                non_finite, most = non_finite + int(count), max(most, float(largest))
            white = white_of_largest(image.dtype, most)
        assumed = assumed_white(self.network, np.full(1, most, image.dtype), white)
        in_units = tiling if white is None else tiling.in_units(self.network, white)
        return in_units, _intensity(assumed, non_finite, most)


def write_bands(
    form: str,
    files: OutputFiles,
    path: Path,
    bands: Iterable[StoredBand],
    *shape: Any,
    **voxel: Any,
) -> None:
    """Write a pyramid of one of `WRITERS`; a shard that helps another only computes the bands."""
    if files.written:
        WRITERS[form](path, bands, *shape, **voxel)
    else:
        deque(bands, maxlen=0)


def _range_of(part: npt.NDArray[Any]) -> tuple[np.int64, np.float64]:
    """How many numbers of a part are not finite, and the largest of the others."""
    return np.int64(count_non_finite(part)), np.float64(largest_number(part))


def _intensity(white: float | None, non_finite: int, largest: float) -> dict[str, Any]:
    dark = dark_largest(largest, white)
    return {
        **({} if white is None else {"white": white}),
        **({} if dark is None else {"largest": dark}),
        **({"non_finite": non_finite} if non_finite else {}),
    }


@lru_cache(maxsize=4)
def cached_network(path: str, fingerprint: str) -> Network:
    """The network in a file, if this worker can read it and it still has this fingerprint."""
    try:
        network = load(path)
    except Exception as error:
        raise TaskError(
            f"{path}: this worker cannot read the network ({error}); put the file where all "
            "workers can read it"
        ) from error
    if network.whole_fingerprint() != fingerprint:
        raise TaskError(f"{path}: the file holds another network now; start the run again")
    return network
