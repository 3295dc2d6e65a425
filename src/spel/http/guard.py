"""Checks of a request's head, and responses that carry security headers or a refusal."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from spel.http.bodies import RefusedRequest, one_header

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32_768
PATIENCE_S = 15.0
"""Longest time for sending a request, or for taking the next part of a response."""


def check_head(scope: Scope, hosts: Collection[str] | None, methods: Collection[str]) -> str:
    """The host that a request names; a head that is too long or malformed is refused.

    Parameters
    ----------
    scope : ASGI scope
    hosts : collection of str, optional
        Exact ``Host`` values that are served; by default any.
    methods : collection of str
        Methods that are served.

    Raises
    ------
    RefusedRequest
    """
    headers = scope["headers"]
    length = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > MAX_HEADERS or length > MAX_HEADER_BYTES:
        raise RefusedRequest(431, "too many or too long headers")
    named = [value for name, value in headers if name == b"host"]
    if len(named) != 1:
        raise RefusedRequest(400, "one Host header is expected")
    host: str = named[0].decode("latin-1")
    if hosts is not None and host not in hosts:
        raise RefusedRequest(421, "this Host is not served here")
    if scope["method"] not in methods:
        raise RefusedRequest(405, "this method is not served")
    if not scope["raw_path"].startswith(b"/"):
        raise RefusedRequest(400, "the target must be a path, not an address")
    return host


def check_origin(scope: Scope, host: str) -> None:
    """Refuse requests that another site makes the browser send, even those that only read.

    Raises
    ------
    RefusedRequest
    """
    origin = one_header(scope, b"origin")
    site = one_header(scope, b"sec-fetch-site")
    if origin is not None and origin != f"http://{host}":
        raise RefusedRequest(403, "this request comes from another origin")
    if site is not None and site not in ("same-origin", "none"):
        raise RefusedRequest(403, "this request comes from another site")


def has_token(scope: Scope, token: str) -> bool | None:
    """Whether the Authorization header carries the token; None if it carries none at all."""
    authorization = one_header(scope, b"authorization") or ""
    if not authorization.startswith("Bearer "):
        return None
    return same(authorization[7:], token)


def same(value: str, secret: str) -> bool:
    """Whether the texts are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(value.encode("latin-1", "replace"), secret.encode())


def text_body(reason: str) -> tuple[bytes, bytes]:
    """A refusal as plain text: its type and its bytes."""
    return b"text/plain; charset=utf-8", reason.encode()


def json_body(reason: str) -> tuple[bytes, bytes]:
    """A refusal as JSON: its type and its bytes."""
    return b"application/json", json.dumps({"error": reason}).encode()


class GuardedResponse:
    """A response that carries fixed headers, or a refusal in its place.

    Parameters
    ----------
    send : ASGI send
    headers : tuple of (name, value)
        Added to every response that does not state them itself.
    body : callable
        From the reason of a refusal to the type and the bytes of its body.
    """

    def __init__(
        self,
        send: Send,
        headers: tuple[Header, ...],
        body: Callable[[str], tuple[bytes, bytes]] = text_body,
    ) -> None:
        self._send, self._headers, self._body = send, headers, body
        self._started = False
        self.refusals: list[RefusedRequest] = []
        """Refusals of the body, found while the application reads it."""

    async def send(self, message: Message) -> None:
        """Send a part of the application's response."""
        if self.refusals and not self._started:
            return  # what the application makes of a refused body is not sent
        if message["type"] == "http.response.start":
            self._started = True
            present = {name.lower() for name, _ in message.get("headers", [])}
            extra = [pair for pair in self._headers if pair[0] not in present]
            if b"cache-control" not in present:
                extra.append((b"cache-control", b"no-store"))
            message["headers"] = [*message.get("headers", []), *extra]
        await asyncio.wait_for(self._send(message), PATIENCE_S)

    async def refuse(self, refusal: RefusedRequest) -> None:
        """Send the refusal, unless the response has begun."""
        self.refusals.clear()
        if self._started:
            return
        kind, body = self._body(refusal.reason)
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self.send(
            {"type": "http.response.start", "status": refusal.status, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": body})
