"""Requests with a JSON body: commands, undo and redo, and decisions that are tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from spel.errors import FormatError, SpelError
from spel.studio.session import Session
from spel.studio.views import detections
from spel.studio.views.document import document_view
from spel.studio.views.packing import Json
from spel.studio.views.runs import run_view

Body = Mapping[str, Any]


def after_change(session: Session, body: Body) -> Json:
    """The document after a change, and the run that the page shows.

    The change is done: where the network cannot be run, the reply says why instead.
    """
    view: Json = {"document": document_view(session, body.get("drawn"))}
    shown = body.get("run")
    if isinstance(shown, dict) and shown.get("network") in session.document.networks:
        name = str(shown["network"])
        try:
            view["run"] = run_view(session.run(name, str(shown["image"])), name)
        except SpelError as error:
            view["run_problem"] = str(error)
    return view


def do(session: Session, body: Body) -> Json:
    """Apply a command."""
    command = body["command"]
    if not isinstance(command, dict):
        raise FormatError("command: expected a JSON object")
    gesture = body.get("gesture")
    session.do(
        command,
        revision=body.get("revision"),
        gesture=None if gesture is None else str(gesture),
    )
    return after_change(session, body)


def undo(session: Session, body: Body) -> Json:
    """Revert the last step."""
    return _step(session, session.undo, body)


def redo(session: Session, body: Body) -> Json:
    """Repeat the step that was reverted last."""
    return _step(session, session.redo, body)


def _step(session: Session, step: Callable[[int | None], bool], body: Body) -> Json:
    step(body.get("revision"))
    return after_change(session, body)


def set_view(session: Session, body: Body) -> Json:
    """Remember what the page shows."""
    session.set_view(body)
    return {}


def boxes(session: Session, body: Body) -> Json:
    """Boxes on an image by a decision that is tried."""
    return detections.boxes_view(session, body["network"], body["image"], body.get("decision"))


def quality(session: Session, body: Body) -> Json:
    """Precision and recall of a decision that is tried."""
    return detections.quality_view(session, body["network"], body.get("decision"))


def why(session: Session, body: Body) -> Json:
    """Why a box is there."""
    return detections.why_view(
        session, body["network"], body["image"], int(body["index"]), body.get("decision")
    )
