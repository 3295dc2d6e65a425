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
MOST_CONNECTIONS = 400


class Patient(H11Protocol):
    """Closes connections whose request does not arrive in time (uvicorn alone waits for ever)."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._waiting_since: float | None = None
        self._check = self.loop.call_later(CHECK_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._check.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        waiting = self.cycle is None or self.cycle.response_complete
        now = time.monotonic()
        if not waiting:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        elif now - self._waiting_since > PATIENCE_S - 2 * CHECK_S:
            self.transport.close()
            return
        self._check = self.loop.call_later(CHECK_S, self._look)


class Server:
    """A session on a port.

    Parameters
    ----------
    session : Session
    host : str
        The loopback address; another one only if the caller warned the user.
    port : int
        0 for any free one.
    token : str, optional
        A new one by default.
    """

    def __init__(
        self, session: Session, *, host: str = "127.0.0.1", port: int = 0, token: str | None = None
    ) -> None:
        self.session = session
        self.token = token or secrets.token_urlsafe(24)
        self._socket = _bound(host, port)
        self.port = int(self._socket.getsockname()[1])
        first = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.address = f"http://{first}/"
        hosts = (first, f"localhost:{self.port}")
        guard = Guard(application(session), token=self.token, hosts=hosts)
        config = uvicorn.Config(
            guard,
            http=Patient,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(PATIENCE_S) - 5,
            limit_concurrency=MOST_CONNECTIONS,
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


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, so that asyncio switches Nagle's algorithm off: it costs 40 ms an answer.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise ParameterError(
            f"{host}:{port} cannot be opened ({error.strerror}); give another --port"
        ) from None
    return made
