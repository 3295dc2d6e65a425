"""A Dask cluster as an executor: one on this machine, or one that already runs elsewhere.

Whoever reaches a Dask scheduler can run code on its workers, and the other way round: that is how
Dask works. Own clusters therefore listen on this machine only, without a dashboard, and addresses
elsewhere need TLS or the user's word.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from spel.errors import BackendMissingError, ParameterError

LOCAL = "local"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_LIVES = 10
"""Workers that may die under a task before it counts as the task's fault."""


@contextmanager
def executor(address: str = LOCAL, *, workers: int = 2, trust: bool = False) -> Iterator[Executor]:
    """An executor of a Dask cluster, for `spel.run.answers` and the jobs.

    Parameters
    ----------
    address : str
        "local" starts a cluster of processes here; ``tcp://host:port`` or ``tls://host:port`` joins
        a running one, whose workers must have spel and see the same files.
    workers : int
        Processes of a local cluster.
    trust : bool
        Allow ``tcp://`` to another machine.

    Raises
    ------
    BackendMissingError
        Without Dask.
    ParameterError
        If the address is none, or needs trust.
    """
    checked_address(address, trust=trust)
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise BackendMissingError(
            f'--dask needs Dask ({error}); install it with: pip install "spel[dask]"'
        ) from None
    import dask

    with ExitStack() as stack:
        stack.enter_context(
            dask.config.set(
                {
                    "distributed.scheduler.allowed-failures": _LIVES,
                    "distributed.admin.low-level-log-length": 0,
                }
            )
        )
        target: object = address
        if address == LOCAL:
            target = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = stack.enter_context(Client(target, timeout="20s", set_as_default=False))
        except (OSError, TimeoutError) as error:
            raise ParameterError(
                f"--dask {address}: no scheduler answers there ({error}); check the address"
            ) from None
        yield client.get_executor(pure=False)


def checked_address(address: str, *, trust: bool = False) -> str:
    """The address, or a refusal that says what is missing.

    Examples
    --------
    >>> checked_address("tcp://127.0.0.1:8786")
    'tcp://127.0.0.1:8786'
    """
    if address == LOCAL:
        return address
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or port is None:
        raise ParameterError(
            f"--dask {address}: expected 'local', tcp://host:port or tls://host:port"
        )
    if parts.scheme == "tcp" and parts.hostname not in _LOOPBACK and not trust:
        raise ParameterError(
            f"--dask {address}: whoever reaches a scheduler over plain tcp runs code on its "
            "workers; use tls://, or say --i-trust-this-network"
        )
    return address
