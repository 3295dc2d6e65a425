"""The server process: one port on the loopback interface, one token, one page."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from spel.errors import ParameterError
from spel.studio.session import Session
from spel.studio.web.app import application
from spel.studio.web.security import PATIENCE_S, Guard

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


class Server:
    """A session on a port.

    Parameters
    ----------
    session : Session
    host : str
        The loopback address; the caller must warn the user if it is another one.
    port : int
        0 for any free port.
    token : str, optional
        A random one by default.
    """

    def __init__(
        self, session: Session, *, host: str = "127.0.0.1", port: int = 0, token: str | None = None
    ) -> None:
        self.session = session
        self.token = token or secrets.token_urlsafe(24)
        self._socket = _bind(host, port)
        self.port = int(self._socket.getsockname()[1])
        first = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.address = f"http://{first}/"
        hosts = (first, f"localhost:{self.port}")
        guard = Guard(application(session), token=self.token, hosts=hosts)
        config = uvicorn.Config(
            guard,
            http=LimitedProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(PATIENCE_S) - 5,
            h11_max_incomplete_event_size=32_768,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address with the token: whoever has it may do what the user may."""
        return f"{self.address}?t={self.token}"

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Serve until interrupted."""

        async def serve() -> None:
            if ready is not None:
                asyncio.get_running_loop().call_later(0.05, ready)
            await self._server.serve(sockets=[self._socket])

        asyncio.run(serve())

    def start(self) -> Server:
        """Serve in a thread, and return when requests are answered."""
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self.run, name="spel-studio", daemon=True)
        self._thread.start()
        limit = time.monotonic() + 20
        while not self._server.started:
            if time.monotonic() > limit or not self._thread.is_alive():
                raise ParameterError("the studio did not start within 20 s")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Stop serving, and save."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._socket.close()
        self.session.close()


def _bind(host: str, port: int) -> socket.socket:
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
