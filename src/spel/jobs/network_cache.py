"""Networks that tasks name by path and fingerprint; each worker process reads them once."""

from __future__ import annotations

from functools import lru_cache

from spel.errors import TaskError
from spel.nn import Network, load


@lru_cache(maxsize=4)
def cached_network(path: str, fingerprint: str) -> Network:
    """The network in a file, if it still has this fingerprint.

    Raises
    ------
    TaskError
        If this worker cannot read the file, or it holds another network.
    """
    try:
        network = load(path)
    except Exception as error:
        raise TaskError(
            f"{path}: this worker cannot read the network ({error}); put the file where all "
            "workers can read it"
        ) from error
    if network.fingerprint() != fingerprint:
        raise TaskError(f"{path}: the file holds another network now; start the run again")
    return network
