"""A Dask cluster as an executor: one on this machine, or one that already runs elsewhere.

Whoever reaches a Dask scheduler can run code on its workers, and the other way round: that is how
Dask works. Own clusters therefore listen on this machine only, without a dashboard, and addresses
elsewhere need TLS or the user's word.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from spel.errors import BackendMissingError, ParameterError

LOCAL = "local"
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
        If the address is none, needs trust, has no certificates, or nobody answers there.
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
                    # Without a dashboard Dask still serves pages about workers and tasks.
                    "distributed.scheduler.http.routes": [],
                    "distributed.worker.http.routes": [],
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
        stack.enter_context(_quiet())
        if address.startswith("tls:"):
            _check_certificates(address)
        try:
            client = stack.enter_context(Client(target, timeout="20s", set_as_default=False))
        except (OSError, TimeoutError) as error:
            raise ParameterError(
                f"--dask {address}: no scheduler answers there ({error}); check the address"
            ) from None
        yield _Cluster(client)


class _Cluster(Executor):
    """Dask's executor, which also says when the scheduler is gone: then nothing answers."""

    def __init__(self, client: Any) -> None:
        self._client, self._executor = client, client.get_executor(pure=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        return future

    @property
    def lost(self) -> bool:
        return bool(self._client.status != "running")


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask tells of lost connections in pages of traceback; what ends a run is told once, by us."""
    handlers = logging.getLogger("distributed").handlers
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for handler, level in zip(handlers, levels):
            handler.setLevel(level)


def _check_certificates(address: str) -> None:
    """Both sides must show a certificate; Dask's own settings name the files."""
    from distributed.security import Security

    known = Security()
    for setting in ("tls_ca_file", "tls_client_cert", "tls_client_key"):
        path = getattr(known, setting, None)
        if not path or not os.path.isfile(path):
            part = setting.removeprefix("tls_").replace("client_", "client.").replace("_", "-")
            name = "DASK_DISTRIBUTED__COMM__TLS__" + part.upper().replace(".", "__")
            name = name.replace("-", "_")
            raise ParameterError(
                f"--dask {address}: {f'no file {path!r}' if path else 'no certificates given'}; "
                f"set distributed.comm.tls.{part} in Dask's configuration, or {name}"
            )


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
    if parts.scheme == "tcp" and not _here(parts.hostname) and not trust:
        raise ParameterError(
            f"--dask {address}: whoever reaches a scheduler over plain tcp runs code on its "
            "workers; use tls://, or say --i-trust-this-network"
        )
    return address


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
