"""Routes: thin. Each takes arguments apart, asks the session in a thread, sends what it says."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spel.errors import FormatError, ParameterError, SpelError
from spel.studio import answers, code, exports, lessons, spaces, views
from spel.studio.commands import with_markers
from spel.studio.document import Entry
from spel.studio.session import ConflictError, Session
from spel.studio.web.wire import pack

Work = Callable[[Session, Request], Any]
STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
AGAIN = {"Cache-Control": "no-cache"}


def application(session: Session) -> Starlette:
    """The routes of a session; wrap it in a `Guard` before anything reaches it."""
    static = _static_files()

    async def page(request: Request) -> Response:
        return _static(static, "index.html", request)

    async def file(request: Request) -> Response:
        return _static(static, request.path_params["name"], request)

    def reading(path: str, work: Work) -> Route:
        return Route(path, _answer(session, work), methods=["GET"])

    def writing(path: str, work: Callable[[Session, Request, Any], Any], method: str) -> Route:
        return Route(path, _taking(session, work), methods=[method])

    routes = [
        Route("/", page, methods=["GET"]),
        Route("/static/{name:path}", file, methods=["GET"]),
        reading("/api/constants", lambda s, r: views.constants()),
        reading("/api/document", lambda s, r: views.document_view(s)),
        reading("/api/images/{id}", lambda s, r: views.image_view(s, r.path_params["id"])),
        reading("/api/run", lambda s, r: _run(s, r.query_params)),
        reading("/api/thumbs", _thumbs),
        reading("/api/arrays/{id}/{channel:int}", _channel),
        reading("/api/histogram", _histogram),
        reading("/api/trace", _trace),
        reading("/api/bank", _bank),
        reading("/api/cloud", _cloud),
        reading("/api/kernels", _kernels),
        reading("/api/code", lambda s, r: {"code": code.view_code(s, _view(r))}),
        reading("/api/command-line", lambda s, r: {"line": exports.command_line(s, _view(r))}),
        reading("/api/export/{kind}", _export),
        reading("/api/lessons", lambda s, r: lessons.lessons()),
        writing("/api/do", _do, "POST"),
        writing("/api/undo", lambda s, r, b: _step(s, b, s.undo), "POST"),
        writing("/api/redo", lambda s, r, b: _step(s, b, s.redo), "POST"),
        writing("/api/view", _set_view, "POST"),
        writing("/api/boxes", _boxes, "POST"),
        writing("/api/judged", _judged, "POST"),
        writing("/api/why", _why, "POST"),
        Route("/api/images", _upload(session, _take_image), methods=["PUT"]),
        Route("/api/markers", _upload(session, _take_markers), methods=["PUT"]),
        Route("/api/truth", _upload(session, _take_truth), methods=["PUT"]),
        Route("/api/networks", _upload(session, _take_network), methods=["PUT"]),
    ]
    return Starlette(routes=routes)


# -- answering -----------------------------------------------------------------------------------


def _answer(session: Session, work: Work) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await _sent(session, lambda: work(session, request))

    return endpoint


def _taking(
    session: Session, work: Callable[[Session, Request, Any], Any]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        data = await request.body()

        def worked() -> Any:
            from spel.io.annotation.guarded import parse_json

            body = parse_json(data, name="request")
            if not isinstance(body, dict):
                raise FormatError("request: expected an object")
            return work(session, request, body)

        return await _sent(session, worked)

    return endpoint


async def _sent(session: Session, work: Callable[[], Any]) -> Response:
    """Do the work in a thread; errors become one line and a status."""
    try:
        found = await run_in_threadpool(work)
    except ConflictError as error:
        told = {"error": str(error), "document": views.document_view(session)}
        return JSONResponse(told, status_code=409)
    except SpelError as error:
        notes = "; ".join(getattr(error, "__notes__", ()))
        text = f"{error} ({notes})" if notes else str(error)
        status = 404 if str(error).startswith("no image") else 422
        return JSONResponse({"error": text}, status_code=status)
    except KeyError as error:
        return JSONResponse({"error": f"{error.args[0]} is not there"}, status_code=404)
    except (TypeError, ValueError, OverflowError) as error:
        return JSONResponse({"error": f"{error}"[:300]}, status_code=422)
    if isinstance(found, Response):
        return found
    if isinstance(found, tuple):
        return Response(pack(*found), media_type="application/octet-stream", headers=AGAIN)
    return Response(json.dumps(views.clean(found), allow_nan=False), media_type="application/json")


def _text(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if value is None:
        raise ParameterError(f"{name} is missing")
    return value


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    return None if value in (None, "") else int(str(value))


def _view(request: Request) -> dict[str, Any]:
    return {k: (v if v != "" else None) for k, v in request.query_params.items()}


# -- reading -------------------------------------------------------------------------------------


def _run(session: Session, given: Mapping[str, Any]) -> Any:
    network, image = str(given["network"]), str(given["image"])
    return views.run_view(session.run(network, image), network)


def _thumbs(session: Session, request: Request) -> Any:
    ids = [i for i in _text(request, "ids").split(",") if i]
    return views.thumbs_view(session, ids, _number(request, "side") or 144)


def _channel(session: Session, request: Request) -> Any:
    id, channel = request.path_params["id"], request.path_params["channel"]
    found = views.channel_view(session, id, channel, _number(request, "step") or 1)
    return Response(pack(*found), media_type="application/octet-stream", headers=FOREVER)


def _histogram(session: Session, request: Request) -> Any:
    return views.histogram_view(session, _text(request, "id"), _number(request, "channel") or 0)


def _trace(session: Session, request: Request) -> Any:
    at = (int(_text(request, "row")), int(_text(request, "col")))
    return views.trace_view(
        session,
        _text(request, "network"),
        _text(request, "image"),
        _text(request, "node"),
        at,
        _number(request, "channel"),
    )


def _bank(session: Session, request: Request) -> Any:
    return views.bank_view(session, _text(request, "network"), _text(request, "node"))


def _cloud(session: Session, request: Request) -> Any:
    entries = [int(e) for e in request.query_params.get("entries", "").split(",") if e]
    return spaces.cloud_view(
        session,
        _text(request, "network"),
        _text(request, "image"),
        _text(request, "node"),
        kernel=_number(request, "kernel") or 0,
        directions=request.query_params.get("directions", "kernel"),
        entries=entries,
        normalized=request.query_params.get("normalized") == "1",
    )


def _kernels(session: Session, request: Request) -> Any:
    images = [i for i in _text(request, "images").split(",") if i in session.images]
    return spaces.kernels_view(session, _text(request, "network"), _text(request, "node"), images)


def _export(session: Session, request: Request) -> Any:
    name, kind, data = exports.exported(session, request.path_params["kind"], _view(request))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=kind, headers=headers)


# -- changing ------------------------------------------------------------------------------------


def _changed(session: Session, body: Mapping[str, Any]) -> Any:
    """The document after a change, and the run that the page shows."""
    told: dict[str, Any] = {"document": views.document_view(session, body.get("drawn"))}
    wanted = body.get("run")
    if wanted and wanted.get("network") in session.document.networks:
        told["run"] = _run(session, wanted)
    return told


def _do(session: Session, request: Request, body: Any) -> Any:
    command = body["command"]
    if not isinstance(command, dict):
        raise FormatError("command: expected an object")
    gesture = body.get("gesture")
    session.do(
        command,
        revision=body.get("revision"),
        gesture=None if gesture is None else str(gesture)[:64],
    )
    return _changed(session, body)


def _step(session: Session, body: Any, step: Callable[[int | None], bool]) -> Any:
    step(body.get("revision"))
    return _changed(session, body)


def _set_view(session: Session, request: Request, body: Any) -> Any:
    session.set_view({str(k)[:40]: v for k, v in list(body.items())[:40]})
    return {}


def _boxes(session: Session, request: Request, body: Any) -> Any:
    return answers.boxes_view(session, body["network"], body["image"], body.get("decision"))


def _judged(session: Session, request: Request, body: Any) -> Any:
    return answers.judged_view(session, body["network"], body.get("decision"))


def _why(session: Session, request: Request, body: Any) -> Any:
    return answers.why_view(
        session, body["network"], body["image"], int(body["index"]), body.get("decision")
    )


# -- files that come in --------------------------------------------------------------------------

Take = Callable[[Session, Mapping[str, str], Path, str], Any]


def _upload(session: Session, take: Take) -> Callable[[Request], Awaitable[Response]]:
    """Write the body to a file of the session, bit by bit, then take it."""

    async def endpoint(request: Request) -> Response:
        path = session.uploads / f"{secrets.token_hex(8)}.part"
        digest = blake2b(digest_size=12)
        try:
            with path.open("wb") as file:
                async for chunk in request.stream():
                    digest.update(chunk)
                    file.write(chunk)
            given = dict(request.query_params)
            return await _sent(session, lambda: take(session, given, path, digest.hexdigest()))
        finally:
            path.unlink(missing_ok=True)

    return endpoint


def _take_image(session: Session, given: Mapping[str, str], path: Path, digest: str) -> Any:
    place = session.uploads / f"{digest}.bin"
    path.replace(place)
    source = session.add_upload(place, given.get("name", "image"))
    return {"id": source.id, **_changed(session, {})}


def _take_markers(session: Session, given: Mapping[str, str], path: Path, digest: str) -> Any:
    from spel.io.annotation.markers import read_markers

    name = given.get("name", "")
    suffix = next((s for s in (".json", ".png", ".txt") if name.lower().endswith(s)), ".txt")
    typed = path.with_suffix(suffix)
    path.replace(typed)
    try:
        try:
            markers = read_markers(typed, convention=given.get("convention", "auto"))  # type: ignore[arg-type]
        except FormatError as error:
            raise FormatError(str(error).replace(str(typed), "the marker file")) from None
    finally:
        typed.unlink(missing_ok=True)
    image = session.load(given["image"])
    session.change(
        "import_markers", lambda d: with_markers(d, image, markers, f"m{session.revision}")
    )
    from spel.io.annotation.markers import convention_of

    return {**_changed(session, {}), "note": convention_of(markers)}


def _take_truth(session: Session, given: Mapping[str, str], path: Path, digest: str) -> Any:
    """True boxes of all images that a COCO file names."""
    from spel.io.annotation.annotations import read_coco

    try:
        truth = read_coco(path)
    except FormatError as error:
        raise FormatError(str(error).replace(str(path), "the annotation file")) from None
    found = {}
    for source in session.images:
        for one in truth:
            if one.image.rpartition("/")[2] == source.name:
                found[source.id] = tuple(tuple(box) for box in one.boxes.tolist())
    if not found:
        raise FormatError("the annotation file names none of the images here")
    session.change("import_truth", lambda d: replace(d, truth={**d.truth, **found}))
    return {"images": len(found), **_changed(session, {})}


def _take_network(session: Session, given: Mapping[str, str], path: Path, digest: str) -> Any:
    from spel.nn import load
    from spel.studio.commands import _title

    try:
        network = load(path)
    except FormatError as error:
        raise FormatError(str(error).replace(str(path), "the network file")) from None
    name = _title(given.get("name", "network").removesuffix(".safetensors"))
    while name in session.document.networks:
        name += "'"
    session.change("add_network", lambda d: d.with_entry(name, Entry(network)))
    return {"name": name, **_changed(session, {})}


# -- the page's own files ------------------------------------------------------------------------

Known = dict[str, tuple[bytes, str, str]]


def _static_files() -> Known:
    """All files of the page by name, read once: no name from a request ever meets a path."""
    found = {}
    for path in sorted(STATIC.rglob("*")):
        if path.is_file() and path.suffix in TYPES:
            data = path.read_bytes()
            tag = f'"{blake2b(data, digest_size=8).hexdigest()}"'
            found[path.relative_to(STATIC).as_posix()] = (data, TYPES[path.suffix], tag)
    return found


def _static(static: Known, name: str, request: Request) -> Response:
    if name not in static:
        return Response("not found", status_code=404)
    data, kind, tag = static[name]
    headers = {"ETag": tag, **AGAIN}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind, headers=headers)
