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

import secrets
from urllib.parse import parse_qsl

from spel.http.bodies import RefusedRequest, content_type, with_limits
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
    same,
)

MAX_JSON = 1 << 20
MAX_UPLOAD = 200 << 20
MAX_COOKIES = 64
MAX_QUERY_FIELDS = 64

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
        response = GuardedResponse(send, HEADERS)
        try:
            host = check_head(scope, self.hosts, METHODS)
            if self._may_pass(scope):
                self._check_origin(scope, host)
                limit = MAX_UPLOAD if content_type(scope) == BODY_TYPES[1] else MAX_JSON
                limited = with_limits(scope, receive, response.refusals, limit, PATIENCE_S)
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

    def _check_origin(self, scope: Scope, host: str) -> None:
        check_origin(scope, host)
        if scope["method"] not in SAFE_METHODS and content_type(scope) not in BODY_TYPES:
            raise RefusedRequest(415, f"the content type must be {' or '.join(BODY_TYPES)}")

    def _may_pass(self, scope: Scope) -> bool:
        """The token opens everything; the cookie opens the page's own files."""
        signed = has_token(scope, self.token)
        if signed is not None:
            return signed
        path = scope["path"]
        if scope["method"] not in SAFE_METHODS or not (path == "/" or path.startswith("/static/")):
            return False
        return any(same(value, self.cookie) for value in self._cookies(scope))

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
        return len(tickets) == 1 and same(tickets[0], self.token)

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
