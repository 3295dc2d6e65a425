"""The argument NET: a file, or the name of a network that ships with spel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spel.errors import ParameterError

if TYPE_CHECKING:
    from spel.nn import Network


def network(name: str) -> Network:
    """The network that NET names: a file, or one that ships with spel."""
    from spel import zoo

    if name in zoo.names() and not Path(name).exists():
        return zoo.get(name)
    if Path(name).is_dir():
        raise ParameterError(f"{name}: this is a folder; name a network file in it")
    if not Path(name).exists():
        raise ParameterError(
            f"{name}: there is no such file, and no network of this name comes with spel (those "
            f"are {', '.join(zoo.names())}); check the name"
        )
    import spel

    return spel.load(name)
