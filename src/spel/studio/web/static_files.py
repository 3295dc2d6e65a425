"""The page's own files, read once at the start."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


class StaticFiles:
    """All files of the page by name: no name in a request is ever used as a path."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, str, str]] = {}
        for path in sorted(FOLDER.rglob("*")):
            if path.is_file() and path.suffix in TYPES:
                data = path.read_bytes()
                tag = f'"{blake2b(data, digest_size=8).hexdigest()}"'
                name = path.relative_to(FOLDER).as_posix()
                self._files[name] = (data, TYPES[path.suffix], tag)

    def respond(self, name: str, request: Request) -> Response:
        """A file; 304 if the browser has this version of it."""
        if name not in self._files:
            return Response("not found", status_code=404)
        data, media_type, tag = self._files[name]
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=media_type, headers=headers)
