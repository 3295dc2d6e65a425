"""Requests that read: each takes the query apart and returns a view."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from spel.errors import ParameterError
from spel.studio import exports
from spel.studio.images import source_id
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.views.folders import picture_view, thumb_view
from spel.studio.views.images import image_view, planes_view, window_view
from spel.studio.views.kernels import kernels_view
from spel.studio.views.labels import labels_view
from spel.studio.views.objects import objects_view
from spel.studio.views.packing import Json, Packed, packed
from spel.studio.views.patch_space import cloud_view
from spel.studio.views.runs import (
    bank_view,
    channel_view,
    histogram_view,
    run_view,
    thumbs_view,
    trace_view,
)
from spel.studio.views.strokes import stroke_view, wavering_view
from spel.studio.views.true_masks import mask_view, true_mask_view
from spel.studio.web.respond import BINARY
from spel.studio.web.wire import pack

IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}
"""An activation's id is a hash of what made it, so its content never changes."""


def _text(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if value is None:
        raise ParameterError(f"the parameter {name!r} is missing")
    return value


def _optional_number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    return None if value in (None, "") else _whole(str(value), name)


def _number(request: Request, name: str, default: int) -> int:
    value = _optional_number(request, name)
    return default if value is None else value


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ParameterError(f"{name} {text!r:.40}; expected a whole number") from None


def _list(request: Request, name: str) -> list[str]:
    return [item for item in request.query_params.get(name, "").split(",") if item]


def view_of(request: Request) -> dict[str, Any]:
    """What the page shows, from the query; None where a value is empty."""
    return {k: (v if v != "" else None) for k, v in request.query_params.items()}


def image(session: Session, request: Request) -> Packed:
    """The image of an id, for display: all its channels, or one."""
    return image_view(session, request.path_params["id"], _optional_number(request, "channel"))


def window(session: Session, request: Request) -> Packed:
    """A square part of an image, with its own numbers."""
    corner = (_number(request, "row", 0), _number(request, "col", 0))
    return window_view(session, request.path_params["id"], corner, _number(request, "size", 64))


def planes(session: Session, request: Request) -> Packed:
    """The planes of a volume along one axis."""
    return planes_view(session, request.path_params["id"], _number(request, "axis", 0))


def thumb(session: Session, request: Request) -> Packed:
    """An image, small."""
    return thumb_view(session, request.path_params["id"])


def result_picture(session: Session, request: Request) -> Packed:
    """A picture from the results of a task."""
    task = session.tasks.get(request.path_params["id"])
    return picture_view(task, request.path_params["index"])


def task_picture(session: Session, request: Request) -> Packed:
    """The image that a task has made."""
    picture = session.tasks.get(request.path_params["id"]).picture
    if picture is None:
        raise Refusal("no_picture", "this picture is not there any more; make it again")
    return packed({}, picture)


def run(session: Session, request: Request) -> Json:
    """What a network gives on an image: shape and range of every step."""
    network, image = _text(request, "network"), _text(request, "image")
    return run_view(session.run(network, image), network)


def thumbs(session: Session, request: Request) -> Packed:
    """The channels of several activations, small."""
    return thumbs_view(session, _list(request, "ids"), _number(request, "side", 144))


def channel(session: Session, request: Request) -> Response:
    """One channel of an activation; a browser may keep it for ever."""
    id, number = request.path_params["id"], request.path_params["channel"]
    view = channel_view(session, id, number, _number(request, "step", 1))
    return Response(pack(*view), media_type=BINARY, headers=IMMUTABLE)


def histogram(session: Session, request: Request) -> Json:
    """The histogram of one channel of an activation."""
    return histogram_view(session, _text(request, "id"), _number(request, "channel", 0))


def trace(session: Session, request: Request) -> Json:
    """Every number behind one value of a step."""
    at = (_whole(_text(request, "row"), "row"), _whole(_text(request, "col"), "col"))
    return trace_view(
        session,
        _text(request, "network"),
        _text(request, "image"),
        _text(request, "node"),
        at,
        _optional_number(request, "channel"),
    )


def labels(session: Session, request: Request) -> Packed:
    """The class of each pixel, and how many objects each class has."""
    return labels_view(session, _text(request, "network"), _text(request, "image"))


def objects(session: Session, request: Request) -> Json:
    """The objects that a network finds on an image by its object model, best first."""
    return objects_view(session, _text(request, "network"), _text(request, "image"))


def mask(session: Session, request: Request) -> Packed:
    """The mask that a network makes of an image."""
    return mask_view(session, _text(request, "network"), _text(request, "image"))


def true_mask(session: Session, request: Request) -> Packed:
    """The true mask of an image."""
    return true_mask_view(session, request.path_params["id"])


def wavering(session: Session, request: Request) -> Json:
    """Regions without strokes where a network wavers most between classes."""
    return wavering_view(session, _text(request, "network"), _text(request, "image"))


def stroke(session: Session, request: Request) -> Json:
    """The cross-validated effect of one stroke on the other marked images."""
    names = ("network", "image", "stroke")
    return stroke_view(session, *(_text(request, name) for name in names))


def bank(session: Session, request: Request) -> Packed:
    """The kernels of a convolution, with their weights and where they come from."""
    return bank_view(session, _text(request, "network"), _text(request, "node"))


def cloud(session: Session, request: Request) -> Packed:
    """The patches of an image in patch space, seen along two directions."""
    return cloud_view(
        session,
        _text(request, "network"),
        _text(request, "image"),
        _text(request, "node"),
        kernel=_number(request, "kernel", 0),
        directions=request.query_params.get("directions", "kernel"),
        entries=[_whole(entry, "entries") for entry in _list(request, "entries")],
        normalized=request.query_params.get("normalized") == "1",
    )


def kernels(session: Session, request: Request) -> Packed:
    """What is known of each kernel on some images, to judge and compare them."""
    images = [i for i in _list(request, "images") if source_id(i) in session.image_ids()]
    return kernels_view(session, _text(request, "network"), _text(request, "node"), images)


def export(session: Session, request: Request) -> Response:
    """A file to download: a network, its code, a picture."""
    name, media_type, data = exports.export(session, request.path_params["kind"], view_of(request))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)
