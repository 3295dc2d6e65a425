"""The frozen configuration of a detection over many images."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from spel.decide import decision_of
from spel.decide.detection import AnyDecision
from spel.errors import FormatError, ParameterError
from spel.io.image.header import MAX_PIXELS
from spel.io.isolation import AVAILABLE
from spel.io.video import Every
from spel.jobs.network_cache import cached_network
from spel.nn import Network
from spel.rigid.windows import Windows


def comparable_config(config: dict[str, Any]) -> dict[str, Any]:
    """The part of a stored configuration that a resumed run must share.

    The version of spel may differ, and the decision may be in the form of spel 0.1.
    """
    decision = config.get("decision")
    if isinstance(decision, dict) and decision.get("kind") == "windows":
        with suppress(FormatError):  # then it differs from every decision
            decision = Windows.from_dict(decision).to_dict()
    return {**config, "decision": decision, "spel": None}


@dataclass(frozen=True)
class DetectJob:
    """What is to be detected: a network and, in place of its own decision, another one.

    Parameters
    ----------
    network : Network
    decision : Decision or Windows, optional
        Used instead of the decision that the network carries.
    threads : int
        Threads of the engine per image; results are the same bits for any number.
    save : tuple of {"overlay", "mask", "saliency"}
        Pictures to write for every image, see `spel.jobs.pictures`.
    folder : str
        Folder of the pictures; needed if there are any.
    tile : int, optional
        Detect tile by tile, in tiles of this many pixels per side: TIFF, NumPy files, OME-Zarr.
        Images with more than `MAX_PIXELS` are read in tiles without it.
    level : int, optional
        Level of a pyramid; 0 is the full size, and the default. For a decision by windows the
        default is the coarsest level that has all its scales.
    max_pixels : int, optional
        Larger images are refused, whatever their format. With `tile` the reader's limit applies.
    isolate : bool
        Decode in a worker with limits on memory and time; the default where the system can.
    every : str
        Frames of videos: ``"5"`` for every fifth, ``"2s"`` for one in two seconds.
    place : str
        File of the network that every worker can read: then tasks carry this path and the
        fingerprint of the network, and each worker reads it once. Without it every task carries
        the network.

    Examples
    --------
    >>> from spel import zoo
    >>> DetectJob(zoo.get("plate-lecture"), every="2.0s").every
    '2s'
    """

    network: Network
    decision: AnyDecision | None = None
    threads: int = 1
    save: tuple[str, ...] = ()
    folder: str = ""
    tile: int | None = None
    max_pixels: int | None = None
    isolate: bool = AVAILABLE
    place: str = ""
    every: str = "1"
    level: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", str(Every.of(self.every)))
        if self.tile is not None and self.save:
            raise ParameterError(
                "DetectJob: pictures cannot be saved of images that are read tile by tile; leave "
                "out save or tile"
            )
        if self.level is not None and self.level < 0:
            raise ParameterError(f"DetectJob: level {self.level!r}; expected a number from 0")
        if self.tile is not None and self.tile < 1:
            raise ParameterError(f"DetectJob: tile {self.tile!r}; expected at least 1 pixel")

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if self.place:
            state["network"] = self.model
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state["network"], str):
            state = {**state, "network": cached_network(state["place"], state["network"])}
        self.__dict__.update(state)

    @property
    def limit(self) -> int:
        """Largest number of pixels of an image that is read whole."""
        return MAX_PIXELS if self.max_pixels is None else self.max_pixels

    @property
    def model(self) -> str:
        """Fingerprint of the network, which results state."""
        return self.network.fingerprint()

    def to_dict(self) -> dict[str, Any]:
        """The configuration that the manifest and ``run.json`` state."""
        decision = self.decision or decision_of(self.network)
        optional: dict[str, Any] = {"every": self.every} if self.every != "1" else {}
        if self.level is not None:
            optional["level"] = self.level
        return {
            "job": "detect",
            "model": self.model,
            "nodes": list(self.network.names),
            "decision": decision.to_dict(),
            "save": list(self.save),
            "max_pixels": None if self.tile is not None else self.limit,
            **optional,
        }
