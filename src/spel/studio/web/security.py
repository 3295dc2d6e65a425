"""What keeps strangers out: one ASGI layer that every request passes before any route.

Loopback is no protection by itself: any page in the user's browser can send requests to it. So a
request needs the exact Host, no foreign Origin, and the token of this run; answers carry a strict
content policy and never a CORS header; everything a client sends is bounded in size and in time.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_JSON = 1 << 20
MAX_UPLOAD = 200 << 20
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32_768
PATIENCE_S = 15.0
RATE = 1 << 18
"""A body has so many seconds, and one more for so many bytes that arrived."""

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; object-src 'none'; frame-src 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
SAFE = ("GET", "HEAD")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")


class Refused(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Guard:
    """The layer around an application.

    Parameters
    ----------
    app : ASGI application
    token : str
        Of this run.
    hosts : tuple of str
        Exact ``Host`` values that are answered, such as "127.0.0.1:4321".
    """

    def __init__(self, app: App, *, token: str, hosts: tuple[str, ...]) -> None:
        self.app = app
        self.token = token
        self.hosts = hosts
        self.cookie = f"spel-{hosts[0].rpartition(':')[2]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answered = False
        refusals: list[Refused] = []

        async def guarded_send(message: MutableMapping[str, Any]) -> None:
            nonlocal answered
            if refusals and not answered:
                return  # what the application makes of a refused body is not sent
            if message["type"] == "http.response.start":
                answered = True
                known = {name.lower() for name, _ in message.get("headers", [])}
                extra = [pair for pair in HEADERS if pair[0] not in known]
                if b"cache-control" not in known:
                    extra.append((b"cache-control", b"no-store"))
                message["headers"] = [*message.get("headers", []), *extra]
            await asyncio.wait_for(send(message), PATIENCE_S)

        try:
            host = self._check_head(scope)
            if self._signed_in(scope):
                self._check_origin(scope, host)
                await self.app(scope, _bounded(scope, receive, refusals), guarded_send)
            elif scope["method"] == "GET" and self._is_ticket(scope):
                await self._welcome(guarded_send)
            else:
                raise Refused(401, "open the address that the program printed, with its token")
        except Refused as refusal:
            refusals.clear()
            if not answered:
                await _plain(guarded_send, refusal.status, refusal.reason)
        except TimeoutError:
            if not answered:
                await _plain(guarded_send, 408, "the page takes its answer too slowly")

    # -- checks ----------------------------------------------------------------------------------

    def _check_head(self, scope: Scope) -> str:
        headers = scope["headers"]
        length = sum(len(n) + len(v) for n, v in headers)
        if len(headers) > MAX_HEADERS or length > MAX_HEADER_BYTES:
            raise Refused(431, "too many or too long headers")
        hosts = [v for n, v in headers if n == b"host"]
        if len(hosts) != 1:
            raise Refused(400, "one Host header is expected")
        host: str = hosts[0].decode("latin-1")
        if host not in self.hosts:
            raise Refused(421, "this Host is not served here")
        if scope["method"] not in METHODS:
            raise Refused(405, "this method is not served")
        if not scope["raw_path"].startswith(b"/"):
            raise Refused(400, "a path is expected, no address")
        return host

    def _check_origin(self, scope: Scope, host: str) -> None:
        """Requests that another site makes the browser send are refused, reading ones too."""
        origin = _one(scope, b"origin")
        site = _one(scope, b"sec-fetch-site")
        if origin is not None and origin != f"http://{host}":
            raise Refused(403, "this request comes from another origin")
        if site is not None and site not in ("same-origin", "none"):
            # The address bar and links from elsewhere may open the page, nothing else.
            raise Refused(403, "this request comes from another site")
        if scope["method"] in SAFE:
            return
        if origin is None and _one(scope, b"authorization") is None:
            raise Refused(403, "a changing request needs its Origin")
        kind = (_one(scope, b"content-type") or "").partition(";")[0].strip().lower()
        if kind not in ("application/json", "application/octet-stream"):
            raise Refused(415, "application/json or application/octet-stream is expected")

    def _signed_in(self, scope: Scope) -> bool:
        bearer = _one(scope, b"authorization") or ""
        if bearer.startswith("Bearer "):
            return self._same(bearer[7:])
        for value in (v.decode("latin-1") for n, v in scope["headers"] if n == b"cookie"):
            try:
                jar: SimpleCookie = SimpleCookie(value)
            except CookieError:
                continue
            if self.cookie in jar and self._same(jar[self.cookie].value):
                return True
        return False

    def _is_ticket(self, scope: Scope) -> bool:
        if scope["path"] != "/":
            return False
        given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=8).get("t", [])
        return len(given) == 1 and self._same(given[0])

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("latin-1", "replace"), self.token.encode())

    async def _welcome(self, send: Send) -> None:
        """Trade the token in the address for a cookie; the address is clean from then on."""
        cookie = f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _one(scope: Scope, name: bytes) -> str | None:
    found = [v.decode("latin-1") for n, v in scope["headers"] if n == name]
    if len(found) > 1:
        raise Refused(400, f"one {name.decode()} header is expected")
    return found[0] if found else None


def _bounded(scope: Scope, receive: Receive, refusals: list[Refused]) -> Receive:
    """A `receive` that stops at a body too large or too slow."""
    kind = (_one(scope, b"content-type") or "").partition(";")[0].strip().lower()
    limit = MAX_UPLOAD if kind == "application/octet-stream" else MAX_JSON
    if _one(scope, b"content-encoding") not in (None, "identity"):
        raise Refused(415, "bodies are taken as they are, not compressed")
    announced = _one(scope, b"content-length")
    if announced is not None and (not announced.isdigit() or int(announced) > limit):
        raise Refused(413, f"at most {limit >> 20} MiB are taken")
    start, got = time.monotonic(), 0

    def refused(status: int, reason: str) -> Refused:
        refusals.append(Refused(status, reason))
        return refusals[-1]

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal got
        left = start + PATIENCE_S + got / RATE - time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), max(0.01, left))
        except TimeoutError:
            raise refused(408, "the body comes too slowly") from None
        got += len(message.get("body", b""))
        if got > limit:
            raise refused(413, f"at most {limit >> 20} MiB are taken")
        return message

    done = False

    async def patient() -> MutableMapping[str, Any]:
        """Once the body is whole, waiting (for the client to leave) has no limit."""
        nonlocal done
        if done:
            return await receive()
        message = await bounded()
        done = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return patient


async def _plain(send: Send, status: int, reason: str) -> None:
    body = reason.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
