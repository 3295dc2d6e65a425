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
from spel.studio.views.folders import folders_view
from spel.studio.web import archives, changes, reading, truth_files, uploads
from spel.studio.web.respond import parse_body, respond
from spel.studio.web.static_files import StaticFiles

Read = Callable[[Session, Request], Any]
Change = Callable[[Session, Any], Any]

READS: dict[str, Read] = {
    "/api/constants": lambda s, r: constants_view(),
    "/api/document": lambda s, r: document_view(s),
    "/api/images/{id}": reading.image,
    "/api/images/{id}/window": reading.window,
    "/api/images/{id}/planes": reading.planes,
    "/api/run": reading.run,
    "/api/thumbs": reading.thumbs,
    "/api/arrays/{id}/{channel:int}": reading.channel,
    "/api/histogram": reading.histogram,
    "/api/trace": reading.trace,
    "/api/labels": reading.labels,
    "/api/objects": reading.objects,
    "/api/mask": reading.mask,
    "/api/true-masks/{id}": reading.true_mask,
    "/api/wavering": reading.wavering,
    "/api/stroke": reading.stroke,
    "/api/bank": reading.bank,
    "/api/cloud": reading.cloud,
    "/api/kernels": reading.kernels,
    "/api/code": lambda s, r: {"code": code.view_code(s, reading.view_of(r))},
    "/api/command-line": lambda s, r: {"line": exports.command_line(s, reading.view_of(r))},
    "/api/export/{kind}": reading.export,
    "/api/tasks": lambda s, r: {"tasks": [task.to_dict() for task in s.tasks.all()]},
    "/api/tasks/{id}": lambda s, r: s.tasks.get(r.path_params["id"]).to_dict(),
    "/api/tasks/{id}/picture": reading.task_picture,
    "/api/tasks/{id}/pictures/{index:int}": reading.result_picture,
    "/api/folders": lambda s, r: folders_view(s),
    "/api/images/{id}/thumb": reading.thumb,
    "/api/lessons": lambda s, r: lessons.lessons(),
}
CHANGES: dict[str, Change] = {
    "/api/do": changes.do,
    "/api/undo": changes.undo,
    "/api/redo": changes.redo,
    "/api/view": changes.set_view,
    "/api/boxes": changes.boxes,
    "/api/judged": changes.quality,
    "/api/judge": changes.judge,
    "/api/why": changes.why,
    "/api/learn-boxes": changes.learn_boxes,
    "/api/fit-statistics": changes.fit_statistics,
    "/api/run-folder": changes.run_folder,
    "/api/invert": changes.invert,
    "/api/cut": changes.cut,
    "/api/stop": changes.stop_task,
}
UPLOADS: dict[str, uploads.Take] = {
    "/api/images": uploads.take_image,
    "/api/markers": uploads.take_markers,
    "/api/truth": truth_files.take_truth,
    "/api/truth-folder": truth_files.take_truth_folder,
    "/api/networks": uploads.take_network,
    "/api/archive": archives.take_archive,
}


def application(session: Session) -> Starlette:
    """The routes of a session; wrap it in a `Guard` before any request reaches it."""
    static = StaticFiles()

    async def file(request: Request) -> Response:
        return static.respond(request.path_params.get("name", "index.html"), request)

    return Starlette(
        routes=[
            Route("/", file, methods=["GET"]),
            Route("/static/{name:path}", file, methods=["GET"]),
            *(_reading(session, path, read) for path, read in READS.items()),
            *(_changing(session, path, change) for path, change in CHANGES.items()),
            *(_uploading(session, path, take) for path, take in UPLOADS.items()),
        ]
    )


def _reading(session: Session, path: str, read: Read) -> Route:
    async def endpoint(request: Request) -> Response:
        return await respond(session, lambda: read(session, request))

    return Route(path, endpoint, methods=["GET"])


def _changing(session: Session, path: str, change: Change) -> Route:
    async def endpoint(request: Request) -> Response:
        data = await request.body()
        return await respond(session, lambda: change(session, parse_body(data)))

    return Route(path, endpoint, methods=["POST"])


def _uploading(session: Session, path: str, take: uploads.Take) -> Route:
    async def endpoint(request: Request) -> Response:
        return await uploads.receive(session, request, take)

    return Route(path, endpoint, methods=["PUT"])
