"""The server process: a port, a guard before the routes, and a stop that finishes what it took."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from spel.http.bodies import RefusedRequest, content_type, with_limits
from spel.http.connections import is_this_machine
from spel.http.guard import (
    PATIENCE_S,
    App,
    GuardedResponse,
    Receive,
    Scope,
    Send,
    check_head,
    check_origin,
    has_token,
    json_body,
)
from spel.http.server import HttpServer
from spel.serve.app import Service, application

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Those that routes answer, if only by saying which they serve."""
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Log = Callable[[str], object]


class ServiceGuard:
    """The layer that every request passes: heads, hosts, origins, the token, types and sizes.

    Parameters
    ----------
    service : Service
    token : str, optional
        Needed for everything but `/health`; by default nothing is.
    hosts : tuple of str, optional
        Exact ``Host`` values that are served; by default any.
    log : callable
        Gets a line for each answer.
    """

    def __init__(
        self,
        service: Service,
        *,
        token: str | None = None,
        hosts: tuple[str, ...] | None = None,
        log: Log = str,
    ) -> None:
        self.service, self.token, self.hosts, self.log = service, token, hosts, log
        self.app: App = application(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began, status = time.monotonic(), 0

        async def watched(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        response = GuardedResponse(watched, HEADERS, json_body)
        try:
            self._check(scope)
            most = self.service.limits.max_bytes
            bounded = with_limits(scope, receive, response.refusals, most, PATIENCE_S)
            await self.app(scope, bounded, response.send)
        except RefusedRequest as refusal:
            await response.refuse(refusal)
        except TimeoutError:
            await response.refuse(RefusedRequest(408, "the response is taken too slowly"))
        finally:
            self._record(scope, status, time.monotonic() - began)

    def _check(self, scope: Scope) -> None:
        host = check_head(scope, self.hosts, METHODS)
        check_origin(scope, host)
        needs_token = self.token is not None and scope["path"] != "/health"
        if needs_token and not has_token(scope, self.token or ""):
            raise RefusedRequest(401, "send the header Authorization: Bearer TOKEN")
        kind = content_type(scope)
        accepted = kind in ("", "application/octet-stream") or kind.startswith("image/")
        if scope["method"] == "POST" and not accepted:
            raise RefusedRequest(
                415,
                f"the content type is {kind[:60]}; post the bytes of an image file as "
                "application/octet-stream or image/...",
            )

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        served = (*self.service.paths, "/health", "/metrics")
        path = scope["path"] if scope["path"] in served else "other"
        is_answer = status == 200 and scope["method"] == "POST"
        self.service.metrics.record(path, status, seconds if is_answer else None)
        self.log(f"{scope['method']} {path} {status} {seconds * 1e3:.0f} ms")


class _Uvicorn(uvicorn.Server):
    """uvicorn that ends with a stop signal rather than dying of it again afterwards."""

    on_stop: Callable[[], object] = str

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: Any) -> None:
        self.on_stop()
        super().handle_exit(sig, frame)


class Server:
    """A service on a port.

    Parameters
    ----------
    service : Service
    host : str
    port : int
        0 for any free port.
    token : str, optional
        What clients must send; by default nothing.
    log : callable, optional
        Gets a line for each answer.
    """

    def __init__(
        self,
        service: Service,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        log: Log = str,
    ) -> None:
        self.service = service
        self._http = HttpServer("spel-serve", host, port, _Uvicorn)
        self.port, self.address = self._http.port, self._http.address
        hosts = self._http.hosts if is_this_machine(host) else None
        server = self._http.mount(ServiceGuard(service, token=token, hosts=hosts, log=log))
        server.on_stop = self._stopping  # type: ignore[attr-defined]

    def _stopping(self) -> None:
        self.service.is_stopping = True

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Serve until SIGINT or SIGTERM; requests that were accepted are answered."""
        self.service.workers.start()
        self._http.run(ready)

    def start(self) -> Server:
        """Serve in a thread, and return when requests are answered."""
        self.service.workers.start()
        self._http.start()
        return self

    def stop(self) -> None:
        """Answer what was accepted, then stop."""
        self._stopping()
        self._http.stop()
        self.service.workers.close()

    def close(self) -> None:
        """Close the port and end the workers."""
        self._http.close()
        self.service.workers.close()
