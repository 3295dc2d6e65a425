"""A Dask cluster as an executor: one on this machine, or one that already runs elsewhere.

Anyone who can connect to a Dask scheduler can run code on its workers, and the workers can run code
on the client. Own clusters therefore listen on this machine only, without a dashboard; addresses on
other machines need TLS, or the user's consent.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from spel.errors import BackendMissingError, ParameterError, TaskError

LOCAL = "local"
NO_WORKER_SECONDS = 30.0
"""Time without any worker after which a local cluster counts as lost."""
_LIVES = 10
"""Number of workers that may die during a task before the task itself fails."""


@contextmanager
def executor(address: str = LOCAL, *, workers: int = 2, trust: bool = False) -> Iterator[Executor]:
    """An executor of a Dask cluster, for `spel.runs.run_tasks` and the jobs.

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
        If the address is invalid, needs trust or certificates, or no scheduler answers there.
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
        target: Any = address
        if address == LOCAL:
            target = stack.enter_context(_local_cluster(LocalCluster, workers))
        stack.enter_context(_quiet())
        if address.startswith("tls:"):
            _check_certificates(address)
        try:
            client = stack.enter_context(
                Client(target, timeout="20s", set_as_default=False)  # type: ignore[no-untyped-call]
            )
        except (OSError, TimeoutError) as error:
            raise ParameterError(
                f"--dask {address}: no scheduler answers there ({error}); check the address"
            ) from None
        yield Cluster(client, target if address == LOCAL else None)


def _local_cluster(factory: Callable[..., Any], workers: int) -> Any:
    """A cluster of processes on this machine; one that does not start is a TaskError."""
    try:
        return factory(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # Dask listens in any case
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
        )
    except (RuntimeError, OSError, TimeoutError) as error:
        raise TaskError(
            f"--dask local: the cluster did not start ({error or type(error).__name__}), as when "
            "one of its processes is killed; run the command again, or use --workers instead"
        ) from error


class Cluster(Executor):
    """Dask's executor, with an attribute that tells when scheduler or workers are gone.

    Of a local cluster, which belongs to this process, the workers are watched: Dask replaces one
    that died, and has given up if there is none for `NO_WORKER_SECONDS`.
    """

    def __init__(self, client: Any, local: Any = None) -> None:
        self._client, self._executor = client, client.get_executor(pure=False)
        self._local, self._last_worker = local, monotonic()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send a call to a worker of the cluster."""
        future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        return future

    @property
    def lost(self) -> bool:
        """Whether the scheduler is gone, or a local cluster has had no worker for too long."""
        if self._client.status != "running":
            return True
        if self._local is None or len(self._local.scheduler.workers) > 0:
            self._last_worker = monotonic()
        return monotonic() - self._last_worker > NO_WORKER_SECONDS


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask about lost connections: the run itself reports them, once."""
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
    """Check that the certificate files exist which Dask's settings name."""
    from distributed.security import Security

    security = Security()  # type: ignore[no-untyped-call]
    for setting in ("tls_ca_file", "tls_client_cert", "tls_client_key"):
        path = getattr(security, setting, None)
        if not path or not os.path.isfile(path):
            part = setting.removeprefix("tls_").replace("client_", "client.").replace("_", "-")
            name = "DASK_DISTRIBUTED__COMM__TLS__" + part.upper().replace(".", "__")
            name = name.replace("-", "_")
            raise ParameterError(
                f"--dask {address}: {f'no file {path!r}' if path else 'no certificates given'}; "
                f"set distributed.comm.tls.{part} in Dask's configuration, or {name}"
            )


def checked_address(address: str, *, trust: bool = False) -> str:
    """The address, if it is valid and safe enough.

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
    if parts.scheme == "tcp" and not _is_local(parts.hostname) and not trust:
        raise ParameterError(
            f"--dask {address}: anyone who can connect to a scheduler over plain tcp can run code "
            "on its workers; use tls://, or confirm with --i-trust-this-network"
        )
    return address


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
