"""The web application of a session: its routes, and how their results become responses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spel.studio import code, exports, lessons
from spel.studio.session import Session
from spel.studio.views.document import constants_view, document_view
from spel.studio.views.runs import image_view
from spel.studio.web import changes, reading, uploads
from spel.studio.web.respond import parse_body, respond
from spel.studio.web.static_files import StaticFiles

Read = Callable[[Session, Request], Any]
Change = Callable[[Session, Any], Any]


def application(session: Session) -> Starlette:
    """The routes of a session; wrap it in a `Guard` before any request reaches it."""
    static = StaticFiles()

    def get(path: str, read: Read) -> Route:
        async def endpoint(request: Request) -> Response:
            return await respond(session, lambda: read(session, request))

        return Route(path, endpoint, methods=["GET"])

    def post(path: str, change: Change) -> Route:
        async def endpoint(request: Request) -> Response:
            data = await request.body()
            return await respond(session, lambda: change(session, parse_body(data)))

        return Route(path, endpoint, methods=["POST"])

    def put(path: str, take: uploads.Take) -> Route:
        async def endpoint(request: Request) -> Response:
            return await uploads.receive(session, request, take)

        return Route(path, endpoint, methods=["PUT"])

    def file(path: str, name: Callable[[Request], str]) -> Route:
        async def endpoint(request: Request) -> Response:
            return static.respond(name(request), request)

        return Route(path, endpoint, methods=["GET"])

    routes = [
        file("/", lambda r: "index.html"),
        file("/static/{name:path}", lambda r: str(r.path_params["name"])),
        get("/api/constants", lambda s, r: constants_view()),
        get("/api/document", lambda s, r: document_view(s)),
        get("/api/images/{id}", lambda s, r: image_view(s, r.path_params["id"])),
        get("/api/run", reading.run),
        get("/api/thumbs", reading.thumbs),
        get("/api/arrays/{id}/{channel:int}", reading.channel),
        get("/api/histogram", reading.histogram),
        get("/api/trace", reading.trace),
        get("/api/bank", reading.bank),
        get("/api/cloud", reading.cloud),
        get("/api/kernels", reading.kernels),
        get("/api/code", lambda s, r: {"code": code.view_code(s, reading.view_of(r))}),
        get(
            "/api/command-line", lambda s, r: {"line": exports.command_line(s, reading.view_of(r))}
        ),
        get("/api/export/{kind}", reading.export),
        get("/api/lessons", lambda s, r: lessons.lessons()),
        post("/api/do", changes.do),
        post("/api/undo", changes.undo),
        post("/api/redo", changes.redo),
        post("/api/view", changes.set_view),
        post("/api/boxes", changes.boxes),
        post("/api/judged", changes.quality),
        post("/api/why", changes.why),
        put("/api/images", uploads.take_image),
        put("/api/markers", uploads.take_markers),
        put("/api/truth", uploads.take_truth),
        put("/api/networks", uploads.take_network),
    ]
    return Starlette(routes=routes)
