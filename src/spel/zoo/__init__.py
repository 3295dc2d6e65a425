"""Networks that come with spel, by name and as code that can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spel.errors import ParameterError
from spel.nn import Network, load
from spel.zoo.assignment import plate_assignment
from spel.zoo.lecture import plate_lecture

__all__ = ["get", "names", "parasite_eggs", "plate_assignment", "plate_lecture", "plates"]


def parasite_eggs() -> Network:
    """Eggs of Schistosoma mansoni, learned from the strokes of 8 images; ``meta["card"]`` tells.

    Examples
    --------
    >>> net = parasite_eggs()
    >>> net.output, net["conv1"].bank.provenance[0].label
    ('saliency', 1)
    """
    return load(Path(__file__).with_name("parasite_eggs.safetensors"))


def plates() -> Network:
    """Licence plates in photos, any region, learned from 177 photos; ``meta["card"]`` tells.

    Examples
    --------
    >>> net = plates()
    >>> net.names[-2:], len(net["score"].bank)
    (('score_refine', 'score'), 3)
    """
    return load(Path(__file__).with_name("plates.safetensors"))


_NETWORKS: dict[str, Callable[[], Network]] = {
    "parasite-eggs": parasite_eggs,
    "plate-lecture": plate_lecture,
    "plates": plates,
}


def names() -> tuple[str, ...]:
    """Names that `get` knows.

    Examples
    --------
    >>> "plate-lecture" in names()
    True
    """
    return tuple(sorted(_NETWORKS))


def get(name: str) -> Network:
    """The network of a name, as the command line takes it.

    Raises
    ------
    ParameterError
        For an unknown name; the message lists the known ones.

    Examples
    --------
    >>> get("plate-lecture").names[:3]
    ('grey', 'edges', 'positive')
    """
    if name not in _NETWORKS:
        raise ParameterError(f"zoo: no network {name!r}; expected one of {', '.join(names())}")
    return _NETWORKS[name]()
