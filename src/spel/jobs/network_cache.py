"""Networks that travel by path and hash, and stay with each worker that has read them."""

from __future__ import annotations

from functools import lru_cache

from spel.errors import TaskError
from spel.nn import Network


@lru_cache(maxsize=4)
def fetched(place: str, model: str) -> Network:
    """The network of a file or of the zoo, read once per process, if it is still that one.

    Raises
    ------
    TaskError
        If the worker does not see the file, or another network is there.
    """
    try:
        network = Network.load(place)
    except Exception as error:
        raise TaskError(
            f"{place}: this worker cannot read the network ({error}); keep it where all workers "
            "see it"
        ) from error
    if network.fingerprint() != model:
        raise TaskError(f"{place}: another network is there now; start the run again")
    return network
