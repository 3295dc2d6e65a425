"""The routes of a model: images are posted, and the description, health and metrics are read."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, BinaryIO

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from spel import __version__
from spel.errors import printable
from spel.nn import Network
from spel.serve.accept import choose
from spel.serve.answering import Question
from spel.serve.kinds import KINDS, Kind, kinds_of
from spel.serve.metrics import MEDIA_TYPE, Metrics
from spel.serve.workers import MIB, QueueFullError, Workers

MAX_NAME = 255
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Limits:
    """What one request may send, and what its image may cost.

    Attributes
    ----------
    max_bytes : int
        Of the body.
    max_pixels : int
        Of the image, known from its header before it is decoded.
    seconds : float
        For decoding and computing.
    memory : int
        Bytes for decoding and computing.
    """

    max_bytes: int
    max_pixels: int
    seconds: float
    memory: int


class Service:
    """A model, its workers, its limits, and what was served so far."""

    def __init__(
        self, model: Any, name: str, limits: Limits, workers: Workers, threads: int
    ) -> None:
        self.model, self.name, self.limits = model, name, limits
        self.workers, self.threads = workers, threads
        self.kinds = kinds_of(model)
        self.is_stopping = False
        self.receiving_bytes = 0
        self.metrics = Metrics({"version": __version__, "model": printable(name)})

    @property
    def paths(self) -> dict[str, tuple[Kind, ...]]:
        """The kinds of answers behind each path that takes images."""
        return {"/": self.kinds, **{f"/{kind.name}": (kind,) for kind in self.kinds}}

    def describe(self) -> dict[str, Any]:
        """What is served, as plain values."""
        limits = self.limits
        model = self.model
        return {
            "spel": __version__,
            "model": self.name,
            **({"fingerprint": model.whole_fingerprint()} if isinstance(model, Network) else {}),
            "post": {
                path: list(dict.fromkeys(media for kind in kinds for media in kind.media_types))
                for path, kinds in self.paths.items()
            },
            "limits": {
                "bytes": limits.max_bytes,
                "pixels": limits.max_pixels,
                "seconds": limits.seconds,
                "memory": limits.memory,
                "waiting": self.workers.queue,
            },
        }

    def gauges(self) -> dict[str, tuple[str, str, float]]:
        """What the metrics say about the workers."""
        workers = self.workers
        return {
            "spel_workers": ("gauge", "Processes that answer.", workers.count),
            "spel_busy_workers": ("gauge", "Processes that are answering now.", workers.busy),
            "spel_waiting_requests": ("gauge", "Requests in the queue.", workers.waiting),
            "spel_queue_size": ("gauge", "Requests that may wait.", workers.queue),
            "spel_worker_deaths_total": (
                "counter", "Processes that an image ended, by its time or a crash.",
                workers.deaths,
            ),
        }  # fmt: skip


def application(service: Service) -> Starlette:
    """The routes of a service; wrap it in a `ServiceGuard` before any request reaches it."""

    async def describe(request: Request) -> Response:
        return json_response(service.describe())

    async def health(request: Request) -> Response:
        if service.is_stopping:
            return json_response({"status": "stopping"}, 503)
        return json_response({"status": "ok"})

    async def metrics(request: Request) -> Response:
        return Response(service.metrics.text(service.gauges()), media_type=MEDIA_TYPE)

    return Starlette(
        routes=[
            Route("/", describe, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
            *(_answering(service, path, kinds) for path, kinds in service.paths.items()),
        ],
        exception_handlers={404: _no_such_page(service), 405: _not_allowed(service)},
    )


def _no_such_page(service: Service) -> Any:
    async def handler(request: Request, error: Exception) -> Response:
        posts = ", ".join(service.paths)
        kind = request.url.path.removeprefix("/")
        what = f"this model does not {kind}" if kind in KINDS else "there is nothing here"
        reason = f"{what}; post an image to one of {posts}, or get /, /health or /metrics"
        return json_response({"error": reason}, 404)

    return handler


def _not_allowed(service: Service) -> Any:
    async def handler(request: Request, error: Exception) -> Response:
        served = str(getattr(error, "headers", {}).get("Allow", "")).split(", ")
        if request.url.path in service.paths:
            served.append("POST")  # of two routes, the error names the methods of the first
        allowed = ", ".join(sorted({*served}))
        reason = f"{request.method} is not served here; expected one of {allowed}"
        return json_response({"error": reason}, 405, {"Allow": allowed})

    return handler


def _answering(service: Service, path: str, kinds: tuple[Kind, ...]) -> Route:
    async def endpoint(request: Request) -> Response:
        offered = {media: kind for kind in reversed(kinds) for media in kind.media_types}
        media_types = [*dict.fromkeys(media for kind in kinds for media in kind.media_types)]
        media = choose(request.headers.get("accept"), media_types)
        if media is None:
            reason = f"Accept: none of {', '.join(media_types)} is accepted"
            return json_response({"error": reason}, 406)
        try:
            name, factor = query_values(request.query_params, offered[media])
        except ValueError as error:
            return json_response({"error": str(error)}, 422)
        most, threads = service.limits.max_pixels, service.threads
        question = Question(offered[media].name, media, name, most, threads, factor)
        return await _answer(service, request, question)

    return Route(path, endpoint, methods=["POST"])


def query_values(query: Mapping[str, str], kind: Kind) -> tuple[str, float]:
    """The name of the image in the query, by default "image", and the factor of the kind, 1.

    Raises
    ------
    ValueError
        If the query states anything else, the name is too long, or the factor is no number.
    """
    expected = ["name", kind.factor] if kind.factor else ["name"]
    unknown = sorted(set(query) - set(expected))
    if unknown:
        stated = f"the query states {printable(unknown[0])!r:.60}"
        raise ValueError(f"{stated}; expected only {' or '.join(expected)}")
    name = query.get("name") or "image"
    if len(name) > MAX_NAME:
        raise ValueError(f"a name of {len(name)} characters; expected at most {MAX_NAME}")
    return printable(name), _factor(kind.factor, query.get(kind.factor, "1"))


def _factor(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < inf:
        raise ValueError(f"{name}={printable(text)!r:.60}; expected a number above 0, as in 0.5")
    return value


async def _answer(service: Service, request: Request, question: Question) -> Response:
    """Receive the body, let a worker answer, and send what it wrote."""
    try:
        service.workers.check_place()
        file = await _received(service, request)
        answer = await service.workers.answer(file, question, lambda: _is_there(request))
    except ClientDisconnect:
        answer = None
    except QueueFullError as full:
        headers = {"Retry-After": str(full.retry_after), "Connection": "close"}
        return json_response({"error": str(full)}, 503, headers)
    except OSError as error:
        reason = f"the disk of the server refused it ({error.strerror or error})"
        return json_response({"error": reason}, 507)
    if answer is None:
        return Response(status_code=499)  # nobody is there to read it
    if answer.body is None:
        return json_response({"error": answer.error}, answer.status)
    size = os.fstat(answer.body.fileno()).st_size
    headers = {"Content-Length": str(size), "X-Content-Type-Options": "nosniff"}
    if answer.notes:
        headers["Spel-Notes"] = answer.notes
    return StreamingResponse(_pieces(answer.body), media_type=question.media_type, headers=headers)


async def _is_there(request: Request) -> bool:
    return not await request.is_disconnected()


async def _received(service: Service, request: Request) -> BinaryIO:
    """The body in a nameless file; all bodies together take no more than the queue may hold."""
    most = (service.workers.count + service.workers.queue) * service.limits.max_bytes
    file: Any = tempfile.TemporaryFile()  # noqa: SIM115 - a worker's thread closes it
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            service.receiving_bytes += len(chunk)
            if service.receiving_bytes > most:
                raise QueueFullError(1)
            file.write(chunk)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    finally:
        service.receiving_bytes -= size
    service.metrics.received_bytes += size
    return file  # type: ignore[no-any-return]


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while piece := file.read(MIB):
            yield piece
            await asyncio.sleep(0)


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The value as JSON."""
    text = json.dumps(value, allow_nan=False)
    return Response(text, status, headers, media_type="application/json")
