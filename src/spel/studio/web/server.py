"""The server process: one port on the loopback interface, one token, one page."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable

import uvicorn

from spel.errors import ParameterError
from spel.http.connections import bind, host_and_port, limited
from spel.studio.session import Session
from spel.studio.web.app import application
from spel.studio.web.security import Guard


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
        self._socket = bind(host, port)
        self.port = int(self._socket.getsockname()[1])
        first = host_and_port(host, self.port)
        self.address = f"http://{first}/"
        hosts = (first, f"localhost:{self.port}")
        guard = Guard(application(session), token=self.token, hosts=hosts)
        self._server = uvicorn.Server(limited(guard))
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
