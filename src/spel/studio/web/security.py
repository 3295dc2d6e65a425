"""The guard: one ASGI layer that every request passes before any route.

That the server listens on this machine alone is no protection: any page in the user's browser can
send requests to it. So the host must be exact, the origin must be the page's own, and requests for
data must carry the token of this run. Responses carry a strict content policy and never a CORS
header. Everything that a client sends is limited in size and in time.

The token is not in the cookie: browsers send cookies to every port of a host, so that any other
server on this machine would receive it. The page keeps the token in storage that belongs to this
address and port, and sends it in the Authorization header. The cookie opens the page's own files.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from spel.studio.web.bodies import RefusedRequest, one_header, with_limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32_768
MAX_COOKIES = 64
MAX_QUERY_FIELDS = 64
PATIENCE_S = 15.0
"""A client that takes longer to send a request, or to take the next part of a response, is left."""

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
SAFE_METHODS = ("GET", "HEAD")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
BODY_TYPES = ("application/json", "application/octet-stream")


class Guard:
    """The layer around an application.

    Parameters
    ----------
    app : ASGI application
    token : str
        The token of this run: whoever has it may do what the user may.
    hosts : tuple of str
        Exact ``Host`` values that are served, such as "127.0.0.1:4321".
    """

    def __init__(self, app: App, *, token: str, hosts: tuple[str, ...]) -> None:
        self.app = app
        self.token = token
        self.hosts = hosts
        self.cookie_name = f"spel-{hosts[0].rpartition(':')[2]}"
        self.cookie = secrets.token_urlsafe(24)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        response = _Response(send)
        try:
            host = self._check_head(scope)
            if self._may_pass(scope):
                self._check_origin(scope, host)
                limited = with_limits(scope, receive, response.refusals, PATIENCE_S)
                await self.app(scope, limited, response.send)
            elif scope["method"] == "GET" and self._has_ticket(scope):
                await self._welcome(response.send)
            else:
                raise RefusedRequest(401, "open the address that the program printed")
        except RefusedRequest as refusal:
            await response.refuse(refusal)
        except TimeoutError:
            await response.refuse(RefusedRequest(408, "the response is taken too slowly"))

    # -- checks ----------------------------------------------------------------------------------

    def _check_head(self, scope: Scope) -> str:
        headers = scope["headers"]
        length = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > MAX_HEADERS or length > MAX_HEADER_BYTES:
            raise RefusedRequest(431, "too many or too long headers")
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            raise RefusedRequest(400, "one Host header is expected")
        host: str = hosts[0].decode("latin-1")
        if host not in self.hosts:
            raise RefusedRequest(421, "this Host is not served here")
        if scope["method"] not in METHODS:
            raise RefusedRequest(405, "this method is not served")
        if not scope["raw_path"].startswith(b"/"):
            raise RefusedRequest(400, "the target must be a path, not an address")
        return host

    def _check_origin(self, scope: Scope, host: str) -> None:
        """Refuse requests that another site makes the browser send, reading ones too."""
        origin = one_header(scope, b"origin")
        site = one_header(scope, b"sec-fetch-site")
        if origin is not None and origin != f"http://{host}":
            raise RefusedRequest(403, "this request comes from another origin")
        if site is not None and site not in ("same-origin", "none"):
            raise RefusedRequest(403, "this request comes from another site")
        if scope["method"] in SAFE_METHODS:
            return
        kind = (one_header(scope, b"content-type") or "").partition(";")[0].strip().lower()
        if kind not in BODY_TYPES:
            raise RefusedRequest(415, f"the content type must be {' or '.join(BODY_TYPES)}")

    def _may_pass(self, scope: Scope) -> bool:
        """The token opens everything; the cookie opens the page's own files."""
        authorization = one_header(scope, b"authorization") or ""
        if authorization.startswith("Bearer "):
            return _same(authorization[7:], self.token)
        path = scope["path"]
        if scope["method"] not in SAFE_METHODS or not (path == "/" or path.startswith("/static/")):
            return False
        return any(_same(value, self.cookie) for value in self._cookies(scope))

    def _cookies(self, scope: Scope) -> list[str]:
        """The values of this server's cookie."""
        text = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
        pairs = [part.partition("=") for part in text.decode("latin-1").split(";", MAX_COOKIES)]
        return [value.strip() for name, _, value in pairs if name.strip() == self.cookie_name]

    def _has_ticket(self, scope: Scope) -> bool:
        if scope["path"] != "/":
            return False
        query = scope["query_string"].decode("latin-1")
        try:
            fields = parse_qsl(query, max_num_fields=MAX_QUERY_FIELDS)
        except ValueError:
            raise RefusedRequest(400, "too many fields in the query") from None
        tickets = [value for name, value in fields if name == "t"]
        return len(tickets) == 1 and _same(tickets[0], self.token)

    async def _welcome(self, send: Send) -> None:
        """Give the page its cookie and, in a fragment that no server receives, the token."""
        cookie = f"{self.cookie_name}={self.cookie}; HttpOnly; SameSite=Strict; Path=/"
        headers = [
            (b"location", f"/#key={self.token}".encode()),
            (b"set-cookie", cookie.encode()),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _same(value: str, secret: str) -> bool:
    """Whether the texts are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(value.encode("latin-1", "replace"), secret.encode())


class _Response:
    """A response that carries the security headers, or a refusal in its place."""

    def __init__(self, send: Send) -> None:
        self._send = send
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
            extra = [pair for pair in HEADERS if pair[0] not in present]
            if b"cache-control" not in present:
                extra.append((b"cache-control", b"no-store"))
            message["headers"] = [*message.get("headers", []), *extra]
        await asyncio.wait_for(self._send(message), PATIENCE_S)

    async def refuse(self, refusal: RefusedRequest) -> None:
        """Send the refusal, unless the response has begun."""
        self.refusals.clear()
        if self._started:
            return
        body = refusal.reason.encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self.send(
            {"type": "http.response.start", "status": refusal.status, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": body})
