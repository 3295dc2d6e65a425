"""The server process: one port on the loopback interface, one token, one page."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from spel.http.server import HttpServer
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
        self._http = HttpServer("spel-studio", host, port)
        self.port, self.address = self._http.port, self._http.address
        self._http.mount(Guard(application(session), token=self.token, hosts=self._http.hosts))

    @property
    def url(self) -> str:
        """The address with the token: whoever has it may do what the user may."""
        return f"{self.address}?t={self.token}"

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Serve until interrupted."""
        self._http.run(ready)

    def start(self) -> Server:
        """Serve in a thread, and return when requests are answered."""
        self._http.start()
        return self

    def stop(self) -> None:
        """Stop serving, and save."""
        self._http.stop(seconds=10)
        self.session.close()
