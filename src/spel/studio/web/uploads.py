"""Files that come in: each is written to the session's folder piece by piece, then taken."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from spel.errors import FormatError
from spel.io.annotation.libift import read_arch
from spel.io.annotation.markers import convention_of, read_markers
from spel.io.isolation import AVAILABLE
from spel.io.opening import shown_name
from spel.nn import load
from spel.studio import matrix
from spel.studio.commands.strokes import with_markers
from spel.studio.document import Entry, display_name
from spel.studio.lessons import network_names
from spel.studio.session import Session
from spel.studio.views.document import network_view
from spel.studio.views.packing import Json
from spel.studio.web.changes import after_change
from spel.studio.web.respond import disk_response, respond

Query = Mapping[str, str]
Take = Callable[[Session, Query, Path, str], Json]
"""From the session, the query, the file and the hash of its content to a view."""


async def receive(session: Session, request: Request, take: Take) -> Response:
    """Write the body of a request to a file, then take the file."""
    try:
        path = session.uploads / f"{secrets.token_hex(8)}.part"
    except OSError as error:
        return disk_response(error)
    digest = blake2b(digest_size=12)
    try:
        with path.open("wb") as file:
            async for chunk in request.stream():
                digest.update(chunk)
                file.write(chunk)
    except OSError as error:
        path.unlink(missing_ok=True)
        return disk_response(error)
    except BaseException:  # the client left, or its body was refused
        path.unlink(missing_ok=True)
        raise
    query = dict(request.query_params)
    try:
        return await respond(session, lambda: take(session, query, path, digest.hexdigest()))
    finally:
        path.unlink(missing_ok=True)


def take_image(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Add an image to the session."""
    stored = session.uploads / f"{digest}.bin"
    name = query.get("name", "image")
    if name.lower().endswith(matrix.SUFFIXES):
        _write_matrix(path, stored)
        name = Path(name).stem
    else:
        path.replace(stored)
    source = session.add_upload(stored, name)
    if source.id in session.document.removed:
        removed = tuple(i for i in session.document.removed if i != source.id)
        session.change("add_image", lambda d: replace(d, removed=removed))
    return {"id": source.id, **after_change(session, {})}


def _write_matrix(path: Path, stored: Path) -> None:
    """Write the numbers of a text file as an array."""
    if path.stat().st_size > matrix.MAX_BYTES:
        raise FormatError(f"matrix: more than {matrix.MAX_BYTES >> 20} MB of text")
    values = matrix.parse_matrix(path.read_text(encoding="utf-8", errors="replace"))
    with stored.open("wb") as file:
        np.save(file, values)


def take_markers(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Put the markers of a file on an image."""
    name = query.get("name", "").lower()
    suffix = next((s for s in (".json", ".png", ".txt") if name.endswith(s)), ".txt")
    typed = path.with_suffix(suffix)
    path.replace(typed)
    convention = query.get("convention", "auto")
    try:
        markers = read_markers(typed, convention=convention, isolate=AVAILABLE)
    except FormatError as error:
        reason = str(error).replace(shown_name(typed), "the marker file")
        raise FormatError(reason.replace(str(typed), "the marker file")) from None
    finally:
        typed.unlink(missing_ok=True)
    image = session.load(query["image"])
    stem = f"m{session.revision}"
    session.change("import_markers", lambda d: with_markers(d, image, markers, stem))
    return {**after_change(session, {}), "note": convention_of(markers)}


def take_network(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Add a network to the document, or an architecture whose kernels are still to be learned."""
    stated = query.get("name", "network")
    is_architecture = stated.lower().endswith(".json")
    try:
        network = read_arch(path) if is_architecture else load(path)
    except FormatError as error:
        raise FormatError(str(error).replace(str(path), "the network file")) from None
    name = display_name(stated.removesuffix(".safetensors").removesuffix(".json"))
    while name in (*session.document.networks, *network_names()):
        name += "'"
    entry = Entry(network)
    network_view(name, entry)  # a network that cannot be shown or saved is refused here
    session.file_of(network)
    session.change("add_network", lambda d: d.with_entry(name, entry))
    return {"name": name, **after_change(session, {})}
