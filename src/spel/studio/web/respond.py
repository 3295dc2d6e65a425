"""From work to a response: it runs in a thread, and errors become one line and a status."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from spel.errors import FormatError, ImageReadError, SpelError, WriteError
from spel.io.json_files import parse_json
from spel.studio.images import NoImageError
from spel.studio.refusals import Refusal, sentence
from spel.studio.session import ConflictError, Session
from spel.studio.views.document import document_view
from spel.studio.views.packing import finite_json
from spel.studio.views.runs import NotCachedError
from spel.studio.web.wire import pack

BINARY = "application/octet-stream"
REVALIDATE = {"Cache-Control": "no-cache"}
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT)


async def respond(session: Session, work: Callable[[], Any]) -> Response:
    """Do the work in a thread, and turn its result or its error into a response.

    A `Response` is sent as it is, a tuple as packed arrays, anything else as JSON.
    """
    try:
        result = await run_in_threadpool(work)
    except ConflictError as error:
        refused = {"error": str(error), "code": "conflict"}
        return json_response({**refused, "document": document_view(session)}, 409)
    except NoImageError as error:
        return json_response({"error": str(error), "code": "no_image"}, 404)
    except NotCachedError as error:
        return json_response({"error": str(error), "code": "not_cached"}, 404)
    except OSError as error:
        return disk_response(error)
    except SpelError as error:
        return json_response({"error": sentence(error), **_coded(error)}, 422)
    except KeyError as error:
        missing = f"the field {error.args[0]!r:.60} is missing"
        return json_response({"error": missing, "code": "unfit_request"}, 422)
    except (TypeError, ValueError, OverflowError, AttributeError):
        unfit = "the request does not fit: a value is of another kind than expected"
        return json_response({"error": unfit, "code": "unfit_request"}, 422)
    except MemoryError:
        little = "there is not enough memory for this"
        return json_response({"error": little, "code": "no_memory"}, 422)
    if isinstance(result, Response):
        return result
    if isinstance(result, tuple):
        return Response(pack(*result), media_type=BINARY, headers=REVALIDATE)
    return json_response(result)


def disk_response(error: OSError) -> Response:
    """What went wrong while a file was written or read."""
    no_space = error.errno in _DISK_ERRORS or isinstance(error, WriteError)
    view = {"error": sentence(error), **({"code": "disk_full"} if no_space else {})}
    return json_response(view, 507 if no_space else 422)


def _coded(error: SpelError) -> dict[str, Any]:
    """What the page needs to say an error in its own language."""
    if isinstance(error, Refusal):
        return {"code": error.code, "values": error.values}
    # What the engine or a file's reader refuses: the page says in its language that it did.
    view = {"code": "other", "values": {"reason": sentence(error)}}
    return {**view, "broken": True} if isinstance(error, ImageReadError) else view


def json_response(value: Any, status: int = 200) -> Response:
    """The value as JSON in ASCII, which also carries text that is not valid Unicode."""
    text = json.dumps(finite_json(value), allow_nan=False)
    return Response(text, status_code=status, media_type="application/json")


def parse_body(data: bytes) -> dict[str, Any]:
    """The JSON object in the body of a request.

    Raises
    ------
    FormatError
        If the body is not a JSON object.
    """
    body = parse_json(data, name="request")
    if not isinstance(body, dict):
        raise FormatError("request: expected a JSON object")
    return body
