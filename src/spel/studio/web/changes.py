"""Requests with a JSON body: commands, undo and redo, and decisions that are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from spel.errors import FormatError, SpelError
from spel.studio import folder_runs
from spel.studio.detectors import learn_from_truth
from spel.studio.document import Entry, display_name
from spel.studio.inverting import invert_step
from spel.studio.session import Session
from spel.studio.statistics import fitted_entry
from spel.studio.stroke_cut import cut_along_strokes
from spel.studio.tasks import Task
from spel.studio.views import detections
from spel.studio.views.document import document_view
from spel.studio.views.packing import Json
from spel.studio.views.runs import run_view
from spel.studio.views.true_masks import masks_quality

Body = Mapping[str, Any]


def after_change(session: Session, body: Body) -> Json:
    """The document after a change, and the run that the page shows.

    The change is done: where the network cannot be run, the reply says why instead. It is on the
    disk, too, or the document names the problem; only in the middle of a gesture nobody waits.
    """
    view: Json = {"document": document_view(session, body.get("drawn"))}
    shown = body.get("run")
    if isinstance(shown, dict) and shown.get("network") in session.document.networks:
        name = str(shown["network"])
        try:
            view["run"] = run_view(session.run(name, str(shown["image"])), name)
        except SpelError as error:
            view["run_problem"] = str(error)
    if body.get("gesture") is None:  # it was written while the network ran
        session.flush()
        view["document"]["problem"] = session.problem
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


def judge(session: Session, body: Body) -> Json:
    """Begin to judge a decision on all images with true boxes; the answer is the task."""
    network, tried = body["network"], body.get("decision")
    session.document.entry(network)

    def work(task: Task) -> None:
        def on_image(name: str, done: int, total: int) -> None:
            task.done, task.total = done, total
            task.say(name)

        boxes = detections.quality_view(session, network, tried, on_image)
        task.result = {**boxes, "masks": masks_quality(session, network, on_image)}

    return session.tasks.start("judge", work).to_dict()


def learn_boxes(session: Session, body: Body) -> Json:
    """Begin to learn a detector from the true boxes; the answer is the task."""
    name = display_name(body.get("network", "from boxes"))
    document, adjust = session.document, bool(body.get("adjust", False))
    document.check_room(name)

    def work(task: Task) -> None:
        network = learn_from_truth(document, session, task.say, adjust=adjust)
        session.change("learn_boxes", lambda d: d.with_entry(name, Entry(network)))
        task.result = {"network": name}

    return session.tasks.start("learn_boxes", work).to_dict()


def fit_statistics(session: Session, body: Body) -> Json:
    """Begin to take the statistics of a step from all images; the answer is the task."""
    network, node = str(body["network"]), str(body["node"])
    entry = session.document.entry(network)

    def work(task: Task) -> None:
        task.total = len(session.image_ids())

        def images() -> Iterator[str]:
            for image in session.image_ids():
                task.check()
                yield image
                task.done += 1

        fitted = fitted_entry(entry, node, session, images())
        session.change("fit_statistics", lambda d: d.with_entry(network, fitted(d.entry(network))))

    return session.tasks.start("fit_statistics", work).to_dict()


def run_folder(session: Session, body: Body) -> Json:
    """Begin to apply a network to the images of a folder; the answer is the task."""
    network, image, folder = (str(body[name]) for name in ("network", "image", "folder"))
    factor = float(body.get("factor", 1))
    session.document.entry(network)
    work = partial(folder_runs.run_folder, session, network, image, folder, factor)
    return session.tasks.start("run_folder", work).to_dict()


def invert(session: Session, body: Body) -> Json:
    """Begin to invert a step; the answer is the task."""
    network, image, step = (str(body[name]) for name in ("network", "image", "step"))
    session.document.entry(network)
    guess = body.get("guess") is True
    work = partial(invert_step, session, network, image, step, guess=guess)
    return session.tasks.start("invert", work).to_dict()


def cut(session: Session, body: Body) -> Json:
    """Begin to cut the true mask of an image along its strokes; the answer is the task."""
    work = partial(cut_along_strokes, session, str(body["image"]))
    return session.tasks.start("cut", work).to_dict()


def stop_task(session: Session, body: Body) -> Json:
    """Let a task stop soon."""
    task = session.tasks.get(str(body["id"]))
    task.stop()
    return task.to_dict()


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
