"""Limits on the bodies of requests: in size, and in the time that they may take to arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

MIN_BYTES_PER_S = 1 << 18


class RefusedRequest(Exception):
    """A request that the guard refuses, with the status and the reason to send."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def one_header(scope: MutableMapping[str, Any], name: bytes) -> str | None:
    """The value of a header; None if it is absent.

    Raises
    ------
    RefusedRequest
        If there are several.
    """
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    if len(values) > 1:
        raise RefusedRequest(400, f"one {name.decode()} header is expected")
    return values[0] if values else None


def content_type(scope: MutableMapping[str, Any]) -> str:
    """The type of the body, without its parameters."""
    return (one_header(scope, b"content-type") or "").partition(";")[0].strip().lower()


def with_limits(
    scope: MutableMapping[str, Any],
    receive: Receive,
    refusals: list[RefusedRequest],
    max_bytes: int,
    patience_s: float,
) -> Receive:
    """A `receive` that refuses bodies that are too large or arrive too slowly.

    Refusals while the body is read are also appended to `refusals`, since the application may catch
    them.
    """
    if one_header(scope, b"content-encoding") not in (None, "identity"):
        raise RefusedRequest(415, "compressed bodies are not accepted")
    length = one_header(scope, b"content-length")
    if length is not None and (not length.isdigit() or int(length) > max_bytes):
        raise RefusedRequest(413, f"at most {max_bytes >> 20} MiB are accepted")
    start, size, complete = time.monotonic(), 0, False

    def refused(status: int, reason: str) -> RefusedRequest:
        refusals.append(RefusedRequest(status, reason))
        return refusals[-1]

    async def limited() -> Message:
        nonlocal size, complete
        if complete:  # the application waits for the client to leave, without a limit
            return await receive()
        remaining = start + patience_s + size / MIN_BYTES_PER_S - time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), max(0.01, remaining))
        except TimeoutError:
            raise refused(408, "the body arrives too slowly") from None
        size += len(message.get("body", b""))
        if size > max_bytes:
            raise refused(413, f"at most {max_bytes >> 20} MiB are accepted")
        complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return limited
