"""Networks that ship with spel, by name, and as code to read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from spel import nn
from spel.decide.stored import check_meta
from spel.errors import FormatError, ParameterError
from spel.nn import Network
from spel.zoo.assignment import plate_assignment
from spel.zoo.lecture import plate_lecture

__all__ = ["get", "load", "names", "parasite_eggs", "plate_assignment", "plate_lecture", "plates"]


def parasite_eggs() -> Network:
    """Segment eggs of Schistosoma mansoni; learned from strokes on 8 images, see ``meta["card"]``.

    Examples
    --------
    >>> net = parasite_eggs()
    >>> net.output, net["conv1"].bank.provenance[0].label
    ('saliency', 1)
    """
    return nn.load(Path(__file__).with_name("parasite_eggs.safetensors"))


def plates() -> Network:
    """Detect licence plates of any region; learned from 177 photos, see ``meta["card"]``.

    Examples
    --------
    >>> net = plates()
    >>> net.names[-3:], len(net["score"].bank)
    (('score_adjust', 'score_around', 'score'), 3)
    """
    return nn.load(Path(__file__).with_name("plates.safetensors"))


_NETWORKS: dict[str, Callable[[], Network]] = {
    "parasite-eggs": parasite_eggs,
    "plate-lecture": plate_lecture,
    "plates": plates,
}


def names() -> tuple[str, ...]:
    """Names of the networks that ship with spel.

    Examples
    --------
    >>> "plate-lecture" in names()
    True
    """
    return tuple(sorted(_NETWORKS))


def get(name: str) -> Network:
    """The network with a given name, as on the command line.

    Parameters
    ----------
    name : str

    Raises
    ------
    ParameterError
        For an unknown name; the message lists the names.

    Examples
    --------
    >>> get("plate-lecture").names[:3]
    ('grey', 'edges', 'positive')
    """
    if name not in _NETWORKS:
        raise ParameterError(f"zoo: no network {name!r}; expected one of {', '.join(names())}")
    return _NETWORKS[name]()


def load(source: str | os.PathLike[str]) -> Network:
    """A network from its file, or by the name of one that ships with spel.

    Parameters
    ----------
    source : path or str
        A file that ``network.save`` wrote, or one of `names`. A file of that name goes first.

    Raises
    ------
    FormatError
        If there is no such file and no such name, or the file holds no whole network.

    Examples
    --------
    >>> load("plate-lecture").names[:3]
    ('grey', 'edges', 'positive')
    """
    path = Path(source)
    if path.is_dir():
        raise FormatError(f"{path}: it is a folder; name a network file (*.safetensors) in it")
    if path.exists():
        network = nn.load(path)
        try:
            check_meta(network)
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from error
        return network
    if str(source) in _NETWORKS:
        return get(str(source))
    raise FormatError(
        f"{path}: there is no such network file, and no network of that name ships with spel "
        f"(those are {', '.join(names())}); check the name"
    )
