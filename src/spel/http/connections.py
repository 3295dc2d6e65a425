"""One port, and connections that cannot be held for ever: uvicorn with limits."""

from __future__ import annotations

import socket
import time
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from spel.errors import ParameterError
from spel.http.guard import PATIENCE_S

LOOPBACK = "127.0.0.1"
CHECK_S = 2.0
MAX_CONNECTIONS = 300


class LimitedProtocol(H11Protocol):
    """HTTP with limits on idle connections (uvicorn alone waits for a request for ever).

    A connection whose request does not arrive in time is closed. If there are too many connections,
    the one that has been idle for longest is closed in favour of a new one.
    """

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._idle_since: float | None = time.monotonic()
        self._check = self.loop.call_later(CHECK_S, self._check_patience)
        if len(self.connections) > MAX_CONNECTIONS:
            idle = [c for c in self.connections if isinstance(c, LimitedProtocol) and c.is_idle]
            min(idle, key=lambda c: c._idle_since or 0.0).transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._check.cancel()
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being served."""
        return self.cycle is None or self.cycle.response_complete

    def _check_patience(self) -> None:
        now = time.monotonic()
        if not self.is_idle:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > PATIENCE_S - 2 * CHECK_S:
            self.transport.close()
            return
        self._check = self.loop.call_later(CHECK_S, self._check_patience)


def is_this_machine(host: str) -> bool:
    """Whether nobody on another machine reaches what listens on an address."""
    return host in (LOOPBACK, "::1", "localhost")


def limited(app: Any) -> uvicorn.Config:
    """The configuration of a server of an ASGI application, with these limits and no log."""
    return uvicorn.Config(
        app,
        http=LimitedProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",  # broken requests are answered, and nobody is told
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(PATIENCE_S) - 5,
        h11_max_incomplete_event_size=32_768,
    )


def bind(host: str, port: int) -> socket.socket:
    """A socket on a port (0 for any free one), not listening yet.

    Raises
    ------
    ParameterError
        If the port cannot be opened.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off, which costs 40 ms a response.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ParameterError(
            f"{host}:{port} cannot be opened ({error.strerror}); give another --port"
        ) from None
    return bound


def host_and_port(host: str, port: int) -> str:
    """An address as a ``Host`` header states it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
