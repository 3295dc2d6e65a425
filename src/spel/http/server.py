"""An application on a port, served in this thread or in one of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import uvicorn

from spel.errors import ParameterError
from spel.http.connections import LOOPBACK, bind, host_and_port, limited
from spel.http.guard import App


class HttpServer:
    """A port that is open from the start, and the application that is mounted on it.

    Parameters
    ----------
    name : str
        Of the thread.
    host : str
    port : int
        0 for any free port.
    kind : type of uvicorn.Server
    """

    def __init__(
        self, name: str, host: str, port: int, kind: type[uvicorn.Server] = uvicorn.Server
    ) -> None:
        self._name, self._kind = name, kind
        host = LOOPBACK if host == "localhost" else host  # which may also be the address of IPv6
        self._socket = bind(host, port)
        self.port = int(self._socket.getsockname()[1])
        first = host_and_port(host, self.port)
        self.address = f"http://{first}/"
        self.hosts = (first, f"localhost:{self.port}")
        self._server: uvicorn.Server
        self._thread: threading.Thread | None = None

    def mount(self, app: App) -> uvicorn.Server:
        """Let an application answer, and return its server."""
        self._server = self._kind(limited(app))
        return self._server

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Serve until a signal comes or `stop` is called; `ready` is called when it answers."""

        async def serve() -> None:
            if ready is not None:
                asyncio.get_running_loop().call_later(0.05, ready)
            await self._server.serve(sockets=[self._socket])

        asyncio.run(serve())

    def start(self, seconds: float = 60.0) -> None:
        """Serve in a thread, and return when requests are answered.

        Raises
        ------
        ParameterError
            If that takes too long.
        """
        self._thread = threading.Thread(target=self.run, name=self._name, daemon=True)
        self._thread.start()
        limit = time.monotonic() + seconds
        while not self._server.started:
            if time.monotonic() > limit or not self._thread.is_alive():
                raise ParameterError(f"{self._name} did not start within {seconds:g} s")
            time.sleep(0.01)

    def stop(self, seconds: float | None = None) -> None:
        """Answer what was accepted, within a time if one is given, and close the port."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(seconds)
        self.close()

    def close(self) -> None:
        """Close the port."""
        self._socket.close()
